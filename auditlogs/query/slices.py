"""Slices of time, which are ranges of `_id`, and the queries that read them."""

import functools
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Self

from auditlogs.entry.identity import id_bound, id_ms
from auditlogs.entry.times import MAX_MS, from_ms, to_ms
from auditlogs.query.selection import (
    ACCOUNT_ONLY,
    WORDS,
    Leading,
    Selection,
    value_range,
    values_in,
)
from auditlogs.query.stride import WIDEN, Stride
from auditlogs.query.window import Window
from auditlogs.storage import mongo
from auditlogs.storage.indexes import ACCOUNT_ARRIVAL_INDEX, FACTS, LEADING_FILTERS
from auditlogs.storage.mongo import Document, Room

BUDGET_SECONDS = 2.0
# One query may take longer than the budget of a page: starting it again would cost the same time.
QUERY_SECONDS = 5.0
# A count only decides how to go on, so it must not take the time for that.
COUNT_SECONDS = 1.0
# The most round trips for one page. A page that has found something by then is cut short.
MAX_QUERIES = 8

# So many entries are read to see whether a field has one value or several.
ENOUGH = 200
LEADING_BY_PATH = {each.path: each for each in LEADING_FILTERS}

# Stored fields that are arrays.
ARRAYS = (WORDS.field, FACTS)

# Below and above the `_id` of every entry, which is a UUID of version 8.
LOWEST, HIGHEST = uuid.UUID(int=0), uuid.UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Slice:
    """Entries from `low` (inclusive) to `high` (exclusive); open at the newest end without one."""

    low: uuid.UUID
    high: uuid.UUID | None

    @classmethod
    def of(cls, window: Window, after: uuid.UUID | None, *, newest_first: bool) -> Self:
        """Return what is left of a window after a position, in the direction of reading."""
        low = id_bound(window.start)
        high = None if window.end is None else id_bound(window.end)
        if after is not None and newest_first:
            high = min(after, high) if high else after
        elif after is not None:
            low = max(successor(after), low)
        return cls(low, high)

    @classmethod
    def between(cls, start: int, end: int | None) -> Self:
        """Return the time from a millisecond to another (exclusive)."""
        return cls(id_bound(start), None if end is None else id_bound(end))

    @property
    def is_empty(self) -> bool:
        return self.low >= (self.high or HIGHEST)

    def widening(self, first_ms: int, now: int, *, newest_first: bool) -> Iterator["Slice"]:
        """Yield parts in the direction of reading, each four times as wide as the one before, which
        cover all of it without overlap. `now` is in milliseconds."""
        # Few entries lie in the future, so the part that contains the present covers them as well.
        end = max(min(id_ms(self.high or HIGHEST), now), id_ms(self.low)) + 1
        # One more, because `end` is exclusive: a window as wide as the first part is a single part.
        rest, width, start = self, first_ms + 1, end
        while True:
            if newest_first:
                start -= width
                low = max(self.low, id_bound(start))
                yield replace(rest, low=low)
                if low == self.low:
                    return
                rest = replace(rest, high=low)
            else:
                stop = id_ms(rest.low) + width
                high = self.high if stop >= end else id_bound(stop)
                yield replace(rest, high=high)
                if high is None or high == self.high:
                    return
                rest = replace(rest, low=high)
            width *= WIDEN

    def first(self, ms: int, now: int, *, newest_first: bool) -> "Slice":
        """Return the first part of such a width, in ms, in the direction of reading."""
        return next(self.widening(ms, now, newest_first=newest_first))

    def width(self, now: int) -> int:
        """Return how much time it covers, in ms; an open one up to now, in ms."""
        end = now if self.high is None else id_ms(self.high)
        return max(0, end - id_ms(self.low))

    def up_to(self, last: uuid.UUID, *, newest_first: bool) -> Self:
        """Return the part of it that is read once an entry was, in this direction."""
        return replace(self, low=last) if newest_first else replace(self, high=last)

    def without(self, part: Self, *, newest_first: bool) -> Self:
        """Return what is left after reading a part in this direction."""
        if newest_first:
            return replace(self, high=part.low)
        return replace(self, low=part.high or HIGHEST)

    def resume(self, *, newest_first: bool) -> uuid.UUID:
        """Return the `_id` after which reading has to continue to read all of this."""
        return (self.high or HIGHEST) if newest_first else predecessor(self.low)


class Arrival(NamedTuple):
    """When an entry reached the log, its `_id` and its account. Arrivals sort by time."""

    at: datetime
    id: uuid.UUID
    account: str


