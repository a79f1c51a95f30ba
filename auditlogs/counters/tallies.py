"""The kept counters: how many entries each bot of an account has, hour by hour, and how many of
them failed.

An hour is counted whole, from the log, and takes the place of what was kept of it. Nothing is ever
added to a counter, so counting again changes nothing. A day is the sum of its hours.
"""

from itertools import groupby
from typing import Any

import msgspec

from auditlogs.entry.identity import id_ms
from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import DAY_MS, HOUR_MS, from_ms, now
from auditlogs.query.entries import Entries
from auditlogs.storage import mongo
from auditlogs.storage.counts import LENGTHS_MS, READ_SECONDS, Kind, Span, Tally, kept
from auditlogs.storage.mongo import Document, TookTooLong
from auditlogs.storage.retention import oldest_ms

# The bots of an hour that are counted, the first by id; what is beyond is dropped, and said.
MAX_BOTS = 2_000
# A bot has a row for each type of actor and each result.
MAX_ROWS = MAX_BOTS * 9
# An hour that takes too long is read in ever shorter parts, down to this.
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


def count_hour(account: str, hour: int, term: int) -> None:
    """Count an hour of an account, by its start in milliseconds; one that has left the log stays
    as it is, and so does what a later term of leading has counted. Raises StorageError."""
    if hour + HOUR_MS > oldest_ms(now()):
        tallies, is_cut = _count(account, hour)
        _keep(account, "hour", Span(hour, tallies, is_cut), term)


def sum_day(account: str, day: int, term: int) -> None:
    """Sum up the hours of a day of an account, by its start in ms. Raises StorageError."""
    parts = kept(account, "hour", day, day + DAY_MS)
    is_cut = any(part.is_cut for part in parts)
    _keep(account, "day", Span(day, _sum(parts), is_cut), term)


def _count(account: str, hour: int) -> tuple[list[Tally], bool]:
    """Count an hour in the log; tell too whether it has more bots than are counted."""
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
    """Return the tallies of spans, the earliest first, as those of one."""
    total: dict[str, Tally] = {}
    for each in (tally for part in parts for tally in part.tallies):
        before = total.get(each.bot)
        total[each.bot] = each if before is None else _add(before, each)
    return sorted(total.values(), key=lambda tally: tally.bot)


def _add(before: Tally, later: Tally) -> Tally:
    known = later if later.agent is not None else before
    return Tally(
        later.bot,
        before.entries + later.entries,
        before.failures + later.failures,
        before.partial + later.partial,
        later.last_ms,
        known.agent,
        known.name,
    )


def _keep(account: str, kind: Kind, span: Span, term: int) -> None:
    """Put a span in the place of what was kept of it, unless that is of a later term: a worker that
    was stopped while it counted, and has been replaced, must not put an old count over a new one.

    As text, many tallies are read several times faster than as documents within one.
    """
    if not span.tallies:
        return
    document = {
        "_id": SEPARATOR.join((account, kind, f"{span.start:015}")),
        "account": account,
        "kind": kind,
        "start": from_ms(span.start),
        # From then on it is kept for as long as entries are.
        "end": from_ms(span.start + LENGTHS_MS[kind]),
        "bots": msgspec.json.encode(span.tallies).decode(),
        "isCut": span.is_cut,
        "term": term,
        "computedAt": now(),
    }
    with mongo.time_limit(READ_SECONDS):
        mongo.replace_counters(document, {"term": {"$lte": term}})


def _bot_of(row: Document) -> str:
    bot: str = row["_id"]["bot"]
    return bot


def _last_of(row: Document) -> Any:
    return row["last"]
