"""Keeping the fleet: the roster of an account's agents, and their figures by the hour of a day.

Both are made of the counted hours, and replaced whenever a day is summed up.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from auditlogs.entry.times import DAY_MS, HOUR_MS, from_ms, now
from auditlogs.storage import fleet, mongo
from auditlogs.storage.counts import FORMAT, TOKEN_FIELD, Span, Tally
from auditlogs.storage.fleet import Hour, Kind, Listed
from auditlogs.storage.mongo import Document
from auditlogs.storage.retention import oldest_ms

T = TypeVar("T", Tally, Listed)

# The last active are listed. As JSON they are about 1 MB.
MAX_LISTED = 10_000

WRITE_SECONDS = 10.0


def keep(account: str, day: int, hours: list[Span], token: int) -> None:
    """Keep the fleet of the day that starts at `day`, in ms, from its hours, and update the roster,
    under a fencing token. Raises StorageError."""
    is_cut = any(span.is_cut for span in hours)
    agents = msgspec.json.encode(_roster(account, hours)).decode()
    documents = [
        _document(account, "fleet", day, token, hours=_by_group(hours), isCut=is_cut),
        _document(account, "roster", 0, token, agents=agents),
    ]
    with mongo.time_limit(WRITE_SECONDS):
        mongo.replace_older_counters(documents, TOKEN_FIELD)


def _by_group(hours: Iterable[Span]) -> dict[str, str]:
    by_bot: dict[str, list[Hour]] = defaultdict(list)
    for span in hours:
        for tally in span.tallies:
            number = span.start % DAY_MS // HOUR_MS
            by_bot[tally.bot].append(Hour(number, tally.entries, tally.failures))
    groups: dict[str, fleet.Hours] = defaultdict(list)
    for bot, of_bot in by_bot.items():
        groups[fleet.group_of(bot)].append((bot, of_bot))
    # As text, which decodes faster than BSON, and of which only the groups in question are decoded.
    return {group: msgspec.json.encode(of_group).decode() for group, of_group in groups.items()}


def _roster(account: str, hours: list[Span]) -> list[Listed]:
    agents = {agent.bot: agent for agent in fleet.roster(account)}
    for tally in (tally for span in hours for tally in span.tallies):
        last = tally.last_ms
        seen = Listed(tally.bot, last, tally.agent, tally.name, tally.is_own, acted_ms=last)
        agents[tally.bot] = _newest(agents.get(tally.bot), seen)
    oldest = oldest_ms(now())
    within = (agent for agent in agents.values() if agent.last_ms >= oldest)
    return sorted(within, key=lambda agent: (-agent.last_ms, agent.bot))[:MAX_LISTED]


def _newest(one: Listed | None, other: Listed) -> Listed:
    """Return the later of two, with the agent that acted last. Days are counted in any order."""
    if one is None:
        return other
    earlier, later = sorted((one, other), key=_acted_ms)
    return msgspec.structs.replace(
        acting_last(earlier, later), last_ms=max(one.last_ms, other.last_ms)
    )


def _acted_ms(agent: Listed) -> int:
    return agent.last_ms if agent.acted_ms is None else agent.acted_ms


def acting_last(earlier: T, later: T) -> T:
    """Return the one whose agent is the bot's: the later in which its own acted, else the later in
    which any did."""

    def rank(one: T) -> tuple[bool, bool]:
        return one.agent is not None and one.is_own, one.agent is not None

    return max(later, earlier, key=rank)


def _document(account: str, kind: Kind, start: int, token: int, **content: Any) -> Document:
    return {
        "_id": fleet.document_id(account, kind, start),
        "account": account,
        "kind": kind,
        "format": FORMAT,
        "start": from_ms(start),
        # The field of the TTL index. The roster stays as long as agents are counted.
        "end": from_ms(start + DAY_MS) if kind == "fleet" else now(),
        TOKEN_FIELD: token,
        "computedAt": now(),
        **content,
    }
