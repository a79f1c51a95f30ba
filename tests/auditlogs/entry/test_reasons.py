"""Why an entry failed: each rule of the table, what stands before what, and what is no reason."""

import time
from typing import Any

import pytest

from auditlogs.entry.reasons import (
    RULES,
    SLUGS,
    needed_scope,
    provider_of,
    reason_of,
    tool_of,
)
from auditlogs.entry.schema import Actor, Approval, Decision, Entry, Target

DENIED = Decision(outcome="denied", policy="order-limits")
# Payloads, actions and other fields by the reason that they give.
GIVEN: list[tuple[str, dict[str, Any]]] = [
    *(
        ("kill_switch", {"payload": payload})
        for payload in (
            {"code": "kill_switch_active"},
            {"reason": "The kill switch is active for Night Market"},
            {"code": "order_rejected", "error": "Kill-switch engaged"},
        )
    ),
    *(
        ("breaker_open", {"payload": payload})
        for payload in (
            {"code": "circuit_breaker_open", "status": 503},
            {"code": "order_rejected", "error": "Circuit breaker is open for provider: jupiter"},
            {"error": "Error executing tool swap: The circuit-breaker was open"},
        )
    ),
    *(
        ("missing_scope", {"payload": payload})
        for payload in (
            {"code": "insufficient-scope"},
            {"code": -32001, "error": "Insufficient scope: trade"},
            {"error": {"message": "insufficient_scope"}},
            {"requiredScope": "trade", "keyScopes": ["read"], "status": 403},
        )
    ),
    ("missing_scope", {"payload": {"code": "insufficient_scope"}, "decision": DENIED}),
    ("rate_limited", {"payload": {"status": 429}}),
    ("rate_limited", {"payload": {"code": "rate-limited"}}),
    ("rate_limited", {"payload": {"error": "Too many requests", "isError": True}}),
    ("rate_limited", {"action": "rate_limit.hit"}),
    (
        "key_rotated",
        {"payload": {"code": "invalid_api_key", "error": "The key is not valid: it was rotated"}},
    ),
    ("key_revoked", {"payload": {"code": "revoked-key"}}),
    ("key_revoked", {"payload": {"code": "invalid-key", "reason": "Revoked on Monday"}}),
    ("key_expired", {"payload": {"code": "expired-key"}}),
    ("key_expired", {"payload": {"code": "invalid_key", "error": "The key has expired"}}),
    ("invalid_key", {"payload": {"code": "invalid_api_key", "error": "It was not revoked"}}),
    ("locked_out", {"payload": {"code": "locked-out"}, "action": "auth.locked_out"}),
    ("sign_in_refused", {"action": "auth.sign_in_failed"}),
    ("refused_approval", {"approval": Approval(id="ap_1", outcome="expired"), "decision": DENIED}),
    ("denied_by_policy", {"payload": {"code": "order_rejected"}, "decision": DENIED}),
    ("denied_by_policy", {"payload": {"code": "policy_denied"}}),
    ("timeout", {"payload": {"status": 504}}),
    ("timeout", {"payload": {"code": -32001}}),
    ("invalid_arguments", {"payload": {"code": -32602}}),
    ("cancelled", {"payload": {"status": "cancelled"}}),
    ("order_rejected", {"payload": {"code": "slippage"}, "action": "order.rejected"}),
    ("exception", {"payload": {"errorType": "KeyError", "error": "'pair'"}}),
    ("tool_error", {"payload": {"isError": True, "error": "Simulation failed"}}),
    ("forbidden", {"payload": {"status": 403, "error": "Wallet frozen"}}),
    *(
        ("other", {"payload": payload})
        for payload in (
            None,
            {"isError": "yes", "code": True},
            {"error": "Is the circuit breaker open?"},
            {"error": "The kill switch is off"},
            {"error": "The limit of the rate"},
            {"requiredScope": "trade", "keyScopes": ["trade"]},
            {"code": {"code": "rate_limited"}, "status": [429], "error": 7},
        )
    ),
]


def failed(*, payload: Any = None, action: str = "mcp.tool.call", **more: Any) -> Entry:
    fields: dict[str, Any] = dict.fromkeys(
        ("target", "duration", "correlation_id", "request_id", "session_id", "source_ip")
    )
    fields |= {"result": "failure", "bot_id": None, "asserted_by": None, "redactions": []}
    return Entry(
        id="01a2090d-c8fc-8f2b-adc6-8547600a3833",
        timestamp="2026-11-23T14:02:11.384Z",
        recorded_at="2026-11-23T14:02:11.391Z",
        actor=Actor(type="agent", id="agent-7"),
        action_type="mcp",
        action=action,
        payload=payload,
        **fields | more,
    )


@pytest.mark.parametrize(("slug", "fields"), GIVEN)
def test_the_reason_is_the_one_that_the_entry_gives(slug: str, fields: dict[str, Any]) -> None:
    assert reason_of(failed(**fields)) == slug


def test_every_slug_has_a_rule_but_the_one_for_all_others() -> None:
    assert {slug for slug, _ in RULES} == set(SLUGS) - {"other"}
    assert {slug for slug, _ in GIVEN} == set(SLUGS)


def test_what_did_not_fail_has_no_reason_and_what_is_partial_only_a_known_one() -> None:
    assert reason_of(failed(result="success", payload={"status": 403})) is None
    assert reason_of(failed(result="partial", payload={"code": "partial_fill"})) is None
    assert reason_of(failed(result="partial", payload={"status": 429})) == "rate_limited"


def test_names_are_those_of_fields_before_those_of_texts() -> None:
    entry = failed(
        payload={"error": "Insufficient scope: admin", "requiredScope": "trade", "tool": "swap"},
        target=Target(type="tool", id="quote"),
    )
    assert (needed_scope(entry), tool_of(entry)) == ("trade", "swap")
    other = failed(
        payload={"error": "Insufficient scope: admin"}, target=Target(type="tool", id="quote")
    )
    assert (needed_scope(other), tool_of(other)) == ("admin", "quote")
    open_now = failed(payload={"reason": "Circuit breaker is open for provider: jupiter."})
    assert provider_of(open_now) == "jupiter"
    assert provider_of(failed(payload={"provider": "orca"})) == "orca"
    assert provider_of(failed()) is needed_scope(failed()) is tool_of(failed()) is None


@pytest.mark.parametrize("text", [" " * 60_000 + "x", "the " * 20_000, "for provider: " * 9_000])
def test_a_text_that_is_nearly_a_reason_is_read_at_once(text: str) -> None:
    began = time.process_time()
    entry = failed(payload={"error": text, "message": f"error executing tool {text}", "code": text})
    assert reason_of(entry) == "other"
    provider_of(entry)
    assert time.process_time() - began < 0.5
