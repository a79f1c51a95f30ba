"""Reading the fleet: the agents of an account, and the figures of some of them by the hour.

What a page reads grows with the agents that it shows, not with all there are: the roster is one
document, and of the many groups that a day's figures are in, only those of shown agents are read.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import DAY_MS, now, to_ms
from auditlogs.storage import mongo
from auditlogs.storage.counts import FORMAT, READ_SECONDS, start_of
from auditlogs.storage.mongo import Document

Kind = Literal["roster", "fleet"]


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """An agent of the roster: its bot, the time of its last entry in milliseconds, the id and name
    of the agent that acted last, as in a tally, and when that was; what was kept by earlier
    versions has no such time."""

    bot: str
    last_ms: int
    agent: str | None
    name: str | None
    is_own: bool = True
    acted_ms: int | None = None


class Hour(msgspec.Struct, frozen=True, array_like=True):
    """The entries and failures of one bot in an hour; `number` is that of the hour in its day."""

    number: int
    entries: int
    failures: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day of an account that starts at `start`, in milliseconds: the hours of some bots. `is_cut`
    is true when there were more bots in an hour than are counted."""

    start: int
    is_cut: bool
    hours: Mapping[str, list[Hour]]


Hours = list[tuple[str, list[Hour]]]
_roster = msgspec.json.Decoder(list[Listed])
_hours = msgspec.json.Decoder(Hours)


def roster(account: str) -> list[Listed]:
    """Return the counted agents, the last active first. Some may be older than the retention by
    now. Raises StorageError."""
    with mongo.time_limit(READ_SECONDS):
        condition = {"_id": document_id(account, "roster"), "account": account}
        found = mongo.counters().find_one(condition, {"agents": 1})
    return _roster.decode(found["agents"]) if found else []


def days(account: str, bots: Iterable[str], start: int) -> list[Day]:
    """Return the days of an account from that of `start` on, in milliseconds, oldest first, with
    the hours of these bots. Raises StorageError."""
    wanted = set(bots)
    groups = {group_of(bot) for bot in wanted}
    # Entries may be dated a day ahead of the clock of the host that received them.
    starts = range(start_of("day", start), to_ms(now()) + 2 * DAY_MS, DAY_MS)
    ids = [document_id(account, "fleet", each) for each in starts]
    condition = {"_id": {"$in": ids}, "account": account}
    fields = {"_id": 0, "start": 1, "isCut": 1} | {f"hours.{group}": 1 for group in groups}
    with mongo.time_limit(READ_SECONDS):
        found = list(mongo.counters().find(condition, fields))
    return sorted((_day(each, wanted) for each in found), key=lambda day: day.start)


def document_id(account: str, kind: Kind, start: int = 0) -> str:
    """Return the `_id` of the roster, or of the day that starts at `start`, in milliseconds."""
    return SEPARATOR.join((account, kind, f"{start:015}", str(FORMAT)))


def group_of(bot: str) -> str:
    """Return the group of a bot: one of 4,096, so that groups have few bots even of large fleets,
    and a document not too many fields."""
    return hashlib.sha256(bot.encode()).hexdigest()[:3]


def _day(document: Document, bots: set[str]) -> Day:
    hours = {
        bot: of_bot
        for text in document.get("hours", {}).values()
        for bot, of_bot in _hours.decode(text)
        if bot in bots
    }
    return Day(to_ms(document["start"]), document["isCut"], hours)
