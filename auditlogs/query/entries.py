"""The query layer: entries of one account, filtered, sorted and read page by page. Whoever may see
one bot alone has that bot in every question, whatever they ask for.

`Entries` is immutable; every method that narrows it returns a new one. The page, its
fragments and the API all read the log through it.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Self, get_args

import msgspec

from auditlogs.entry.identity import id_bound, id_ms
from auditlogs.entry.schema import RESULTS, Entry, actor_key
from auditlogs.entry.times import MAX_MS, from_ms, now
from auditlogs.query import slices
from auditlogs.query.cursor import BadCursor, Cursor, Position, load_cursor
from auditlogs.query.slices import (
    HIGHEST,
    LOWEST,
    NEWEST_FIRST,
    OLDEST_FIRST,
    Budget,
    Selection,
    Word,
    before,
    behind,
)
from auditlogs.query.window import Window
from auditlogs.storage import dictionary
from auditlogs.storage.dictionary import week_of
from auditlogs.storage.documents import to_entry
from auditlogs.storage.mongo import Document, TookTooLong
from auditlogs.storage.retention import oldest_ms

Sort = Literal[
    "timestamp", "-timestamp", "actor", "-actor", "action", "-action", "result", "-result"
]
SORTS: tuple[Sort, ...] = get_args(Sort)
DEFAULT_SORT: Sort = "-timestamp"
# The stored field that holds the key of each sort but the one by time.
SORT_PATHS = {"actor": "actorKey", "action": "action", "result": "result"}

# The dictionary that lists the values of a key, and which equalities narrow it, by note field.
DICTIONARY_KEYS: dict[str, tuple[dictionary.Kind, dict[str, str]]] = {
    "actor": ("actor", {"actor.id": "id"}),
    "action": ("action", {"action": "id", "actionType": "actionType"}),
}

# Behind every `_id`, in each direction: where the list of one value is at its end.
ENDS = {NEWEST_FIRST: LOWEST, OLDEST_FIRST: HIGHEST}

# A word that begins more tokens than these is looked for as a range.
MAX_TOKENS = 50
MAX_COUNT = 10_000
MAX_OFFSET = 10_000
MAX_LIMIT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list: its entries, the number of the first, and where the list goes on.

    `is_cut_short` tells that the time for reading was over before the page was full; `next` goes
    on from there, and `looked_back_to` says how far a list in the order of time was read.
    """

    entries: list[Entry]
    window: Window
    first: int
    next: Cursor | None
    previous: Cursor | None
    is_cut_short: bool
    looked_back_to: datetime | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many entries match; `is_more` when there are more than were counted."""

    value: int
    is_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The entries of one account within a window of time, of one bot alone where their reader may
    see no other. Nothing is read until asked for."""

    account: str
    window: Window
    bot: str | None = None
    equal: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    sort: Sort = DEFAULT_SORT

    @classmethod
    def of(cls, account: str, bot: str | None = None) -> Self:
        """Return all entries of an account, or of one bot of it, that are kept."""
        return cls(account=account, bot=bot, window=Window.resolve("all", None, None, now()))

    def whole(self) -> Self:
        """Return all entries that the reader of these may see."""
        return self.of(self.account, self.bot)

    # django-filter asks its queryset for these two.
    @property
    def model(self) -> None:
        """Return None: there is no Django model behind the log."""
        return None

    def all(self) -> Self:
        """Return the same entries."""
        return self

    def where(self, path: str, value: str) -> Self:
        """Keep the entries whose field at this path is this value."""
        return replace(self, equal={**self.equal, path: value})

    def matching(self, words: tuple[str, ...]) -> Self:
        """Keep the entries of which every word begins a token."""
        return replace(self, words=words)

    def within(self, window: Window) -> Self:
        """Keep the entries of a window of time."""
        return replace(self, window=window)

    def order_by(self, sort: Sort) -> Self:
        """Sort by a key, `-` for descending; ties are newest first."""
        return replace(self, sort=sort)

    @property
    def fingerprint(self) -> str:
        """Return what tells this list from every other: reader, filters, range and sort."""
        reader = (self.account, self.bot)
        parts = (reader, sorted(self.equal.items()), self.words, self.window.asked, self.sort)
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]

    def cursor(self, text: str) -> Cursor | None:
        """Return the cursor that a text holds, None for an empty one.

        Raises BadCursor for one that was not made by this log, or for another list.
        """
        cursor = load_cursor(text) if text else None
        if cursor is not None and cursor.list != self.fingerprint:
            raise BadCursor("was made for another account, filter or sort")
        return cursor

    def pinned_to(self, cursor: Cursor) -> Self:
        """Keep to the window as it was resolved when the first page was read."""
        kept = max(cursor.start, oldest_ms(from_ms(self.window.as_of)))
        return self.within(replace(self.window, start=kept, end=cursor.end, as_of=cursor.as_of))

    def page(
        self,
        limit: int,
        *,
        cursor: Cursor | None = None,
        offset: int = 0,
        payloads: bool = False,
    ) -> Page:
        """Read one page of up to `limit` entries.

        It may be short before the end of the list, when the time for it is over. Raises
        StorageError.
        """
        budget = Budget(slices.BUDGET_SECONDS)
        fields = slices.WITH_PAYLOAD if payloads else slices.WITHOUT_PAYLOAD
        if cursor is not None:
            return self._page_at(cursor, limit, budget, fields)
        place: Position | None = None
        if offset:
            skipped, unread = self._read(None, offset, budget, slices.ONLY_POSITION)
            if unread:
                # No cursor can go on from here: it would show what was to be skipped.
                raise TookTooLong("The log took too long to skip that many entries.")
            if len(skipped) < offset:
                return self._show([], len(skipped) + 1, None, None, None)
            place = self._position(skipped[-1])
        return self._forwards(place, offset + 1, limit, budget, fields)

    def _page_at(self, cursor: Cursor, limit: int, budget: Budget, fields: Document) -> Page:
        same = self.pinned_to(cursor)
        if cursor.backwards:
            return same._backwards(cursor.position, cursor.ordinal, limit, budget, fields)
        return same._forwards(cursor.position, cursor.ordinal, limit, budget, fields)

    def _forwards(
        self, place: Position | None, first: int, limit: int, budget: Budget, fields: Document
    ) -> Page:
        """Read the page behind a place. One entry more than asked tells whether more follow."""
        found, unread = self._read(place, limit + 1, budget, fields)
        shown = found[:limit]
        goes_on = self._position(shown[-1]) if len(found) > limit else unread
        came_from = None
        if place and first > 1:
            came_from = self._position(shown[0]) if shown else self._let_in(place, backwards=True)
        return self._show(shown, first, goes_on, came_from, unread)

    def _backwards(
        self, place: Position, ordinal: int, limit: int, budget: Budget, fields: Document
    ) -> Page:
        """Read the page before a place: never more entries than were counted before it, so that
        the first page comes back as it was, whatever was recorded since."""
        wanted = min(limit, ordinal - 1)
        found, unread = self._read(place, wanted, budget, fields, backwards=True)
        first = ordinal - len(found) if unread or len(found) == wanted else 1
        shown = found[::-1]
        came_from = None
        if first > 1:
            came_from = unread or self._position(shown[0])
        goes_on = self._position(shown[-1]) if shown else self._let_in(place, backwards=False)
        return self._show(shown, first, goes_on, came_from, unread)

    def _show(
        self,
        shown: list[Document],
        first: int,
        goes_on: Position | None,
        came_from: Position | None,
        unread: Position | None,
    ) -> Page:
        return Page(
            entries=[to_entry(document) for document in shown],
            window=self.window,
            first=first,
            next=self._cursor(goes_on, first + len(shown)) if goes_on else None,
            previous=self._cursor(came_from, first, backwards=True) if came_from else None,
            is_cut_short=unread is not None,
            looked_back_to=from_ms(id_ms(unread.id)) if unread and unread.value is None else None,
        )

    def _let_in(self, place: Position, *, backwards: bool) -> Position:
        """Return the place from which reading meets the entry at this one too."""
        oldest_first = (self.sort == "timestamp") != backwards
        return Position(place.value, before(place.id) if oldest_first else behind(place.id))

    def neighbours(self, entry: Entry) -> tuple[uuid.UUID | None, uuid.UUID | None]:
        """Return the ids of the entries before and after this one in the list, None at its ends.

        Raises StorageError, TookTooLong where one was not found in time.
        """
        place = self._position_of(entry)
        around: list[uuid.UUID | None] = []
        for backwards in (True, False):
            found, unread = self._read(
                place, 1, Budget(slices.BUDGET_SECONDS), slices.ONLY_POSITION, backwards
            )
            if unread and not found:
                raise TookTooLong("The log took too long to find the entries around this one.")
            around.append(found[0]["_id"] if found else None)
        return around[0], around[1]

    def get(self, entry_id: uuid.UUID) -> Entry | None:
        """Return an entry of the account by its id, whatever the filters, or None.

        What is older than retention is not there, whether or not it was removed yet.
        """
        low = max(entry_id, id_bound(oldest_ms(now())))
        everything = Selection(self.account, self.bot, {}, ())
        found = slices.run(everything, low, behind(entry_id))
        return to_entry(found[0]) if found else None

    def holds(self, entry_id: uuid.UUID) -> bool:
        """Tell whether an entry is in the list."""
        if entry_id < id_bound(self.window.start):
            return False
        if self.window.end is not None and entry_id >= id_bound(self.window.end):
            return False
        only_id = {"$project": {"_id": 1}}
        return bool(slices.run(self._selection(), entry_id, behind(entry_id), only_id))

    def count(self) -> Count:
        """Count the entries, up to a limit. Raises StorageError, TookTooLong among others."""
        low = id_bound(self.window.start)
        high = None if self.window.end is None else id_bound(self.window.end)
        stages: tuple[Document, ...] = ({"$limit": MAX_COUNT + 1}, {"$count": "value"})
        counted = slices.run(self._selection(), low, high, *stages)
        value = int(counted[0]["value"]) if counted else 0
        return Count(min(value, MAX_COUNT), value > MAX_COUNT)

    def aggregate(self, start: int, end: int, *stages: Document) -> list[Document]:
        """Ask the database itself to sum up these entries, by stages of its own, from a millisecond
        to another (exclusive), whatever the window. Raises StorageError."""
        return slices.run(self._selection(), id_bound(start), id_bound(end), *stages)

    def _selection(self) -> Selection:
        """Return what the list holds, each word with the tokens that begin with it."""
        words = tuple(
            Word(word, dictionary.tokens(self.account, word, self._weeks, MAX_TOKENS))
            for word in self.words
        )
        return Selection(self.account, self.bot, self.equal, words)

    @property
    def _weeks(self) -> range:
        """The weeks that the window touches, by which the dictionary is kept."""
        end = MAX_MS if self.window.end is None else self.window.end
        return range(week_of(self.window.start), week_of(end) + 1)

    def _read(
        self,
        place: Position | None,
        limit: int,
        budget: Budget,
        fields: Document,
        backwards: bool = False,
    ) -> tuple[list[Document], Position | None]:
        """Read up to `limit` documents behind (or before) a place, in the order of reading.

        Returns them, and the place to go on from when the budget was spent first.
        """
        key, step = self.sort.lstrip("-"), -1 if self.sort.startswith("-") else 1
        selection = self._selection()
        if selection.is_empty:
            return [], None
        if key == "timestamp":
            after = place.id if place else None
            turn = -step if backwards else step
            found, unread = slices.read_slices(
                selection, self.window, turn, after, limit, budget, fields
            )
            return found, Position(None, unread) if unread else None
        # A list by another key is a chain of lists by time, one for each value of the key.
        path, turn = SORT_PATHS[key], OLDEST_FIRST if backwards else NEWEST_FIRST
        chain: list[Document] = []
        for value in self._values(key, place, -step if backwards else step):
            after = place.id if place and place.value == value else None
            chosen = replace(selection, asked={**self.equal, path: value})
            found, unread = slices.read_slices(
                chosen, self.window, turn, after, limit - len(chain), budget, fields
            )
            chain += found
            if len(chain) == limit:
                break
            # A page that has read nothing yet goes on, or the list would never end.
            if unread or (budget.is_spent and budget.has_begun):
                return chain, Position(value, unread or ENDS[turn])
        return chain, None

    def _values(self, key: str, place: Position | None, step: int) -> Iterator[str]:
        """Yield the values of a sort key that the list can hold, from a place on."""
        start = place.value if place else None
        if key == "result":
            for result in RESULTS[::step]:
                passed = start is not None and (result < start if step > 0 else result > start)
                if not passed and self.equal.get("result", result) == result:
                    yield result
            return
        kind, fixed_by = DICTIONARY_KEYS[key]
        only = {note: self.equal[path] for path, note in fixed_by.items() if path in self.equal}
        yield from dictionary.values(self.account, kind, self._weeks, only, start, step)

    def _position(self, document: Document) -> Position:
        key = self.sort.lstrip("-")
        value = None if key == "timestamp" else document[SORT_PATHS[key]]
        return Position(value, document["_id"])

    def _position_of(self, entry: Entry) -> Position:
        keys = {"actor": actor_key(entry.actor), "action": entry.action, "result": entry.result}
        return Position(keys.get(self.sort.lstrip("-")), uuid.UUID(entry.id))

    def _cursor(self, place: Position, ordinal: int, backwards: bool = False) -> Cursor:
        return Cursor(
            self.fingerprint,
            self.window.start,
            self.window.end,
            self.window.as_of,
            place.value,
            place.id,
            ordinal,
            backwards,
        )
