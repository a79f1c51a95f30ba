"""What of a request was applied, and sentences for the rest: what is wrong, and what is shown.

The query layer's errors are written for the API; the page says the same in words of its own.
"""

from django.http import QueryDict

from auditlogs.entry.text import MAX_SEARCH_LENGTH, MAX_SEARCH_WORDS
from auditlogs.entry.times import parse_rfc3339
from auditlogs.query.filters import (
    EXACT_FILTERS,
    RANGE_PARAMETERS,
    EntryFilter,
    ListRequest,
    refused_value,
)
from auditlogs.query.values import MAX_VALUES, BadValues, TooManyValues

SHOWN_OF_VALUE = 32
RANGE_WORDS = {
    "24h": "the last 24 hours",
    "7d": "the last 7 days",
    "30d": "the last 30 days",
    "all": "all that is kept",
}
# What each parameter has to be, and what the list shows without it.
EXPECTED = {
    "dateRange": ("a date range", ""),
    "startDate": ("a date and time", ""),
    "endDate": ("a date and time", ""),
    "actor": ("an actor ID", "all actors"),
    "action": ("an action type or action", "all types"),
    "result": ("a result", "all results"),
}
# What a value of a filter without a control has to be, where only certain words are possible.
WORDS_OF = {"decision": "a decision", "reason": "a reason"}


def applied(request: ListRequest) -> dict[str, str]:
    """Return the parameters that the list follows, as they were sent.

    Links, count and chips are made of these, so that they say what is listed. A start after the
    end drops the whole range, so the window says which part of it was applied.
    """
    valid = {name: value for name, value in request.given.items() if name not in request.errors}
    start, _, end = request.entries.window.requested.partition("/")
    is_applied = {
        "dateRange": valid.get("dateRange") == start,
        "startDate": start not in RANGE_WORDS,
        "endDate": bool(end),
    }
    return {name: value for name, value in valid.items() if is_applied.get(name, True)}


def address(request: ListRequest, followed: dict[str, str], several: set[str]) -> dict[str, str]:
    """Return the parameters of the page's own address: those applied, and what stands in a control
    with a message, so that it can be corrected and Back shows it again."""
    controls = {"action", "result", "search"}
    if not request.errors.keys().isdisjoint(RANGE_PARAMETERS):
        controls.update(RANGE_PARAMETERS)
    shown = (followed.keys() | controls) - several
    return {name: value for name, value in request.given.items() if name in shown}


def repeated(data: QueryDict) -> set[str]:
    """Return the names of the parameters that have more than one value."""
    return {name for name, values in data.lists() if len(list(filter(None, values))) > 1}


def is_instant(value: str) -> bool:
    """Tell whether a text is an RFC 3339 date and time with a zone."""
    try:
        parse_rfc3339(value)
    except ValueError:
        return False
    return True


def control_messages(request: ListRequest, several: set[str]) -> dict[str, str]:
    """Return the sentence at each control whose parameter was not applied."""
    return {
        name: f"{_fault(request, name, several)} Showing {_shown(request, name)}."
        for name in request.errors
        if name in (*EXPECTED, "search")
    }


def notices(request: ListRequest, several: set[str]) -> list[str]:
    """Return a sentence for each parameter that was not applied and has no control."""
    return [
        f"Ignored “{_short(name)}”: {_reason(request, name, several)}"
        for name in request.errors
        if name not in (*EXPECTED, "search")
    ]


def faults(request: ListRequest, several: set[str]) -> list[str]:
    """Return a sentence for each parameter that is wrong, for where none is ignored."""
    return [
        _fault(request, name, several)
        if name in (*EXPECTED, "search")
        else f"“{_short(name)}”: {_reason(request, name, several)}"
        for name in request.errors
    ]


def _fault(request: ListRequest, name: str, several: set[str]) -> str:
    value = request.given.get(name, "")
    if name in several:
        return f"More than one value was given for {EntryFilter.base_filters[name].label}."
    if name == "search":
        return _search_fault(value)
    if name in {"startDate", "endDate"} and is_instant(value):
        return "The start is after the end."
    if name in EXACT_FILTERS:
        try:
            value = refused_value(name, value)
        except BadValues as error:
            fault = _values_fault(error)
            return f"{fault[0].upper()}{fault[1:]}"
    return f"“{_short(value)}” is not {EXPECTED[name][0]}."


def _values_fault(error: BadValues) -> str:
    if isinstance(error, TooManyValues):
        return f"a filter can have at most {MAX_VALUES} values."
    return "a value is missing beside a comma or after a minus."


def _search_fault(value: str) -> str:
    if "\0" in value:
        return "A search cannot have null characters."
    if len(value) > MAX_SEARCH_LENGTH:
        return f"A search can have at most {MAX_SEARCH_LENGTH} characters."
    return f"A search can have at most {MAX_SEARCH_WORDS} words."


def _shown(request: ListRequest, name: str) -> str:
    if name == "search":
        return "entries without a search"
    if name in RANGE_PARAMETERS:
        return _range_in_words(request)
    return EXPECTED[name][1]


def _range_in_words(request: ListRequest) -> str:
    start, _, end = request.entries.window.requested.partition("/")
    if start in RANGE_WORDS and not end:
        return RANGE_WORDS[start]
    until = f" until {_day(end)}" if end else ""
    if start == "all":
        return f"entries{until}"
    length = RANGE_WORDS.get(start, "").removeprefix("the last ")
    # The range reaches back from now, not from its end, so it has to be said where it begins.
    return f"entries from {f'{length} ago' if length else _day(start)}{until}"


def _reason(request: ListRequest, name: str, several: set[str]) -> str:
    if name in request.unknown:
        _, _, meant = request.errors[name].partition("did you mean ")
        hint = f" Did you mean “{meant.rstrip('?')}”?" if meant else ""
        return f"there is no such filter.{hint}"
    if name in several:
        return "it was given more than once."
    if name == "cursor":
        return "this page of the list does not exist. Showing the first page."
    if name == "sort":
        return f"the list cannot be sorted by “{_short(request.given[name])}”."
    try:
        value = refused_value(name, request.given[name])
    except BadValues as error:
        return _values_fault(error)
    return f"“{_short(value)}” is not {WORDS_OF.get(name, 'a valid value')}."


def _day(instant: str) -> str:
    moment = parse_rfc3339(instant)
    return f"{moment:%b} {moment.day}, {moment:%H:%M} UTC"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_OF_VALUE else f"{text[:SHOWN_OF_VALUE]}…"
