"""Computing the counters: the entries of an account by result, for each value of the fields that
are counted, and what a review needs of them, by quarter of an hour, hour and day.

Quarters are counted as a whole from the log and their documents replaced. Counters are never
incremented, so counting twice is harmless. An hour is the sum of its quarters, a day of its hours.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

import msgspec
from cachetools import TTLCache

from auditlogs.counters import fleets, notes
from auditlogs.counters.notes import Notes
from auditlogs.entry.identity import id_ms
from auditlogs.entry.times import DAY_MS, HOUR_MS, QUARTER_MS, from_ms, now
from auditlogs.query.entries import Entries
from auditlogs.storage import mongo
from auditlogs.storage.counts import (
    DIMENSIONS,
    FORMAT,
    LENGTHS_MS,
    NOTES,
    TOKEN_FIELD,
    Kind,
    Span,
    Tally,
    ValueCount,
    kept_whole,
    span_id,
    start_of,
)
from auditlogs.storage.mongo import Document, TookTooLong
from auditlogs.storage.retention import oldest_ms

# Of each field only so many values are counted one by one in a span, the first in their order, and
# the others together.
MAX_VALUES = 2_000
# More groups than that, or a span that cannot be read within the time limit, are read in halves,
# down to this length. Then all groups are read at once, however many.
MAX_GROUPS = 20_000
SHORTEST_MS = 1_000
# Spans of an account that had too many groups lately, or timed out. Entries are only added to them,
# so when they are counted again, they are read in halves at once. The worker counts in one thread.
TOO_MUCH_SECONDS = 600.0
_too_much: TTLCache[tuple[str, int, int], bool] = TTLCache(10_000, TOO_MUCH_SECONDS)
# Documents replaced by one command.
BATCH = 50

WRITE_SECONDS = 10.0

# The numbers of one value, in the order of `ValueCount`, and the place of each result in them.
Results = dict[str, list[int]]
PLACES = {"failure": 0, "partial": 1, "success": 2}

MS: Document = {"$toLong": "$timestamp"}
PRINCIPALS: Document = {
    "$map": {"input": {"$ifNull": ["$onBehalfOf", []]}, "as": "each", "in": "$$each.type"}
}
GROUP: Document = {
    "$group": {
        "_id": {
            "quarter": {"$subtract": [MS, {"$mod": [MS, QUARTER_MS]}]},
            "actionType": "$actionType",
            "action": "$action",
            "by": "$actor.type",
            "actor": "$actor.id",
            "bot": "$botId",
            "writer": "$assertedBy",
            "result": "$result",
            "facts": notes.FACTS,
            "target": notes.TARGET,
            "denied": notes.IS_DENIED,
            # Whether the actor acts for an agent: then it is probably not the bot's own agent.
            "delegated": {"$in": ["agent", PRINCIPALS]},
        },
        "entries": {"$sum": 1},
        "first": {"$first": "$_id"},
        "last": {"$last": "$_id"},
        "name": {"$last": "$actor.name"},
        "targetName": {"$last": "$target.name"},
    }
}


def count_hours(
    account: str,
    day: int,
    hours: Iterable[int],
    token: int,
    *,
    renew: Callable[[], None],
    is_first: bool = False,
) -> list[Document]:
    """Count some hours of the day that starts at `day`, and sum up the day again, under a fencing
    token. All times are starts, in ms. Return the groups of entries; see `actors_in`.

    An hour older than the retention is left as it is, because its entries may be gone; so is a
    span that was counted under a higher token. `renew` renews the lease, and is called before each
    query. `is_first` says that they have hardly been counted before. Raises StorageError.
    """
    oldest = oldest_ms(now())
    counted = sorted(hour for hour in hours if hour + HOUR_MS > oldest)
    groups = [
        group for start, end in _runs(counted) for group in _count(account, start, end, renew)
    ]
    groups.sort(key=_quarter_of)
    in_quarters = [_quarter(start, list(each)) for start, each in groupby(groups, _quarter_of)]
    in_hours = _sums("hour", in_quarters)
    others = []
    if groups and len(counted) < DAY_MS // HOUR_MS:
        spans = kept_whole(account, "hour", day, day + DAY_MS)
        others = [span for span in spans if span.start not in counted]
    of_day = sorted([*in_hours, *others], key=_start_of) if groups else []
    in_day = _sums("day", of_day)
    keep(account, {"quarter": in_quarters, "hour": in_hours, "day": in_day}, token, is_first)
    if of_day:
        fleets.keep(account, day, of_day, token)
    return groups


def actors_in(groups: Iterable[Document]) -> Iterator[tuple[Document, datetime]]:
    """Yield the actor of each group of entries, and when they acted last."""
    for group in groups:
        key = group["_id"]
        actor = {"type": key["by"], "id": key["actor"], "name": group["name"]}
        yield actor, from_ms(id_ms(group["last"]))


def keep(account: str, spans: dict[Kind, list[Span]], token: int, is_first: bool = False) -> None:
    """Store spans under a fencing token; those of a higher one stay. Raises StorageError."""
    documents = [
        _document(account, kind, span, token) for kind, each in spans.items() for span in each
    ]
    for start in range(0, len(documents), BATCH):
        with mongo.time_limit(WRITE_SECONDS):
            write = mongo.insert_counters if is_first else mongo.replace_older_counters
            write(documents[start : start + BATCH], TOKEN_FIELD)


def _runs(hours: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the ranges [start, end) that sorted hours make where they follow one another."""
    numbered = enumerate(hours)
    for _, run in groupby(numbered, lambda each: each[1] - each[0] * HOUR_MS):
        starts = [hour for _, hour in run]
        yield starts[0], starts[-1] + HOUR_MS


