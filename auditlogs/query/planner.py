"""Planning: how a list is read, so that the cost of a page does not grow with the log.

A list by time is read part by part, as `auditlogs.query.parts` says.

A list by another key begins with the count. If a filter has few entries, they are read and sorted
at once. Otherwise the list is a chain of lists by time, one for each value of the key, where values
with few entries are read together.
"""

from dataclasses import dataclass, field, replace

from auditlogs.entry.identity import id_bound
from auditlogs.query import slices
from auditlogs.query.cursor import Position
from auditlogs.query.known import (
    Known,
    conditions,
    exact_count,
)
from auditlogs.query.order import Order
from auditlogs.query.parts import SORT_PATHS, Documents, Parts, rarest
from auditlogs.query.selection import ACCOUNT_ONLY, Leading, Selection
from auditlogs.query.slices import HIGHEST, LOWEST, Budget, Slice
from auditlogs.query.sort_values import SortValues
from auditlogs.query.values import Values
from auditlogs.query.window import Window
from auditlogs.storage.counts import DIMENSIONS
from auditlogs.storage.indexes import LEADING_FILTERS
from auditlogs.storage.mongo import Document, TookTooLong

# A chain reads its first value alone, then so many values together, then the square of it, …
TOGETHER = 8
# Entries whose values are gathered where the first value of a list has none, in about a fifth of a
# second.
MAX_GROUPED = 30_000
# A page that has something stops after values that have so many entries together, which may all
# have been read for the few that it shows: in about a tenth of a second.
MAX_PASSED = 15_000
# Values of entries that are not counted yet.
MAX_NEW_VALUES = 1_000

