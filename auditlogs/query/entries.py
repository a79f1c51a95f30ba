"""The query layer: the entries of one account, filtered, sorted and read page by page.

`Entries` is immutable; every method that narrows it returns a new one. Everything that reads the
log does so through it. A reader restricted to one bot has that bot added to every query, whatever
filters they send.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

import msgspec

from auditlogs.entry.actions import ACTION_TYPES
from auditlogs.entry.identity import id_bound, id_ms
from auditlogs.entry.schema import Entry, actor_key
from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.metrics import QueryKind, timed
from auditlogs.query import arrivals, known_words, planner, slices, stops, volume
from auditlogs.query.arrivals import Place
from auditlogs.query.cursor import BadCursor, Cursor, Position, load_cursor
from auditlogs.query.order import DEFAULT_ORDER, Order, Sort
from auditlogs.query.parts import SORT_PATHS
from auditlogs.query.planner import Reading
from auditlogs.query.selection import ACCOUNT_ONLY, Selection, Word
from auditlogs.query.slices import Budget, Slice, predecessor, successor
from auditlogs.query.stops import Stops
from auditlogs.query.stride import Stride
from auditlogs.query.values import Values
from auditlogs.query.volume import Volume
from auditlogs.query.window import Window
from auditlogs.storage.documents import to_entry
from auditlogs.storage.mongo import Document, Room, TookTooLong
from auditlogs.storage.retention import oldest_ms

# These serve searches and filters only, so they are never transferred.
WITH_PAYLOAD = {"tokens": 0, "text": 0, "facts": 0}
WITHOUT_PAYLOAD = {**WITH_PAYLOAD, "payload": 0}
ONLY_POSITION = {"_id": 1, "actorKey": 1, "action": 1, "result": 1}

MAX_COUNT = 10_000
MAX_OFFSET = 10_000
MAX_LIMIT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list: its entries, the number of the first, and cursors to the pages around it.

    `is_cut_short` is true when the time budget was spent before the page was full; `next` then
    continues the search, and `looked_back_to` is the time up to which a list sorted by time was
    read.
    """

    entries: list[Entry]
    window: Window
    first: int
    next: Cursor | None
    previous: Cursor | None
    is_cut_short: bool
    looked_back_to: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalPage:
    """A page in the order of arrival, and the cursor after it, which there always is.

    `is_cut_short` is true where it has fewer entries than asked for: no more have settled yet
    (`is_caught_up`), or the time for reading was spent.
    """

    entries: list[Entry]
    next: Cursor
    is_cut_short: bool
    is_caught_up: bool


@dataclass(frozen=True, slots=True)
class Count:
    """How many entries match; `is_more` when counting stopped at its limit."""

    value: int
    is_more: bool