class Budget:
    """The time and the number of queries left for reading one page, the room for its documents if
    that is limited, and the stride if all pages are read.

    `has_begun` is set by the first read that succeeded. A page that has read nothing yet continues,
    because its cursor would lead to the same position again.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.queries = MAX_QUERIES
        self.room: Room | None = None
        self.stride: Stride | None = None
        self.has_begun = False

    @property
    def is_full(self) -> bool:
        """Whether a document was left out, because there was no room for it."""
        return self.room is not None and self.room.is_full

    @property
    def is_over(self) -> bool:
        """Whether the time is spent."""
        return time.monotonic() >= self._until

    def is_spent(self, has_found: bool) -> bool:
        """Tell whether reading has to stop. A page without entries is not cut short by the number
        of queries, because the first entry may be in the next one."""
        if has_found and self.queries <= 0:
            return True
        return self.has_begun and self.is_over


def reads_to_the_end() -> bool:
    """Tell whether the engine reads all of a slice before it sorts and limits what it found, as
    SecantusDB does: a page then costs what its slices hold."""
    return mongo.is_secantus()


def serves_slices(leading: Leading) -> bool:
    """Tell whether a slice with two ends costs what it holds, by the index of a condition. Where
    that is over an array, DocumentDB reads every entry that meets the condition."""
    return leading.filter.field not in ARRAYS or not mongo.is_documentdb()


def leading_in_time(selection: Selection) -> Leading:
    """Return the condition that is usually the most selective, of those whose index serves the
    order in time; the account alone without any.

    For one of several values MongoDB merges their ranges of the index; SecantusDB would read every
    entry that has one of them, whatever the slice. The tokens of a word may be hundreds.
    """
    merges = not mongo.is_secantus()
    ordered = (
        each
        for each in selection.candidates
        if each.is_equality or (merges and each.is_choice and each.filter != WORDS)
    )
    return next(filter(serves_slices, ordered), ACCOUNT_ONLY)


def run(
    selection: Selection,
    leading: Leading,
    part: Slice,
    *stages: Document,
    seconds: float | None = None,
    room: Room | None = None,
) -> list[Document]:
    """Run one aggregation over the entries of a selection in a slice of time, within the time
    limit, for as many documents as there is room for. Raises StorageError.

    Only this function, `run_of_one` and `run_by_arrival` read the content of entries for a reader,
    so no query can miss the `$match` on the account and on the reader's bot.
    """
    if selection.is_empty:
        return []
    with mongo.time_limit(min(seconds or QUERY_SECONDS, QUERY_SECONDS)):
        # Planners take the index of the account for a range of `_id` even where the other one has a
        # hundredth of its keys, so the index is named.
        hints = not mongo.is_secantus()
        match = selection.stages(leading, part.low, part.high, elem_match=hints)
        index = leading.filter.index if hints else None
        return mongo.aggregate_entries([*match, *stages], index, room)


def run_of_one(selection: Selection, id: uuid.UUID, *stages: Document) -> list[Document]:
    """Return the entry with this `_id` in a list, if it is one of a selection. Raises
    StorageError."""
    if selection.is_empty:
        return []
    with mongo.time_limit(QUERY_SECONDS):
        return mongo.aggregate_entries([*selection.stages_of(id), *stages], _hint("_id_"))


def run_by_arrival(
    selection: Selection,
    recorded: Document | datetime,
    part: Slice,
    limit: int,
    fields: Document,
    room: Room | None = None,
) -> list[Document]:
    """Return up to `limit` entries of a selection in the order of arrival, by their `recordedAt`
    and by their `_id`; fewer where there is no room for more. Raises StorageError."""
    if selection.is_empty:
        return []
    with mongo.time_limit(QUERY_SECONDS):
        pipeline = [
            *selection.stages_by_arrival(recorded, part.low, part.high),
            {"$sort": {"recordedAt": 1, "_id": 1}},
            {"$limit": limit},
            {"$project": fields},
        ]
        return mongo.aggregate_entries(pipeline, _hint(ACCOUNT_ARRIVAL_INDEX), room)


def arrivals(at: datetime, after: uuid.UUID, until: datetime | None, limit: int) -> list[Arrival]:
    """Return up to `limit` entries in the order in which they reached the log: from the instant
    `at`, of which those up to the `_id` `after` are left out, to `until` (exclusive). Raises
    StorageError.

    Across all accounts, for the worker. It reads the account of an entry and its `_id`, which has
    the time, and nothing of its content.
    """
    fields = {"recordedAt": 1, "account": 1}
    later: Document = {"$gt": at} | ({"$lt": until} if until else {})
    with mongo.time_limit(QUERY_SECONDS):
        log = mongo.entries()
        # Two queries: a position within one instant would need an $or, which no index serves in
        # order.
        found = functools.partial(log.find, projection=fields, batch_size=limit + 1)
        same_instant = found({"recordedAt": at, "_id": {"$gt": after}})
        documents = list(same_instant.sort("_id", 1).limit(limit))
        if len(documents) < limit:
            rest = found({"recordedAt": later}).sort({"recordedAt": 1, "_id": 1})
            documents += list(rest.limit(limit - len(documents)))
    return [Arrival(each["recordedAt"], each["_id"], each["account"]) for each in documents]


def late_arrivals(account: str, since: int, before: int, limit: int) -> list[int]:
    """Return the times of up to `limit` entries of an account that have reached the log since an
    instant, but are older than another. All times are in ms. Raises StorageError."""
    recorded: Document = {"account": account, "recordedAt": {"$gte": from_ms(since)}}
    older: Document = {"_id": {"$lt": id_bound(before)}}
    stages: list[Document] = [{"$match": recorded}, {"$match": older}]
    stages += [{"$limit": limit}, {"$project": {"_id": 1}}]
    with mongo.time_limit(COUNT_SECONDS):
        found = mongo.aggregate_entries(stages, _hint(ACCOUNT_ARRIVAL_INDEX))
    return [id_ms(each["_id"]) for each in found]


def newest_arrival(account: str, since: int) -> int | None:
    """Return when the newest arrival of an account reached the log, in ms; None where there is none
    since an instant, in ms. Raises StorageError."""
    stages: list[Document] = [
        {"$match": {"account": account, "recordedAt": {"$gte": from_ms(min(since, MAX_MS // 2))}}},
        {"$sort": {"recordedAt": -1, "_id": -1}},
        {"$limit": 1},
        {"$project": {"recordedAt": 1}},
    ]
    with mongo.time_limit(COUNT_SECONDS):
        found = mongo.aggregate_entries(stages, _hint(ACCOUNT_ARRIVAL_INDEX))
    return to_ms(found[0]["recordedAt"]) if found else None


def _hint(index: str) -> str | None:
    return None if mongo.is_secantus() else index


def count(
    selection: Selection, leading: Leading, part: Slice, limit: int, seconds: float | None = None
) -> int:
    """Count the entries of a slice of time, up to a limit. Raises StorageError."""
    stages: tuple[Document, ...] = ({"$limit": limit}, {"$count": "value"})
    counted = [] if part.is_empty else run(selection, leading, part, *stages, seconds=seconds)
    return int(counted[0]["value"]) if counted else 0


def values_from(
    selection: Selection, part: Slice, path: str, low: str, high: str | None
) -> set[str]:
    """Return values of a leading filter's field from `low` (inclusive) to `high` (exclusive), of
    entries in a slice of time: all of them if there are none or one, else at least two.

    Three queries at most, by the index of the field. Raises StorageError.
    """
    found, is_all = _values(selection, part, path, low, high, ENOUGH)
    if is_all or len(found) > 1:
        return found
    (value,) = found
    # Many entries have this one, so it is asked for others on both sides of it. The lowest text
    # above a value is the value and the lowest character.
    for start, end in ((low, value), (f"{value}\0", high)):
        found |= _values(selection, part, path, start, end, 1)[0]
    return found


def _values(
    selection: Selection, part: Slice, path: str, low: str, high: str | None, limit: int
) -> tuple[set[str], bool]:
    """Return values of a field in up to `limit` entries, and whether these are all entries."""
    leading = LEADING_BY_PATH[path]
    condition = Leading(leading, value_range(path, low, high))
    stages: list[Document] = [{"$limit": limit}, {"$project": {leading.field: 1}}]
    found = run(selection, condition, part, *stages, seconds=COUNT_SECONDS)
    values = (value for each in found for value in values_in(path, each))
    within = {each for each in values if low <= each and (high is None or each < high)}
    return within, len(found) < limit


def successor(value: uuid.UUID) -> uuid.UUID:
    """Return the UUID after `value`; used as an exclusive upper bound, it includes `value`."""
    return uuid.UUID(int=min(value.int + 1, HIGHEST.int))


def predecessor(value: uuid.UUID) -> uuid.UUID:
    """Return the UUID before `value`; used as an exclusive lower bound, it includes `value`."""
    return uuid.UUID(int=max(value.int - 1, LOWEST.int))
