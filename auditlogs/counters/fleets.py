"""Keeping the fleet: the roster of an account's agents, and their figures by the hour of a day.

Both are made of the counted hours, and replaced whenever a day is summed up.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from auditlogs.counters.leader import TOKEN_FIELD
from auditlogs.entry.times import DAY_MS, from_ms, now
from auditlogs.storage import fleet, mongo
from auditlogs.storage.counts import READ_SECONDS, Span, kept, start_of
from auditlogs.storage.fleet import Hour, Kind, Listed
from auditlogs.storage.retention import oldest_ms

# The last active are listed. As JSON they are about 1 MB.
MAX_LISTED = 10_000


def keep(account: str, day: int, token: int) -> None:
    """Keep the fleet of the day that starts at `day`, in ms, under a fencing token, and update the
    roster. Raises StorageError."""
    hours = kept(account, "hour", day, day + DAY_MS)
    if hours:
        is_cut = any(span.is_cut for span in hours)
        _keep(account, "fleet", day, token, hours=_by_group(hours), isCut=is_cut)
        text = msgspec.json.encode(_roster(account, hours)).decode()
        _keep(account, "roster", 0, token, agents=text)


def _by_group(hours: Iterable[Span]) -> dict[str, str]:
    by_bot: dict[str, list[Hour]] = defaultdict(list)
    for span in hours:
        for tally in span.tallies:
            by_bot[tally.bot].append(Hour(span.start, tally.entries, tally.failures))
    groups: dict[str, fleet.Hours] = defaultdict(list)
    for bot, of_bot in by_bot.items():
        groups[fleet.group_of(bot)].append((bot, of_bot))
    # As text, which decodes faster than BSON, and of which only the groups in question are decoded.
    return {group: msgspec.json.encode(of_group).decode() for group, of_group in groups.items()}


def _roster(account: str, hours: list[Span]) -> list[Listed]:
    oldest = oldest_ms(now())
    listed = fleet.roster(account)
    spans = hours if listed is not None else kept(account, "day", start_of("day", oldest))
    agents = {agent.bot: agent for agent in listed or ()}
    for span in spans:
        for tally in span.tallies:
            seen = Listed(tally.bot, tally.last_ms, tally.agent, tally.name)
            agents[tally.bot] = _newest(agents.get(tally.bot), seen)
    within = (agent for agent in agents.values() if agent.last_ms >= oldest)
    return sorted(within, key=lambda agent: (-agent.last_ms, agent.bot))[:MAX_LISTED]


def _newest(one: Listed | None, other: Listed) -> Listed:
    """Return the later of two, with the name of the earlier where none acted in the later."""
    if one is None:
        return other
    earlier, later = sorted((one, other), key=lambda each: each.last_ms)
    acting = later if later.agent is not None else earlier
    return Listed(later.bot, later.last_ms, acting.agent, acting.name)


def _keep(account: str, kind: Kind, start: int, token: int, **content: Any) -> None:
    document = {
        "_id": fleet.document_id(account, kind, start),
        "account": account,
        "kind": kind,
        "start": from_ms(start),
        # The field of the TTL index. The roster stays as long as agents are counted.
        "end": from_ms(start + DAY_MS) if start else now(),
        TOKEN_FIELD: token,
        "computedAt": now(),
        **content,
    }
    with mongo.time_limit(READ_SECONDS):
        mongo.replace_counters(document, {TOKEN_FIELD: {"$lte": token}})