def _count(account: str, start: int, end: int, renew: Callable[[], None]) -> list[Document]:
    """Return the groups of the entries of a range of time, in ms, as `GROUP` makes them."""
    renew()
    if end - start <= SHORTEST_MS:
        return _grouped(account, start, end)
    if (account, start, end) not in _too_much:
        try:
            groups = _grouped(account, start, end, {"$limit": MAX_GROUPS + 1})
            if len(groups) <= MAX_GROUPS:
                return groups
        except TookTooLong:
            pass
        _too_much[account, start, end] = True
    middle = (start + end) // 2
    return [*_count(account, start, middle, renew), *_count(account, middle, end, renew)]


def _grouped(account: str, start: int, end: int, *limit: Document) -> list[Document]:
    return Entries.of(account).aggregate(start, end, {"$sort": {"_id": 1}}, GROUP, *limit)


def _quarter_of(group: Document) -> int:
    quarter: int = group["_id"]["quarter"]
    return quarter


def _quarter(start: int, groups: list[Document]) -> Span:
    counts: dict[str, Results] = {field: defaultdict(_none) for field in DIMENSIONS.values()}
    tallies: dict[str, Tally] = {}
    noted = Notes()
    for group in sorted(groups, key=lambda each: each["last"].bytes):
        key, entries = group["_id"], group["entries"]
        facts = notes.facts_in(group)
        noted.add_group(group, facts)
        place = PLACES[key["result"]]
        counts["types"][key["actionType"]][place] += entries
        counts["actions"][key["action"]][place] += entries
        counts["actors"][key["actor"]][place] += entries
        if key["writer"] is not None:
            counts["writers"][key["writer"]][place] += entries
        for path, values in facts.items():
            for value in values if path in DIMENSIONS else ():
                counts[DIMENSIONS[path]][value][place] += entries
        bot = key["bot"]
        if bot is not None:
            counts["bots"][bot][place] += entries
            alone = Tally(bot, 0, 0, 0, id_ms(group["last"]), None, None)
            if key["by"] == "agent":
                agent, is_own = key["actor"], key["actor"] == bot or not key["delegated"]
                alone = msgspec.structs.replace(
                    alone, agent=agent, name=group["name"], is_own=is_own
                )
            tallies[bot] = _add(tallies[bot], alone) if bot in tallies else alone
    return _cut(start, counts, {}, tallies, noted)


