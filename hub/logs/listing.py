"""The list of entries that a request asks for, with its headings, rows and links."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from auditlogs.entry.numbers import to_whole
from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.models import Account
from auditlogs.query.entries import Count, Page
from auditlogs.query.filters import RANGE_PARAMETERS, ListRequest, parse
from auditlogs.query.order import DEFAULT_ORDER
from auditlogs.query.values import BadValues, parse as parse_values
from auditlogs.storage.mongo import StorageError, TookTooLong, Unavailable
from auditlogs.storage.retention import oldest_ms, retention_days
from hub.logs import arrivals
from hub.logs.applied import address, applied, repeated
from hub.logs.backlog import Backlog
from hub.logs.columns import USUAL, Column, Heading, headings
from hub.logs.filter_bar import SORT_LABELS, FilterBar, page_parameters
from hub.logs.filters_off import FiltersOff
from hub.logs.links import (
    CURSOR,
    DEFAULT_RANGE,
    ENTRY,
    KNOWN_ID,
    OFF,
    SINCE,
    SORT,
    WORDS,
    Links,
)
from hub.logs.rows import Row, row_of

PAGE_SIZE = 50
EMPTY_MESSAGES = {
    "nothing_recorded": "Nothing recorded yet.",
    "nothing_matches": "No entry matches.",
    "beyond_retention": "This range ends before the oldest entry that is kept.",
    "end": "No more entries.",
    "too_long": "The log did not answer in time.",
    "unavailable": "The log cannot be read now.",
}


@dataclass(frozen=True, slots=True)
class SortLink:
    """A heading and the URL that a click on it leads to."""

    heading: Heading
    url: str


class Listing:
    """A page of the list. Before `read`, only a search that may be an ID queries the database, and
    not even that where `known_id` says what the page of the list has found."""

    def __init__(
        self,
        data: QueryDict,
        account: Account,
        *,
        columns: tuple[Column, ...] = USUAL,
        is_dense: bool = False,
        known_id: str = "",
    ) -> None:
        self.account = account.id
        self.columns, self.is_dense = columns, is_dense
        self.now = now()
        self.open_entry = data.get(ENTRY, "")
        parameters = page_parameters(data, self.now)
        self.request: ListRequest = parse(
            parameters,
            account=account.id,
            default_range=DEFAULT_RANGE,
            now=self.now,
            paging=(CURSOR,),
            ignored=(ENTRY, KNOWN_ID, OFF, SINCE, WORDS),
            ids="off" if data.get(WORDS) else "anytime",
            known_id=known_id,
        )
        several = repeated(parameters)
        followed = applied(self.request)
        kept = {WORDS: "only"} if data.get(WORDS) else {}
        kept |= {OFF: data.get(OFF, ""), KNOWN_ID: self.request.known_id}
        self.sort = followed.get(SORT)
        self.links = Links(followed | kept)
        self.address = Links(address(self.request, followed, several) | kept).here
        self.filters = FilterBar(account.id, self.request, self.links, several)
        self.retention_days = retention_days()
        self.oldest_kept = from_ms(oldest_ms(self.now))
        self.backlog: Backlog | None = None
        self.page: Page | None = None
        self.failure: StorageError | None = None

    def read(self) -> Self:
        """Read the page. A failure of the database is kept and shown in place of the list."""
        self.backlog = Backlog.of(self.account)
        try:
            self.page = self.request.entries.page(PAGE_SIZE, cursor=self.request.cursor)
        except StorageError as failure:
            self.failure = failure
            self.filters.is_cut_off = isinstance(failure, Unavailable)
        return self

    @cached_property
    def off(self) -> FiltersOff | None:
        """The filters that are off; None unless this list is one around an entry."""
        return FiltersOff.of(self.links, self.filters, account=self.account, now=self.now)

    @property
    def api_parameters(self) -> dict[str, str]:
        """The parameters with which the API and an export have the entries of all of the list."""
        listed = {**self.links.filters, **({SORT: self.sort} if self.sort else {})}
        if self.request.found_id:
            # There an ID is looked up within the range.
            listed = {k: v for k, v in listed.items() if k not in RANGE_PARAMETERS}
            return {**listed, "dateRange": "all"}
        if WORDS in self.links.parameters and '"' not in listed["search"]:
            # There a word in quotation marks is no ID.
            listed["search"] = f'"{listed["search"]}"'
        if listed.keys().isdisjoint(RANGE_PARAMETERS):
            listed["dateRange"] = DEFAULT_RANGE
        return listed

    @property
    def is_range_set_aside(self) -> bool:
        """Whether the list of an ID goes beyond the range of the list."""
        return self.request.found_id is not None and not self.filters.is_all_time

    @property
    def title(self) -> str:
        """The tab's title: first what tells this list from those in other tabs."""
        return " · ".join([*self.filters.values_in_words, "Logs", "Hub"])

    @property
    def range(self) -> tuple[datetime, datetime | None]:
        """The first and the last moment of the list, if it has one: what a printed list needs."""
        window = self.page.window if self.page else self.request.entries.window
        return from_ms(window.start), from_ms(window.end) if window.end else None

    @property
    def order_in_words(self) -> str:
        return SORT_LABELS["" if self.is_newest_first else str(self.request.entries.order)]

    @property
    def order_url(self) -> str:
        """The story of the order whose entries alone the list has, as those of a filter or of a
        search that is its ID; empty for any other list."""
        found = self.request.found_id
        try:
            order = parse_values(self.request.given.get("orderId", "")).single
        except BadValues:
            order = None
        if found is not None and found.path == "facts.orderId":
            order = found.value
        return f"{reverse('order_story')}?{urlencode({'orderId': order})}" if order else ""

    @property
    def status_message(self) -> str:
        """What a screen reader is told once this list has taken the place of another."""
        if self.state != "entries":
            return EMPTY_MESSAGES[self.state]
        if not self.rows or not self.page:
            return "Nothing found yet. Continue at the end of the list."
        return f"Entries {self.page.first:,} to {self.last:,}. {self.order_in_words}."

    @property
    def status(self) -> int:
        return 503 if self.failure else 200

    @property
    def sort_links(self) -> list[SortLink]:
        return [
            SortLink(heading, self.links.changed(sort=heading.next_sort))
            for heading in headings(self.sort, self.columns)
        ]

    @cached_property
    def rows(self) -> list[Row]:
        entries = self.page.entries if self.page else []
        before = [None, *entries] if self.is_of_steps else [None] * len(entries)
        return [
            row_of(entry, self.links, self.now, self.open_entry, previous)
            for entry, previous in zip(entries, before, strict=False)
        ]

    @property
    def live_url(self) -> str:
        """Where to ask for what has arrived since; empty for a list that ends before now, and for
        one whose new entries are not at its top."""
        window = self.request.entries.window
        is_over = window.end is not None and window.end <= window.as_of
        if self.failure or is_over or self.request.cursor or not self.is_newest_first:
            return ""
        return self.links.arrivals(window.as_of)

    @property
    def is_of_steps(self) -> bool:
        """Whether rows show the time since the one above: in one correlation, oldest first."""
        entries = self.request.entries
        return str(entries.order) == "timestamp" and "correlationId" in entries.equal

    @property
    def previous_url(self) -> str | None:
        return self.links.page(self.page.previous) if self.page else None

    @property
    def next_url(self) -> str | None:
        return self.links.page(self.page.next) if self.page else None

    @property
    def is_newest_first(self) -> bool:
        """Whether the next page is older, so that the pager can say so."""
        return self.request.entries.order == DEFAULT_ORDER

    @property
    def last(self) -> int:
        """The position of the page's last entry in the list, counted from 1."""
        return self.page.first + len(self.rows) - 1 if self.page else 0

    @property
    def as_of(self) -> datetime:
        """When the first page was read: later pages leave out what was recorded since."""
        return from_ms(self.page.window.as_of) if self.page else self.now

    @cached_property
    def state(self) -> str:
        """`entries`, or the reason why the list is empty: one of `EMPTY_MESSAGES`."""
        if self.failure:
            return "too_long" if isinstance(self.failure, TookTooLong) else "unavailable"
        if self.page and (self.page.entries or self.page.is_cut_short):
            return "entries"
        if self.request.cursor:
            return "end"
        if self.request.entries.window.is_beyond_retention:
            return "beyond_retention"
        return "nothing_matches" if self._is_anything_recorded() else "nothing_recorded"

    def _is_anything_recorded(self) -> bool:
        """Tell whether the account has any entry; True if the database cannot be read."""
        try:
            return bool(self.request.entries.whole().page(1).entries)
        except StorageError:
            return True

    def arrived(self, since: str) -> list[Row]:
        """Return the rows of what has arrived since an instant, in ms. Raises StorageError."""
        instant = to_whole(since)
        at = to_ms(self.now) if instant is None else instant
        found = arrivals.since(self.request.entries, at)
        return [row_of(entry, self.links, self.now, "") for entry in found]

    def count(self) -> Count | None:
        """Count the entries of the list; None if the database did not answer in time."""
        entries, cursor = self.request.entries, self.request.cursor
        try:
            return (entries.pinned_to(cursor) if cursor else entries).count()
        except StorageError:
            return None
