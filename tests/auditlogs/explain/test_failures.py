"""Why an entry failed: in a sentence that never says more than the entry does, and in facts that
its reader may see."""

import time
from typing import Any

import pytest

from auditlogs.entry.schema import Entry, Target
from auditlogs.explain.explanation import SHOWN
from auditlogs.explain.failures import cause_of, sentence_of
from tests.auditlogs.entry.test_reasons import failed

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


def entry_of(
    payload: dict[str, Any] | None,
    action: str = "mcp.tool.call",
    result: str = "failure",
    target: Target | None = None,
) -> Entry:
    return failed(payload=payload, action=action, result=result, target=target)


def said(*given: Any, **more: Any) -> str:
    """Return the sentence, which names the scope that was lacking; empty for another reason."""
    entry = entry_of(*given, **more)
    return "".join(sentence_of(entry)) if cause_of(entry) == "missing_scope" else ""


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in REFUSED.items() if name not in names}


def test_a_scope_failure_says_which_scope_the_key_lacked_and_where_to_read_on() -> None:
    sentence = "The key scout-read lacked the scope trade, which trade_execute needs."
    assert said(REFUSED) == sentence


def test_the_scope_of_a_forbidden_call_is_known_by_its_tool() -> None:
    assert said(FORBIDDEN) == "The key lacked the scope trade, which trade_execute needs."
    assert said({**FORBIDDEN, "tool": "unheard_of"}) == ""
    assert said({**FORBIDDEN, "status": 500}) == ""
    assert said(FORBIDDEN, action="access.denied") == ""


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
    assert said({"status": 403}, target=Target(type="order", id="trade_execute")) == ""


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
    assert said({**FORBIDDEN, **more}) == ""


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
    assert said({**FORBIDDEN, "error": text, "message": f"forbidden{text}"}) == ""
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


def test_a_key_that_carried_the_scope_lacked_nothing() -> None:
    assert said({**REFUSED, "keyScopes": ["read", "trade"]}) == ""
    assert said(without("code"), result="success") == ""


@pytest.mark.parametrize("field", ["tool", "requiredScope", "keyName", "error", "code", "status"])
@pytest.mark.parametrize("value", [None, 7, True, [], ["trade"], {"a": 1}, "", "  "])
def test_what_is_no_text_is_left_out(field: str, value: object) -> None:
    sentence = said({**REFUSED, field: value})
    assert sentence.startswith("The key")
    assert str(value).strip() not in sentence.split() or not str(value).strip()


@pytest.mark.parametrize("field", ["tool", "requiredScope", "keyName"])
def test_the_text_of_others_is_bounded(field: str) -> None:
    sentence = said({**REFUSED, field: "x\n" * 60_000})
    assert "x x x" in sentence
    assert len(sentence) < SHOWN + 100


@pytest.mark.parametrize("scopes", [None, "trade", 3, {"trade": 1}, [["trade"], None, {}]])
def test_a_list_of_scopes_that_is_none_fails_nothing(scopes: object) -> None:
    assert "lacked the scope trade" in said({**REFUSED, "keyScopes": scopes})
    unnamed = {"code": "insufficient_scope", "keyScopes": scopes}
    assert "lacked a scope" in said(unnamed)
