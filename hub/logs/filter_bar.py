"""The filter bar: the state of its controls, and chips for filters without a control."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from django.http import QueryDict

from auditlogs.accounts import keys
from auditlogs.entry.actions import ACTION_TYPES
from auditlogs.entry.schema import RESULTS
from auditlogs.entry.times import format_rfc3339, parse_rfc3339
from auditlogs.models import ApiKey
from auditlogs.query.filters import EXACT_FILTERS, RANGE_PARAMETERS, EntryFilter, ListRequest
from auditlogs.query.order import DEFAULT_ORDER
from auditlogs.query.values import Values, parse
from auditlogs.storage import dictionary
from auditlogs.storage.dictionary import NamedActor
from auditlogs.storage.mongo import StorageError
from hub.logs.applied import RANGE_WORDS, control_messages, is_instant, notices
from hub.logs.links import DEFAULT_RANGE, Links

T = TypeVar("T")

CUSTOM = "custom"
RANGE_LABELS = {
    "24h": "Last 24h",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "all": "All Time",
    CUSTOM: "Custom",
}
PRESET_DAYS = {"24h": 1, "7d": 7, "30d": 30}
SORT_LABELS = {
    "": "Newest first",
    "timestamp": "Oldest first",
    "actor": "Actor A–Z",
    "-actor": "Actor Z–A",
    "action": "Action A–Z",
    "-action": "Action Z–A",
    "result": "Failures first",
    "-result": "Successes first",
}
# The parameters that have a control. That of `action` is for the types; an action is a chip.
CONTROLS = (*RANGE_PARAMETERS, "actor", "action", "result", "search")
# The controls of one value, each with the noun that several are counted by.
SUMMARIES = {"actor": "actor", "action": "type", "result": "result"}
# How many values of a filter are shown by their names.
MAX_NAMED = 5
TEXT_CONTROLS = ("startDate", "endDate", "search")

# What `<input type="datetime-local">` sends without JavaScript: a time in UTC, without a zone.
LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a select; `is_several` for one that represents more than one value."""

    value: str
    label: str
    is_chosen: bool
    is_several: bool = False


@dataclass(frozen=True, slots=True)
class Chip:
    """A value of a filter that no control shows, and the URL of the list without it."""

    label: str
    text: str
    value: str
    remove_url: str
    is_excluded: bool


