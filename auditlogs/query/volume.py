"""The volume of a list: its entries by result, in bars of time.

The kept counters answer where they know the list's filters. What they do not know is counted in the
log, newest first, up to a limit and for a limited time.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from auditlogs.entry.identity import id_ms
from auditlogs.entry.schema import RESULTS
from auditlogs.entry.times import QUARTER_MS
from auditlogs.query import known, parts, slices
from auditlogs.query.selection import ACCOUNT_ONLY, Selection
from auditlogs.query.slices import Budget, Slice
from auditlogs.query.window import Window
from auditlogs.storage.counts import ByResult
from auditlogs.storage.mongo import Document, TookTooLong

MAX_ENTRIES = 50_000
# The log is read in slices, each four times as wide as the last; this one of so many parts first.
FIRST_PART = 20
# In zones that differ by half an hour, a day consists of hours and quarters: 27 spans.
MAX_SPANS = 1_000


@dataclass(frozen=True, slots=True)
class Bar(ByResult):
    """The entries from `start` (inclusive) to `end` (exclusive), in ms, by their result."""

    start: int
    end: int
    failure: int
    partial: int
    success: int


@dataclass(frozen=True, slots=True)
class Volume:
    """The bars, oldest first. Those that begin before `counted_from`, in ms, were not counted; None
    where all were. `later` is the number of entries dated after the last bar."""

    bars: list[Bar]
    counted_from: int | None
    later: int


@dataclass(slots=True)
class _Counts:
    """Numbers by bar; the last one is of what lies after all bars."""

    edges: Sequence[int]
    numbers: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = [[0, 0, 0] for _ in self.edges]

    def add(self, ms: int, numbers: Sequence[int]) -> None:
        """Add numbers by result, in the order of `RESULTS`, at an instant in ms."""
        into = self.numbers[bisect_right(self.edges, ms) - 1]
        for place, number in enumerate(numbers):
            into[place] += number

    def volume(self, counted_from: int | None = None) -> Volume:
        bars = [
            Bar(start, end, **dict(zip(RESULTS, numbers, strict=True)))
            for start, end, numbers in zip(self.edges, self.edges[1:], self.numbers, strict=False)
        ]
        return Volume(bars, counted_from, sum(self.numbers[-1]))


def read(selection: Selection, window: Window, edges: Sequence[int]) -> Volume:
    """Count the entries of a window between each two of these instants, in ms and ascending; the
    first is not after the start of the window. Raises StorageError."""
    if selection.is_empty:
        return _Counts(edges).volume()
    return _by_counters(selection, window, edges) or _by_query(selection, window, edges)


def _by_counters(selection: Selection, window: Window, edges: Sequence[int]) -> Volume | None:
    plan = known.cover(selection, window, edges, MAX_SPANS)
    if plan is None:
        return None
    counts = _Counts(edges)
    for start, numbers in plan.counted:
        counts.add(start, numbers)
    unit = _unit(edges)
    for low, high in plan.ranges:
        part = Slice.between(low, high)
        groups = _group(selection, part, unit, MAX_ENTRIES + 1)
        if _total(groups) > MAX_ENTRIES:
            return None
        _take(counts, groups, low)
    return counts.volume()


def _by_query(selection: Selection, window: Window, edges: Sequence[int]) -> Volume:
    counts, unit = _Counts(edges), _unit(edges)
    budget, left = Budget(slices.BUDGET_SECONDS), MAX_ENTRIES
    rest = Slice.of(window, None, newest_first=True)
    first_ms = max((edges[-1] - edges[0]) // FIRST_PART, unit)
    for part in rest.widening(first_ms, window.as_of, newest_first=True):
        try:
            groups = _group(selection, part, unit, left + 1)
        except TookTooLong:
            if not budget.has_begun:
                raise
            return counts.volume(id_ms(part.high) if part.high else edges[-1])
        budget.has_begun = True
        if _total(groups) > left:
            # The oldest unit of time that was reached has more entries than were read.
            reached = min(group["_id"]["unit"] for group in groups)
            _take(counts, [each for each in groups if each["_id"]["unit"] != reached], 0)
            return counts.volume(reached + unit)
        left -= _total(groups)
        _take(counts, groups, window.start)
        if budget.is_over and part.low != rest.low:
            return counts.volume(id_ms(part.low))
    return counts.volume()


def _group(selection: Selection, part: Slice, unit: int, limit: int) -> list[Document]:
    """Count up to `limit` entries of a slice, the newest, by unit of time and result."""
    if part.is_empty:
        return []
    candidates = selection.candidates or [ACCOUNT_ONLY]
    few = parts.rarest(selection, candidates, part, Budget(0)) if len(candidates) > 1 else None
    ms: Document = {"$toLong": "$timestamp"}
    key = {"unit": {"$subtract": [ms, {"$mod": [ms, unit]}]}, "result": "$result"}
    stages: list[Document] = [
        {"$sort": {"_id": -1}},
        {"$limit": limit},
        {"$group": {"_id": key, "entries": {"$sum": 1}}},
    ]
    return slices.run(selection, few or candidates[0], part, *stages)


def _take(counts: _Counts, groups: list[Document], start: int) -> None:
    """Add groups of entries, none of which is before `start`, in ms."""
    for group in groups:
        numbers = [group["entries"] * (group["_id"]["result"] == each) for each in RESULTS]
        # The range may begin within a unit.
        counts.add(max(group["_id"]["unit"], start), numbers)


def _total(groups: list[Document]) -> int:
    return sum(group["entries"] for group in groups)


def _unit(edges: Sequence[int]) -> int:
    """Return the longest unit of time, in ms, that divides every bar without a remainder."""
    return math.gcd(*edges, QUARTER_MS)
