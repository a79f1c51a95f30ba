"""Parts: in which slices of time a list is read, and by which condition, so that few entries are
read that do not match.

1. First a slice is read, by the index of the filter that is usually the rarest. Mostly it fills the
   page.
2. If it does not, the filters are counted, up to `FEW` each. If one has few entries in the window,
   the rest is read at once by its index.
3. Otherwise the slices go on, each four times as wide as the last, and the last one takes the rest.

An engine that reads each slice to its end gets slices as wide as the page needs: by what the
counters said lately and which share of it the last slice brought, or where they do not know, after
a narrow first one, by what the last one brought. A list that is read to its end, page after page,
is counted once, and its slices have a stride.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from auditlogs.query import slices
from auditlogs.query.known import (
    ESTIMATED,
    Counted,
    Known,
    conditions,
    estimated,
    narrowed,
    roughly,
)
from auditlogs.query.order import Order
from auditlogs.query.selection import ACCOUNT_ONLY, WORDS, Leading, Selection
from auditlogs.query.slices import Budget, Slice
from auditlogs.query.stride import WIDEN
from auditlogs.query.window import Window
from auditlogs.storage.mongo import Document, TookTooLong

# By the right index FEW entries are read and sorted in about 10 ms. An engine that reads every
# slice to its end reads only 20 in a millisecond, so there fewer are few.
FEW = 5_000
FEW_TO_THE_END = 1_000
# Where a list is not sorted by time, more are read at once: the other way is a query or more for
# each value of its key.
MORE_IF_SORTED = 2
# The most entries of one value of the sort key that are read at once, in their order in time.
MOST_OF_VALUE = 100_000
# The rarest of the filters is nearly always among the first by rank.
MAX_COUNTED = 2
MAX_SLICES = 4
# Where each slice is read to its end: how much narrower the first one is, how many times as wide as
# the last one the next may be, and how many more entries than the page lacks it should have.
NARROWER, MOST_WIDER, SPARE = 4, 64, 1.25
# How much wider where no index serves the filters and the order in time, so that most entries are
# read without being shown.
MOST_WIDER_IN_VAIN = 8
# The fewest and the most entries that a slice should have by the counters: a query takes longer
# than to read the fewest, and the most takes a tenth of a second.
FEWEST_AT_ONCE, MOST_AT_ONCE = 50, 2_500
# The counters are asked where entries can be only if that leaves out more than the rest.
SHARE_IN_VAIN = 0.5
# Reading so many takes as long as asking the counters where in time entries can be for certain.
FEWER_THAN_COUNTERS = 200

# The stored field that holds the key of each sort but the one by time.
SORT_PATHS = {"actor": "actorKey", "action": "action", "result": "result"}

Documents = list[Document]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a list, of which a page of up to `limit` documents is read."""

    selection: Selection
    window: Window
    order: Order
    limit: int
    budget: Budget
    known: Known

    @property
    def candidates(self) -> list[Leading]:
        return self.selection.candidates or [ACCOUNT_ONLY]

    @property
    def counted(self) -> Counted | None:
        """What the counters say of the list's window, if anything."""
        return self.known.counted(self.selection, self.window, self._sort_path, self.budget)

    def each(self, rest: Slice, documents: Documents) -> Iterator[tuple[Leading, Slice]]:
        """Yield the slices to read, each with the condition whose index serves it, for as long as
        the caller wants. `documents` are those found so far, to which the caller adds."""
        if self.budget.stride:
            return self._strides(rest)
        leading, ms = self._first
        if ms is None:
            return iter([(leading, rest)])
        if not slices.reads_to_the_end():
            return self._widening(leading, ms, rest, documents)
        estimate = self.lately if leading.filter.path in ESTIMATED else None
        if estimate:
            return self._estimated(estimate, leading, rest, documents)
        return self._fitting(leading, ms, rest, documents)

    @property
    def _first(self) -> tuple[Leading, int | None]:
        """The condition to begin with, and the width of its first slice in ms; None where so few
        entries meet it that all are read at once."""
        leading = self.candidates[0]
        # Filters without a first slice sort before all others.
        if leading.filter.first_slice_ms is not None:
            leading = slices.leading_in_time(self.selection)
        return leading, leading.filter.first_slice_ms

    def _estimated(
        self, estimate: Counted, leading: Leading, rest: Slice, documents: Documents
    ) -> Iterator[tuple[Leading, Slice]]:
        """Yield slices that hold enough entries by the counters, which know of several conditions
        only how many entries can meet them; what a slice brought tells which share of these do."""
        equal, direction = roughly(self.selection), self.order.newest_first
        leading = self._rarest_in_time(estimate, leading, rest)
        possible, share, unknown = None, 1.0, self._not_counted
        while self.budget.queries > 1:
            already = len(documents)
            wanted = max((self.limit - already) / share, FEWEST_AT_ONCE)
            wanted = min(wanted, MOST_AT_ONCE)
            part = estimate.enough(equal, rest, wanted, newest_first=direction)
            if part == rest and possible is None:
                number = estimate.number(self.selection, leading, rest)
                is_much = number is None or number > FEWER_THAN_COUNTERS
                possible = self._possible() if is_much else None
            yield leading, narrowed(part, possible, newest_first=direction)
            rest = rest.without(part, newest_first=direction)
            found = len(documents) - already
            share = found / wanted / SPARE if found else share / WIDEN
            if unknown and (not found or (self.limit - len(documents)) / share > MOST_AT_ONCE):
                few = self.rarest(self.selection, unknown, rest)
                if few:
                    yield few, rest
                unknown = []
        yield leading, narrowed(rest, possible, newest_first=direction)

    @property
    def _not_counted(self) -> list[Leading]:
        """The conditions of which the counters do not tell how many entries meet them, such as
        words."""
        return [each for each in self.selection.candidates if each.filter.path not in ESTIMATED]

    def _rarest_in_time(self, estimate: Counted, usual: Leading, rest: Slice) -> Leading:
        """Return the condition that the fewest entries of a slice meet by the counters, of those
        whose index serves the order in time; the one that is usually the rarest without any."""
        numbers = [
            (number, rank, leading)
            for rank, leading in enumerate(self.selection.candidates)
            if leading.is_equality
            and (number := estimate.number(self.selection, leading, rest)) is not None
        ]
        return min(numbers)[2] if len(numbers) > 1 else usual

    def _fitting(
        self, leading: Leading, ms: int, rest: Slice, documents: Documents
    ) -> Iterator[tuple[Leading, Slice]]:
        """Yield slices as wide as the page needs by what the last one brought. Where that says too
        little, the filters are counted once."""
        is_counted, is_served = False, leading != ACCOUNT_ONLY or not self.selection.candidates
        ms = ms // NARROWER if is_served else ms
        direction = self.order.newest_first
        while self.budget.queries > 1:
            already = len(documents)
            part = rest.first(ms, self.window.as_of, newest_first=direction)
            yield leading, part
            rest = rest.without(part, newest_first=direction)
            found, width = len(documents) - already, part.width(self.window.as_of)
            most = max(ms, width) * (MOST_WIDER if is_served else MOST_WIDER_IN_VAIN)
            ms = int(width * (self.limit - len(documents)) / found * SPARE) + 1 if found else most
            if ms >= most and not is_counted:
                is_counted, ms = True, most
                few = self.rarest(self.selection, self.candidates, rest)
                if few:
                    yield few, rest
            ms = min(ms, most)
        yield leading, rest

    @property
    def lately(self) -> Counted | None:
        """What the counters said lately of the fields that a list is filtered and sorted by."""
        return estimated(self.selection, self.window, self._sort_path, self.budget)

    @property
    def _sort_path(self) -> str:
        """The path of the key of the sort; empty for one by time."""
        return SORT_PATHS.get(self.order.key, "")

    def rarest(
        self, selection: Selection, candidates: Sequence[Leading], part: Slice
    ) -> Leading | None:
        """Return the first condition of a selection that few entries of a slice meet, or None: by
        the counters where counting would read all of them."""
        to_the_end = slices.reads_to_the_end()
        is_asked = bool(self._sort_path) or to_the_end
        estimate = self.lately if is_asked and candidates[0].filter.path in ESTIMATED else None
        few = FEW * MORE_IF_SORTED if self._sort_path and not to_the_end else FEW
        return rarest(selection, candidates, part, self.budget, estimate, few)

    def _widening(
        self, leading: Leading, first_ms: int, rest: Slice, documents: Documents
    ) -> Iterator[tuple[Leading, Slice]]:
        """Yield ever wider slices. Counts the filters when the first one has not filled the page,
        unless it has brought more than a few entries."""
        few: Leading | None = None
        direction = self.order.newest_first
        possible = self._possible() if self.known.is_read else None
        parts = rest.widening(first_ms, self.window.as_of, newest_first=direction)
        for number, part in enumerate(parts):
            is_last = number == MAX_SLICES or self.budget.queries <= 1
            is_many = len(documents) > FEW
            if number == 1 and not (is_last or is_many) and possible is None:
                few, possible = self._fewer(rest)
            if few or is_last:
                yield few or leading, narrowed(rest, possible, newest_first=direction)
                return
            yield leading, narrowed(part, possible, newest_first=direction)
            rest = rest.without(part, newest_first=direction)

    def _fewer(self, rest: Slice) -> tuple[Leading | None, list[Slice] | None]:
        """Return the condition that few entries of a slice meet; without one, where in time there
        can be entries, if the counters tell."""
        first, *others = self.candidates
        is_counted = self._sort_path or first.filter.path in ESTIMATED
        estimate = self.lately if is_counted else None
        if self._sort_path:
            # The list of all values has found that the filters have many entries.
            own = [each for each in self.candidates if each.filter.path == self._sort_path]
            most = MOST_OF_VALUE if estimate else None
            few = rarest(self.selection, own, rest, self.budget, estimate, most)
            return few, None if few else self._possible(estimate)
        few = rarest(self.selection, [first], rest, self.budget, estimate)
        possible = None if few else self._possible(estimate)
        if few is None and others and self.budget.queries > 1:
            # The counters, once they are read, tell what counting would.
            counted = self.counted if possible else estimate
            few = rarest(self.selection, others[:1], rest, self.budget, counted)
        return few, possible

    def _strides(self, rest: Slice) -> Iterator[tuple[Leading, Slice]]:
        """Yield the slices to read, each as wide as the stride is by then, until one has entries:
        for the few that a page may lack a whole slice would be read."""
        stride, direction = self.budget.stride, self.order.newest_first
        assert stride is not None
        if stride.selection != self.selection:
            stride.lead(self.selection, *self._of_stride(rest))
        assert stride.leading is not None
        while not rest.is_empty:
            part = rest
            if stride.ms is not None:
                part = rest.first(stride.ms, self.window.as_of, newest_first=direction)
            yield stride.leading, part
            rest = rest.without(part, newest_first=direction)

    def _of_stride(self, rest: Slice) -> tuple[Leading, int | None]:
        """Return the condition to read all of a slice by, and the width of the first part, None for
        all of it: of the filters the rarest one, if it has few entries."""
        leading, ms = self._first
        if ms is not None and self.candidates != [leading]:
            few = rarest(self.selection, self.candidates, rest, self.budget)
            if few:
                return few, None
        return leading, ms

    def _possible(self, estimate: Counted | None = None) -> list[Slice] | None:
        """Return where in time an entry can meet two or more conditions at once, if the counters
        can tell, or miss what is excluded; one wanted value alone is best asked of its index.

        They are not asked where what they said lately leaves out little."""
        equal = conditions(self.selection)
        if estimate is not None and estimate.share(equal) > SHARE_IN_VAIN:
            return None
        is_loose = any(not each.wanted for each in equal.values())
        counted = self.counted if len(equal) > 1 or is_loose else None
        return counted.parts(equal) if counted else None


