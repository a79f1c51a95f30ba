"""Scopes and what each allows: the platform's MCP tools, and the requests of this API.

Every tool and every request requires one scope, and no scope includes another.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope of the platform's keys, with a sentence for each tool that it allows."""

    sentence: str
    tools: Mapping[str, str]


PLATFORM_SCOPES: dict[str, Scope] = {
    "read": Scope(
        "Look at markets, wallets and orders. Nothing is traded.",
        {
            "market_depth": "The order book of a pair.",
            "market_quote": "The price of an amount, bought or sold now.",
            "momentum_scan": "How fast a pair has moved of late.",
            "orders_list": "The agent’s orders and their state.",
            "portfolio_get": "What the agent’s wallets hold.",
            "price_history": "The prices of a pair over time.",
            "swap_quote": "The price of a swap at one provider.",
            "swap_simulate": "How a swap would go, without doing it.",
            "token_screen": "Tokens that pass a set of filters.",
        },
    ),
    "trade": Scope(
        "Place orders, which move what the agent’s wallets hold.",
        {
            "orders_batch": "Place several orders at once.",
            "trade_execute": "Place an order.",
        },
    ),
}

# The requests that each scope of this API allows; `keys.SCOPES` describes the scopes.
API_REQUESTS: dict[str, tuple[str, ...]] = {
    "logs:read": ("GET /api/audit-logs", "GET /api/audit-logs/{id}"),
    "logs:write": ("POST /api/audit-logs",),
}

_SCOPE_OF = {tool: name for name, scope in PLATFORM_SCOPES.items() for tool in scope.tools}


def scope_of(tool: str) -> str | None:
    """Return the scope that a tool requires; None for an unknown tool."""
    return _SCOPE_OF.get(tool)
