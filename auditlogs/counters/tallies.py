"""Computing the counters: entries and failures of each bot of an account, by hour and by day.

An hour is counted as a whole from the log and its document replaced. Counters are never
incremented, so counting twice is harmless. A day is the sum of its hours.
"""

from itertools import groupby
from typing import Any

import msgspec

from auditlogs.counters.leader import TOKEN_FIELD
from auditlogs.entry.identity import id_ms
from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import DAY_MS, HOUR_MS, from_ms, now
from auditlogs.query.entries import Entries
from auditlogs.storage import mongo
from auditlogs.storage.counts import LENGTHS_MS, READ_SECONDS, Kind, Span, Tally, kept
from auditlogs.storage.mongo import Document, TookTooLong
from auditlogs.storage.retention import oldest_ms

# Only the first bots of an hour, by id, are counted; `is_cut` tells readers when there were more.
MAX_BOTS = 2_000
# One row for each of three actor types and three results.
MAX_ROWS = MAX_BOTS * 9
# An hour that cannot be read within the time limit is read in halves, down to this length.
SHORTEST_MS = 60_000

COUNT: tuple[Document, ...] = (
    {"$match": {"botId": {"$ne": None}}},
    {"$sort": {"_id": 1}},
    {
        "$group": {
            "_id": {"bot": "$botId", "by": "$actor.type", "result": "$result"},
            "entries": {"$sum": 1},
            "last": {"$last": "$_id"},
            "actor": {"$last": "$actor"},
        }
    },
    {"$sort": {"_id.bot": 1}},
    {"$limit": MAX_ROWS + 1},
)


def count_hour(account: str, hour: int, token: int) -> None:
    """Count the hour of an account that starts at `hour`, in ms, under a fencing token.

    An hour older than the retention is left as it is, because its entries may be gone; so is one
    that was counted under a higher token. Raises StorageError.
    """
    if hour + HOUR_MS > oldest_ms(now()):
        tallies, is_cut = _count(account, hour)
        _keep(account, "hour", Span(hour, tallies, is_cut), token)


def sum_day(account: str, day: int, token: int) -> None:
    """Sum up the hours of the day that starts at `day`, in ms. Raises StorageError."""
    parts = kept(account, "hour", day, day + DAY_MS)
    is_cut = any(part.is_cut for part in parts)
    _keep(account, "day", Span(day, _sum(parts), is_cut), token)


def _count(account: str, hour: int) -> tuple[list[Tally], bool]:
    """Count an hour; also return whether it has more bots than are counted."""
    rows = sorted(_read(account, hour, hour + HOUR_MS), key=_bot_of)
    tallies = [_tally(bot, list(of_bot)) for bot, of_bot in groupby(rows, _bot_of)]
    return tallies[:MAX_BOTS], len(tallies) > MAX_BOTS


def _read(account: str, start: int, end: int) -> list[Document]:
    try:
        return Entries.of(account).aggregate(start, end, *COUNT)
    except TookTooLong:
        if end - start <= SHORTEST_MS:
            raise
    middle = (start + end) // 2
    return [*_read(account, start, middle), *_read(account, middle, end)]


def _tally(bot: str, rows: list[Document]) -> Tally:
    def count(result: str | None = None) -> int:
        return sum(r["entries"] for r in rows if result in (None, r["_id"]["result"]))

    acted = [row for row in rows if row["_id"]["by"] == "agent"]
    actor: dict[str, Any] = max(acted, key=_last_of)["actor"] if acted else {}
    last_ms = id_ms(max(map(_last_of, rows)))
    figures = (count(), count("failure"), count("partial"), last_ms)
    return Tally(bot, *figures, actor.get("id"), actor.get("name"))


def _sum(parts: list[Span]) -> list[Tally]:
    """Add up the tallies of spans, which must be in the order of time."""
    total: dict[str, Tally] = {}
    for tally in (tally for part in parts for tally in part.tallies):
        earlier = total.get(tally.bot)
        total[tally.bot] = tally if earlier is None else _add(earlier, tally)
    return sorted(total.values(), key=lambda tally: tally.bot)


def _add(earlier: Tally, later: Tally) -> Tally:
    acting = later if later.agent is not None else earlier
    return Tally(
        later.bot,
        earlier.entries + later.entries,
        earlier.failures + later.failures,
        earlier.partial + later.partial,
        later.last_ms,
        acting.agent,
        acting.name,
    )


def _keep(account: str, kind: Kind, span: Span, token: int) -> None:
    """Store a span unless the stored one has a higher fencing token. A worker that was paused while
    it counted, and has been replaced, must not overwrite a newer count with its old one."""
    if not span.tallies:
        return
    document = {
        "_id": SEPARATOR.join((account, kind, f"{span.start:015}")),
        "account": account,
        "kind": kind,
        "start": from_ms(span.start),
        # The field of the TTL index.
        "end": from_ms(span.start + LENGTHS_MS[kind]),
        # As text, because many tallies decode several times faster from JSON than from BSON.
        "bots": msgspec.json.encode(span.tallies).decode(),
        "isCut": span.is_cut,
        TOKEN_FIELD: token,
        "computedAt": now(),
    }
    with mongo.time_limit(READ_SECONDS):
        mongo.replace_counters(document, {TOKEN_FIELD: {"$lte": token}})


def _bot_of(row: Document) -> str:
    bot: str = row["_id"]["bot"]
    return bot


def _last_of(row: Document) -> Any:
    return row["last"]
