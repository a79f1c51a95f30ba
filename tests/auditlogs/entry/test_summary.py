"""The summary: a sentence for each known action, why it failed, and never a secret."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.invisible import has_hidden_character
from auditlogs.entry.schema import SUMMARY_LENGTH
from auditlogs.entry.summary import RULES, sentence_of
from auditlogs.entry.times import now
from auditlogs.recording.policy import check, complete
from auditlogs.recording.recorder import InvalidEntry
from tests.factories import AGENT, new

ORDER: dict[str, Any] = {
    "orderId": "ord_1",
    "side": "buy",
    "amount": 0.82,
    "pair": "ETH/USDC",
    "price": 3114,
    "provider": "jupiter",
}
KEY = {"type": "api_key", "id": "key_12", "name": "scout-read"}
BREAKER = {"provider": "jupiter", "failures": 5, "threshold": 5}
SCOPES = [{"field": "scopes", "from": ["read"], "to": ["read", "trade"]}]

# Of each known action: what an entry has, and its sentence.
SENTENCES: dict[str, tuple[dict[str, Any], str]] = {
    "auth.signed_in": ({"payload": {"method": "passkey"}}, "passkey"),
    "auth.sign_in_failed": (
        {"payload": {"method": "api_key", "keyName": "sweep-trade"}},
        "api key · sweep-trade",
    ),
    "auth.locked_out": (
        {"payload": {"method": "password", "code": "locked-out"}},
        "password · locked-out",
    ),
    "auth.password.changed": ({"payload": {"method": "link"}}, "link"),
    "auth.signed_out": ({}, "Someone signed out."),
    "auth.token.refreshed": (
        {"payload": {"method": "api_key", "keyName": "scout-read"}},
        "api key · scout-read",
    ),
    "auth.token.created": (
        {"target": KEY, "payload": {"scopes": ["logs:read"]}},
        "scout-read · logs:read",
    ),
    "auth.token.revoked": ({"target": KEY}, "scout-read"),
    "auth.step_up.challenged": ({"payload": {"method": "wallet"}}, "wallet"),
    "auth.step_up.completed": ({"payload": {"method": "wallet"}}, "wallet"),
    "auth.identity.updated": (
        {"payload": {"method": "oidc", "changes": [{"field": "identity", "to": "ada"}]}},
        "oidc · identity none → ada",
    ),
    "session.created": ({"payload": {"method": "passkey"}}, "passkey"),
    "access.denied": ({"payload": {"code": "revoked-key"}}, "revoked-key"),
    "order.created": ({"payload": ORDER}, "Buy 0.82 ETH/USDC at 3,114 · jupiter"),
    "order.approved": (
        {"payload": {**ORDER, "amount": "1250.50", "reason": "Checked by hand"}},
        "Buy 1,250.50 ETH/USDC at 3,114 · jupiter · Checked by hand",
    ),
    "order.rejected": (
        {"payload": {"side": "sell", "pair": "BONK/USDC", "price": 0.0000192}},
        "Sell BONK/USDC at 0.0000192",
    ),
    "order.cancelled": ({"payload": {"orderId": "0012"}}, "0012"),
    "order.filled": (
        {"target": {"type": "order", "id": "ord_1", "name": "Buy SOL"}},
        "Buy SOL",
    ),
    "bot.created": ({"target": {"type": "bot", "id": "bot_1", "name": "Scout"}}, "Scout"),
    "bot.config.updated": (
        {"payload": {"changes": [{"field": "slippageBps", "from": 50, "to": 30}]}},
        "slippageBps 50 → 30",
    ),
    "api_key.created": (
        {"payload": {"keyName": "scout-read", "scopes": ["read", "trade"]}},
        "scout-read · read, trade",
    ),
    "api_key.rotated": (
        {
            "payload": {
                "keyName": "k",
                "changes": [{"field": "lastFour", "from": "01e3", "to": "0042"}],
            }
        },
        "k · lastFour 01e3 → 0042",
    ),
    "api_key.revoked": ({"target": KEY}, "scout-read"),
    "api_key.exposed": ({"payload": {"keyName": "trial"}}, "trial"),
    "api_key.scopes.updated": (
        {"payload": {"keyName": "scout-read", "changes": SCOPES}},
        "scout-read · scopes read → read, trade",
    ),
    "account.switched": (
        {"payload": {"changes": [{"field": "account", "from": None, "to": "demo"}]}},
        "account none → demo",
    ),
    "member.added": (
        {"payload": {"changes": [{"field": "role", "from": None, "to": "viewer"}]}},
        "role none → viewer",
    ),
    "member.removed": (
        {"payload": {"changes": [{"field": "role", "from": "viewer", "to": None}]}},
        "role viewer → none",
    ),
    "member.role.updated": (
        {"payload": {"changes": [{"field": "role", "from": "viewer", "to": "admin"}]}},
        "role viewer → admin",
    ),
    "member.reset": ({"target": {"type": "user", "id": "u", "name": "Ada"}}, "Ada"),
    "account.renamed": (
        {"payload": {"changes": [{"field": "killSwitch", "from": False, "to": True}]}},
        "killSwitch off → on",
    ),
    "saved_view.created": (
        {
            "target": {"type": "saved_view", "id": "view_1", "name": "Failures"},
            "payload": {"changes": [{"field": "query", "from": None, "to": "result=failure"}]},
        },
        "Failures · query none → result=failure",
    ),
    "saved_view.updated": (
        {
            "target": {"type": "saved_view", "id": "view_1", "name": "Failures"},
            "payload": {"changes": [{"field": "name", "from": "Failed", "to": "Failures"}]},
        },
        "Failures · name Failed → Failures",
    ),
    "saved_view.deleted": (
        {"target": {"type": "saved_view", "id": "view_1", "name": "Failures"}},
        "Failures",
    ),
    "dead_letter.resent": (
        {"payload": {"entry": {"action": "order.created"}}},
        "order.created",
    ),
    "dead_letter.dropped": ({"target": {"type": "entry", "id": "e1"}}, "e1"),
    "logs.exported": ({"target": {"type": "export", "id": "7 days"}}, "7 days"),
    "mcp.tool.call": (
        {"payload": {"tool": "get_quote", "arguments": {"depth": 5, "pair": "SOL/USDC"}}},
        "get_quote SOL/USDC",
    ),
    "mcp.resource.read": ({"payload": {"resource": "book://SOL"}}, "book://SOL"),
    "mcp.prompt.get": (
        {"payload": {"prompt": "daily_review", "arguments": {"day": "Monday"}}},
        "daily_review Monday",
    ),
    "mcp.task.created": ({"payload": {"tool": "backtest", "taskId": "t1"}}, "backtest"),
    "mcp.task.ended": (
        {"payload": {"tool": "backtest", "reason": "All of it was run"}},
        "backtest · All of it was run",
    ),
    "mcp.elicitation.requested": (
        {"payload": {"tool": "transfer", "message": "Send 5 SOL?"}},
        "transfer · Send 5 SOL?",
    ),
    "mcp.elicitation.accepted": ({"payload": {"tool": "transfer"}}, "transfer"),
    "mcp.elicitation.declined": ({"payload": {"tool": "transfer"}}, "transfer"),
    "mcp.elicitation.cancelled": (
        {"payload": {"tool": "transfer", "reason": "No answer within 5 minutes"}},
        "transfer · No answer within 5 minutes",
    ),
    "kill_switch.activated": ({"target": {"type": "bot", "id": "bot_1"}}, "bot_1"),
    "kill_switch.released": ({}, "Trading was allowed again."),
    "circuit_breaker.opened": (
        {"payload": {**BREAKER, "until": "2026-11-23T14:02:11Z"}},
        "jupiter · 5 of 5 failures · until 2026-11-23T14:02:11Z",
    ),
    "circuit_breaker.half_opened": ({"payload": {"provider": "jupiter"}}, "jupiter"),
    "circuit_breaker.closed": ({"payload": {"provider": "jupiter"}}, "jupiter"),
    "rate_limit.hit": (
        {"payload": {"limit": 1200, "window": "60s"}, "target": {"type": "page", "id": "/hub"}},
        "1,200 in 60s · /hub",
    ),
    "retention.changed": (
        {"payload": {"changes": [{"field": "days", "from": 30, "to": 90}]}},
        "days 30 → 90",
    ),
}


def summary(**fields: Any) -> str | None:
    plain = {"action": "mcp.tool.call", "actor": AGENT, "result": "success", **fields}
    checked = check(plain, now())
    return complete(checked, account="a", received=now(), asserted_by=None).summary


def test_every_known_action_has_a_rule() -> None:
    assert RULES.keys() == KNOWN_ACTIONS.keys() == SENTENCES.keys()


@pytest.mark.parametrize("action", SENTENCES)
def test_a_known_action_is_summed_up_by_its_rule(action: str) -> None:
    fields, sentence = SENTENCES[action]
    assert summary(action=action, **fields) == sentence


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"error": "Insufficient scope: trade", "reason": "x"}, "Insufficient scope: trade"),
        ({"reason": "Circuit breaker is open"}, "Circuit breaker is open"),
        ({"error": {"code": -32602, "message": "Unknown tool"}}, "Unknown tool"),
        ({"isError": True, "content": [{"type": "text", "text": "No funds"}]}, "No funds"),
        ({"result": {"content": [{"text": "a"}, {"text": "b"}]}}, "a b"),
        ({"content": [{"type": "resource", "resource": {"text": "Full"}}]}, "Full"),
        ({"result": {"structuredContent": {"error": {"code": 403, "message": "Open"}}}}, "Open"),
        ({"structuredContent": {"left": 3}}, '{"left":3}'),
        ({"tool": "swap", "status": 504}, "swap · 504"),
        ({"tool": "swap", "code": "timeout", "error": " "}, "swap · timeout"),
        ({"error": "two\nlines\t of it"}, "two lines of it"),
        ({"error": ["no", "text"], "content": "none", "tool": 7}, "7"),
    ],
)
def test_a_failure_is_summed_up_by_its_reason(payload: dict[str, Any], reason: str) -> None:
    assert summary(result="failure", payload=payload) == reason


def test_a_denied_call_without_an_error_is_summed_up_by_the_decision() -> None:
    decision = {"outcome": "denied", "policy": "limits", "reason": "Over 10,000 USDC"}
    assert summary(result="failure", decision=decision) == "Over 10,000 USDC"
    assert summary(decision={**decision, "outcome": "allowed"}, payload={"tool": "t"}) == "t"


def test_a_success_is_summed_up_by_what_was_done_whatever_its_reason() -> None:
    payload = {"tool": "quote", "error": "", "reason": "asked"}
    assert summary(payload=payload) == "quote"


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({"changes": [{"field": "a", "from": 1, "to": 2}]}, "a 1 → 2"),
        (ORDER, "Buy 0.82 ETH/USDC at 3,114 · jupiter"),
        ({"tool": "t", "arguments": {"x": 1}}, "t 1"),
        ({"message": "Rebalanced"}, "Rebalanced"),
        ({"other": 1}, None),
        (None, None),
    ],
)
def test_an_unknown_action_is_summed_up_by_what_is_known_of_its_payload(
    payload: dict[str, Any] | None, sentence: str | None
) -> None:
    assert summary(action="trade.settled", payload=payload) == sentence


def test_it_is_cut_but_no_mark_in_two() -> None:
    assert summary(result="failure", payload={"error": "x" * 201}) == "x" * 199 + "…"
    assert summary(result="failure", payload={"error": "x" * 200}) == "x" * 200
    secret = "ghp_" + "a1B2c3D4e" * 4
    cut = summary(result="failure", payload={"error": "y " * 95 + secret})
    assert cut is not None
    assert cut.rstrip("…").split() == ["y"] * 95


def test_a_secret_that_two_values_make_together_is_redacted_too() -> None:
    payload = {"tool": "login --password", "arguments": {"x": "Zx9!kfjJq2"}}
    assert check({"action": "mcp.tool.call", "actor": AGENT, "result": "success",
                  "payload": payload}, now()).redactions == []  # fmt: skip
    assert summary(payload=payload) == "login --password [REDACTED:key-name]"


def test_many_changes_are_counted_and_long_values_cut() -> None:
    changes = [{"field": f"f{i}", "from": "a" * 99, "to": {"b": i, "c": None}} for i in range(9)]
    made = sentence_of(new(action="bot.config.updated", payload={"changes": changes}))
    assert made.startswith(f"f0 {'a' * 59}… → b 0, f1 ")
    assert made.endswith(", 6 more")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(10**30, f"{10**30:,}"), (1e300, "1e+300"), (29570000.0, "29,570,000"), (0.5, "0.5")],
)
def test_a_number_keeps_its_digits_unless_it_has_very_many(amount: float, shown: str) -> None:
    assert summary(action="order.created", payload={"amount": amount}) == shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*ORDER, "error", "reason", "content", "text"]), inner),
    max_leaves=8,
)  # fmt: skip


@given(
    st.sampled_from([*KNOWN_ACTIONS, "trade.x"]),
    st.dictionaries(
        st.sampled_from(
            [*ORDER, *("changes", "tool", "arguments", "error", "content", "result", "scopes")]
        ),
        JSON,
    ),
    st.sampled_from(["success", "failure", "partial"]),
)
def test_any_payload_has_a_summary_of_visible_text_or_none(
    action: str, payload: dict[str, Any], result: str
) -> None:
    try:
        made = summary(action=action, payload=payload, result=result)
    except InvalidEntry:
        return
    if made is not None:
        assert 0 < len(made) <= SUMMARY_LENGTH
        assert not has_hidden_character(made, is_name=True)
