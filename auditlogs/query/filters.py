"""Every parameter of a list, defined once: for the page, its fragments and the API alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from auditlogs.entry.actions import ACTION_TYPES, is_action
from auditlogs.entry.schema import NAME_LENGTH, RESULTS, normal_correlation_id
from auditlogs.entry.text import MAX_SEARCH_LENGTH, MAX_SEARCH_WORDS, words
from auditlogs.entry.times import parse_rfc3339
from auditlogs.query.cursor import MAX_CURSOR_LENGTH, BadCursor, Cursor
from auditlogs.query.entries import DEFAULT_SORT, MAX_LIMIT, MAX_OFFSET, SORTS, Entries
from auditlogs.query.window import DATE_RANGES, DateRange, StartAfterEnd, Window

DEFAULT_LIMIT = 100
RANGE_PARAMETERS = ("dateRange", "startDate", "endDate")


class InstantField(forms.Field):
    """An RFC 3339 date and time with a zone, as a datetime in UTC."""

    def to_python(self, value: str | None) -> datetime | None:
        """Parse the text. Raises ValidationError."""
        if not value:
            return None
        try:
            return parse_rfc3339(value)
        except ValueError as error:
            raise ValidationError(
                "expected a date and time with a zone, such as 2026-03-01T00:00:00Z"
            ) from error


class OneOfField(forms.ChoiceField):
    """One of a few words."""

    def __init__(self, *, words: tuple[str, ...], **kwargs: Any) -> None:
        message = f"expected one of {', '.join(words)}"
        super().__init__(
            choices=[(word, word) for word in words],
            error_messages={"invalid_choice": message},
            **kwargs,
        )


class ExactField(forms.CharField):
    """An identifier, taken as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, max_length=NAME_LENGTH, **kwargs)


class ActionField(ExactField):
    """One of the five types or an exact action; an action has a dot, so the two never meet."""

    def validate(self, value: str) -> None:
        """Refuse what is neither. Raises ValidationError."""
        super().validate(value)
        if value and value not in ACTION_TYPES and not is_action(value):
            raise ValidationError(
                f"expected one of {', '.join(ACTION_TYPES)}, or an action such as order.created"
            )


class SearchField(forms.CharField):
    """Up to eight words, as a tuple of their normal forms."""

    def clean(self, value: str | None) -> tuple[str, ...]:
        """Split the text into words. Raises ValidationError."""
        text = super().clean(value)
        if len(text) > MAX_SEARCH_LENGTH:
            raise ValidationError(f"expected at most {MAX_SEARCH_LENGTH} characters")
        found = words(text)
        if len(found) > MAX_SEARCH_WORDS:
            raise ValidationError(f"expected at most {MAX_SEARCH_WORDS} words")
        return found


class EqualFilter(django_filters.Filter):
    """Keeps the entries whose field is exactly this."""

    field_class: type[forms.Field] = ExactField

    def filter(self, qs: Entries, value: str) -> Entries:
        """Narrow the entries, unless the value is empty."""
        return qs.where(self.field_name, value) if value else qs


class ActionFilter(EqualFilter):
    """Keeps the entries of a type, or of one action."""

    field_class = ActionField

    def filter(self, qs: Entries, value: str) -> Entries:
        """Narrow the entries by the field that the value belongs to."""
        return qs.where("actionType" if value in ACTION_TYPES else "action", value) if value else qs


class ResultFilter(EqualFilter):
    """Keeps the entries with a result."""

    field_class = OneOfField


class CorrelationFilter(EqualFilter):
    """Keeps the entries of a correlation, given in either form."""

    def filter(self, qs: Entries, value: str) -> Entries:
        """Narrow the entries by the form that is stored."""
        return super().filter(qs, normal_correlation_id(value))


class SearchFilter(django_filters.Filter):
    """Keeps the entries in which every word begins a token."""

    field_class = SearchField

    def filter(self, qs: Entries, value: tuple[str, ...]) -> Entries:
        """Narrow the entries."""
        return qs.matching(value)


class SortFilter(django_filters.Filter):
    """Sorts the entries."""

    field_class = OneOfField

    def filter(self, qs: Entries, value: Any) -> Entries:
        """Order the entries, newest first where nothing is asked for."""
        return qs.order_by(value or DEFAULT_SORT)


class RangePart(django_filters.Filter):
    """A part of the window of time, which the set resolves as a whole."""

    def filter(self, qs: Entries, value: Any) -> Entries:
        """Return the entries as they are."""
        return qs


class InstantFilter(RangePart):
    """One end of the window."""

    field_class = InstantField


class DateRangeFilter(RangePart):
    """The window as a range back from now."""

    field_class = OneOfField


class RangeForm(forms.Form):
    """Checks what the three parts of the window come to together."""

    default_range: DateRange
    now: datetime

    def clean(self) -> dict[str, Any]:
        """Resolve the window. A start after the end drops both, with a message."""
        cleaned = self.cleaned_data
        asked: dict[str, Any] = {name: cleaned.get(name) or None for name in RANGE_PARAMETERS}
        try:
            cleaned["window"] = self._resolve(**asked)
        except StartAfterEnd:
            part = "startDate" if asked["startDate"] else "endDate"
            self.add_error(part, "expected a start that is not after the end")
            cleaned["window"] = self._resolve(None, None, None)
        return cleaned

    def _resolve(
        self, dateRange: DateRange | None, startDate: datetime | None, endDate: datetime | None
    ) -> Window:
        # An end alone means everything before it, not the default range cut short.
        default: DateRange = "all" if endDate else self.default_range
        return Window.resolve(dateRange or default, startDate, endDate, self.now)


