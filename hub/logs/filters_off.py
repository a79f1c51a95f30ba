"""The filters that the list around an entry leaves off: those of the list that led to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.http import QueryDict

from auditlogs.query.filters import RANGE_PARAMETERS, EntryFilter, parse
from hub.logs.applied import applied
from hub.logs.filter_bar import CUSTOM, RANGE_LABELS, FilterBar, page_parameters
from hub.logs.links import DEFAULT_RANGE, WORDS, Links


@dataclass(frozen=True, slots=True)
class FilterOff:
    """A filter that is off, and the URL of the list with it."""

    label: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class FiltersOff:
    """What a list leaves off of the one that led to it, which is `origin`."""

    links: Links
    origin: Links
    bar: FilterBar

    @classmethod
    def of(cls, links: Links, bar: FilterBar, *, account: str, now: datetime) -> Self | None:
        """Return what a list leaves off, without what is no filter; None where it names nothing."""
        if not links.off:
            return None
        data = QueryDict(links.off)
        request = parse(
            page_parameters(data, now),
            account=account,
            default_range=DEFAULT_RANGE,
            now=now,
            paging=(),
            ignored=(WORDS,),
            ids="off",
        )
        words = {WORDS: data[WORDS]} if data.get(WORDS) else {}
        return cls(links, Links(applied(request) | words), bar)

    @property
    def all_on_url(self) -> str:
        """The list that led here."""
        return self.origin.here

    @property
    def filters(self) -> list[FilterOff]:
        """Each filter that this list has not as well. The range is one of them, and comes last."""
        own, wanted = self.links.filters, self.origin.filters
        span = {name: wanted.pop(name, None) for name in RANGE_PARAMETERS}
        off = [
            self._off(name, self.bar.in_words(name, value), {name: value})
            for name, value in wanted.items()
            if own.get(name) != value
        ]
        if any(own.get(name) != value for name, value in span.items()):
            preset = CUSTOM if span["startDate"] or span["endDate"] else span["dateRange"]
            off.append(self._off("dateRange", RANGE_LABELS[preset or DEFAULT_RANGE], span))
        return off

    def _off(self, name: str, text: str, changes: dict[str, str | None]) -> FilterOff:
        if name == "search":
            changes[WORDS] = self.origin.parameters.get(WORDS)
        return FilterOff(
            str(EntryFilter.base_filters[name].label), text, self.links.changed(**changes)
        )
