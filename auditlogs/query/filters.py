"""The parameters of a list, defined once for everything that reads the log."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Literal

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from auditlogs.entry.actions import ACTION_TYPES, is_action
from auditlogs.entry.reasons import SLUGS
from auditlogs.entry.schema import NAME_LENGTH, OUTCOMES, RESULTS, normal_correlation_id
from auditlogs.entry.text import MAX_SEARCH_LENGTH, MAX_SEARCH_WORDS, words
from auditlogs.entry.times import parse_rfc3339
from auditlogs.query.cursor import MAX_CURSOR_LENGTH, BadCursor, Cursor, load_cursor
from auditlogs.query.entries import MAX_LIMIT, MAX_OFFSET, Entries
from auditlogs.query.ids import NOT_AN_ID, FoundId, dump, look_up, may_be_id
from auditlogs.query.order import ARRIVAL_ORDER, DEFAULT_SORT, SORTS
from auditlogs.query.values import BadValues, Values, escape, parse as parse_values
from auditlogs.query.window import DATE_RANGES, DateRange, StartAfterEnd, Window
from auditlogs.storage.mongo import StorageError

DEFAULT_LIMIT = 100
ARRIVAL = "arrival"
# How much of a value an error quotes.
SHOWN_OF_VALUE = 64
RANGE_PARAMETERS = ("dateRange", "startDate", "endDate")


class InstantField(forms.Field):
    """An RFC 3339 date and time with a zone, as a datetime in UTC."""

    def to_python(self, value: str | None) -> datetime | None:
        if not value:
            return None
        try:
            return parse_rfc3339(value)
        except ValueError as error:
            raise ValidationError(
                "expected a date and time with a zone, such as 2026-03-01T00:00:00Z"
            ) from error


class OneOfField(forms.ChoiceField):
    """One of a fixed set of words; the error names them."""

    def __init__(self, *, words: tuple[str, ...], **kwargs: Any) -> None:
        message = f"expected one of {', '.join(words)}"
        super().__init__(
            choices=[(word, word) for word in words],
            error_messages={"invalid_choice": message},
            **kwargs,
        )
        self.words = words


class TextField(forms.CharField):
    """A text; its errors say what was expected, as those of the other fields do."""

    default_error_messages = {
        "max_length": "expected at most %(limit_value)d characters",
        "null_characters_not_allowed": "expected text without null characters",
    }


class ValuesField(TextField):
    """Values and exclusions, compared exactly: white space is part of each."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def clean(self, text: str | None) -> Values:
        try:
            values = parse_values(super().clean(text))
        except BadValues as error:
            raise ValidationError(str(error)) from error
        for value, _ in values.each:
            self.check(value)
        return values

    def check(self, value: str) -> None:
        """Check one value. Raises ValidationError."""
        if len(value) > NAME_LENGTH:
            raise ValidationError(f"expected at most {NAME_LENGTH} characters in each value")


class ActionField(ValuesField):
    """Types and exact actions. An action has a dot, so it is never a type."""

    def check(self, value: str) -> None:
        super().check(value)
        if value not in ACTION_TYPES and not is_action(value):
            raise ValidationError(
                f"expected one of {', '.join(ACTION_TYPES)}, or an action such as order.created,"
                f" not {value[:SHOWN_OF_VALUE]}"
            )