class FilterBar:
    """The filter bar for a request. Only names of actors and agents need the database."""

    def __init__(self, account: str, request: ListRequest, links: Links, several: set[str]) -> None:
        self._account = account
        self._request = request
        self._links = links
        # A text that was not applied stays in its control, to be corrected.
        self.value: Mapping[str, str] = links.filters | {
            name: request.given[name]
            for name in TEXT_CONTROLS
            if name in request.given and name not in several
        }
        self.message = dict.fromkeys(CONTROLS, "") | control_messages(request, several)
        self.notices = notices(request, several)
        # After a first failure no more names are looked up: each one could wait for a time-out.
        self.is_cut_off = False
        self._actors: dict[str, NamedActor | None] = {}

    @property
    def is_active(self) -> bool:
        """Whether any filter differs from its default. The sort is not a filter."""
        return bool(self._links.filters)

    @property
    def active_count(self) -> int:
        """How many filters differ from their default; start and end count as one."""
        return len({"range" if n in RANGE_PARAMETERS else n for n in self._links.filters})

    @property
    def clear_url(self) -> str:
        return self._links.cleared

    @property
    def choose_actor_url(self) -> str:
        return self._links.choose_actor

    @property
    def has_own_range(self) -> bool:
        """Whether Date Range shows Custom, with the fields for start and end."""
        return "startDate" in self.value or "endDate" in self.value

    @property
    def ranges(self) -> list[Option]:
        chosen = self.value.get("dateRange", DEFAULT_RANGE)
        if self.has_own_range:
            chosen = CUSTOM
        elif chosen not in RANGE_LABELS:
            chosen = DEFAULT_RANGE
        return [Option(value, label, value == chosen) for value, label in RANGE_LABELS.items()]

    @property
    def is_all_time(self) -> bool:
        return self.range_words == RANGE_WORDS["all"]

    @property
    def range_words(self) -> str:
        """The range that the list follows; empty where it has a start or an end of its own."""
        start, _, end = self._request.entries.window.requested.partition("/")
        return "" if end else RANGE_WORDS.get(start, "")

    @property
    def range_start(self) -> datetime | None:
        start, _, _ = self._request.entries.window.requested.partition("/")
        return None if start in RANGE_WORDS else parse_rfc3339(start)

    @property
    def range_end(self) -> datetime | None:
        _, _, end = self._request.entries.window.requested.partition("/")
        return parse_rfc3339(end) if end else None

    @property
    def described(self) -> list[str]:
        """Each filter of the list but its range, as "Result: failure"."""
        labels = EntryFilter.base_filters
        return [f"{labels[name].label}: {value}" for name, value in self._named_values]

    @property
    def values_in_words(self) -> list[str]:
        """Each filter's value alone, the range at the end, as "failure", "Momentum Scout"."""
        values = [value for _, value in self._named_values]
        if chosen := self._links.filters.keys() & set(RANGE_PARAMETERS):
            preset = self._links.filters.get("dateRange", CUSTOM)
            values.append(RANGE_LABELS[CUSTOM if len(chosen) > 1 else preset])
        return values

    @property
    def _named_values(self) -> list[tuple[str, str]]:
        """Each filter of the list but its range, with its values; an actor by its name."""
        return [
            (name, self.in_words(name, value))
            for name, value in self._links.filters.items()
            if name not in RANGE_PARAMETERS
        ]

    def in_words(self, name: str, text: str) -> str:
        """Return the value of a filter as one reads it: "failure", "not Momentum Scout"."""
        if name not in EXACT_FILTERS:
            return text
        each = parse(text).each
        if len(each) > MAX_NAMED and name in SUMMARIES:
            return self._summary(name, text)
        return ", ".join(
            f"{'not ' if is_excluded else ''}{self._name_of(name, value, with_id=False)}"
            for value, is_excluded in each
        )

    @cached_property
    def summary(self) -> dict[str, str]:
        """What the controls show in place of one value: "3 types", "All but 1"; empty where they
        show a value of their own."""
        return {name: self._summary(name, self._links.filters.get(name, "")) for name in SUMMARIES}

    def _summary(self, name: str, text: str) -> str:
        noun, values = SUMMARIES[name], parse(text)
        if not values or values.single is not None:
            return ""
        if not values.wanted:
            return f"All but {len(values.unwanted)}"
        if name == "action" and not {*values.wanted} <= {*ACTION_TYPES}:
            noun = "action"
        return f"{len(values.wanted)} {noun}{'' if len(values.wanted) == 1 else 's'}"

    @property
    def action_types(self) -> list[Option]:
        return self._options("action", "All types", ACTION_TYPES)

    @property
    def results(self) -> list[Option]:
        return self._options("result", "All results", RESULTS)

    def _options(self, name: str, every: str, values: tuple[str, ...]) -> list[Option]:
        chosen = parse(self._links.filters.get(name, "")).single
        summary, text = self.summary[name], self.value.get(name, "")
        several = [Option(text, summary, is_chosen=True, is_several=True)] if summary else []
        first = Option("", every, chosen not in values and not several)
        return [first, *(Option(value, value, value == chosen) for value in values), *several]

    @property
    def sorts(self) -> list[Option]:
        """The options of Sort: cards on small screens have no headings to sort by."""
        order = self._request.entries.order
        chosen = "" if order == DEFAULT_ORDER else str(order)
        return [Option(value, label, value == chosen) for value, label in SORT_LABELS.items()]

    @cached_property
    def actor(self) -> NamedActor | None:
        """The actor of the filter; without a name if the log does not know the id. Several are
        named by their number."""
        values = parse(self._links.filters.get("actor", ""))
        if not values:
            return None
        actor_id = values.single
        if actor_id is None:
            return NamedActor("", str(values), self.summary["actor"])
        return self._actor(actor_id) or NamedActor("", actor_id, None)

    @property
    def kept(self) -> dict[str, str]:
        """The filters without a control: hidden inputs keep them when the form is sent."""
        return {
            name: value
            for name, value in self._links.filters.items()
            if name not in CONTROLS
            or (name == "action" and value not in ACTION_TYPES and not self.summary["action"])
        }

    @cached_property
    def chips(self) -> list[Chip]:
        """The values that no control shows, each of several too."""
        shown = (*self.kept, *(name for name in SUMMARIES if self.summary[name]))
        return [
            chip
            for name, text in self._links.filters.items()
            if name in shown
            for chip in self._chips(name, parse(text))
        ]

    def _chips(self, name: str, values: Values) -> Iterator[Chip]:
        for number, (value, is_excluded) in enumerate(values.each):
            left = values.without(value, excluded=is_excluded)
            yield Chip(
                str(EntryFilter.base_filters[name].label),
                # Each name takes a query.
                self._name_of(name, value) if number < MAX_NAMED else value,
                value,
                self._links.changed(**{name: str(left) or None}),
                is_excluded,
            )

    def _name_of(self, parameter: str, value: str, *, with_id: bool = True) -> str:
        """Return what a chip shows: an actor, agent or key by its name, anything else as it is."""
        if parameter == "actor":
            actor = self._actor(value)
            return (actor and actor.name) or value
        if not with_id:
            return value
        if parameter == "botId":
            return self._look_up(lambda: dictionary.bot_name(self._account, value), None) or value
        if parameter == "assertedBy" and (key := key_of(self._account, value)):
            return f"{key.name} ({value})"
        return value

    def _actor(self, actor_id: str) -> NamedActor | None:
        if actor_id not in self._actors:
            found = self._look_up(lambda: dictionary.actor(self._account, actor_id), None)
            self._actors[actor_id] = found
        return self._actors[actor_id]

    def _look_up(self, question: Callable[[], T], otherwise: T) -> T:
        """Look a name up; return `otherwise` if the database cannot be read."""
        if self.is_cut_off:
            return otherwise
        try:
            return question()
        except StorageError:
            self.is_cut_off = True
            return otherwise


