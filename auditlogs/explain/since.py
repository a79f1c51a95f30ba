"""What changed since an agent last succeeded at the same action on the same target."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auditlogs.entry.reasons import carried_scopes, text_of, tool_of
from auditlogs.entry.schema import Entry
from auditlogs.explain.changes import Change, changes_of
from auditlogs.explain.evidence import as_parameters, narrowed, newest, within
from auditlogs.explain.keys import named_key
from auditlogs.query.entries import Entries

MAX_SHOWN = 5
# Configuration entries that are looked at, of the agent and of its key.
MAX_READ = 20


@dataclass(frozen=True, slots=True)
class Changed:
    """Changes that one entry made, or that this call shows beside the last that succeeded."""

    instant: datetime
    by: str
    entry_id: str | None
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Since:
    """The last success, if there was one, and what changed after it, the newest first; without a
    success the last changes of the agent. `filters` are those of a list of all its changes.

    Where nothing changed, `earlier` is the last change before that success: what begins to fail may
    still succeed at times.
    """

    success: Entry | None
    changed: Sequence[Changed]
    has_more: bool
    filters: dict[str, str] | None
    earlier: Changed | None = None


def since_success(entry: Entry, entries: Entries) -> Since:
    """Compare an entry with the last of the same actor, action and target that succeeded, and
    return what changed in between. Raises StorageError."""
    entries = entries.whole()
    before = within(entries, None, entry.instant)
    same = [("actor.id", entry.actor.id), ("action", entry.action), ("result", "success")]
    if entry.target is not None:
        same.append(("target.id", entry.target.id))
    success = next(iter(newest(narrowed(before, same))), None)
    start = success.instant if success else None
    configured = _configured(entry, within(entries, start, entry.instant))
    named = {change.field for each in configured for change in each.changes}
    differences = [each for each in _differences(success, entry) if each.field not in named]
    changed = list(configured)
    if differences:
        name = entry.actor.name or entry.actor.id
        changed.insert(0, Changed(entry.instant, name, None, differences))
    filters = None
    if entry.bot_id:
        filters = as_parameters({"botId": entry.bot_id, "action": "config"}, start, entry.instant)
    earlier = None
    if success is not None and not changed:
        earlier = next(iter(_configured(entry, within(entries, None, success.instant), 1)), None)
    return Since(success, changed[:MAX_SHOWN], len(changed) > MAX_SHOWN, filters, earlier)


def _configured(entry: Entry, between: Entries, limit: int = MAX_READ) -> list[Changed]:
    """Return the changes of the entry's agent and of its key, the newest first, up to a limit of
    each."""
    paths = []
    if entry.bot_id:
        paths.append(("botId", entry.bot_id))
    if name := named_key(entry).name:
        paths.append(("facts.key", name))
    found: dict[UUID, Entry] = {}
    for path in paths:
        configuration = narrowed(between, [path, ("actionType", "config"), ("result", "success")])
        found |= {UUID(each.id): each for each in newest(configuration, limit)}
    ordered = [found[id] for id in sorted(found, reverse=True)]
    return [
        Changed(each.instant, each.actor.name or each.actor.id, each.id, changes)
        for each in ordered
        if (changes := changes_of(each) or [Change(each.action)])
    ]


def _differences(success: Entry | None, entry: Entry) -> list[Change]:
    """Return in what a call differs from the last that succeeded, where both say it."""
    if success is None:
        return []
    found = []
    for field, one, other in (
        ("version", _version(success), _version(entry)),
        ("model", _model(success), _model(entry)),
        ("key", named_key(success).name, named_key(entry).name),
        ("tool", tool_of(success), tool_of(entry)),
        ("source address", text_of(success.source_ip), text_of(entry.source_ip)),
    ):
        if one and other and one != other:
            found.append(Change(field, one, other))
    one_scopes, other_scopes = carried_scopes(success), carried_scopes(entry)
    if one_scopes is not None and other_scopes is not None:
        added = tuple(each for each in other_scopes if each not in one_scopes)
        removed = tuple(each for each in one_scopes if each not in other_scopes)
        if added or removed:
            found.append(Change("scopes", added=added, removed=removed, is_list=True))
    return found


def _version(entry: Entry) -> str | None:
    return entry.agent.version if entry.agent else None


def _model(entry: Entry) -> str | None:
    return entry.agent.model if entry.agent else None