def _kind_of(entries: "Entries") -> QueryKind:
    if entries.words:
        return "search"
    return "list" if entries.order.key == "timestamp" else "sorted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The entries of one account within a window of time; of one bot if the reader may see no
    other. Lazy: constructing and narrowing it reads nothing from the database."""

    account: str
    window: Window
    bot: str | None = None
    filters: Mapping[str, Values] = field(default_factory=dict)
    # Types and actions, of which an entry has to have one.
    either: tuple[Values, Values] | None = None
    words: tuple[str, ...] = ()
    order: Order = DEFAULT_ORDER
    # What the look-up of the search as an ID found, for the cursors; it does not identify the list.
    known_id: str = ""

    @classmethod
    def of(cls, account: str, bot: str | None = None) -> Self:
        """Return all kept entries of an account, or of one of its bots."""
        return cls(account=account, bot=bot, window=Window.resolve("all", None, None, now()))

    def whole(self) -> Self:
        """Return all entries that the same reader may see, without filters."""
        return self.of(self.account, self.bot)

    # django-filter reads these two attributes of its queryset. There is no Django model.
    @property
    def model(self) -> None:
        return None

    def all(self) -> Self:
        return self

    @property
    def equal(self) -> dict[str, str]:
        """The filters that are one value and nothing else, by the field's path."""
        singles = {path: values.single for path, values in self.filters.items()}
        return {path: value for path, value in singles.items() if value is not None}

    def wanted(self, path: str) -> tuple[str, ...]:
        """Return the values of which a field has to have one, as requested."""
        return self.filters.get(path, Values()).wanted

    def where(self, path: str, value: str) -> Self:
        """Keep entries whose field at this path equals the value."""
        return self.keep(path, Values.one(value))

    def keep(self, path: str, values: Values) -> Self:
        """Keep entries whose field at this path has one of the wanted values, if there are any, and
        none of the unwanted ones."""
        return replace(self, filters={**self.filters, path: values}) if values else self

    def of_actions(self, values: Values) -> Self:
        """Keep entries of these action types and actions."""
        types, actions = values.split(lambda value: value in ACTION_TYPES)
        if types.wanted and actions.wanted:
            either = (Values(types.wanted), Values(actions.wanted))
            types, actions = Values((), types.unwanted), Values((), actions.unwanted)
            return replace(self, either=either).keep("actionType", types).keep("action", actions)
        return self.keep("actionType", types).keep("action", actions)

    def matching(self, words: tuple[str, ...]) -> Self:
        """Keep entries where every search word matches some field."""
        return replace(self, words=words)

    def within(self, window: Window) -> Self:
        return replace(self, window=window)

    def order_by(self, sort: Sort) -> Self:
        """Sort by a key, `-` for descending; entries with the same key are newest first."""
        return replace(self, order=Order.parse(sort))

    @property
    def fingerprint(self) -> str:
        """A hash of all that identifies this list: reader, filters, range and sort."""
        reader, sort = (self.account, self.bot), str(self.order)
        parts = (reader, self._filters_in_order, self.words, self.window.requested, sort)
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]

    @property
    def _filters_in_order(self) -> list[tuple[str, list[str], list[str]]]:
        """All filters in one order: lists that hold the same entries have the same cursors."""
        either = () if self.either is None else (("either", each) for each in self.either)
        found = [*self.filters.items(), *either]
        return sorted((path, sorted(e.wanted), sorted(e.unwanted)) for path, e in found)

    def cursor(self, text: str) -> Cursor | None:
        """Return the cursor in a text, None if the text is empty.

        Raises BadCursor for a cursor that this log did not issue, or issued for another list.
        """
        cursor = load_cursor(text) if text else None
        if cursor is not None and cursor.list != self.fingerprint:
            raise BadCursor("was made for another account, filter or sort")
        return cursor

    def pinned_to(self, cursor: Cursor) -> Self:
        """Keep the window as it was resolved when the first page was read."""
        start = max(cursor.start, oldest_ms(from_ms(self.window.as_of)))
        return self.within(replace(self.window, start=start, end=cursor.end, as_of=cursor.as_of))

    @timed(_kind_of)
    def page(
        self,
        limit: int,
        *,
        cursor: Cursor | None = None,
        offset: int = 0,
        payloads: bool = False,
        max_bytes: int | None = None,
        stride: Stride | None = None,
    ) -> Page:
        """Read one page of up to `limit` entries, which take up to `max_bytes` as they are stored.
        A reader of the whole list has the same stride for all its pages.

        It may be shorter before the end of the list, when the time budget is spent. Raises
        StorageError.
        """
        budget = Budget(slices.BUDGET_SECONDS)
        budget.stride = stride
        fields = WITH_PAYLOAD if payloads else WITHOUT_PAYLOAD
        room = Room(max_bytes) if max_bytes else None
        if cursor is not None:
            budget.room = room
            return self._page_at(cursor, limit, budget, fields)
        position: Position | None = None
        if offset:
            skipped = self._skip(offset, budget)
            if len(skipped) < offset:
                return self._show([], len(skipped) + 1, None, None, None)
            position = self._position(skipped[-1])
        budget.room = room
        return self._page_after(position, offset + 1, limit, budget, fields)

    def _skip(self, offset: int, budget: Budget) -> list[Document]:
        """Return as many documents as there are entries to skip, fewer if the list ends before; the
        last one has the position.

        Raises TookTooLong: a cursor that continued from where the time was spent would show entries
        that were to be skipped.
        """
        # To transfer thousands of positions takes longer than to find the last one.
        by_time = self.order.is_by_time
        skipped, unread = self._read(None, offset, budget, ONLY_POSITION, is_skip=by_time)
        # A list by another key than the time may need more queries than a page has.
        while unread and budget.queries < 2 and not budget.is_over:
            budget.queries = slices.MAX_QUERIES
            left = offset - len(skipped)
            more, unread = self._read(unread, left, budget, ONLY_POSITION, is_skip=by_time)
            skipped += more
        if unread:
            raise TookTooLong("The log took too long to skip that many entries.")
        budget.queries = slices.MAX_QUERIES
        return skipped

    @timed(lambda _: "arrivals")
    def arrivals(
        self, limit: int, *, cursor: Cursor | None = None, max_bytes: int | None = None
    ) -> ArrivalPage:
        """Read up to `limit` entries after a cursor of this list in ARRIVAL_ORDER, which take up to
        `max_bytes` as they are stored. Raises StorageError."""
        listed = self if cursor is None else self.pinned_to(cursor)
        place = Place.before_all(listed.window)
        if cursor is not None and cursor.value is not None:
            place = Place(from_ms(int(cursor.value)), cursor.id)
        budget = Budget(slices.BUDGET_SECONDS)
        budget.room = Room(max_bytes) if max_bytes else None
        read = arrivals.read(listed._selection(), listed.window, place, limit, WITH_PAYLOAD, budget)
        after = Position(str(to_ms(read.place.at)), read.place.id)
        return ArrivalPage(
            entries=[to_entry(document) for document in read.documents],
            next=listed._cursor(after, 0),
            is_cut_short=len(read.documents) < limit,
            is_caught_up=read.is_caught_up,
        )

    @timed(lambda _: "arrivals")
    def arrived(
        self, place: Place, until: datetime, limit: int, max_bytes: int
    ) -> tuple[list[Entry], Place | None]:
        """Read up to `limit` entries that arrived after a place and before `until`, which take up
        to `max_bytes` as they are stored, and the place after them: None once all are read. Raises
        StorageError."""
        budget = Budget(slices.BUDGET_SECONDS)
        budget.room = Room(max_bytes)
        selection, fields = self._selection(), WITH_PAYLOAD
        read = arrivals.read(selection, self.window, place, limit, fields, budget, until)
        found = [to_entry(document) for document in read.documents]
        return found, None if read.place.at >= until else read.place

    def _page_at(self, cursor: Cursor, limit: int, budget: Budget, fields: Document) -> Page:
        pinned = self.pinned_to(cursor)
        if cursor.backwards:
            return pinned._page_before(cursor.position, cursor.ordinal, limit, budget, fields)
        return pinned._page_after(cursor.position, cursor.ordinal, limit, budget, fields)

    def _page_after(
        self, position: Position | None, first: int, limit: int, budget: Budget, fields: Document
    ) -> Page:
        # One entry more than the page holds shows whether there is a next page.
        documents, unread = self._read(position, limit + 1, budget, fields)
        shown = documents[:limit]
        following = self._position(shown[-1]) if len(documents) > limit else unread
        preceding = None
        if position and first > 1:
            preceding = self._position(shown[0]) if shown else self._including(position)
        return self._show(shown, first, following, preceding, unread)

    def _page_before(
        self, position: Position, ordinal: int, limit: int, budget: Budget, fields: Document
    ) -> Page:
        """Read the page before a position: never more entries than were counted before it, so that
        the first page comes back as it was, whatever was recorded since."""
        wanted = min(limit, ordinal - 1)
        documents, unread = self._read(position, wanted, budget, fields, backwards=True)
        first = ordinal - len(documents) if unread or len(documents) == wanted else 1
        shown = documents[::-1]
        preceding = None
        if first > 1:
            preceding = unread or self._position(shown[0])
        following = self._position(shown[-1]) if shown else self._including(position, False)
        return self._show(shown, first, following, preceding, unread)

    def _show(
        self,
        shown: list[Document],
        first: int,
        following: Position | None,
        preceding: Position | None,
        unread: Position | None,
    ) -> Page:
        return Page(
            entries=[to_entry(document) for document in shown],
            window=self.window,
            first=first,
            next=self._cursor(following, first + len(shown)) if following else None,
            previous=self._cursor(preceding, first, backwards=True) if preceding else None,
            is_cut_short=unread is not None,
            looked_back_to=from_ms(id_ms(unread.id)) if unread and unread.value is None else None,
        )

    def _including(self, position: Position, backwards: bool = True) -> Position:
        """Return the position from which reading includes the entry at this one."""
        order = self.order.backwards if backwards else self.order
        bound = successor(position.id) if order.newest_first else predecessor(position.id)
        return Position(position.value, bound)

    @timed(lambda _: "neighbours")
    def neighbours(self, entry: Entry) -> tuple[uuid.UUID | None, uuid.UUID | None]:
        """Return the ids of the entries before and after this one in the list, None at its ends.

        Raises StorageError, TookTooLong where one was not found in time.
        """
        position = self._position_of(entry)
        around: list[uuid.UUID | None] = []
        for backwards in (True, False):
            budget = Budget(slices.BUDGET_SECONDS)
            documents, unread = self._read(position, 1, budget, ONLY_POSITION, backwards)
            if unread and not documents:
                raise TookTooLong("The log took too long to find the entries around this one.")
            around.append(documents[0]["_id"] if documents else None)
        return around[0], around[1]

    @timed(lambda _: "entry")
    def get(self, entry_id: uuid.UUID) -> Entry | None:
        """Return an entry of the account by its id, whatever the filters, or None.

        An entry older than the retention is None, even while it is still stored.
        """
        documents = slices.run_of_one(self._unfiltered, entry_id)
        is_kept = entry_id >= id_bound(oldest_ms(now()))
        return to_entry(documents[0]) if documents and is_kept else None

    def has_any(self) -> bool:
        """Tell whether the account's log has such an entry at all, whatever the window. For
        filters that few entries share: it is one query. Raises StorageError."""
        kept = Slice(id_bound(oldest_ms(now())), None)
        selection = self._selection()
        leading = next(iter(selection.candidates), ACCOUNT_ONLY)
        return slices.count(selection, leading, kept, 1, slices.COUNT_SECONDS) > 0

    def values_from(self, path: str, low: str, high: str | None) -> set[str]:
        """Return the values of a field from `low` (inclusive) to `high` (exclusive), whatever the
        window; not all of them if there are several. Raises StorageError."""
        kept = Slice(id_bound(oldest_ms(now())), None)
        return slices.values_from(self._selection(), kept, path, low, high)

    def ids_between(self, low: uuid.UUID, high: uuid.UUID, limit: int) -> list[uuid.UUID]:
        """Return the ids of up to `limit` entries between two (inclusive). Raises StorageError."""
        part = Slice(max(low, id_bound(oldest_ms(now()))), successor(high))
        stages: list[Document] = [{"$limit": limit}, {"$project": {"_id": 1}}]
        if part.is_empty:
            return []
        return [each["_id"] for each in slices.run(self._selection(), ACCOUNT_ONLY, part, *stages)]

    def holds(self, entry_id: uuid.UUID) -> bool:
        """Tell whether an entry is in the list."""
        if entry_id < id_bound(self.window.start):
            return False
        if self.window.end is not None and entry_id >= id_bound(self.window.end):
            return False
        return bool(slices.run_of_one(self._selection(), entry_id, {"$project": {"_id": 1}}))

    @timed(lambda _: "count")
    def count(self) -> Count:
        """Count the entries, up to a limit where the counters do not know more. Raises
        StorageError, TookTooLong among others."""
        return Count(*planner.count(self._selection(), self.window, MAX_COUNT))

    def newest_arrival(self, since: int) -> int | None:
        """Return when the newest arrival of the account reached the log, in ms, whatever the
        filters; None where there is none since an instant, in ms. Raises StorageError."""
        return slices.newest_arrival(self.account, since)

    @timed(lambda _: "volume")
    def volume(self, edges: Sequence[int]) -> Volume:
        """Count the entries by result between each two of these instants, in ms and ascending; the
        first is not after the start of the window. Raises StorageError."""
        return volume.read(self._selection(), self.window, edges)

    @timed(lambda _: "stops")
    def stops(self) -> Stops:
        """Return when circuit breakers were open or a kill switch was on within the window,
        whatever the filters. Raises StorageError."""
        return stops.read(self._unfiltered, self.window)

    def aggregate(self, start: int, end: int | None, *stages: Document) -> list[Document]:
        """Run aggregation stages over these entries, from a millisecond to another (exclusive),
        whatever the window, by an index that is in the order of time. Raises StorageError."""
        part, selection = Slice.between(start, end), self._selection()
        return slices.run(selection, slices.leading_in_time(selection), part, *stages)

    @property
    def _unfiltered(self) -> Selection:
        return Selection(self.account, self.bot, {}, ())

    def _selection(self) -> Selection:
        words = tuple(map(Word, self.words))
        selection = Selection(self.account, self.bot, self.filters, words, self.either)
        return known_words.resolved(selection, self.window) if words else selection

    def _read(
        self,
        position: Position | None,
        limit: int,
        budget: Budget,
        fields: Document,
        backwards: bool = False,
        is_skip: bool = False,
    ) -> tuple[list[Document], Position | None]:
        """Read up to `limit` documents after (or before) a position, in the order of reading.

        Returns them, and the position to continue from if the budget was spent first.
        """
        order = self.order.backwards if backwards else self.order
        selection = self._selection()
        budget.queries -= known_words.queries_of(selection)
        return Reading(
            selection, self.window, order, position, limit, fields, budget, is_skip
        ).read()

    def _position(self, document: Document) -> Position:
        key = self.order.key
        return Position(None if key == "timestamp" else document[SORT_PATHS[key]], document["_id"])

    def _position_of(self, entry: Entry) -> Position:
        id = uuid.UUID(entry.id)
        key = {"action": entry.action, "result": entry.result}.get(self.order.key)
        if self.order.key == "actor":
            # The key of an entry of an earlier version can differ: accents stayed in it.
            stored = slices.run_of_one(self._unfiltered, id, {"$project": ONLY_POSITION})
            key = stored[0]["actorKey"] if stored else actor_key(entry.actor)
        return Position(key, id)

    def _cursor(self, position: Position, ordinal: int, backwards: bool = False) -> Cursor:
        return Cursor(
            self.fingerprint,
            self.window.start,
            self.window.end,
            self.window.as_of,
            position.value,
            position.id,
            ordinal,
            backwards,
            self.known_id,
        )
