"""The URLs of the Logs page, built from the parameters of a list, and those of agents and keys."""

import shlex
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from django.urls import reverse

from auditlogs.query.cursor import Cursor
from auditlogs.query.figures import Figure
from auditlogs.query.filters import FILTER_NAMES, RANGE_PARAMETERS, parameters
from auditlogs.query.window import DateRange

DEFAULT_RANGE: DateRange = "7d"
SORT = "sort"
CURSOR = "cursor"
ENTRY = "entry"
SINCE = "since"
# Says that a search is for words, even where it equals an ID.
WORDS = "words"
# What the look-up of the list's search found, for the parts that its page loads afterwards.
KNOWN_ID = "known"
WITH_KNOWN_ID = ("logs_count", "logs_chart", "logs_arrivals", "entry")
# The query of the list that led to a list around an entry, in which its filters are off.
OFF = "off"
MAX_ORIGIN_LENGTH = 1_000
# The pages that read it.
WITH_OFF = ("logs", "logs_chart", "entry")
# A placeholder for the key in a copied command: pages never contain a key.
KEY = "$AUDITLOGS_KEY"


class Links:
    """The URLs from one list to others, without unknown parameters and defaults."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.parameters = {
            name: value for name, value in given.items() if name in (*FILTER_NAMES, CURSOR)
        }
        if "search" in self.parameters and given.get(WORDS):
            self.parameters[WORDS] = "only"
        self.known_id = given.get(KNOWN_ID, "")
        off = given.get(OFF, "")
        self.off = off if len(off) <= MAX_ORIGIN_LENGTH else ""
        has_own_range = "startDate" in given or "endDate" in given
        if given.get("dateRange") == DEFAULT_RANGE and not has_own_range:
            del self.parameters["dateRange"]

    @property
    def filters(self) -> dict[str, str]:
        """The parameters that filter: all but `sort`, `cursor` and `words`."""
        return {
            name: value
            for name, value in self.parameters.items()
            if name not in (SORT, CURSOR, WORDS)
        }

    @property
    def here(self) -> str:
        """This page of the list, with no entry open."""
        return self._url(self.parameters)

    @property
    def first(self) -> str:
        """The first page of the list, with the entries recorded since."""
        return self.changed()

    @property
    def cleared(self) -> str:
        """The list without any filter, on or off; the sort stays."""
        return Links(self.parameters).without(*self.filters)

    @property
    def cleared_in_range(self) -> str:
        """The list with no filter but its range."""
        return self.without(*(name for name in self.filters if name not in RANGE_PARAMETERS))

    @property
    def all_time(self) -> str:
        """The list over the whole retention."""
        return self.changed(dateRange="all", startDate=None, endDate=None)

    @property
    def count(self) -> str:
        return self._url(self.parameters, "logs_count")

    @property
    def chart(self) -> str:
        """The chart of the list, which is the same on each of its pages."""
        return self._url(self.filters, "logs_chart")

    def arrivals(self, since: int) -> str:
        """Return where to ask for what has arrived in the list since an instant, in ms."""
        return self._url({**self.filters, SINCE: str(since)}, "logs_arrivals")

    @property
    def choose_actor(self) -> str:
        """The page that lists actors, each with a link to this list of its entries."""
        listed = {name: value for name, value in self.parameters.items() if name != CURSOR}
        return f"{reverse('choose_actor')}?{urlencode({'list': urlencode(listed)})}"

    def without(self, *names: str) -> str:
        """Return the first page of the list without these parameters."""
        return self.changed(**dict.fromkeys(names))

    def changed(self, **changes: str | None) -> str:
        """Return the first page of the list with these parameters instead; None takes one away."""
        merged = {**self.parameters, CURSOR: None, **changes}
        if not merged.get("search"):
            merged[WORDS] = None
        return self._url({name: value for name, value in merged.items() if value is not None})

    @property
    def words(self) -> str:
        """The list of the entries with the words of the search, where it shows those of an ID."""
        return self.changed(**{WORDS: "only"})

    def page(self, cursor: Cursor | None) -> str | None:
        """Return the page of the list at a cursor."""
        return None if cursor is None else self._url({**self.parameters, CURSOR: cursor.dump()})

    def with_entry(self, entry_id: str) -> str:
        """Return this page of the list with an entry open."""
        return self._url({**self.parameters, ENTRY: entry_id})

    def drawer(self, entry_id: str) -> str:
        """Return the fragment of an entry, with the list's parameters for its neighbours."""
        return self._url(self.parameters, "entry", entry_id)

    def findings(self, entry_id: str) -> str:
        """Return where to ask for what is around an entry, for a reader of this list."""
        return self._url({OFF: self._origin}, "findings", entry_id)

    @property
    def _origin(self) -> str:
        """The query of this list, its range written out. Of a list around an entry, that of the
        list that led to it, with the filters that were added since."""
        listed = {name: value for name, value in self.parameters.items() if name != CURSOR}
        if not self.off:
            has_range = not listed.keys().isdisjoint(RANGE_PARAMETERS)
            return urlencode(listed if has_range else {**listed, "dateRange": DEFAULT_RANGE})
        added = {name: value for name, value in listed.items() if name not in RANGE_PARAMETERS}
        return urlencode({**dict(parse_qsl(self.off)), **added})

    def _url(self, parameters: Mapping[str, str], name: str = "logs", *args: str) -> str:
        off = {OFF: self.off} if self.off and name in WITH_OFF else {}
        known = {KNOWN_ID: self.known_id} if self.known_id and name in WITH_KNOWN_ID else {}
        query = urlencode({**parameters, **off, **known})
        return reverse(name, args=args) + (f"?{query}" if query else "")


def entries_url(**filters: str) -> str:
    """Return the list of the entries with these values, which are plain and not escaped."""
    return Links(parameters(filters)).here


def figure_url(figure: Figure) -> str:
    """Return the list of the entries of a figure; empty where no list has exactly them."""
    return "" if figure.filters is None else Links(figure.filters).here


def agent_url(bot: str) -> str:
    """Return the page of an agent, or the list of its entries where no path can hold its id."""
    if not _fits_a_path(bot):
        return entries_url(botId=bot, dateRange="all")
    return f"{reverse('agents')}/{quote(bot, safe='')}"


def key_url(name: str) -> str:
    """Return the page of an agent's key, by its id or name, or the list of its entries where no
    path can hold that."""
    if not _fits_a_path(name):
        return entries_url(key=name, dateRange="all")
    return reverse("agent_key", args=["x"]).removesuffix("x") + quote(name, safe="")


def _fits_a_path(name: str) -> bool:
    """Tell whether a name can be quoted into one segment of a path. Browsers resolve "." and ".."
    even if they are quoted, and Django's paths have no line breaks."""
    return name not in {".", ".."} and "\n" not in name


def curl(url: str) -> str:
    """Return a command for a shell that reads a URL of the API, with a placeholder for the key."""
    return f'curl -H "Authorization: Bearer {KEY}" {shlex.quote(url)}'
