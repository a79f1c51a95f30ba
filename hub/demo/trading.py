"""Orders: the tool calls that place them, and their later events."""

from dataclasses import dataclass
from random import Random
from typing import Any

from auditlogs.entry.schema import Result, Target
from hub.demo.cast import PLATFORM, PRICES, Agent, Player
from hub.demo.work import SPREAD, Work

TRADE_TOOL = "trade_execute"


@dataclass(frozen=True, slots=True)
class Order:
    """An order of an agent: `amount` in units of the pair's first coin, `price` in its second."""

    id: str
    pair: str
    side: str
    amount: float
    price: float

    @property
    def target(self) -> Target:
        """Return the order as a target. Small orders have no name, as in some integrations."""
        name = f"{self.side.title()} {self.pair}" if self.value >= 100 else None
        return Target(type="order", id=self.id, name=name)

    @property
    def value(self) -> float:
        """Return the order's value in USDC."""
        return self.amount * self.price

    def payload(self, channel: str, **more: Any) -> dict[str, Any]:
        return {
            "orderId": self.id,
            "channel": channel,
            "pair": self.pair,
            "side": self.side,
            "amount": self.amount,
            "price": self.price,
            **more,
        }


def new_order(work: Work, agent: Agent, least: float = 20, most: float = 4_000) -> Order:
    """Return a random order of one of the agent's pairs, worth `least` to `most` USDC."""
    random = work.random
    pair = random.choice(agent.pairs)
    price = PRICES[pair] * random.uniform(0.96, 1.04)
    amount = random.triangular(least, most, least) / price
    return Order(
        f"ord_{work.hex(12)}", pair, random.choice(("buy", "sell")), _short(amount), _short(price)
    )


def call_tool(
    work: Work,
    agent: Agent,
    tool: str,
    result: Result = "success",
    *,
    arguments: dict[str, Any],
    status: int = 200,
    took: float = 140,
    spread: float = SPREAD,
    fields: dict[str, Any] | None = None,
    **more: Any,
) -> None:
    """Record that an agent called an MCP tool; `fields` are of the entry, `more` of its payload."""
    work.note(
        agent,
        "mcp.tool.call",
        result,
        target=Target(type="tool", id=tool),
        took=took,
        spread=spread,
        payload={
            "tool": tool,
            "arguments": arguments,
            "status": status,
            **more,
            "keyName": agent.key_name,
            "keyScopes": list(agent.scopes),
        },
        **(fields or {}),
    )


def call_trade(
    work: Work, agent: Agent, order: Order, result: Result = "success", **more: Any
) -> None:
    """Record the tool call of an order, with a wallet key in it that has to be redacted."""
    arguments = {
        "pair": order.pair,
        "side": order.side,
        "amount": order.amount,
        "limitPrice": order.price,
        "slippageBps": work.random.choice((30, 50, 100)),
        "wallet": {"label": f"{agent.key_name}-hot", "walletKey": wallet_key(work.random)},
    }
    call_tool(work, agent, TRADE_TOOL, result, arguments=arguments, took=380, **more)


def create(work: Work, agent: Agent, order: Order, provider: str) -> None:
    """Record that an agent's order was placed."""
    payload = order.payload("mcp", provider=provider)
    work.note(agent, "order.created", target=order.target, took=45, payload=payload)


def approve(
    work: Work, agent: Agent, order: Order, by: Player, reason: str, channel: str = "", **more: Any
) -> None:
    """Record that an order was approved, by a person, by default in the Hub, or by the platform's
    policy; `more` are fields of the entry."""
    channel = channel or ("policy" if by is PLATFORM else "hub")
    payload = order.payload(channel, reason=reason)
    work.note(
        by, "order.approved", target=order.target, took=30, about=agent, payload=payload, **more
    )


def fill(work: Work, agent: Agent, order: Order, provider: str, part: float = 1) -> None:
    """Record that an order was filled, or a part of it."""
    payload = order.payload("mcp", provider=provider)
    result: Result = "success"
    if part < 1:
        result = "partial"
        filled = _short(order.amount * part)
        payload["reason"] = f"Filled {filled} of {order.amount}: not enough liquidity at the limit"
        payload["code"] = "partial_fill"
    work.note(agent, "order.filled", result, target=order.target, took=900, payload=payload)


def cancel(work: Work, agent: Agent, order: Order, by: Player, reason: str) -> None:
    """Record that an order was cancelled."""
    payload = order.payload("mcp" if by is agent else "hub", reason=reason)
    work.note(by, "order.cancelled", target=order.target, took=60, about=agent, payload=payload)


def reject(
    work: Work, agent: Agent, order: Order, reason: str, code: str, provider: str | None = None
) -> None:
    """Record that an agent's order was rejected."""
    payload = order.payload("mcp", provider=provider, reason=reason, code=code)
    work.note(agent, "order.rejected", "failure", target=order.target, took=25, payload=payload)


def wallet_key(random: Random) -> str:
    """Return a random text in the shape of a wallet's key."""
    return f"wk_{random.getrandbits(160):040x}"


def _short(number: float) -> float:
    """Return the number with four significant digits."""
    return float(f"{number:.4g}")
