"""What an entry says of how a request went, and which arguments it keeps."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from mcp.shared.exceptions import MCPError

from auditlogs.entry import numbers
from auditlogs.intake.validation import MAX_PAYLOAD_DEPTH
from auditlogs.mcp.arguments import MAX_ARGUMENTS_BYTES, MAX_KEYS, storable
from auditlogs.mcp.outcomes import CANCELLED, ERROR_LENGTH, NO_TEXT, answered, cancelled, raised
from auditlogs.mcp.tasks import duration_of, outcome_of
from tests.factories import make_entry

BREAKER = "Circuit breaker is open for provider: jupiter"


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def embedded(words: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": "desk://breaker", "text": words}}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"content": [text("one"), text("two")]}, "one\ntwo"),
        ({"content": [text("one"), embedded(BREAKER)]}, "one"),
        ({"content": [text(" "), embedded(BREAKER)]}, BREAKER),
        ({"content": [embedded(BREAKER)], "structuredContent": {"a": 1}}, BREAKER),
        (
            {"content": [], "structuredContent": {"error": {"code": 403, "message": BREAKER}}},
            json.dumps({"error": {"code": 403, "message": BREAKER}}, separators=(",", ":")),
        ),
        ({"content": [], "structuredContent": {}}, NO_TEXT),
        ({"content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]}, NO_TEXT),
        ({}, NO_TEXT),
        ({"content": [text("no file a\udcff")]}, "no file a\\udcff"),
    ],
)
def test_a_failed_result_says_why_by_whatever_it_has(answer: dict[str, Any], error: str) -> None:
    assert answered({"isError": True, **answer}) == ("failure", {"isError": True, "error": error})


def test_an_error_is_bounded_and_without_secrets() -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    long = {"isError": True, "content": [], "structuredContent": {"note": secret, "x": "y" * 9_000}}
    error = answered(long)[1]["error"]
    assert len(error) == ERROR_LENGTH
    assert secret not in error


def test_a_server_says_which_of_its_results_are_failures() -> None:
    answer = {
        "content": [text('{"error": "no funds"}')],
        "structuredContent": {"error": "no funds"},
    }
    assert answered(answer) == ("success", {"isError": False})
    assert answered(answer, lambda given: "error" in given["structuredContent"]) == (
        "failure",
        {"isError": False, "error": '{"error": "no funds"}'},
    )


def test_a_call_that_asks_first_or_starts_a_task_is_partial() -> None:
    assert answered({"resultType": "input_required"})[0] == "partial"
    for answer in (
        {"resultType": "task", "taskId": "t-1", "status": "working"},
        {"task": {"taskId": "t-1", "status": "working"}},
    ):
        assert answered(answer) == (
            "partial",
            {"isError": False, "status": "working", "taskId": "t-1"},
        )


def test_an_exception_and_a_cancel_say_why() -> None:
    assert raised(LookupError("no such pair")) == (
        "failure",
        {"errorType": "LookupError", "error": "no such pair"},
    )
    assert raised(ExceptionGroup("", [LookupError("no such pair")]))[1] == {
        "errorType": "ExceptionGroup",
        "error": " (1 sub-exception): LookupError: no such pair",
    }
    assert raised(MCPError(code=-32001, message=BREAKER)) == (
        "failure",
        {"code": -32001, "error": BREAKER},
    )
    assert cancelled("timed out")[1] == {"status": "cancelled", "error": "timed out"}
    assert cancelled(None)[1] == {"status": "cancelled", "error": CANCELLED}


@pytest.mark.parametrize(
    ("method", "answer", "outcome"),
    [
        ("tasks/get", {"status": "working"}, None),
        ("tasks/get", {"status": "input_required"}, None),
        ("tasks/cancel", {}, None),
        ("tasks/get", {"status": "completed"}, ("success", {"status": "completed"})),
        (
            "tasks/get",
            {"status": "completed", "result": {"isError": True, "content": [text(BREAKER)]}},
            ("failure", {"status": "completed", "isError": True, "error": BREAKER}),
        ),
        (
            "tasks/get",
            {"status": "failed", "error": {"code": -32603, "message": BREAKER}},
            ("failure", {"status": "failed", "code": -32603, "error": BREAKER}),
        ),
        (
            "tasks/cancel",
            {"status": "cancelled", "statusMessage": "by its client"},
            ("failure", {"status": "cancelled", "error": "by its client"}),
        ),
        (
            "tasks/result",
            {"isError": True, "content": [text(BREAKER)]},
            ("failure", {"status": "failed", "isError": True, "error": BREAKER}),
        ),
    ],
)
def test_a_task_ends_with_the_outcome_that_its_server_tells(
    method: str, answer: dict[str, Any], outcome: Any
) -> None:
    assert outcome_of(method, answer) == outcome


def test_a_task_runs_as_long_as_its_times_say() -> None:
    times = {"createdAt": "2026-07-28T12:00:00Z", "lastUpdatedAt": "2026-07-28T12:00:01.5Z"}
    assert duration_of(times) == 1_500
    assert duration_of({**times, "createdAt": "yesterday"}) is None
    assert duration_of({}) is None


# Arguments


def deep(levels: int) -> Any:
    inner: Any = 1
    for _ in range(levels):
        inner = {"a": inner}
    return inner


def test_arguments_that_fit_are_stored_as_they_are() -> None:
    arguments = {"pair": "SOL/USDC", "amountWei": 10**21, "price": 0.1, "none": None}
    assert storable(arguments) == arguments
    assert storable(None) is None
    assert storable({}) == {}


@pytest.mark.parametrize(
    ("value", "note"),
    [
        ("x" * MAX_ARGUMENTS_BYTES, f"[not stored: {MAX_ARGUMENTS_BYTES + 2:,} bytes]"),
        (deep(40), f"[not stored: is nested more than {MAX_PAYLOAD_DEPTH} levels deep]"),
        ("\ud800", "[not stored: must be valid Unicode]"),
        (float("nan"), "[not stored: must be a finite number]"),
    ],
    ids=["large", "deep", "no Unicode", "no number"],
)
def test_one_argument_that_cannot_be_stored_costs_no_other_its_place(value: Any, note: str) -> None:
    kept = storable({"pair": "SOL/USDC", "bad": value, "amount": 5})
    assert kept == {"pair": "SOL/USDC", "bad": note, "amount": 5}
    assert list(kept) == ["pair", "bad", "amount"]


def test_every_key_of_arguments_is_kept_up_to_a_limit() -> None:
    kept = storable({f"key-{number}": "x" * 3_000 for number in range(50)})
    assert len(kept) == 50
    assert 1 < sum(value.startswith("[not stored: 3,002 bytes") for value in kept.values()) < 49
    many = storable({f"key-{number}": number for number in range(MAX_KEYS + 7)})
    assert many["…"] == "[not stored: 7 more arguments]"
    assert len(many) == MAX_KEYS + 1
    assert list(storable({"k" * 1_000: 1})) == ["k" * 64 + "…"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES, max_size=8) | VALUES)
def test_whatever_the_arguments_are_they_can_be_stored(arguments: Any) -> None:
    kept = storable(arguments)
    assert len(numbers.encode(kept)) < 2 * MAX_ARGUMENTS_BYTES
    if isinstance(arguments, dict):
        assert len(kept) <= len(arguments)


def test_the_largest_arguments_have_room_in_an_entry() -> None:
    arguments = {"é" * 64 + str(number): "ü" * 80 for number in range(MAX_KEYS)}
    entry = make_entry(payload={"tool": "x" * 256, "arguments": storable(arguments)})
    assert entry.payload is not None
    assert len(entry.payload["arguments"]) >= 1