SORT_FILTERS = {each.path: each for each in LEADING_FILTERS}
# What was read, and the position to continue from if the budget was spent before the end.
Result = tuple[Documents, Position | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """A part of a list to be read: up to `limit` documents after a position, with some fields.

    Of a list by time `is_skip` reads how many there are and the last `_id`: every document is then
    the last one, with that alone.
    """

    selection: Selection
    window: Window
    order: Order
    position: Position | None
    limit: int
    fields: Document
    budget: Budget
    is_skip: bool = False
    known: Known = field(default_factory=Known)

    def read(self) -> Result:
        """Read the documents in the direction of the order. Raises StorageError."""
        if self.selection.is_empty:
            return [], None
        if self.order.is_by_time:
            return self._by_time()
        few = self._parts.rarest(self.selection, self._parts.candidates, self._window)
        return self._at_once(few) if few else self._chain()

    @property
    def _parts(self) -> Parts:
        return Parts(self.selection, self.window, self.order, self.limit, self.budget, self.known)

    @property
    def _window(self) -> Slice:
        return Slice.of(self.window, None, newest_first=True)

    @property
    def _rest(self) -> Slice:
        """What is left of the window for entries with the position's key."""
        after = self.position.id if self.position else None
        return Slice.of(self.window, after, newest_first=self.order.newest_first)

    def _by_time(self) -> Result:
        documents: Documents = []
        newest_first = self.order.newest_first
        rest = self._rest
        for leading, part in self._parts.each(rest, documents):
            try:
                found = self._in_time(leading, part, len(documents))
                documents += found
                self._learn(part, found, is_enough=len(documents) == self.limit)
            except TookTooLong:
                # The next page starts here with a narrow slice. A first page would show nothing.
                if not self.budget.has_begun:
                    raise
                return documents, Position(None, part.resume(newest_first=newest_first))
            if self.budget.is_full:
                start = rest.resume(newest_first=newest_first)
                return documents, Position(None, documents[-1]["_id"] if documents else start)
            rest = rest.without(part, newest_first=newest_first)
            if len(documents) == self.limit or rest.is_empty:
                return documents, None
            if self.budget.is_spent(bool(documents)) or (self.budget.stride and documents):
                return documents, Position(None, rest.resume(newest_first=newest_first))
        return documents, None

    def _in_time(self, leading: Leading, part: Slice, already: int) -> Documents:
        """Read the first documents of a slice in the direction of reading."""
        newest_first = self.order.newest_first
        stages = self._ordered({"_id": -1 if newest_first else 1}, already)
        if not self.is_skip:
            return self._run(leading, part, *stages)
        last = {"$min" if newest_first else "$max": "$_id"}
        group: Document = {"$group": {"_id": None, "last": last, "number": {"$sum": 1}}}
        found = self._run(leading, part, *stages[:2], group)
        return [{"_id": each["last"]} for each in found for _ in range(each["number"])]

    def _learn(self, part: Slice, found: Documents, *, is_enough: bool) -> None:
        """Let the stride learn from a slice: of one that has more than was taken, from that."""
        if self.budget.stride is None:
            return
        wanted = self.limit
        if found and (is_enough or self.budget.is_full):
            part = part.up_to(found[-1]["_id"], newest_first=self.order.newest_first)
            wanted = len(found) if self.budget.is_full else self.limit
        self.budget.stride.learn(part.width(self.window.as_of), len(found), wanted)

    def _at_once(self, leading: Leading) -> Result:
        """Read entries of a condition that has few, sorted by the key in the database."""
        path, position = SORT_PATHS[self.order.key], self.position
        documents: Documents = []
        following: list[Document] = []
        if position and position.value is not None:
            same = {"$match": {path: position.value}}
            stages = self._ordered({"_id": -1 if self.order.newest_first else 1}, 0)
            documents += self._run(leading, self._rest, same, *stages)
            if self.budget.is_full:
                return documents, self._after(documents)
            beyond = "$lt" if self.order.values_descend else "$gt"
            following = [{"$match": {path: {beyond: position.value}}}]
        if len(documents) < self.limit:
            order = {
                path: -1 if self.order.values_descend else 1,
                "_id": -1 if self.order.newest_first else 1,
            }
            stages = self._ordered(order, len(documents))
            documents += self._run(leading, self._window, *following, *stages)
        return documents, self._after(documents) if self.budget.is_full else None

    def _after(self, documents: Documents) -> Position | None:
        """Return the position after the last of some documents, in a list by another key."""
        if not documents:
            return self.position
        last = documents[-1]
        return Position(last[SORT_PATHS[self.order.key]], last["_id"])

    def _chain(self) -> Result:
        """Read a list by another key than the time, value by value."""
        documents: Documents = []
        path, size, reached = SORT_PATHS[self.order.key], 1, self.position
        end = LOWEST if self.order.newest_first else HIGHEST
        start = self.position.value if self.position else None
        listed = SortValues(self.selection, self.window, self.order, start)
        values: list[str] = []
        present: set[str] | None = None
        # Whether values were left out that no entry of the list has. That takes longer than to read
        # the first value, but an engine that reads it to its end would take longer for that.
        is_narrowed, passed = slices.reads_to_the_end(), 0
        while values or not listed.is_read:
            if not values:
                reached = listed.position or reached
                if listed.position and self._has_to_stop(documents, passed):
                    return documents, reached
                self.budget.queries -= 1
                values = listed.more()
                if is_narrowed:
                    values = self._that_can_match(path, values, present)
                continue
            together = self._together(path, values, size)
            done = together or values[:1]
            part = replace(self, limit=self.limit - len(documents))
            try:
                read = part._of_several if together else part._of_value
                found, unread = read(path, done)
            except TookTooLong:
                # The next page starts with these values. A first page would show nothing.
                if not self.budget.has_begun or reached is None:
                    raise
                return documents, reached
            size, reached = size * TOGETHER if together else TOGETHER, Position(done[-1], end)
            documents += found
            if self.budget.is_full:
                return documents, self._after(documents)
            values = values[len(done) :]
            if len(documents) == self.limit:
                break
            if not (is_narrowed or found or unread):
                # Most values may have no entry in this list.
                present = None if documents else self._present(path)
                values, is_narrowed = self._that_can_match(path, values, present), True
            passed += self._number(path, done)
            if unread or (values and self._has_to_stop(documents, passed)):
                return documents, unread or reached
        return documents, None

    def _has_to_stop(self, documents: Documents, passed: int) -> bool:
        """Tell whether a chain has to stop between two values, after so many entries with those
        before; reading several takes two queries."""
        is_over = bool(documents) and (self.budget.queries < 2 or passed > MAX_PASSED)
        return is_over or self.budget.is_spent(bool(documents))

    def _number(self, path: str, values: list[str]) -> int:
        """Return about how many entries have one of these values of the sort key; 0 where the
        counters do not tell, or would have to be asked for it alone."""
        estimate = None if slices.reads_to_the_end() else self._parts.lately
        if estimate is None:
            return 0
        return estimate.number(*self._having(path, values), self._window) or 0

    def _having(self, path: str, values: list[str]) -> tuple[Selection, Leading]:
        """Return the entries with one of these values of the sort key, whatever the filters, and
        the condition that leads to them."""
        alone = replace(self.selection.alone, filters={path: Values(tuple(values))})
        return alone, Leading(SORT_FILTERS[path], {"$in": values})

    def _together(self, path: str, values: list[str], size: int) -> list[str]:
        """Return the first values that few entries have together, which are read at once; none
        where they have many, or where the first one is read on from a position."""
        if size == 1 and self.position:
            return []
        sizes: tuple[int, ...] = (size,) if size > 1 else ()
        if slices.reads_to_the_end() and self._parts.lately:
            # To estimate costs nothing, and even the first of them may be rare.
            sizes = (TOGETHER**2, TOGETHER, 1)
        for number in sizes:
            first = values[:number]
            alone, several = self._having(path, first)
            if self._parts.rarest(alone, [several], self._window):
                return first
        return []

    def _that_can_match(self, path: str, values: list[str], present: set[str] | None) -> list[str]:
        """Leave out the values of the sort key that no entry of the list has: those that are not
        present, where that is known, or else by the counters."""
        if present is not None:
            return [each for each in values if each in present]
        equal = conditions(self.selection)
        is_counted = path in DIMENSIONS or path == "result"
        counted = self._parts.counted if is_counted and equal.keys() - {path} else None
        if counted is None or not values:
            return values
        # Entries that are not counted yet may have any value.
        new = Slice(id_bound(counted.until), None)
        self.budget.queries -= 1
        stages: list[Document] = [{"$group": {"_id": f"${path}"}}, {"$limit": MAX_NEW_VALUES}]
        try:
            leading = slices.leading_in_time(self.selection)
            groups = slices.run(self.selection, leading, new, *stages)
        except TookTooLong:
            return values
        also = {group["_id"] for group in groups}
        return [
            value
            for value in values
            if value in also or len(counted.parts({**equal, path: Values.one(value)})) > 1
        ]

    def _present(self, path: str) -> set[str] | None:
        """Return the values of the sort key in this list; None where too many entries would have to
        be read for that."""
        if slices.reads_to_the_end() or not self.selection.candidates:
            return None
        leading, seconds = self.selection.candidates[0], slices.COUNT_SECONDS
        estimate = self._parts.lately
        number = estimate.number(self.selection, leading, self._window) if estimate else None
        if number is not None and number > MAX_GROUPED:
            return None
        self.budget.queries -= 1
        group: Document = {"$group": {"_id": f"${path}", "number": {"$sum": 1}}}
        stages: list[Document] = [{"$limit": MAX_GROUPED + 1}, group]
        try:
            found = slices.run(self.selection, leading, self._window, *stages, seconds=seconds)
        except TookTooLong:
            return None
        is_all = sum(each["number"] for each in found) <= MAX_GROUPED
        return {each["_id"] for each in found} if is_all else None

    def _of_several(self, path: str, values: list[str]) -> Result:
        """Read the entries of values of the sort key that have few together."""
        return replace(self, position=None)._at_once(Leading(SORT_FILTERS[path], {"$in": values}))

    def _of_value(self, path: str, values: list[str]) -> Result:
        """Read the list by time of one value of the sort key."""
        (value,) = values
        position = self.position
        if position is None or position.value != value:
            position = None
        filters = {**self.selection.filters, path: Values.one(value)}
        selection = replace(self.selection, filters=filters)
        found, unread = replace(self, selection=selection, position=position)._by_time()
        return found, Position(value, unread.id) if unread else None

    def _ordered(self, order: dict[str, int], already: int) -> list[Document]:
        limit = self.limit - already
        return [{"$sort": order}, {"$limit": limit}, {"$project": self.fields}]

    def _run(self, leading: Leading, part: Slice, *stages: Document) -> Documents:
        if part.is_empty:
            return []
        self.budget.queries -= 1
        try:
            documents = slices.run(self.selection, leading, part, *stages, room=self.budget.room)
        except TookTooLong:
            if self.budget.stride:
                self.budget.stride.narrow(part.width(self.window.as_of))
            raise
        self.budget.has_begun = True
        return documents


def count(selection: Selection, window: Window, limit: int) -> tuple[int, bool]:
    """Count the entries of a list; also tell whether there are more. Counting stops at the limit
    where the counters cannot tell. Raises StorageError."""
    if selection.is_empty:
        return 0, False
    whole = Slice.of(window, None, newest_first=True)
    candidates = selection.candidates or [ACCOUNT_ONLY]
    few: Leading | None = None
    # Such an engine would read all that it counts.
    is_asked = slices.reads_to_the_end()
    exact = exact_count(selection, window, limit) if is_asked else None
    if exact is None and len(candidates) > 1:
        few = rarest(selection, candidates, whole, Budget(0))
        exact = None if few or is_asked else exact_count(selection, window, limit)
    if exact is not None:
        return exact, False
    counted = slices.count(selection, few or candidates[0], whole, limit + 1)
    if counted > limit and len(candidates) == 1 and not is_asked:
        exact = exact_count(selection, window, limit)
        if exact is not None:
            return exact, False
    return min(counted, limit), counted > limit
