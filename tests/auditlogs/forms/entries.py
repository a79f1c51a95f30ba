"""Entries for the forms: every action in each result, and one that has every field."""

from decimal import Decimal
from typing import Any

import msgspec

from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.schema import (
    RESULTS,
    Actor,
    Approval,
    Decision,
    Entry,
    Program,
    Redaction,
    Target,
)

UNKNOWN_ACTIONS = {
    "auth.passkey.added": "auth",
    "trade.hedged": "trade",
    "feature.enabled": "config",
    "mcp.roots.listed": "mcp",
    "disk.full": "system",
}
TYPES: dict[str, Any] = {
    **{action: known.action_type for action, known in KNOWN_ACTIONS.items()},
    **UNKNOWN_ACTIONS,
}

FULL = Entry(
    id="018f2f6e-9c00-8aaa-8bbb-0123456789ab",
    timestamp="2026-11-23T14:02:11.384Z",
    actor=Actor(type="agent", id="bot_7", name="Rebalancer"),
    action="mcp.tool.call",
    action_type="mcp",
    target=Target(type="mcp_tool", id="quote.get", name="Quotes"),
    result="failure",
    duration=812.5,
    correlation_id="4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
    request_id="req_1",
    session_id="ses_1",
    source_ip="203.0.113.7",
    bot_id="bot_7",
    payload={
        "tool": "place_order",
        "arguments": {"amount": Decimal("12.50"), "wei": 2**70, "note": None, "tags": []},
        "code": "insufficient_scope",
        "error": "The key lacks the scope orders:write",
        "requiredScope": "orders:write",
        "keyScopes": ["orders:read"],
    },
    summary="place_order was refused",
    decision=Decision(
        outcome="denied",
        policy="orders",
        rule="scope",
        version="3",
        reason="no scope",
        by=Actor(type="system", id="gate", name=None),
    ),
    on_behalf_of=[Actor(type="user", id="usr_1", name="Ana Lima")],
    on_behalf_of_dropped=2,
    agent=Program(version="2.1", model="model-x"),
    run_id="run_9",
    authentication="key",
    approval=Approval(id="apr_1", outcome="requested", arguments_hash="0" * 64),
    writer_id="w-1",
    recorded_at="2026-11-23T14:02:12.001Z",
    asserted_by="key_5",
    redactions=[Redaction(path="/payload/arguments/secret", rule="name")],
)
LEAST = msgspec.structs.replace(
    FULL,
    **dict.fromkeys(
        (
            *("target", "duration", "correlation_id", "request_id", "session_id", "source_ip"),
            *("bot_id", "payload", "summary", "decision", "on_behalf_of", "agent", "run_id"),
            *("on_behalf_of_dropped", "authentication", "approval", "writer_id", "asserted_by"),
        )
    ),
    redactions=[],
)
TARGETS = (None, Target(type="user", id="usr_2", name="Bo"), Target(type="bot", id="bot_7"))


def every_action(base: Entry) -> list[Entry]:
    """Return the entry with every action, known and not, in each result, for various targets."""
    return [
        msgspec.structs.replace(
            base,
            action=action,
            action_type=TYPES[action],
            result=result,
            target=base.target if base.decision else TARGETS[number % len(TARGETS)],
        )
        for number, (action, result) in enumerate(
            (action, result) for action in TYPES for result in RESULTS
        )
    ]


def leaves(value: Any) -> set[str]:
    """Return the texts and numbers in a JSON value, at any depth, as text."""
    if isinstance(value, dict):
        return {leaf for item in value.values() for leaf in leaves(item)}
    if isinstance(value, list):
        return {leaf for item in value for leaf in leaves(item)}
    return set() if value is None else {str(value)}