class WordsField(ValuesField):
    """Some of a fixed set of words; the error names them, and the one that is none of them."""

    def __init__(self, *, words: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = words

    def check(self, value: str) -> None:
        if value not in self.words:
            raise ValidationError(
                f"expected one of {', '.join(self.words)}, not {value[:SHOWN_OF_VALUE]}"
            )


class SearchField(TextField):
    """Up to eight search words, normalised, as a tuple."""

    def clean(self, value: str | None) -> tuple[str, ...]:
        text = super().clean(value)
        if len(text) > MAX_SEARCH_LENGTH:
            raise ValidationError(f"expected at most {MAX_SEARCH_LENGTH} characters")
        result = words(text)
        if len(result) > MAX_SEARCH_WORDS:
            raise ValidationError(f"expected at most {MAX_SEARCH_WORDS} words")
        return result


class ExactFilter(django_filters.Filter):
    """Keep entries whose field has one of the values, and none of the excluded ones."""

    field_class: type[forms.Field] = ValuesField

    def filter(self, qs: Entries, value: Values) -> Entries:
        return qs.keep(self.field_name, value)


class ActionFilter(ExactFilter):
    """Keep entries of some action types or actions."""

    field_class = ActionField

    def filter(self, qs: Entries, value: Values) -> Entries:
        return qs.of_actions(value)


class WordsFilter(ExactFilter):
    """Keep entries whose field has some of a fixed set of words."""

    field_class = WordsField


class CorrelationFilter(ExactFilter):
    """Keep entries of correlations; a UUID is accepted with and without hyphens."""

    def filter(self, qs: Entries, value: Values) -> Entries:
        return super().filter(qs, value.in_forms(lambda each: (normal_correlation_id(each),)))


class SearchFilter(django_filters.Filter):
    """Keep entries where every search word matches some field."""

    field_class = SearchField

    def filter(self, qs: Entries, value: tuple[str, ...]) -> Entries:
        return qs.matching(value)


class SortFilter(django_filters.Filter):
    """Sort entries, by default newest first."""

    field_class = OneOfField

    def filter(self, qs: Entries, value: Any) -> Entries:
        return qs.order_by(value or DEFAULT_SORT)


class RangePart(django_filters.Filter):
    """A parameter of the time window. The form resolves the three of them together."""

    def filter(self, qs: Entries, value: Any) -> Entries:
        return qs


class InstantFilter(RangePart):
    """The start or the end of the window."""

    field_class = InstantField


class DateRangeFilter(RangePart):
    """The window as a length of time until now."""

    field_class = OneOfField


class RangeForm(forms.Form):
    """Resolves the three parameters of the time window into one window."""

    default_range: DateRange
    now: datetime

    def clean(self) -> dict[str, Any]:
        """Resolve the window. If the start is after the end, both are ignored with an error."""
        cleaned = self.cleaned_data
        parts: dict[str, Any] = {name: cleaned.get(name) or None for name in RANGE_PARAMETERS}
        try:
            cleaned["window"] = self._resolve(**parts)
        except StartAfterEnd:
            part = "startDate" if parts["startDate"] else "endDate"
            self.add_error(part, "expected a start that is not after the end")
            cleaned["window"] = self._resolve(None, None, None)
        return cleaned

    def _resolve(
        self, dateRange: DateRange | None, startDate: datetime | None, endDate: datetime | None
    ) -> Window:
        # With an end alone, the default range of the last days could contain nothing before it.
        default: DateRange = "all" if endDate else self.default_range
        return Window.resolve(dateRange or default, startDate, endDate, self.now)


class EntryFilter(django_filters.FilterSet):
    """The filters of a list, in the order of the specification.

    `filter_queryset` is overridden because the parent's accepts a Django QuerySet only.
    """

    dateRange = DateRangeFilter(label="Date Range", words=DATE_RANGES)
    startDate = InstantFilter(label="Start")
    endDate = InstantFilter(label="End")
    actor = ExactFilter(label="Actor", field_name="actor.id")
    botId = ExactFilter(label="Agent", field_name="botId")
    action = ActionFilter(label="Action", field_name="action")
    result = WordsFilter(label="Result", field_name="result", words=RESULTS)
    search = SearchFilter(label="Search")
    target = ExactFilter(label="Target", field_name="target.id")
    correlationId = CorrelationFilter(label="Correlation ID", field_name="correlationId")
    requestId = ExactFilter(label="Request ID", field_name="requestId")
    sessionId = ExactFilter(label="Session ID", field_name="sessionId")
    writerId = ExactFilter(label="Writer ID", field_name="writerId")
    assertedBy = ExactFilter(label="API key", field_name="assertedBy")
    decision = WordsFilter(label="Decision", field_name="facts.decision", words=OUTCOMES)
    approval = ExactFilter(label="Approval", field_name="facts.approval")
    runId = ExactFilter(label="Run ID", field_name="facts.runId")
    principal = ExactFilter(label="Principal", field_name="facts.principal")
    key = ExactFilter(label="Key", field_name="facts.key")
    tool = ExactFilter(label="Tool", field_name="facts.tool")
    code = ExactFilter(label="Code", field_name="facts.code")
    provider = ExactFilter(label="Provider", field_name="facts.provider")
    orderId = ExactFilter(label="Order ID", field_name="facts.orderId")
    sourceIp = ExactFilter(label="Source IP", field_name="facts.sourceIp")
    reason = WordsFilter(label="Reason", field_name="facts.reason", words=SLUGS)
    policy = ExactFilter(label="Policy", field_name="facts.policy")
    requiredScope = ExactFilter(label="Missing scope", field_name="facts.requiredScope")
    client = ExactFilter(label="Client", field_name="facts.client")
    sort = SortFilter(label="Sort", words=SORTS)

    class Meta:  # noqa: D106
        form = RangeForm

    def filter_queryset(self, queryset: Entries) -> Entries:
        """Apply every valid parameter."""
        cleaned = self.form.cleaned_data
        for name, value in cleaned.items():
            if name in self.filters:
                queryset = self.filters[name].filter(queryset, value)
        return queryset.within(cleaned["window"])


FILTER_NAMES: tuple[str, ...] = tuple(EntryFilter.base_filters)
# The filters that take several values and exclusions.
EXACT_FILTERS: tuple[str, ...] = tuple(
    name for name, each in EntryFilter.base_filters.items() if isinstance(each, ExactFilter)
)


def parameters(filters: Mapping[str, str]) -> dict[str, str]:
    """Return filters as the parameters of a URL: each exact one with its one plain value escaped,
    the others as they are."""
    return {
        name: escape(value) if name in EXACT_FILTERS else value for name, value in filters.items()
    }


def refused_value(name: str, text: str) -> str:
    """Return the value in an exact filter's text that the filter refuses, or the whole text where
    it is no list of values. Raises BadValues."""
    field = EntryFilter.base_filters[name].field
    for value, _ in parse_values(text).each:
        try:
            field.check(value)
        except ValidationError:
            return value
    return text


class WholeNumberField(forms.IntegerField):
    """An integer in ASCII digits; Django's own takes `1.0`, `+5` and the digits of all scripts."""

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and value and not (value.isascii() and value.isdecimal()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class PagingForm(forms.Form):
    """The parameters that choose a part of a list."""

    limit = WholeNumberField(
        min_value=1,
        max_value=MAX_LIMIT,
        required=False,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            f"expected a whole number from 1 to {MAX_LIMIT:,}",
        ),
    )
    offset = WholeNumberField(
        min_value=0,
        max_value=MAX_OFFSET,
        required=False,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            f"expected a whole number from 0 to {MAX_OFFSET:,}; "
            'follow the Link header\'s rel="next" to go further',
        ),
    )
    cursor = TextField(max_length=MAX_CURSOR_LENGTH, required=False)
    order = OneOfField(words=(ARRIVAL,), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        for name in ("cursor", "order"):
            if cleaned.get(name) and cleaned.get("offset") is not None:
                self.add_error(name, "cannot be combined with offset")
        return cleaned


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """A parsed request for a list.

    `given` holds the parameters that are not empty, as they were sent; `errors` one sentence for
    each invalid, repeated or unknown one. The valid ones are applied to `entries`. `found_id` is
    the ID that was looked up in place of the search, `known_id` what the look-up found as a text,
    empty where there was no look-up.
    """

    entries: Entries
    found_id: FoundId | None
    known_id: str
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
    paging: tuple[str, ...] = ("limit", "offset", "cursor", "order"),
    ignored: tuple[str, ...] = (),
    ids: Literal["within", "anytime", "off"] = "within",
    known_id: str = "",
) -> ListRequest:
    """Parse query parameters into a list of an account's entries, or of one of its bots'.

    A search that is an ID becomes the list of its entries: with `ids` "within" those of the window,
    with "anytime" those of all retained time, with "off" it stays a search for words. Only this
    look-up reads the database, and if it fails, the search is for words. With the `known_id` of an
    earlier request for the same search nothing is read.

    `paging` names the paging parameters that are accepted, `ignored` the parameters that the
    caller reads itself.
    """
    given, repeated = _single_values(data, ignored)
    accepted = (*FILTER_NAMES, *paging)
    unknown = {name: _unknown(name, accepted) for name in data if name not in (*accepted, *ignored)}
    usable = {name: value for name, value in given.items() if name not in repeated}

    start = Window.resolve(default_range, None, None, now)
    filters = EntryFilter(usable, queryset=Entries(account=account, bot=bot, window=start))
    filters.form.default_range, filters.form.now = default_range, now
    pages = PagingForm({name: usable[name] for name in paging if name in usable})
    entries: Entries = filters.qs
    errors = {**repeated, **unknown, **_sentences(filters.form), **_sentences(pages)}
    if pages.cleaned_data.get("order"):
        errors |= _not_by_arrival(usable)
        entries = replace(entries, order=ARRIVAL_ORDER)
    found, cursor, text = None, None, pages.cleaned_data.get("cursor", "")
    try:
        sent = load_cursor(text) if text else None
        if ids != "off" and entries.words and not errors:
            earlier = sent.known_id if sent else known_id
            found, entries = _by_id(given["search"], entries, earlier, keep_window=ids == "within")
        cursor = entries.cursor(text)
        if cursor and entries.order == ARRIVAL_ORDER and cursor.known_id == NOT_AN_ID:
            # A reader may begin to follow an ID before its first entry arrives.
            found, entries = _by_id(given["search"], entries, "", keep_window=True)
    except BadCursor as error:
        errors["cursor"] = str(error)
    return ListRequest(
        entries=entries,
        found_id=found,
        known_id=entries.known_id,
        given=given,
        errors=errors,
        unknown=frozenset(unknown),
        limit=pages.cleaned_data.get("limit") or DEFAULT_LIMIT,
        offset=pages.cleaned_data.get("offset") or 0,
        cursor=cursor,
    )