def key_of(account: str, public_id: str | None) -> ApiKey | None:
    """Return an account's API key by its id, None where the account has no such key."""
    key = keys.by_public_id(public_id) if public_id else None
    return key if key and key.account_id == account else None


def page_parameters(data: QueryDict, moment: datetime) -> QueryDict:
    """Translate the page's parameters into those of the query layer.

    Date Range has an option more than `dateRange`: Custom, which leaves it to start and end.
    A time without a zone is one that the form sent without JavaScript, in the zone shown: UTC.
    A type that is chosen there takes the place of the exact action that the form has kept.
    A preset with an end has no option: it becomes the start that it means at this moment.
    """
    known = data.copy()
    if "action" in data:
        types = [value for value in data.getlist("action") if value in ACTION_TYPES]
        known.setlist("action", types or data.getlist("action"))
    if "dateRange" in data:
        known.setlist("dateRange", [v for v in data.getlist("dateRange") if v != CUSTOM])
    for name in ("startDate", "endDate"):
        if name in data:
            known.setlist(name, [_with_zone(value) for value in data.getlist(name)])
    _resolve_preset(known, moment)
    return known


def _resolve_preset(data: QueryDict, moment: datetime) -> None:
    """Turn a preset that an end cuts short into a start."""
    days = PRESET_DAYS.get(data.get("dateRange", ""))
    has_end = any(map(is_instant, data.getlist("endDate")))
    if days and has_end and not any(data.getlist("startDate")):
        del data["dateRange"]
        data["startDate"] = format_rfc3339(moment - timedelta(days=days))


def _with_zone(value: str) -> str:
    match = LOCAL_TIME.fullmatch(value)
    if match is None:
        return value
    return f"{value}{'' if match[1] else ':00'}Z"