def _sums(kind: Kind, spans: Iterable[Span]) -> list[Span]:
    """Sum up spans, in order of time, to longer ones."""
    return [
        _sum(start, parts) for start, parts in groupby(spans, lambda e: start_of(kind, e.start))
    ]


def _sum(start: int, parts: Iterable[Span]) -> Span:
    counts: dict[str, Results] = {field: defaultdict(_none) for field in DIMENSIONS.values()}
    rest: dict[str, list[int]] = defaultdict(_none)
    tallies: dict[str, Tally] = {}
    noted = Notes()
    for part in parts:
        noted.add_span(part)
        for field, values in (*part.counts.items(), ("bots", [t.count for t in part.tallies])):
            for count in values:
                _increase(counts[field][count.value], count)
        for field, count in part.rest.items():
            if field not in NOTES:
                _increase(rest[field], count)
        for tally in part.tallies:
            bot = tally.bot
            tallies[bot] = _add(tallies[bot], tally) if bot in tallies else tally
    return _cut(start, counts, rest, tallies, noted)


def _cut(
    start: int,
    counts: dict[str, Results],
    rest: dict[str, list[int]],
    tallies: dict[str, Tally],
    noted: Notes,
) -> Span:
    """Return a span with the first values of each field, and the rest of them together."""
    first: dict[str, list[ValueCount]] = {}
    others: dict[str, ValueCount] = {}
    for field, values in counts.items():
        ordered = sorted(values)
        first[field] = [ValueCount(value, *values[value]) for value in ordered[:MAX_VALUES]]
        total = rest.get(field, _none())
        for value in ordered[MAX_VALUES:]:
            total = [a + b for a, b in zip(total, values[value], strict=True)]
        if any(total):
            others[field] = ValueCount("", *total)
    bots = [
        msgspec.structs.replace(
            tallies[count.value],
            entries=count.of(None),
            failures=count.failure,
            partial=count.partial,
        )
        for count in first.pop("bots")
    ]
    return noted.on(Span(start, bots, first, others))


def _none() -> list[int]:
    return [0, 0, 0]


def _increase(numbers: list[int], count: ValueCount) -> None:
    numbers[0] += count.failure
    numbers[1] += count.partial
    numbers[2] += count.success


def _add(earlier: Tally, later: Tally) -> Tally:
    """Take over who acted last, and when."""
    acting = fleets.acting_last(earlier, later)
    return msgspec.structs.replace(
        later,
        last_ms=max(earlier.last_ms, later.last_ms),
        agent=acting.agent,
        name=acting.name,
        is_own=acting.is_own,
    )


def _document(account: str, kind: Kind, span: Span, token: int) -> Document:
    """Return the document of a span. It replaces none with a higher fencing token: a worker that
    was paused while it counted, and has been replaced, must not overwrite a newer count."""
    # As text, because many counts decode several times faster from JSON than from BSON.
    fields = {field: _json(span.counts[field]) for field in span.counts}
    fields |= {
        "failures": _json(span.failures),
        "incidents": _json(span.incidents),
        "uses": _json(span.uses),
        # A review reads first uses by day; an hour keeps them so that a day can be summed up again.
        **({} if kind == "quarter" else {"seen": _json(span.seen)}),
    }
    rest = {field: [c.failure, c.partial, c.success] for field, c in span.rest.items()}
    return {
        "_id": span_id(account, kind, span.start),
        "account": account,
        "kind": kind,
        "format": FORMAT,
        "start": from_ms(span.start),
        # The field of the TTL index.
        "end": from_ms(span.start + LENGTHS_MS[kind]),
        **fields,
        "bots": _json(span.tallies),
        "rest": rest,
        TOKEN_FIELD: token,
        "computedAt": now(),
    }


def _json(values: Sequence[msgspec.Struct]) -> str:
    return msgspec.json.encode(values).decode()


def _start_of(span: Span) -> int:
    return span.start
