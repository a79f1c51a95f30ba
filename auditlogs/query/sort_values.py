"""The values of a list's sort key, in the order of the list: an actor, an action or a result."""

from auditlogs.entry.schema import RESULTS
from auditlogs.entry.times import MAX_MS
from auditlogs.query.cursor import Position
from auditlogs.query.order import Order
from auditlogs.query.selection import Selection
from auditlogs.query.slices import HIGHEST, LOWEST
from auditlogs.query.values import Values
from auditlogs.query.window import Window
from auditlogs.storage import dictionary
from auditlogs.storage.dictionary import week_of
from auditlogs.storage.mongo import Document

# A page mostly needs the first few values, each of which has a note for every week.
FIRST_NOTES = 250
MORE_NOTES = 2_000

# The kind of dictionary note that lists the values of a sort key, and the filters that narrow it,
# each with the field of the note.
KINDS: dict[str, tuple[dictionary.Kind, dict[str, str]]] = {
    "actor": ("actor", {"actor.id": "id"}),
    "action": ("action", {"action": "id", "actionType": "actionType"}),
}


class SortValues:
    """The values of the sort key that a list can contain, from one of them on, read part by part.

    `is_read` tells that there are no more.
    """

    def __init__(
        self, selection: Selection, window: Window, order: Order, start: str | None
    ) -> None:
        self.is_read = False
        self._selection, self._window, self._order, self._start = selection, window, order, start
        self._kind, narrowing = KINDS.get(order.key, ("action", {}))
        values = selection.values
        self._by_note = [(note, values[path]) for path, note in narrowing.items() if path in values]
        self._last: Document | None = None
        self._previous: str | None = None

    def more(self) -> list[str]:
        """Return the next values, by one query; maybe none of those that it reads. Raises
        StorageError."""
        if self._order.key == "result":
            self.is_read = True
            return self._results
        wanted = self._wanted
        if wanted is not None:
            self.is_read = True
            return wanted
        listed = dictionary.values(
            self._selection.account,
            self._kind,
            self._weeks,
            self._keeps,
            start=self._start,
            after=self._last["_id"] if self._last else None,
            limit=MORE_NOTES if self._last else FIRST_NOTES,
            descending=self._order.values_descend,
        )
        found = [each for each in listed.values if each != self._previous]
        self._previous = listed.values[-1] if listed.values else self._previous
        self._last, self.is_read = listed.last, listed.last is None
        return found

    @property
    def position(self) -> Position | None:
        """The position in the list once all values that were returned have been read; None before
        the first, and after the last."""
        if self._last is None:
            return None
        first, last = (HIGHEST, LOWEST) if self._order.newest_first else (LOWEST, HIGHEST)
        value = self._last["value"]
        # The value of the last note may be wanted by one of its notes that follow.
        return Position(value, last if value == self._previous else first)

    @property
    def _results(self) -> list[str]:
        results = sorted(RESULTS, reverse=self._order.values_descend)
        first = results.index(self._start) if self._start in results else 0
        allowed = self._selection.values.get("result", Values())
        return [each for each in results[first:] if allowed.allows(each)]

    @property
    def _wanted(self) -> list[str] | None:
        """All values of the ids that are wanted; None where any is."""
        wanted = dict(self._by_note).get("id", Values()).wanted
        if self._last or not wanted:
            return None
        found = dictionary.values_of(
            self._selection.account, self._kind, wanted, self._weeks, self._keeps
        )
        if found is None:
            return None
        if self._order.values_descend:
            return [v for v in reversed(found) if self._start is None or v <= self._start]
        return [v for v in found if self._start is None or v >= self._start]

    @property
    def _weeks(self) -> range:
        end = MAX_MS if self._window.end is None else self._window.end
        return range(week_of(self._window.start), week_of(end) + 1)

    def _keeps(self, note: Document) -> bool:
        if self._order.key == "action" and not self._selection.allows_action(note):
            return False
        return all(values.allows(note[name]) for name, values in self._by_note)
