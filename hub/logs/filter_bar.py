"""The filter bar: its controls, what they show, and the filters that have no control."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from django.http import QueryDict

from auditlogs.entry.actions import ACTION_TYPES
from auditlogs.entry.schema import RESULTS
from auditlogs.query.filters import RANGE_PARAMETERS, EntryFilter, ListRequest
from auditlogs.query.order import DEFAULT_ORDER
from auditlogs.storage import actors as kept_actors, dictionary
from auditlogs.storage.dictionary import NamedActor
from auditlogs.storage.mongo import StorageError
from hub.logs.links import DEFAULT_RANGE, Links

T = TypeVar("T")

MAX_ACTORS = 200
CUSTOM = "custom"
RANGE_LABELS = {
    "24h": "Last 24h",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "all": "All Time",
    CUSTOM: "Custom",
}
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

# What `<input type="datetime-local">` sends without JavaScript: a time in the zone shown, UTC.
LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a select."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that has no control, by name, with the URL that takes it away."""

    label: str
    text: str
    value: str
    remove_url: str


class FilterBar:
    """What the filter bar shows for a request. It is read from the URL alone."""

    def __init__(self, account: str, asked: ListRequest, links: Links) -> None:
        self._account = account
        self._asked = asked
        self._links = links
        self.value: Mapping[str, str] = asked.given
        self.message = {name: _sentence(asked.errors.get(name, "")) for name in CONTROLS}
        # Once the database could not be reached, nothing waits for it again to give a name.
        self.is_cut_off = False

    @property
    def notices(self) -> list[str]:
        """Sentences on what was not understood and has no control."""
        return [
            f"“{name[:64]}” was left out: {sentence}"
            for name, sentence in self._asked.errors.items()
            if name not in CONTROLS
        ]

    @property
    def is_active(self) -> bool:
        """Whether any filter differs from its default; the sort is none."""
        return bool(self._links.filters)

    @property
    def active_count(self) -> int:
        """How many filters differ from their default, those of the range counting as one."""
        return len({"range" if n in RANGE_PARAMETERS else n for n in self._links.filters})

    @property
    def clear_url(self) -> str:
        """Where Clear All leads."""
        return self._links.cleared

    @property
    def has_own_range(self) -> bool:
        """Whether a start or an end takes the place of Date Range's presets."""
        return "startDate" in self.value or "endDate" in self.value

    @property
    def ranges(self) -> list[Option]:
        """The options of Date Range."""
        chosen = self.value.get("dateRange", DEFAULT_RANGE)
        if self.has_own_range:
            chosen = CUSTOM
        elif chosen not in RANGE_LABELS:
            chosen = DEFAULT_RANGE
        return [Option(value, label, value == chosen) for value, label in RANGE_LABELS.items()]

    @property
    def is_all_time(self) -> bool:
        return self.value.get("dateRange") == "all" and not self.has_own_range

    @property
    def range_label(self) -> str:
        """The option that Date Range shows."""
        return next(option.label for option in self.ranges if option.is_chosen)

    @property
    def described(self) -> list[str]:
        """Each filter but the range in words, as far as it was understood."""
        named = {"actor": self.actor.name or self.actor.id} if self.actor else {}
        return [
            f"{EntryFilter.base_filters[name].label}: {named.get(name, value)}"
            for name, value in self._links.filters.items()
            if name not in RANGE_PARAMETERS and name not in self._asked.errors
        ]

    @property
    def action_types(self) -> list[Option]:
        """The options of Action Type."""
        return _options("All types", ACTION_TYPES, self.value.get("action"))

    @property
    def results(self) -> list[Option]:
        """The options of Result."""
        return _options("All results", RESULTS, self.value.get("result"))

    @property
    def sorts(self) -> list[Option]:
        """The options of Sort, which small screens have in place of headings."""
        order = self._asked.entries.order
        chosen = "" if order == DEFAULT_ORDER else str(order)
        return [Option(value, label, value == chosen) for value, label in SORT_LABELS.items()]

    @cached_property
    def actors(self) -> tuple[list[NamedActor], bool]:
        """The first actors of the account by name, and whether there are more."""
        none: list[NamedActor] = []
        return self._look_up(
            lambda: kept_actors.actors(self._account, "", MAX_ACTORS), (none, False)
        )

    @cached_property
    def actor(self) -> NamedActor | None:
        """The actor that is filtered by; without a name if it is not known."""
        actor_id = self.value.get("actor")
        if actor_id is None:
            return None
        known = self._look_up(lambda: dictionary.actor(self._account, actor_id), None)
        return known or NamedActor("", actor_id, None)

    @property
    def kept(self) -> dict[str, str]:
        """The filters that no control holds, so that sending the form keeps them."""
        return {
            name: value
            for name, value in self._links.filters.items()
            if name not in CONTROLS or (name == "action" and value not in ACTION_TYPES)
        }

    @cached_property
    def chips(self) -> list[Chip]:
        """The filters that no control holds, as far as they were understood."""
        return [
            Chip(
                str(EntryFilter.base_filters[name].label),
                self._name_of(name, value),
                value,
                self._links.without(name),
            )
            for name, value in self.kept.items()
            if name not in self._asked.errors
        ]

    def _name_of(self, parameter: str, value: str) -> str:
        """Return what a chip shows: a bot by its name, anything else as it is."""
        if parameter != "botId":
            return value
        return self._look_up(lambda: dictionary.bot_name(self._account, value), None) or value

    def _look_up(self, question: Callable[[], T], otherwise: T) -> T:
        """Return what the dictionary of names answers, or the other where it cannot."""
        if self.is_cut_off:
            return otherwise
        try:
            return question()
        except StorageError:
            self.is_cut_off = True
            return otherwise


def page_parameters(data: QueryDict) -> QueryDict:
    """Return the page's parameters as the query layer knows them.

    Date Range has an option more than `dateRange`: Custom, which leaves it to start and end.
    A time without a zone is one that the form sent without JavaScript, in the zone shown: UTC.
    A type that is chosen there takes the place of the exact action that the form has kept.
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
    return known


def _with_zone(value: str) -> str:
    match = LOCAL_TIME.fullmatch(value)
    if match is None:
        return value
    return f"{value}{'' if match[1] else ':00'}Z"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _options(every: str, values: tuple[str, ...], chosen: str | None) -> list[Option]:
    first = Option("", every, chosen not in values)
    return [first, *(Option(value, value, value == chosen) for value in values)]
