"""Stories of the demo about who decided, for whom, and in which run."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from auditlogs.entry.schema import NewEntry, Target
from auditlogs.intake.approvals import arguments_hash
from hub.demo.cast import (
    ADA,
    FREE_TRADERS,
    GRID,
    PEOPLE,
    POLICY,
    PROVIDERS,
    SCOUT,
    SUB_AGENT,
    Agent,
    Player,
)
from hub.demo.trading import TRADE_TOOL, Order, approve, call_tool, create, fill, new_order, reject
from hub.demo.work import Work

POLICY_VERSION = "12"
LIMIT = 10_000
PHONE_IP = "198.51.100.88"
NEW_VERSION = "2.5.0"
ELICITATIONS = {
    "accepted": ("granted", "success"),
    "declined": ("denied", "failure"),
    "cancelled": ("expired", "failure"),
}


def limit_denied(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a trade over its agent's limit, which a policy denies."""
    agent = random.choice(FREE_TRADERS)
    work = Work(random, at)
    order = new_order(work, agent, 15_000, 60_000)
    denied = _decision("denied", "max-order", f"Over the limit of {LIMIT:,} USDC for one order")
    call_tool(
        work,
        agent,
        TRADE_TOOL,
        "failure",
        arguments=_arguments(order),
        took=40,
        code="order_rejected",
        isError=True,
        fields={"decision": denied},
    )
    provider = random.choice(PROVIDERS)
    create(work, agent, order, provider)
    reject(work, agent, order, denied["reason"], "order_rejected", provider)
    return work.entries


