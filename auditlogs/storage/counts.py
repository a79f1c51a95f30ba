"""Reading the counters: entries and failures of each bot of an account, by hour and by day."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from auditlogs.entry.times import DAY_MS, HOUR_MS, from_ms, to_ms
from auditlogs.storage import mongo

READ_SECONDS = 5.0

Kind = Literal["hour", "day"]
LENGTHS_MS: dict[Kind, int] = {"hour": HOUR_MS, "day": DAY_MS}


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """The counts of one bot in a span of time: all entries, failed and partial ones, and the time
    of the last in milliseconds.

    `agent` and `name` are the id and name of the agent that acted last; None if no agent acted.
    """

    bot: str
    entries: int
    failures: int
    partial: int
    last_ms: int
    agent: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """An hour or a day of an account. `start` is in milliseconds; `tallies` are sorted by bot id;
    `is_cut` is true when there were more bots than are counted."""

    start: int
    tallies: list[Tally]
    is_cut: bool


_tallies = msgspec.json.Decoder(list[Tally])


def kept(account: str, kind: Kind, start: int, end: int | None = None) -> list[Span]:
    """Return an account's counted spans that start from `start` (inclusive) to `end` (exclusive),
    both in milliseconds, oldest first. Raises StorageError."""
    bounds = {"$gte": from_ms(start)} | ({} if end is None else {"$lt": from_ms(end)})
    condition = {"account": account, "kind": kind, "start": bounds}
    fields = {"_id": 0, "start": 1, "bots": 1, "isCut": 1}
    with mongo.time_limit(READ_SECONDS):
        spans = list(mongo.counters().find(condition, fields).sort("start", 1))
    return [
        Span(to_ms(span["start"]), _tallies.decode(span["bots"]), span["isCut"]) for span in spans
    ]


def start_of(kind: Kind, ms: int) -> int:
    """Return the start, in ms, of the hour or the day (UTC) that contains this millisecond."""
    return ms // LENGTHS_MS[kind] * LENGTHS_MS[kind]
