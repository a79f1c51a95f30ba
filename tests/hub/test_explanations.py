"""What the Hub says of an entry: pure, in words, and never more than it can know."""

from typing import Any
from urllib.parse import urldefrag

import pytest
from django.urls import resolve

from auditlogs.schema import Actor, Entry
from hub.explanations import SHOWN, Explanation, explanations
from tests.hub.markup import read

SCOPES = "/hub/help/scopes"
ORDERS = "/hub/help/order-lifecycle"
CODES = "/hub/help/error-codes"
# As the demo's Momentum Scout is refused.
REFUSED = {
    "tool": "trade_execute",
    "status": 403,
    "code": "insufficient_scope",
    "error": "Insufficient scope: trade",
    "requiredScope": "trade",
    "keyName": "scout-read",
    "keyScopes": ["read"],
}


def explained(
    payload: dict[str, Any] | None, action: str = "mcp.tool.call", result: str = "failure"
) -> list[Explanation]:
    entry = Entry(
        id="01a2090d-c8fc-8f2b-adc6-8547600a3833",
        timestamp="2026-11-23T14:02:11.384Z",
        actor=Actor(type="agent", id="agent-7"),
        action=action,
        action_type="mcp",
        target=None,
        result=result,  # type: ignore[arg-type]
        duration=None,
        correlation_id=None,
        request_id=None,
        session_id=None,
        source_ip=None,
        bot_id=None,
        payload=payload,
        recorded_at="2026-11-23T14:02:11.391Z",
        asserted_by=None,
        redactions=[],
    )
    return explanations(entry)


def said(*given: Any, **more: Any) -> str:
    """Return the sentences, as they are read."""
    return read("".join(each.sentence for each in explained(*given, **more))).text


def urls(*given: Any, **more: Any) -> list[str]:
    found = [each.url for each in explained(*given, **more)]
    for url in found:
        assert resolve(urldefrag(url).url)
    return found


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in REFUSED.items() if name not in names}


def test_a_scope_failure_says_which_scope_the_key_lacked_and_where_to_read_on() -> None:
    sentence = "The key scout-read lacked the scope trade, which trade_execute needs."
    assert said(REFUSED) == sentence
    assert urls(REFUSED) == [SCOPES, f"{CODES}#insufficient_scope"]


def test_the_scope_of_a_forbidden_call_is_known_by_its_tool() -> None:
    bare = without("requiredScope", "code", "keyScopes", "keyName")
    assert said(bare) == "The key lacked the scope trade, which trade_execute needs."
    assert urls(bare) == [SCOPES]
    assert explained({**bare, "tool": "unheard_of"}) == []
    assert explained({**bare, "status": 500}) == []
    assert explained(bare, action="access.denied") == []


def test_a_request_of_the_api_is_no_tool() -> None:
    denied = {**without("tool", "status"), "requiredScope": "logs:write", "keyName": "nightly"}
    assert said(denied, "access.denied") == (
        "The key nightly lacked the scope logs:write, which the request needs."
    )


@pytest.mark.parametrize("code", ["insufficient_scope", "insufficient-scope"])
def test_a_scope_that_is_not_named_is_not_guessed(code: str) -> None:
    denied = {"code": code, "keyName": "whale-read"}
    assert said(denied, "access.denied") == (
        "The key whale-read lacked a scope that the request needs."
    )
    assert urls(denied, "access.denied") == [SCOPES, f"{CODES}#{code}"]


def test_a_key_that_carried_the_scope_lacked_nothing() -> None:
    assert SCOPES not in urls({**REFUSED, "keyScopes": ["read", "trade"]})
    assert SCOPES not in urls(without("code"), result="success")


def test_a_known_code_is_explained_and_an_unknown_one_is_not() -> None:
    timeout = {"code": "provider_timeout", "status": 504, "tool": "swap_quote"}
    assert said(timeout) == "A provider did not answer in time."
    assert urls(timeout) == [f"{CODES}#provider_timeout"]
    assert urls({"code": -32602}) == [f"{CODES}#-32602"]
    assert explained({"code": "unheard_of"}) == explained({}) == explained(None) == []


def test_an_order_leads_to_its_lifecycle() -> None:
    assert urls({}, "order.created", "success") == [f"{ORDERS}#created"]
    assert said({}, "order.filled", "success") == "All of it was traded."
    assert urls(None, "order.filled", "partial") == [f"{ORDERS}#filled-in-part"]
    assert urls({}, "order.created", "failure") == [ORDERS]
    blocked = {"code": "circuit_breaker_open"}
    assert urls(blocked, "order.rejected") == [
        f"{CODES}#circuit_breaker_open",
        f"{ORDERS}#rejected",
    ]
    assert said(blocked, "order.rejected").count(".") == 1


@pytest.mark.parametrize("field", ["tool", "requiredScope", "keyName"])
@pytest.mark.parametrize("value", [None, 7, True, [], ["trade"], {"a": 1}, "", "  "])
def test_what_is_no_text_is_left_out(field: str, value: object) -> None:
    sentence = said({**REFUSED, field: value})
    assert sentence.startswith("The key")
    assert str(value).strip() not in sentence.split() or not str(value).strip()


@pytest.mark.parametrize("field", ["tool", "requiredScope", "keyName"])
def test_the_text_of_others_is_escaped_and_bounded(field: str) -> None:
    hostile = "<script>alert(1)</script>&" + "x" * 60_000
    (first, *_) = explained({**REFUSED, field: hostile})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;xx" in first.sentence
    assert "<script" not in first.sentence
    assert len(read(first.sentence).text) < SHOWN + 100


@pytest.mark.parametrize("scopes", [None, "trade", 3, {"trade": 1}, [["trade"], None, {}]])
def test_a_list_of_scopes_that_is_none_fails_nothing(scopes: object) -> None:
    assert "lacked the scope trade" in said({**REFUSED, "keyScopes": scopes})
