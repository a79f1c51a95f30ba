"""Stories of the demo: incidents to find and follow in the log."""

from datetime import datetime, timedelta
from random import Random

from auditlogs.entry.schema import NewEntry, Target
from auditlogs.entry.times import format_rfc3339
from hub.demo.cast import (
    AGENTS,
    FREE_TRADERS,
    JUPITER,
    LONG_NAMED,
    PEOPLE,
    PLATFORM,
    PROVIDERS,
    SCOUT,
)
from hub.demo.people import step_up
from hub.demo.trading import (
    approve,
    call_tool,
    call_trade,
    cancel,
    create,
    fill,
    new_order,
    reject,
)
from hub.demo.work import TIMEOUT_SPREAD, Work

BREAKER_THRESHOLD = 5
BREAKER_SECONDS = 300
PROVIDER = Target(type="provider", id=JUPITER)


def scope_refused(random: Random, at: datetime) -> list[NewEntry]:
    """Generate trades of Momentum Scout that fail, because its key has no scope for them."""
    entries: list[NewEntry] = []
    for _ in range(random.randint(2, 4)):
        work = Work(random, at)
        pair = random.choice(SCOUT.pairs)
        call_tool(work, SCOUT, "momentum_scan", arguments={"pair": pair, "windows": ["5m", "1h"]})
        work.wait(1, 4)
        call_trade(
            work,
            SCOUT,
            new_order(work, SCOUT, most=800),
            "failure",
            status=403,
            code="insufficient_scope",
            error="Insufficient scope: trade",
            requiredScope="trade",
        )
        entries += work.entries
        at = work.at + timedelta(seconds=random.uniform(20, 400))
    return entries


def circuit_breaker(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a failing provider, whose circuit breaker opens, blocks trades and closes again."""
    trouble = Work(random, at)
    for _ in range(BREAKER_THRESHOLD):
        agent = random.choice(FREE_TRADERS)
        call_tool(
            trouble,
            agent,
            "swap_quote",
            "failure",
            arguments={"pair": random.choice(agent.pairs), "provider": JUPITER},
            status=504,
            took=5_010,
            spread=TIMEOUT_SPREAD,
            code="provider_timeout",
            error="jupiter did not answer within 5 s",
        )
        trouble.wait(2, 12)
    until = format_rfc3339(trouble.at + timedelta(seconds=BREAKER_SECONDS))
    state = {"provider": JUPITER, "failures": BREAKER_THRESHOLD, "threshold": BREAKER_THRESHOLD}
    trouble.note(
        PLATFORM, "circuit_breaker.opened", target=PROVIDER, payload={**state, "until": until}
    )
    entries = trouble.entries
    opened = trouble.at
    for _ in range(random.randint(3, 5)):
        entries += _blocked_trade(random, opened + timedelta(seconds=random.uniform(5, 290)))
    trial = Work(random, opened + timedelta(seconds=BREAKER_SECONDS))
    trial.note(PLATFORM, "circuit_breaker.half_opened", target=PROVIDER, payload=state)
    trial.wait(2, 15)
    agent = random.choice(FREE_TRADERS)
    order = new_order(trial, agent, most=200)
    call_trade(trial, agent, order)
    create(trial, agent, order, JUPITER)
    approve(trial, agent, order, PLATFORM, "Within the agent's limits")
    trial.wait(1, 4)
    fill(trial, agent, order, JUPITER)
    closed = {"provider": JUPITER, "failures": 0, "threshold": BREAKER_THRESHOLD}
    trial.note(PLATFORM, "circuit_breaker.closed", target=PROVIDER, payload=closed)
    return entries + trial.entries


def _blocked_trade(random: Random, at: datetime) -> list[NewEntry]:
    work = Work(random, at)
    agent = random.choice(FREE_TRADERS)
    order = new_order(work, agent)
    reason = f"Circuit breaker is open for provider: {JUPITER}"
    call_trade(work, agent, order, "failure", isError=True, code="order_rejected", error=reason)
    create(work, agent, order, JUPITER)
    reject(work, agent, order, reason, "circuit_breaker_open", JUPITER)
    return work.entries


def filled_in_part(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a large order that is filled in part twice, then cancelled."""
    work = Work(random, at)
    order = new_order(work, LONG_NAMED, 2_000, 6_000)
    provider = random.choice(PROVIDERS)
    call_trade(work, LONG_NAMED, order)
    create(work, LONG_NAMED, order, provider)
    approve(work, LONG_NAMED, order, PLATFORM, "Within the agent's limits")
    part = 0.0
    for _ in range(2):
        work.wait(5, 60)
        part += random.uniform(0.15, 0.4)
        fill(work, LONG_NAMED, order, provider, part)
    work.wait(60, 120)
    cancel(work, LONG_NAMED, order, LONG_NAMED, "The rest was not filled within two minutes")
    return work.entries


def order_life(random: Random, at: datetime) -> list[NewEntry]:
    """Generate an order above its agent's limit, which a person approves or cancels."""
    agent, person = random.choice(FREE_TRADERS), random.choice(PEOPLE)
    provider = random.choice(PROVIDERS)
    work = Work(random, at)
    order = new_order(work, agent, 12_000, 40_000)
    call_trade(work, agent, order)
    create(work, agent, order, provider)
    work.wait(60, 900)
    if random.random() < 0.3:
        cancel(work, agent, order, person, "Too large for this market")
        return work.entries
    step_up(work, person)
    approve(work, agent, order, person, "Above the agent's limit; checked by hand")
    work.wait(2, 20)
    fill(work, agent, order, provider)
    return work.entries


def tool_error(random: Random, at: datetime) -> list[NewEntry]:
    """Generate a tool that fails twice with HTTP status 200 and isError, then succeeds."""
    agent = random.choice(AGENTS)
    work = Work(random, at)
    arguments = {
        "route": {"from": agent.pairs[0], "hops": [{"pool": "9xQe…hF7k", "feeBps": 25}]},
        "memo": "Simulated before it is sent, as the agent's instructions ask. " * 6,
    }
    for error in ("Simulation failed: account in use", "Simulation failed: blockhash not found"):
        call_tool(
            work,
            agent,
            "swap_simulate",
            "failure",
            arguments=arguments,
            isError=True,
            code="simulation_failed",
            error=error,
        )
        work.wait(2, 9)
    call_tool(work, agent, "swap_simulate", arguments=arguments, isError=False)
    return work.entries