def rarest(
    selection: Selection,
    candidates: Sequence[Leading],
    part: Slice,
    budget: Budget,
    counted: Counted | None = None,
    most: int | None = None,
) -> Leading | None:
    """Return the first condition that at most `most` (`FEW` if None) entries of a slice of time
    meet, or None; or fewer, where the stride has learnt that so many take too long.

    The counters are asked if they are given. Otherwise only index keys are counted, and never more
    than these.
    """
    most = FEW if most is None else most
    for leading in candidates[:MAX_COUNTED]:
        # Slices serve such a condition as well, and hold less of it; how many entries have a word
        # is not known without counting.
        is_value = (leading.is_equality or leading.is_choice) and leading.filter != WORDS
        is_slow = slices.reads_to_the_end() and is_value
        few = min(most, FEW_TO_THE_END) if is_slow else most
        if budget.stride:
            few = budget.stride.of(few)
        number = counted.number(selection, leading, part) if counted else None
        if number is None:
            budget.queries -= 1
            number = count_of(selection, leading, part, few)
        if number <= few:
            return leading
    return None


def count_of(selection: Selection, leading: Leading, part: Slice, most: int) -> int:
    """Count the entries that meet one condition, up to one more than `most`; or of the slice and
    all later time, if its end would make it slow."""
    if not slices.serves_slices(leading):
        part = replace(part, high=None)
    try:
        return slices.count(selection.alone, leading, part, most + 1, seconds=slices.COUNT_SECONDS)
    except TookTooLong:
        return most + 1