def _by_id(
    search: str, entries: Entries, known_id: str, *, keep_window: bool
) -> tuple[FoundId | None, Entries]:
    """Return the ID that a search is, and the entries with it in place of those with the words."""
    if not may_be_id(search.strip()):
        return None, entries
    found = None
    with suppress(StorageError):
        found = look_up(search, entries, known_id)
    listed = found.entries(entries, keep_window=keep_window) if found else entries
    return found, replace(listed, known_id=dump(found))


def _not_by_arrival(given: Mapping[str, str]) -> dict[str, str]:
    """Return an error for each parameter that the order of arrival excludes: another order, and a
    range that would move on while it is followed."""
    errors = {}
    if "sort" in given:
        errors["sort"] = "cannot be combined with order=arrival"
    if given.get("dateRange", "all") != "all":
        errors["dateRange"] = "cannot be combined with order=arrival; startDate can"
    return errors


def _single_values(
    data: QueryDict, ignored: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters that are not empty, and an error for each that is repeated."""
    given: dict[str, str] = {}
    repeated: dict[str, str] = {}
    for name, values in data.lists():
        full = [value for value in values if value and isinstance(value, str)]
        if full and name not in ignored:
            given[name] = full[0]
        if len(full) > 1:
            repeated[name] = "expected one value, not several"
    return given, repeated


def _unknown(name: str, accepted: tuple[str, ...]) -> str:
    close = get_close_matches(name[:64].lower(), [each.lower() for each in accepted], 1, 0.75)
    meant = next((each for each in accepted if close and each.lower() == close[0]), None)
    return f"not a known parameter; did you mean {meant}?" if meant else "not a known parameter"


def _sentences(form: forms.Form) -> dict[str, str]:
    return {name: " ".join(map(str, errors)) for name, errors in form.errors.items()}