def approved_on_phone(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a large order that a policy defers until a person approves it on a phone."""
    return _deferred(random, at, changed=False)


def other_arguments(random: Random, at: datetime) -> list[NewEntry]:
    """Generate an order that is approved, and executed with other arguments."""
    return _deferred(random, at, changed=True)


def _deferred(random: Random, at: datetime, *, changed: bool) -> list[NewEntry]:
    agent, person = random.choice(FREE_TRADERS), random.choice(PEOPLE)
    work = Work(random, at)
    order = new_order(work, agent, 12_000, 20_000)
    approval = f"ap_{work.hex(12)}"
    deferred = _decision("deferred", "ask-a-person", f"Over {LIMIT:,} USDC a person decides")
    arguments = _arguments(order)
    call_tool(
        work,
        agent,
        TRADE_TOOL,
        "partial",
        arguments=arguments,
        took=60,
        fields={
            "decision": deferred,
            "approval": _approval(approval, "requested", arguments),
        },
    )
    provider = random.choice(PROVIDERS)
    create(work, agent, order, provider)
    work.wait(30, 240)
    approve(
        work,
        agent,
        order,
        person,
        "Approved on the phone",
        channel="phone",
        source_ip=PHONE_IP,
        decision={**deferred, "outcome": "allowed", "reason": None, "by": person.actor},
        approval=_approval(approval, "granted", arguments),
    )
    work.wait(1, 6)
    done = _times(order, 10) if changed else order
    call_tool(
        work,
        agent,
        TRADE_TOOL,
        arguments=_arguments(done),
        took=400,
        fields={"approval": _approval(approval, "granted", _arguments(done))},
    )
    fill(work, agent, done, provider)
    return work.entries


def sub_agent(random: Random, at: datetime) -> list[NewEntry]:
    """Generate the work of an agent that acts for Momentum Scout, which acts for a person."""
    work = Work(random, at)
    for _ in range(random.randint(2, 4)):
        tool, pair = random.choice(("route_find", "pool_depth")), random.choice(SCOUT.pairs)
        work.note(
            SUB_AGENT,
            "mcp.tool.call",
            target=Target(type="tool", id=tool),
            took=90,
            about=SCOUT,
            payload={"tool": tool, "arguments": {"pair": pair}, "isError": False},
            on_behalf_of=[SCOUT.actor, ADA.actor],
            agent={"version": "0.9.2", "model": "router-small-1"},
            run_id=f"run_{work.correlation_id[:8]}",
            authentication="token",
        )
        work.wait(1, 9)
    return work.entries


def new_version(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a new version of an agent, which begins to fail, and the return to the old one."""
    person = random.choice(PEOPLE)
    newer = replace(GRID, version=NEW_VERSION)
    entries = _grid_calls(random, at, GRID, 3, 0)
    entries += _version_set(random, at + timedelta(minutes=12), person, GRID.version, NEW_VERSION)
    entries += _grid_calls(random, at + timedelta(minutes=14), newer, 7, 0.75)
    entries += _version_set(random, at + timedelta(minutes=50), person, NEW_VERSION, GRID.version)
    return entries + _grid_calls(random, at + timedelta(minutes=52), GRID, 2, 0)


def _grid_calls(
    random: Random, at: datetime, agent: Agent, count: int, failing: float
) -> list[NewEntry]:
    work = Work(random, at)
    for number in range(count):
        arguments = {"pair": random.choice(agent.pairs), "levels": 8}
        if failing and (number == 1 or random.random() < failing):
            error = "grid_levels: expected at most 5 levels, got 8"
            code = "invalid_arguments"
            call_tool(
                work, agent, "grid_place", "failure", arguments=arguments, code=code, error=error
            )
        else:
            call_tool(work, agent, "grid_place", arguments=arguments)
        work.wait(20, 90)
    return work.entries


def _version_set(
    random: Random, at: datetime, person: Player, before: str, after: str
) -> list[NewEntry]:
    work = Work(random, at)
    changes = [{"field": "version", "from": before, "to": after}]
    payload = {"changes": changes}
    work.note(person, "bot.config.updated", target=GRID.bot, took=50, about=GRID, payload=payload)
    return work.entries


def asked_in_between(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a tool that asks a person before it goes on: one accepts, one declines, one does not
    answer."""
    entries: list[NewEntry] = []
    for word, (outcome, result) in ELICITATIONS.items():
        agent = random.choice(FREE_TRADERS)
        work = Work(random, at)
        approval = f"ap_{work.hex(12)}"
        arguments = {"to": f"{agent.key_name}-cold", "amount": random.choice((5, 20, 250))}
        details = {
            "tool": "wallet_transfer",
            "message": f"Send {arguments['amount']} USDC to {arguments['to']}?",
        }
        target = Target(type="tool", id="wallet_transfer")
        work.note(
            agent,
            "mcp.elicitation.requested",
            target=target,
            payload=details,
            approval=_approval(approval, "requested", arguments, tool="wallet_transfer"),
        )
        work.wait(5, 60)
        work.note(
            agent,
            f"mcp.elicitation.{word}",
            "success" if result == "success" else "failure",
            target=target,
            payload={**details, "reason": "No answer in time"} if word == "cancelled" else details,
            approval=_approval(approval, outcome, arguments, tool="wallet_transfer"),
        )
        entries += work.entries
        at = work.at + timedelta(minutes=random.uniform(3, 40))
    return entries


def _decision(outcome: str, rule: str, reason: str) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "policy": "order-limits",
        "rule": rule,
        "version": POLICY_VERSION,
        "reason": reason,
        "by": POLICY.actor,
    }


def _approval(
    id: str, outcome: str, arguments: dict[str, Any], tool: str = TRADE_TOOL
) -> dict[str, Any]:
    digest = arguments_hash(tool, arguments)
    return {"id": id, "outcome": outcome, "argumentsHash": digest}


def _arguments(order: Order) -> dict[str, Any]:
    return {
        "pair": order.pair,
        "side": order.side,
        "amount": order.amount,
        "limitPrice": order.price,
    }


def _times(order: Order, factor: float) -> Order:
    """Return the order with a larger amount, as nobody has approved it."""
    return replace(order, amount=round(order.amount * factor, 4))