class EntryFilter(django_filters.FilterSet):
    """The filters of a list, in the order of the specification, over Entries.

    The parent insists on the ORM's querysets, so `filter_queryset` is replaced.
    """

    dateRange = DateRangeFilter(label="Date Range", words=DATE_RANGES)
    startDate = InstantFilter(label="Start")
    endDate = InstantFilter(label="End")
    actor = EqualFilter(label="Actor", field_name="actor.id")
    botId = EqualFilter(label="Agent", field_name="botId")
    action = ActionFilter(label="Action", field_name="action")
    result = ResultFilter(label="Result", field_name="result", words=RESULTS)
    search = SearchFilter(label="Search")
    target = EqualFilter(label="Target", field_name="target.id")
    correlationId = CorrelationFilter(label="Correlation ID", field_name="correlationId")
    requestId = EqualFilter(label="Request ID", field_name="requestId")
    sessionId = EqualFilter(label="Session ID", field_name="sessionId")
    assertedBy = EqualFilter(label="API key", field_name="assertedBy")
    sort = SortFilter(label="Sort", words=SORTS)

    class Meta:
        """The form that checks the parameters together."""

        form = RangeForm

    def filter_queryset(self, queryset: Entries) -> Entries:
        """Narrow the entries by every parameter that was understood."""
        cleaned = self.form.cleaned_data
        for name, value in cleaned.items():
            if name in self.filters:
                queryset = self.filters[name].filter(queryset, value)
        return queryset.within(cleaned["window"])


FILTER_NAMES: tuple[str, ...] = tuple(EntryFilter.base_filters)


class PagingForm(forms.Form):
    """Which part of a list is wanted."""

    limit = forms.IntegerField(
        min_value=1,
        max_value=MAX_LIMIT,
        required=False,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            f"expected a whole number from 1 to {MAX_LIMIT:,}",
        ),
    )
    offset = forms.IntegerField(
        min_value=0,
        max_value=MAX_OFFSET,
        required=False,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            f"expected a whole number from 0 to {MAX_OFFSET:,}; "
            'follow the Link header\'s rel="next" to go further',
        ),
    )
    cursor = forms.CharField(max_length=MAX_CURSOR_LENGTH, required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a cursor together with an offset."""
        cleaned = self.cleaned_data
        if cleaned.get("cursor") and cleaned.get("offset") is not None:
            self.add_error("cursor", "cannot be combined with offset")
        return cleaned


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """What a request asks of the log, and what of it was not understood.

    `given` holds the parameters that are not empty, as they came; `errors` one sentence for
    each bad, repeated or unknown one. What was understood is applied to `entries`.
    """

    entries: Entries
    given: Mapping[str, str]
    errors: Mapping[str, str]
    unknown: frozenset[str]
    limit: int
    offset: int
    cursor: Cursor | None


def parse(
    data: QueryDict,
    *,
    account: str,
    bot: str | None = None,
    default_range: DateRange,
    now: datetime,
    paging: tuple[str, ...] = ("limit", "offset", "cursor"),
    ignored: tuple[str, ...] = (),
) -> ListRequest:
    """Turn query parameters into a list of an account's entries, or of one bot's of it.

    `paging` names the paging parameters that are accepted, `ignored` those that are another's.
    """
    given, repeated = _single_values(data, ignored)
    known = (*FILTER_NAMES, *paging)
    unknown = {name: _unknown(name, known) for name in data if name not in (*known, *ignored)}
    usable = {name: value for name, value in given.items() if name not in repeated}

    start = Window.resolve(default_range, None, None, now)
    filters = EntryFilter(usable, queryset=Entries(account=account, bot=bot, window=start))
    filters.form.default_range, filters.form.now = default_range, now
    pages = PagingForm({name: usable[name] for name in paging if name in usable})
    entries: Entries = filters.qs
    errors = {**repeated, **unknown, **_sentences(filters.form), **_sentences(pages)}
    cursor: Cursor | None = None
    try:
        cursor = entries.cursor(pages.cleaned_data.get("cursor", ""))
    except BadCursor as error:
        errors["cursor"] = str(error)
    return ListRequest(
        entries=entries,
        given=given,
        errors=errors,
        unknown=frozenset(unknown),
        limit=pages.cleaned_data.get("limit") or DEFAULT_LIMIT,
        offset=pages.cleaned_data.get("offset") or 0,
        cursor=cursor,
    )


def _single_values(
    data: QueryDict, ignored: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters that are not empty, and a sentence for each that is repeated."""
    given: dict[str, str] = {}
    repeated: dict[str, str] = {}
    for name, values in data.lists():
        full = [value for value in values if value and isinstance(value, str)]
        if full and name not in ignored:
            given[name] = full[0]
        if len(full) > 1:
            repeated[name] = "expected once"
    return given, repeated


def _unknown(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name[:64].lower(), [k.lower() for k in known], 1, 0.75)
    meant = next((k for k in known if near and k.lower() == near[0]), None)
    return f"not a known parameter; did you mean {meant}?" if meant else "not a known parameter"


def _sentences(form: forms.Form) -> dict[str, str]:
    return {name: " ".join(map(str, errors)) for name, errors in form.errors.items()}
