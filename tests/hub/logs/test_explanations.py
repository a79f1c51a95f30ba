"""What the Hub says of an entry: pure, in words, and never more than it can know."""

import time
from typing import Any
from urllib.parse import urldefrag

import pytest
from django.urls import resolve

from auditlogs.entry.schema import Actor, Entry, Target
from hub.logs.explanations import SHOWN, Explanation, explanations
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


# A call that was forbidden, of a tool that the scope trade opens.
FORBIDDEN = {"tool": "trade_execute", "status": 403}


def explained(
    payload: dict[str, Any] | None,
    action: str = "mcp.tool.call",
    result: str = "failure",
    target: Target | None = None,
) -> list[Explanation]:
    entry = Entry(
        id="01a2090d-c8fc-8f2b-adc6-8547600a3833",
        timestamp="2026-11-23T14:02:11.384Z",
        actor=Actor(type="agent", id="agent-7"),
        action=action,
        action_type="mcp",
        target=target,
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
    assert said(FORBIDDEN) == "The key lacked the scope trade, which trade_execute needs."
    assert urls(FORBIDDEN) == [SCOPES]
    assert explained({**FORBIDDEN, "tool": "unheard_of"}) == []
    assert explained({**FORBIDDEN, "status": 500}) == []
    assert explained(FORBIDDEN, action="access.denied") == []


@pytest.mark.parametrize(
    ("payload", "lacked"),
    [
        ({"tool": "wallet_transfer"}, "the scope trade, which wallet_transfer"),
        ({}, "the scope trade, which the request"),
        ({"tool": 7}, "the scope trade, which the request"),
        ({"error": "Insufficient scope: admin"}, "the scope admin, which the request"),
        (
            FORBIDDEN | {"error": "Insufficient scope: admin"},
            "the scope admin, which trade_execute",
        ),
        ({"requiredScope": "read"}, "the scope read, which the request"),
        ({"error": "insufficient_scope:logs:export"}, "the scope logs:export, which the request"),
        (
            {"error": "Error executing tool wallet_transfer: Insufficient scope: trade"},
            "the scope trade, which the request",
        ),
        ({"error": " INSUFFICIENT-SCOPE:  Wallet.Admin. "}, "the scope Wallet.Admin, which the"),
        ({"error": "Insufficient scope: wallet:* (has read)"}, "the scope wallet:*, which the"),
        ({"code": -32001}, "the scope trade, which the request"),
        ({"code": "PERMISSION_DENIED", "status": None}, "the scope trade, which the request"),
        ({"error": "Forbidden", "message": "Insufficient scope: admin"}, "the scope admin, which"),
        ({"error": "Insufficient scope"}, "a scope that the request"),
    ],
)
def test_the_scope_is_the_one_that_the_payload_names(payload: dict[str, Any], lacked: str) -> None:
    payload = {"status": 403, "error": "Insufficient scope: trade"} | payload
    assert said(payload).startswith(f"The key lacked {lacked}")
    assert urls(payload)[0] == SCOPES


@pytest.mark.parametrize("code", [{}, {"code": "insufficient-scope"}])
def test_a_denied_request_names_the_scope_of_its_error(code: dict[str, str]) -> None:
    denied = {"status": 403, "error": "Insufficient scope: logs:export", **code}
    assert said(denied, "access.denied") == (
        "The key lacked the scope logs:export, which the request needs."
    )


@pytest.mark.parametrize("payload", [{}, {"tool": None}, {"tool": " "}, {"tool": ["market_quote"]}])
def test_the_tool_is_the_target_where_the_payload_has_none(payload: dict[str, Any]) -> None:
    tool = Target(type="tool", id="trade_execute")
    sentence = "The key lacked the scope trade, which trade_execute needs."
    assert said({"status": 403, **payload}, target=tool) == sentence
    named = {"status": 403, "error": "Insufficient scope: admin", **payload}
    assert said(named, target=tool) == sentence.replace("scope trade", "scope admin")
    assert "market_quote needs" in said({"tool": "market_quote", "status": 403}, target=tool)
    assert explained({"status": 403}, target=Target(type="order", id="trade_execute")) == []


@pytest.mark.parametrize(
    "more",
    [
        *({"error": error} for error in ("Forbidden", "forbidden. ", "", None)),
        *({"error": error} for error in ("Your scopes do not allow this", "missing_scope")),
        *({"code": code} for code in (None, "", "insufficient_scope", "insufficient-scope")),
        {"code": "insufficient_scope", "error": "Access denied"},
        {"error": "Insufficient scope"},
        {"error": "Insufficient scope: <script>"},
        {"error": "Insufficient scope: " + "x" * 65},
    ],
)
def test_a_tool_tells_the_scope_where_nothing_else_is_given_as_the_reason(
    more: dict[str, Any],
) -> None:
    assert said({**FORBIDDEN, **more}) == (
        "The key lacked the scope trade, which trade_execute needs."
    )


@pytest.mark.parametrize(
    "more",
    [
        {"tool": "market_quote", "error": "Forbidden: rate limited IP"},
        {"error": "Wallet frozen"},
        {"error": "The telescope is closed"},
        {"error": {"message": "Wallet frozen"}},
        {"error": "Forbidden", "message": "Wallet frozen"},
        {"reason": "Wallet frozen"},
        *({"code": code} for code in ("wallet_frozen", "insufficient_scopes", 7, True)),
        {"code": ["x"]},
        {"code": {}},
    ],
)
def test_a_call_that_was_forbidden_for_another_reason_lacked_no_scope(more: dict[str, Any]) -> None:
    assert explained({**FORBIDDEN, **more}) == []


def test_a_forbidden_call_with_another_code_is_explained_by_that_code() -> None:
    frozen = {**FORBIDDEN, "code": "kill_switch_active", "error": "Wallet frozen"}
    assert said(frozen) == "The agent’s kill switch was on, so that it could not trade."
    assert urls(frozen) == [f"{CODES}#kill_switch_active"]


@pytest.mark.parametrize(
    "named",
    [
        *("<b>trade</b>", "trade,read", "«trade»", "'trade'", "trade\u202e", "trädé", "?", "", "9"),
        *("x" * 65, "x" * 60_000, "a:" * 30_000, " " * 60_000 + "<", "\ntrade\x00"),
    ],
)
def test_what_does_not_look_like_a_scope_is_not_shown_as_one(named: str) -> None:
    denied = {"status": 403, "error": f"Insufficient scope: {named}"}
    assert said(denied) == "The key lacked a scope that the request needs."


@pytest.mark.parametrize("text", [" " * 60_000 + "x", "scope" * 12_000, "_" * 60_000])
def test_a_text_that_is_nearly_a_reason_is_read_at_once(text: str) -> None:
    began = time.process_time()
    assert explained({**FORBIDDEN, "error": text, "message": f"forbidden{text}"}) == []
    assert time.process_time() - began < 1


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
    assert said({}, "order.filled", "success") == "The whole amount was traded."
    assert urls(None, "order.filled", "partial") == [f"{ORDERS}#filled-in-part"]
    assert urls({}, "order.created", "failure") == [ORDERS]
    blocked = {"code": "circuit_breaker_open"}
    assert urls(blocked, "order.rejected") == [
        f"{CODES}#circuit_breaker_open",
        f"{ORDERS}#rejected",
    ]
    assert said(blocked, "order.rejected").count(".") == 1


@pytest.mark.parametrize("field", ["tool", "requiredScope", "keyName", "error", "code", "status"])
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
    unnamed = {"code": "insufficient_scope", "keyScopes": scopes}
    assert "lacked a scope" in said(unnamed)
