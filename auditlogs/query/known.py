"""What the kept counters say about a list: where in time its entries can be, and how many.

A worker keeps the counters, some minutes late, and an entry that arrives may be older than those
that are counted. So a span of time is known only if it ended before the worker's progress and
nothing has arrived in it since. What is not known is read from the log.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise

from cachetools import TTLCache

from auditlogs.entry.identity import id_bound, id_ms
from auditlogs.entry.schema import RESULTS
from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import QUARTER_MS, now, to_ms
from auditlogs.query import slices
from auditlogs.query.selection import ACCOUNT_ONLY, Leading, Selection
from auditlogs.query.slices import HIGHEST, Budget, Slice
from auditlogs.query.values import Values
from auditlogs.query.window import Window
from auditlogs.storage import counts
from auditlogs.storage.counts import (
    DIMENSIONS,
    LENGTHS_MS,
    SEVERAL_VALUES,
    Kind,
    ValueCount,
    longest,
    start_of,
)
from auditlogs.storage.indexes import ACCOUNT_FILTER
from auditlogs.storage.mongo import StorageError, TookTooLong

# A worker that has not counted for longer than that is down, and too much may have arrived since.
MAX_AGE_MS = 600_000
# More late arrivals than that are not looked at one by one.
MAX_LATE = 1_000
MAX_LATE_QUARTERS = 4
# Spans whose counters are read at once, and ranges of time that are counted in the log.
MAX_SPANS = 400
MAX_RANGES = 8
# How long what the counters said serves to estimate, and for how many questions it is remembered.
ESTIMATE_SECONDS = 60.0
MAX_ESTIMATES = 128
FLOODED_SECONDS = 15.0

# The counted field that every entry has, and the two paths of the action filter.
ALL = "types"
EITHER = ("actionType", "action")
# The paths of the fields whose values are counted.
COUNTED = (*DIMENSIONS, "result")
# The sort key of an actor is not counted, but it ends in the actor's id, which is.
ACTOR_KEY, ACTOR_ID = "actorKey", "actor.id"
# The conditions for which counters tell about how many entries meet them; the account's is met by
# all of its entries.
ESTIMATED = (ACCOUNT_FILTER.path, *COUNTED, ACTOR_KEY)
# Conditions by the paths of fields.
Conditions = Mapping[str, Values]
# The counts of a span, by stored field and value.
ByValue = Mapping[str, Mapping[str | None, ValueCount]]


@dataclass(frozen=True, slots=True)
class Counted:
    """The counters of an account up to `until`, in ms: spans with their start, end and counts,
    oldest first. A span without entries is missing; one in which entries may be that are not
    counted has None."""

    until: int
    spans: Sequence[tuple[int, int, ByValue | None]]

    def parts(self, values: Conditions) -> list[Slice]:
        """Return the slices of time in which an entry can meet these conditions, oldest first: some
        of the spans, and all of the time after them."""
        found: list[Slice] = []
        for start, end, counts_in in self.spans:
            if counts_in is None or at_most(counts_in, values):
                low, high = id_bound(start), id_bound(end)
                if found and found[-1].high == low:
                    found[-1] = replace(found[-1], high=high)
                else:
                    found.append(Slice(low, high))
        return [*found, Slice(id_bound(self.until), None)]

    def share(self, values: Conditions) -> float:
        """Return the share of the counted spans in which an entry can meet these conditions."""
        found = sum(1 for *_, span in self.spans if span is None or at_most(span, values))
        return found / len(self.spans) if self.spans else 1.0

    def enough(
        self, values: Conditions, rest: Slice, wanted: float, *, newest_first: bool
    ) -> Slice:
        """Return the first part of a slice, in the direction of reading, in which so many entries
        can meet these conditions, as if those of a span lay evenly in it; all of it if fewer can.
        """
        for low, high, number in self._numbers(values, rest, newest_first=newest_first):
            if number >= wanted:
                ms = int((high - low) * wanted / number) + 1
                if newest_first:
                    return replace(rest, low=max(rest.low, id_bound(high - ms)))
                return replace(rest, high=min(rest.high or HIGHEST, id_bound(low + ms)))
            wanted -= number
        return rest

    def number(self, selection: Selection, leading: Leading, part: Slice) -> int | None:
        """Return about how many entries of a slice can meet a condition of a selection; None where
        it is not counted."""
        path = ACTOR_ID if leading.filter.path == ACTOR_KEY else leading.filter.path
        values = {key: each for key, each in roughly(selection).items() if key == path}
        if not values and leading != ACCOUNT_ONLY:
            return None
        return int(sum(number for *_, number in self._numbers(values, part, newest_first=True)))

    def _numbers(
        self, values: Conditions, part: Slice, *, newest_first: bool
    ) -> Iterator[tuple[int, int, float]]:
        """Yield where a slice and a span meet, in ms, and about how many entries are there."""
        start, end = id_ms(part.low), id_ms(part.high or HIGHEST)
        for first, last, counts_in in reversed(self.spans) if newest_first else self.spans:
            low, high = max(first, start), min(last, end)
            number = at_most(counts_in, values) if counts_in and low < high else 0
            if number:
                yield low, high, number * (high - low) / (last - first)


# By account, start and fields: what the counters said when they were last asked.
_estimates: TTLCache[tuple[str, int, frozenset[str]], Counted]
_estimates = TTLCache(MAX_ESTIMATES, ESTIMATE_SECONDS)
# The accounts of which too much had arrived lately: to find that out again may take a second.
_flooded: TTLCache[str, bool] = TTLCache(MAX_ESTIMATES, FLOODED_SECONDS)
_lock = threading.Lock()


class Known:
    """The counters for one page, read at most once."""

    def __init__(self) -> None:
        self.is_read = False
        self._counted: Counted | None = None

    def counted(
        self, selection: Selection, window: Window, sort_path: str, budget: Budget
    ) -> Counted | None:
        """Return the counters of the fields that a list is filtered and sorted by; None where they
        cannot tell."""
        if not self.is_read:
            paths = {*selection.values, sort_path, *(EITHER if selection.either else ())}
            self._counted = _read(selection.account, window, _fields(paths), budget)
            self.is_read = True
        return self._counted


def estimated(
    selection: Selection, window: Window, sort_path: str, budget: Budget
) -> Counted | None:
    """Return what the counters said within the last minute of the fields that a list is filtered
    and sorted by, to estimate how much lies where; None where they say nothing. What has arrived
    since is not in them."""
    paths = {*roughly(selection), ACTOR_ID if sort_path == ACTOR_KEY else sort_path}
    asked = selection.account, start_of("day", window.start), _fields(paths)
    with _lock:
        counted = _estimates.get(asked)
    if counted is None:
        budget.queries -= 1
        try:
            counted = _counted_lately(*asked)
        except TookTooLong:
            # The log itself may still answer.
            return None
        with _lock:
            _estimates[asked] = counted
    return counted if counted.spans else None


def _counted_lately(account: str, start: int, fields: frozenset[str]) -> Counted:
    until = start_of("quarter", to_ms(now()))
    spans = list(longest(start, until))
    is_few = 0 < len(spans) <= MAX_SPANS
    return _in_spans(account, until, spans, fields) if is_few else Counted(until, [])


def _fields(paths: Set[str]) -> frozenset[str]:
    """Return the stored fields with the counts of the fields at these paths."""
    return frozenset({ALL, *(field for path, field in DIMENSIONS.items() if path in paths)})


def conditions(selection: Selection) -> dict[str, Values]:
    """Return the conditions of a selection that counters exist for."""
    return {path: each for path, each in selection.values.items() if path in COUNTED}


def roughly(selection: Selection) -> dict[str, Values]:
    """Return the conditions of a selection that counters help to estimate."""
    found, keys = conditions(selection), selection.values.get(ACTOR_KEY)
    if keys and ACTOR_ID not in found:
        ids = (key.rpartition(SEPARATOR)[2] for key in keys.wanted)
        found[ACTOR_ID] = Values(tuple(dict.fromkeys(ids)))
    return found


def at_most(span: ByValue, values: Conditions) -> int:
    """Return the most entries of a span that can meet these conditions."""
    results = values["result"].wanted if "result" in values else RESULTS
    # Every entry has a type.
    found = [sum(_number(count, results) for count in span[ALL].values())]
    for path, field in DIMENSIONS.items():
        each, counted = values.get(path), span.get(field)
        if each is None or counted is None:
            continue
        if each.wanted:
            found.append(sum(_number(counted.get(v), results) for v in (*each.wanted, None)))
        else:
            # An entry without the field is kept too.
            lost = [_number(counted.get(v), results) for v in each.unwanted]
            # Entries with two of the values must not be taken off twice.
            found.append(found[0] - (max(lost) if path == SEVERAL_VALUES else sum(lost)))
    return min(found)


def _number(count: ValueCount | None, results: Iterable[str]) -> int:
    return 0 if count is None else sum(count.of(result) for result in results)


def narrowed(part: Slice, possible: list[Slice] | None, *, newest_first: bool) -> Slice:
    """Return the shortest slice with all of a part that lies in the possible slices; an empty one
    at its end, in the direction of reading, where nothing does."""
    if possible is None:
        return part
    end = part.high or HIGHEST
    within = [each for each in possible if each.low < end and (each.high or HIGHEST) > part.low]
    if not within:
        edge = part.low if newest_first else end
        return Slice(edge, edge)
    highest = within[-1].high
    high = highest if part.high is None or (highest and highest < part.high) else part.high
    return Slice(max(part.low, within[0].low), high)


def _read(account: str, window: Window, fields: frozenset[str], budget: Budget) -> Counted | None:
    """Read the counters within a window; None where the worker has not counted lately, or too much
    has arrived since."""
    start = start_of("day", window.start)
    try:
        at = _counted_until(budget)
        if at is None:
            return None
        until = start_of("quarter", at)
        spans = list(longest(start, until))
        late = _late(account, at, until, budget) if 0 < len(spans) <= MAX_SPANS else None
        if late is None:
            return None
        budget.queries -= 1
        return _in_spans(account, until, spans, fields, late)
    except StorageError:
        # The log itself may still answer.
        return None


def _in_spans(
    account: str,
    until: int,
    spans: Sequence[tuple[Kind, int]],
    fields: frozenset[str],
    late: Sequence[int] = (),
) -> Counted:
    """Read the counters of some spans; those in which one of the times of `late` lies, in ms, are
    not known."""
    counted = counts.counts_of(account, spans, fields)
    return Counted(
        until,
        [
            (begin, begin + LENGTHS_MS[kind], None if is_unknown else counted[kind, begin])
            for kind, begin in spans
            if (is_unknown := _has(late, begin, begin + LENGTHS_MS[kind]))
            or (kind, begin) in counted
        ],
    )


def _has(times: Sequence[int], start: int, end: int) -> bool:
    return any(start <= ms < end for ms in times)


@dataclass(frozen=True, slots=True)
class Covered:
    """What the counters know of a list: in spans of time, with their start in ms, the numbers of
    its entries by result, in the order of `RESULTS`; and the ranges of time that they do not know,
    in ms, the last one with None where it is open at its end."""

    counted: Sequence[tuple[int, tuple[int, ...]]]
    ranges: Sequence[tuple[int, int | None]]


@dataclass(frozen=True, slots=True)
class Divided:
    """A part of the time: the spans that are counted, and the ranges that are not, in ms and oldest
    first, the last one with None where it is open at its end."""

    spans: Sequence[tuple[Kind, int]]
    ranges: Sequence[tuple[int, int | None]]


def cover(
    selection: Selection, window: Window, edges: Sequence[int] = (), max_spans: int = MAX_SPANS
) -> Covered | None:
    """Return what the counters know of a list, in spans that do not contain any of these edges, in
    ms; None where they cannot tell, or only in more spans than this. Raises StorageError."""
    values = conditions(selection)
    paths = [path for path in values if path in DIMENSIONS]
    is_known = values == selection.values and len(paths) <= 1
    if SEVERAL_VALUES in values and len(values[SEVERAL_VALUES].each) > 1:
        return None
    if selection.words or selection.either or not is_known:
        return None
    if any(edge % QUARTER_MS for edge in edges):
        return None
    counted_part = _counted_part(selection.account)
    if counted_part is None:
        return None
    tail, unknown = counted_part
    end = tail if window.end is None else min(window.end, tail)
    spans, ranges = _cover(window.start, end, unknown, edges)
    if window.end is None or window.end > tail:
        ranges.append((max(window.start, tail), window.end))
    if len(ranges) > MAX_RANGES or len(spans) > max_spans:
        return None
    field = DIMENSIONS[paths[0]] if paths else ALL
    counted = counts.counts_of(selection.account, spans, {ALL, field}) if spans else {}
    if paths and any(span[field][None].of(None) for span in counted.values()):
        return None
    return Covered(
        [(start, _by_result(span, values)) for (_, start), span in counted.items()], ranges
    )


def divide(account: str, edges: Sequence[int]) -> list[Divided]:
    """Divide the time between each two of these instants, in ms and ascending, and the time after
    the last one, into what is counted and what is not. Raises StorageError."""
    parts = [*pairwise(edges), (edges[-1], None)]
    counted_part = _counted_part(account)
    if counted_part is None:
        return [Divided([], [part]) for part in parts]
    tail, unknown = counted_part
    divided = []
    for start, end in parts:
        until = max(start, tail) if end is None else max(start, min(end, tail))
        spans, ranges = _cover(start, until, unknown, ())
        if end is None or until < end:
            ranges.append((until, end))
        divided.append(Divided(spans, ranges))
    return divided


def _counted_part(account: str) -> tuple[int, list[int]] | None:
    """Return the time up to which the entries of an account are counted, in whole quarters, and the
    starts of the quarters before that in which some are not, in ms; None where that is unknown."""
    at = _counted_until(Budget(0))
    if at is None:
        return None
    tail = start_of("quarter", at)
    late = _late(account, at, tail, Budget(0))
    unknown = {start_of("quarter", ms) for ms in late or ()}
    return None if late is None or len(unknown) > MAX_LATE_QUARTERS else (tail, sorted(unknown))


def _by_result(span: ByValue, values: Conditions) -> tuple[int, ...]:
    wanted = values.get("result", Values())
    return tuple(
        at_most(span, {**values, "result": Values.one(result)}) if wanted.allows(result) else 0
        for result in RESULTS
    )


def exact_count(selection: Selection, window: Window, limit: int) -> int | None:
    """Count the entries of a list with the help of the counters, however many; None where they
    cannot tell. What they do not know is counted in the log, up to a limit. Raises StorageError."""
    covered = cover(selection, window)
    if covered is None:
        return None
    total = sum(sum(numbers) for _, numbers in covered.counted)
    for low, high in covered.ranges:
        part = Slice.between(low, high)
        value = slices.count(selection, slices.leading_in_time(selection), part, limit)
        if value >= limit:
            return None
        total += value
    return total


def _cover(
    start: int, end: int, unknown: list[int], edges: Sequence[int]
) -> tuple[list[tuple[Kind, int]], list[tuple[int, int | None]]]:
    """Divide a range of time, in ms, into the longest spans that are counted, without unknown
    quarters and with no edge inside, and the ranges that are left."""
    spans: list[tuple[Kind, int]] = []
    ranges: list[tuple[int, int | None]] = []
    for quarter in (*(each for each in unknown if start < each + QUARTER_MS and each < end), None):
        known_end = end if quarter is None else max(quarter, start)
        first, last = -(-start // QUARTER_MS) * QUARTER_MS, start_of("quarter", known_end)
        if first >= last:
            ranges.append((start, known_end))
        else:
            ranges += [(start, first), (last, known_end)]
            inner = (edge for edge in edges if first < edge < last)
            for low, high in pairwise((first, *inner, last)):
                spans += longest(low, high)
        if quarter is not None:
            start = min(quarter + QUARTER_MS, end)
            ranges.append((known_end, start))
    return spans, [(low, high) for low, high in ranges if high is None or low < high]


def _counted_until(budget: Budget) -> int | None:
    """Return the time, in ms, before which the count of arrivals is final; None if unknown."""
    budget.queries -= 1
    # Read before the counters, which may know more than that by then, but never less.
    progress = counts.progress()
    if progress is None or progress.counted_at is None or progress.first_until is not None:
        return None
    at = to_ms(progress.at)
    return at if to_ms(now()) - at <= MAX_AGE_MS else None


def _late(account: str, at: int, end: int, budget: Budget) -> list[int] | None:
    """Return the times, in ms, of entries before `end` that have arrived since `at`; None if there
    are too many, or were a moment ago."""
    with _lock:
        if account in _flooded:
            return None
    budget.queries -= 1
    try:
        found = slices.late_arrivals(account, at, end, MAX_LATE + 1)
    except TookTooLong:
        found = None
    if found is None or len(found) > MAX_LATE:
        with _lock:
            _flooded[account] = True
        return None
    return found
