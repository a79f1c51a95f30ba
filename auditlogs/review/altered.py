"""What was executed in a day with other arguments than were approved."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from auditlogs.entry.schema import Entry
from auditlogs.explain.approvals import has_other_arguments
from auditlogs.explain.evidence import newest, within
from auditlogs.explain.story import order_of
from auditlogs.query.entries import Entries
from auditlogs.query.values import Values, escape
from auditlogs.review.days import Days

# What says that somebody approved something, and for which arguments.
GRANTS = ("order.approved", "mcp.elicitation.accepted")
EARLIER = timedelta(hours=24)
# The newest approvals that are compared with what was done, and the entries of them all.
MAX_GRANTS, MAX_ENTRIES = 200, 1_000


@dataclass(frozen=True, slots=True)
class Altered:
    """An entry with other arguments than `by` approved; `target` is what the approval was for, and
    `filters` select all entries of the approval."""

    entry: str
    target: str
    bot: str
    actor: str
    by: str
    at: datetime
    filters: dict[str, str]


def altered(entries: Entries, days: Days) -> list[Altered]:
    """Return what was executed in the day and approved in it or in the 24 hours before, the oldest
    first. Raises StorageError."""
    around = within(entries, days.start - EARLIER, days.end)
    granting = newest(around.keep("action", Values(GRANTS)), MAX_GRANTS, payloads=False)
    grants = {each.approval.id: each for each in granting if each.approval}
    if not grants:
        return []
    of_them = newest(around.keep("facts.approval", Values((*grants,))), MAX_ENTRIES, payloads=False)
    by_approval: dict[str, list[Entry]] = {}
    for each in of_them:
        if each.approval:
            by_approval.setdefault(each.approval.id, []).append(each)
    return sorted(
        (
            _altered(each, grants[name])
            for name, related in by_approval.items()
            for each in related
            if each.instant >= days.start and has_other_arguments(each, related)
        ),
        key=lambda found: found.at,
    )


def _altered(entry: Entry, grant: Entry) -> Altered:
    target = grant.target
    name = (target.name or target.id) if target else order_of(grant) or grant.action
    approval = grant.approval.id if grant.approval else ""
    return Altered(
        entry.id,
        name,
        entry.bot_id or "",
        entry.actor.name or entry.actor.id,
        grant.actor.name or grant.actor.id,
        entry.instant,
        {"approval": escape(approval), "dateRange": "all"},
    )
