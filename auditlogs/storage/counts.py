"""The kept counters as they are read: how many entries each bot of an account has, by hour and by
day, and how many of them failed."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from auditlogs.entry.times import DAY_MS, HOUR_MS, from_ms, to_ms
from auditlogs.storage import mongo

READ_SECONDS = 5.0

Kind = Literal["hour", "day"]
LENGTHS_MS: dict[Kind, int] = {"hour": HOUR_MS, "day": DAY_MS}


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """What was counted of a bot in a span of time: entries, those that failed and those that worked
    in part, and the time of the last, in milliseconds.

    `agent` and `name` are those of the agent that acted last; None where only others have acted.
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
    """An hour or a day of an account, from its start in milliseconds on: a tally for each bot,
    sorted by its id; `is_cut` tells that there were more bots than are counted."""

    start: int
    tallies: list[Tally]
    is_cut: bool


_tallies = msgspec.json.Decoder(list[Tally])


def kept(account: str, kind: Kind, start: int, before: int | None = None) -> list[Span]:
    """Return the spans of an account that are kept, by their start: from one on, up to another
    (exclusive). Raises StorageError."""
    reach = {"$gte": from_ms(start)} | ({} if before is None else {"$lt": from_ms(before)})
    wanted = {"account": account, "kind": kind, "start": reach}
    fields = {"_id": 0, "start": 1, "bots": 1, "isCut": 1}
    with mongo.time_limit(READ_SECONDS):
        found = list(mongo.counters().find(wanted, fields).sort("start", 1))
    return [
        Span(to_ms(each["start"]), _tallies.decode(each["bots"]), each["isCut"]) for each in found
    ]


def start_of(kind: Kind, ms: int) -> int:
    """Return the start of the hour or the day that holds a millisecond."""
    return ms // LENGTHS_MS[kind] * LENGTHS_MS[kind]
