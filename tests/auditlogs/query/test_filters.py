"""The parameters of a list: what each means, and what is said of one that is not understood."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import given, strategies as st

from auditlogs.entry.times import from_ms
from auditlogs.query.cursor import MAX_CURSOR_LENGTH
from auditlogs.query.filters import (
    DEFAULT_LIMIT,
    FILTER_NAMES,
    ListRequest,
    parameters,
    parse,
)
from auditlogs.query.values import Values
from auditlogs.query.window import DateRange

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARAMETERS = (*FILTER_NAMES, "limit", "offset", "cursor")
A_DATE = "expected a date and time with a zone, such as 2026-03-01T00:00:00Z"
A_LIMIT = "expected a whole number from 1 to 1,000"


def ask(query: str = "", default_range: DateRange = "all", **more: Any) -> ListRequest:
    return parse(QueryDict(query), account="acc", default_range=default_range, now=NOW, **more)


def ask_for(**parameters: str) -> ListRequest:
    return ask(urlencode(parameters))


def test_the_parameters_are_those_of_the_specification_first_and_then_our_own() -> None:
    assert set(FILTER_NAMES) >= {"action", "actor", "botId", "search", "startDate", "endDate"}
    assert sorted(PARAMETERS) == sorted(
        [
            *("action", "actor", "botId", "search", "startDate", "endDate", "dateRange"),
            *("limit", "offset", "cursor", "sort"),
            *("result", "target", "correlationId", "requestId", "sessionId"),
            *("assertedBy", "writerId"),
            *("decision", "approval", "runId", "principal", "key", "tool", "code", "provider"),
            *("orderId", "sourceIp", "reason", "policy", "requiredScope", "client"),
        ]
    )


def test_a_list_that_nothing_is_asked_of_is_everything_newest_first() -> None:
    asked = ask()
    assert (asked.errors, asked.given) == ({}, {})
    assert (asked.limit, asked.offset, asked.cursor) == (DEFAULT_LIMIT, 0, None)
    assert (asked.entries.account, asked.entries.filters, asked.entries.words) == ("acc", {}, ())
    assert str(asked.entries.order) == "-timestamp"
    assert asked.entries.window.requested == "all/"


def test_a_page_that_says_no_range_gets_its_own_default() -> None:
    assert ask(default_range="7d").entries.window.requested == "7d/"
    assert ask("dateRange=all", default_range="7d").entries.window.requested == "all/"
    # An end alone means everything before it.
    assert ask("endDate=2026-03-10T00:00:00Z", default_range="7d").errors == {}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("actor", "actor.id"),
        ("botId", "botId"),
        ("target", "target.id"),
        ("requestId", "requestId"),
        ("sessionId", "sessionId"),
        ("correlationId", "correlationId"),
        ("approval", "facts.approval"),
        ("runId", "facts.runId"),
        ("principal", "facts.principal"),
        ("key", "facts.key"),
        ("tool", "facts.tool"),
        ("code", "facts.code"),
        ("provider", "facts.provider"),
        ("orderId", "facts.orderId"),
        ("sourceIp", "facts.sourceIp"),
        ("policy", "facts.policy"),
        ("requiredScope", "facts.requiredScope"),
        ("client", "facts.client"),
    ],
)
@pytest.mark.parametrize(
    "value", ["x", " X y ", "$ne", '{"$gt": ""}', "日本", "a" * 256, r"\,-x,\\-"]
)
def test_an_identifier_is_taken_exactly_as_it_is(name: str, path: str, value: str) -> None:
    asked = ask_for(**parameters({name: value}))
    assert (asked.errors, dict(asked.entries.equal)) == ({}, {path: value})


def test_a_filter_takes_several_values_and_exclusions() -> None:
    asked = ask_for(actor=r"a,b\,c", result="-success", tool="quote,-swap")
    assert asked.errors == {}
    assert asked.entries.filters == {
        "actor.id": Values(("a", "b,c")),
        "result": Values((), ("success",)),
        "facts.tool": Values(("quote",), ("swap",)),
    }


def test_lists_of_the_same_values_in_another_order_are_the_same_list() -> None:
    one, other = (
        ask("actor=a,b&action=mcp,order.created"),
        ask("action=order.created,mcp&actor=b,a"),
    )
    assert one.entries.fingerprint == other.entries.fingerprint
    assert one.entries.fingerprint != ask("actor=a,-b&action=mcp,order.created").entries.fingerprint


@pytest.mark.parametrize(
    ("value", "equal"),
    [
        ("mcp", {"actionType": "mcp"}),
        ("trade", {"actionType": "trade"}),
        ("mcp.tool.call", {"action": "mcp.tool.call"}),
        ("never.heard.of_it", {"action": "never.heard.of_it"}),
    ],
)
def test_an_action_is_one_of_the_types_or_exactly_one(value: str, equal: dict[str, str]) -> None:
    assert dict(ask_for(action=value).entries.equal) == equal


@pytest.mark.parametrize("value", [TRACE, TRACE.upper(), "0AF76519-16cd-43dd-8448-eb211c80319c"])
def test_a_correlation_id_is_looked_for_in_the_form_that_is_stored(value: str) -> None:
    asked = ask_for(correlationId=value)
    assert asked.entries.equal == {"correlationId": "0af76519-16cd-43dd-8448-eb211c80319c"}
    assert asked.given["correlationId"] == value


def test_a_search_is_words_in_their_normal_form() -> None:
    assert ask_for(search="  Momentum  ＳＣＯＵＴ .*").entries.words == ("momentum", "scout", ".*")


@pytest.mark.parametrize("search", ["x" * 200, " ".join("abcdefgh"), f"  {'x' * 200}  "])
def test_a_search_may_be_so_long_and_have_so_many_words(search: str) -> None:
    assert ask_for(search=search).errors == {}


def test_a_search_of_white_space_is_as_if_absent() -> None:
    assert ask_for(search=" \u3000 ").entries == ask().entries


@pytest.mark.parametrize("sort", ["timestamp", "actor", "action", "result"])
def test_a_list_is_sorted_by_a_key_in_either_direction(sort: str) -> None:
    assert str(ask_for(sort=sort).entries.order) == sort
    assert str(ask_for(sort=f"-{sort}").entries.order) == f"-{sort}"


def test_bounds_may_be_of_any_zone_even_with_an_unescaped_plus() -> None:
    asked = ask("startDate=2026-03-30T01:00:00+01:00&endDate=2026-03-30T19:30:00-05:00")
    window = asked.entries.window
    assert asked.errors == {}
    assert from_ms(window.start) == datetime(2026, 3, 30, tzinfo=UTC)
    assert from_ms(window.end or 0) == datetime(2026, 3, 31, 0, 30, tzinfo=UTC)


def test_filters_combine() -> None:
    query = "action=mcp&actor=a&botId=b&search=w&result=failure&target=t&sessionId=s&dateRange=24h"
    asked = ask(query)
    assert asked.errors == {}
    assert dict(asked.entries.equal) == {
        "actionType": "mcp",
        "actor.id": "a",
        "botId": "b",
        "result": "failure",
        "target.id": "t",
        "sessionId": "s",
    }
    assert asked.entries.words == ("w",)
    assert asked.entries.window.requested == "24h/"


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_empty_value_is_as_if_absent(name: str) -> None:
    asked = ask(f"{name}=")
    assert (asked.errors, asked.given, asked.entries) == ({}, {}, ask().entries)
    assert (asked.limit, asked.offset, asked.cursor) == (DEFAULT_LIMIT, 0, None)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_given_twice_is_refused_and_not_applied(name: str) -> None:
    asked = ask(f"{name}=1&{name}=1")
    assert asked.errors == {name: "expected one value, not several"}
    assert asked.entries == ask().entries
    assert not asked.unknown


def test_a_parameter_given_once_beside_an_empty_one_is_given_once() -> None:
    assert ask("actor=&actor=a&actor=").entries.equal == {"actor.id": "a"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("botid", "botId"), ("BOTID", "botId"), ("from_actor", None), ("limits", "limit")),
        *(("correlation_id", "correlationId"), ("startdate", "startDate"), ("xyz", None)),
        *(("actor[$ne]", None), ("actor.id", "actor"), ("$where", None), ("x" * 5_000, None)),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_one_that_was_meant(
    name: str, meant: str | None
) -> None:
    asked = ask_for(**{name: "1"})
    assert asked.unknown == {name}
    assert asked.errors.keys() == {name}
    assert asked.errors[name].endswith(f"did you mean {meant}?" if meant else "parameter")
    assert asked.entries == ask().entries


def test_a_page_has_parameters_of_its_own_and_not_those_of_paging() -> None:
    asked = ask("entry=e&limit=5", paging=("cursor",), ignored=("entry",))
    assert asked.unknown == {"limit"}
    assert "entry" not in asked.given


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("dateRange", "1d", "expected one of 24h, 7d, 30d, all"),
        ("dateRange", "ALL", "expected one of 24h, 7d, 30d, all"),
        ("startDate", "yesterday", A_DATE),
        ("startDate", "2026-03-01", A_DATE),
        ("endDate", "2026-03-01T00:00:00", A_DATE),
        ("endDate", "2026-02-30T00:00:00Z", A_DATE),
        ("startDate", "0001-01-01T00:00:00+10:00", A_DATE),
        ("endDate", "2025-03-01T00:00:00Z\x00", A_DATE),
        ("action", "order", "expected one of auth, trade, config, mcp, system, or an action"),
        ("action", "Order.created", "expected one of"),
        ("action", "order.*", "expected one of"),
        ("action", "order.created\n", "expected one of"),
        ("result", "succes", "expected one of failure, partial, success"),
        ("result", "Success", "expected one of failure, partial, success"),
        ("result", "failure,-success,lost", "expected one of failure, partial, success, not lost"),
        ("action", "mcp,order", "or an action such as order.created, not order"),
        ("actor", "a,,b", "expected a value after each minus, and between commas"),
        ("actor", ",".join(map(str, range(21))), "expected at most 20 values"),
        ("decision", "refused", "expected one of allowed, deferred, denied, modified"),
        ("sort", "duration", "expected one of timestamp, -timestamp, actor"),
        ("sort", "--actor", "expected one of"),
        ("sort", "_id", "expected one of"),
        ("search", "x" * 201, "expected at most 200 characters"),
        ("search", "x" * 10_240, "expected at most 200 characters"),
        ("search", " ".join("abcdefghi"), "expected at most 8 words"),
        ("actor", "x" * 257, "256"),
        ("actor", "a\x00", "expected text without null characters"),
        ("limit", "0", A_LIMIT),
        ("limit", "-1", A_LIMIT),
        ("limit", "1001", A_LIMIT),
        ("limit", "1e3", A_LIMIT),
        ("limit", "ten", A_LIMIT),
        ("limit", "1.0", A_LIMIT),
        ("limit", "+5", A_LIMIT),
        ("limit", " 5", A_LIMIT),
        ("limit", "٣", A_LIMIT),
        ("offset", "1.0", "expected a whole number from 0 to 10,000"),
        ("limit", "9" * 5_000, A_LIMIT),
        ("offset", "-1", "expected a whole number from 0 to 10,000"),
        ("offset", "10001", 'follow the Link header\'s rel="next" to go further'),
        ("cursor", "nonsense", "is not a cursor of this log, or is incomplete"),
        (
            "cursor",
            "x" * (MAX_CURSOR_LENGTH + 1),
            f"expected at most {MAX_CURSOR_LENGTH} characters",
        ),
    ],
)
def test_a_value_that_is_not_understood_is_said_and_the_rest_applied(
    name: str, value: str, sentence: str
) -> None:
    asked = ask_for(**{name: value, "botId": "b"})
    assert asked.errors.keys() == {name}
    assert sentence in asked.errors[name]
    assert not asked.unknown
    assert dict(asked.entries.equal) == {"botId": "b"}


@pytest.mark.parametrize(("name", "value"), [("limit", 1), ("limit", 1_000), ("offset", 10_000)])
def test_the_limits_themselves_are_within_the_limits(name: str, value: int) -> None:
    asked = ask_for(**{name: str(value)})
    assert (asked.errors, getattr(asked, name)) == ({}, value)


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("startDate=2026-03-20T00:00:00.001Z&endDate=2026-03-20T00:00:00Z", "startDate"),
        ("dateRange=24h&endDate=2026-03-20T00:00:00Z", "endDate"),
    ],
)
def test_a_start_after_the_end_is_said_and_neither_is_applied(query: str, part: str) -> None:
    asked = ask(query)
    assert asked.errors == {part: "expected a start that is not after the end"}
    assert asked.entries.window == ask().entries.window


def test_a_start_older_than_the_retention_is_clipped_and_not_refused() -> None:
    asked = ask("startDate=2020-01-01T00:00:00Z")
    assert asked.errors == {}
    assert asked.entries.window.clipped
    assert from_ms(asked.entries.window.start) == NOW - timedelta(days=30)


def test_a_cursor_and_an_offset_contradict_each_other() -> None:
    asked = ask_for(cursor="x", offset="0")
    assert "cannot be combined with offset" in asked.errors["cursor"]


NASTY = st.text(st.sampled_from("aZ0$.[]{}()*+?^|\\/\"' \t\n\x00\u202e日😀=&:,-"), max_size=12)


@given(st.dictionaries(st.sampled_from(PARAMETERS) | NASTY, NASTY, max_size=4))
def test_whatever_is_asked_is_understood_or_named(parameters: dict[str, str]) -> None:
    query = QueryDict(mutable=True)
    query.update(parameters)
    asked = parse(query, account="acc", default_range="all", now=NOW)
    assert asked.errors.keys() <= parameters.keys()
    assert asked.unknown == parameters.keys() - set(PARAMETERS)
    assert asked.entries.account == "acc"
    values = [value for each in asked.entries.filters.values() for value, _ in each.each]
    assert all(isinstance(value, str) for value in values)
