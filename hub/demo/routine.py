"""The ordinary work of the fleet, between the stories."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from auditlogs.entry.schema import NewEntry, Target
from auditlogs.entry.times import format_rfc3339
from hub.demo.cast import (
    AGENTS,
    NAMELESS,
    PEOPLE,
    PLATFORM,
    PROVIDERS,
    READERS,
    STRANGER_IPS,
    TRADERS,
    Agent,
)
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

PIECES_A_DAY = 80
WEEKEND = 0.72
SATURDAY = 5
LOCK = timedelta(minutes=15)
# Relative activity by hour (UTC): the markets never close, but people sleep.
HOURS = (4, 3, 3, 3, 3, 4, 6, 8, 10, 11, 11, 10, 10, 12, 13, 13, 12, 10, 8, 7, 6, 6, 5, 5)

Piece = Callable[[Work], None]


def of_day(day: date, random: Random) -> list[list[NewEntry]]:
    """Return the pieces of work that begin on a day (UTC), each as its entries."""
    busy = WEEKEND if day.weekday() >= SATURDAY else 1
    count = round(PIECES_A_DAY * busy * random.uniform(0.92, 1.08))
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    hours = random.choices(range(len(HOURS)), HOURS, k=count)
    return [piece(random, midnight + timedelta(hours=hour + random.random())) for hour in hours]


def piece(random: Random, at: datetime) -> list[NewEntry]:
    """Return the entries of one piece of ordinary work that begins at an instant."""
    work = Work(random, at)
    (do,) = random.choices(tuple(PIECES), tuple(PIECES.values()))
    do(work)
    return work.entries


def _read_markets(work: Work) -> None:
    agent = work.random.choice(AGENTS)
    for _ in range(work.random.randint(1, 3)):
        _read(work, agent)
        work.wait(1, 40)


def _read(work: Work, agent: Agent) -> None:
    """Call one of the tools that only read; some calls fail."""
    random = work.random
    pair = random.choice(agent.pairs)
    tool, arguments = random.choice(
        (
            ("market_quote", {"pair": pair, "amount": random.choice((1, 10, 250)), "side": "buy"}),
            ("market_depth", {"pair": pair, "levels": random.choice((5, 20, 50))}),
            ("portfolio_get", {"wallets": [f"{agent.key_name}-hot", f"{agent.key_name}-cold"]}),
            ("orders_list", {"status": ["open", "partially_filled"], "limit": 50}),
            ("token_screen", {"filters": {"minLiquidity": 50_000, "age": {"minDays": 30}}}),
            ("price_history", {"pair": pair, "interval": "5m", "candles": 288}),
        )
    )
    chance = random.random()
    if chance < 0.02:
        error = f"The market data of {pair} is older than 30 seconds"
        call_tool(
            work,
            agent,
            tool,
            "failure",
            arguments=arguments,
            isError=True,
            code="stale_data",
            error=error,
        )
    elif chance < 0.03:
        call_tool(
            work,
            agent,
            tool,
            "failure",
            arguments=arguments,
            status=504,
            took=10_010,
            spread=TIMEOUT_SPREAD,
            code="upstream_timeout",
            error="The provider did not answer within 10 s",
        )
    else:
        call_tool(work, agent, tool, arguments=arguments)


def _trade(work: Work) -> None:
    """Place an order small enough for the policy to approve it."""
    random = work.random
    agent, provider = random.choice(TRADERS), random.choice(PROVIDERS)
    order = new_order(work, agent, most=1_500)
    _read(work, agent)
    work.wait(2, 20)
    if random.random() < 0.05:
        balance = round(order.value * random.uniform(0.2, 0.9), 2)
        error = f"Insufficient balance: the order needs {order.value:.2f} USDC, {balance} are free"
        call_trade(
            work, agent, order, "failure", isError=True, code="insufficient_balance", error=error
        )
        return
    call_trade(work, agent, order)
    create(work, agent, order, provider)
    if random.random() < 0.03:
        reason = f"The price of {order.pair} moved beyond the slippage allowed"
        reject(work, agent, order, reason, "slippage_exceeded", provider)
        return
    approve(work, agent, order, PLATFORM, "Within the agent's limits")
    work.wait(1, 50)
    chance = random.random()
    if chance < 0.08:
        cancel(work, agent, order, agent, "The signal has passed")
    elif chance < 0.16:
        fill(work, agent, order, provider, random.uniform(0.2, 0.9))
    else:
        fill(work, agent, order, provider)


def _batch(work: Work) -> None:
    """Place several orders at once, of which some may be refused."""
    random = work.random
    agent = random.choice(TRADERS)
    orders = [new_order(work, agent, most=300) for _ in range(random.randint(3, 6))]
    refused = random.randint(0, 2)
    call_tool(
        work,
        agent,
        "orders_batch",
        "partial" if refused else "success",
        arguments={
            "atomic": False,
            "orders": [
                {"pair": order.pair, "side": order.side, "amount": order.amount} for order in orders
            ],
        },
        status=207 if refused else 200,
        took=850,
        code="partial_success" if refused else None,
        error=f"{refused} of {len(orders)} orders were refused" if refused else None,
    )


def _agent_session(work: Work) -> None:
    agent = work.random.choice(AGENTS)
    payload = {"method": "api_key", "keyName": agent.key_name}
    work.note(agent, "auth.signed_in", target=agent.key, took=70, payload=payload)
    work.note(agent, "session.created", target=agent.bot, took=12, payload=payload)


def _token(work: Work) -> None:
    agent = work.random.choice(AGENTS)
    payload = {"method": "api_key", "keyName": agent.key_name}
    work.note(agent, "auth.token.refreshed", target=agent.key, took=40, payload=payload)


def _person_session(work: Work) -> None:
    random = work.random
    person = random.choice(PEOPLE)
    payload = {"method": person.method}
    if random.random() < 0.15:
        stranger = random.choice(STRANGER_IPS) if random.random() < 0.4 else None
        work.note(
            person,
            "auth.sign_in_failed",
            "failure",
            took=120,
            in_session=False,
            source_ip=stranger,
            payload={
                **payload,
                "code": "bad_signature",
                "error": f"The {person.method} did not sign the challenge",
            },
        )
        if stranger:
            until = format_rfc3339(work.at + LOCK)
            lock = {**payload, "code": "locked-out", "until": until}
            work.note(
                person,
                "auth.locked_out",
                "failure",
                in_session=False,
                source_ip=stranger,
                payload=lock,
            )
            return
        work.wait(5, 30)
    work.note(person, "auth.signed_in", took=210, payload=payload)
    work.note(person, "session.created", took=15, payload=payload)
    if random.random() < 0.1:
        work.wait(20, 90)
        themselves = Target(type="user", id=person.id, name=person.name)
        changed = {"method": "password"}
        work.note(person, "auth.password.changed", target=themselves, took=190, payload=changed)
    if random.random() < 0.5:
        work.wait(600, 5_000)
        work.note(person, "auth.signed_out", took=20, payload=payload)


def _step_up(work: Work) -> None:
    random = work.random
    person = random.choice(PEOPLE)
    payload = {"method": person.method}
    work.note(person, "auth.step_up.challenged", took=35, payload=payload)
    work.wait(4, 25)
    if random.random() < 0.8:
        work.note(person, "auth.step_up.completed", took=160, payload=payload)
    else:
        refused = {**payload, "code": "challenge_expired", "error": "The challenge has expired"}
        work.note(person, "auth.step_up.completed", "failure", took=30, payload=refused)


def _configure(work: Work) -> None:
    """Change an agent's configuration."""
    random = work.random
    person, agent = random.choice(PEOPLE), random.choice(AGENTS)
    old = random.choice((500, 1_000, 2_500))
    changes = random.choice(
        (
            [{"field": "limits.dailyValueUsd", "from": old, "to": old * 2}],
            [
                {
                    "field": "schedule",
                    "from": {"every": "5m"},
                    "to": {"every": "1m", "jitter": "10s"},
                }
            ],
            [
                {"field": "pairs", "from": list(agent.pairs[:1]), "to": list(agent.pairs)},
                {"field": "slippageBps", "from": 50, "to": 30},
            ],
        )
    )
    work.note(
        person,
        "bot.config.updated",
        target=agent.bot,
        took=55,
        about=agent,
        payload={"changes": changes},
    )


def _go_too_fast(work: Work) -> None:
    agent = work.random.choice(READERS)
    limit = work.random.choice((60, 120, 300))
    work.note(
        PLATFORM,
        "rate_limit.hit",
        "failure",
        target=agent.bot,
        about=agent,
        payload={"limit": limit, "window": "60s"},
    )
    call_tool(
        work,
        agent,
        "market_quote",
        "failure",
        arguments={"pair": agent.pairs[0], "amount": 1, "side": "buy"},
        status=429,
        took=3,
        code="rate_limited",
        error=f"Rate limit exceeded: {limit} calls in 60 s",
    )


def _research(work: Work) -> None:
    """Read a resource and a prompt of an MCP server, then let a tool work on a task."""
    agent = work.random.choice(AGENTS)
    pair = work.random.choice(agent.pairs)
    uri = f"market://{pair.lower().replace('/', '-')}/depth"
    work.note(
        agent,
        "mcp.resource.read",
        target=Target(type="resource", id=uri),
        took=60,
        payload={"resource": uri, "status": 200},
    )
    work.wait(1, 5)
    work.note(
        agent,
        "mcp.prompt.get",
        target=Target(type="prompt", id="risk_brief"),
        took=20,
        payload={"prompt": "risk_brief", "arguments": {"pair": pair}, "status": 200},
    )
    work.wait(1, 5)
    task = f"task_{work.hex(12)}"
    about = Target(type="task", id=task)
    started = {"taskId": task}
    work.note(agent, "mcp.task.created", target=about, took=40, payload=started)
    work.wait(20, 90)
    if work.random.random() < 0.2:
        ended = {**started, "reason": "The pair was delisted meanwhile"}
        work.note(agent, "mcp.task.ended", "failure", target=about, payload=ended)
    else:
        work.note(agent, "mcp.task.ended", target=about, payload={**started, "status": 200})


def _legacy_call(work: Work) -> None:
    work.note_bare(NAMELESS, "mcp.tool.call")


def _session_end(work: Work) -> None:
    work.note_bare(work.random.choice(PEOPLE), "auth.signed_out")


def _reach_too_far(work: Work) -> None:
    """Call the API without the scope for it."""
    agent = work.random.choice(READERS)
    work.note(
        agent,
        "access.denied",
        "failure",
        target=Target(type="endpoint", id="/api/audit-logs"),
        took=6,
        payload={
            "method": "api_key",
            "code": "insufficient_scope",
            "error": "Insufficient scope: logs:read",
            "requiredScope": "logs:read",
            "keyName": agent.key_name,
            "keyScopes": list(agent.scopes),
        },
    )


# Relative frequency of each kind of work, in percent.
PIECES: dict[Piece, int] = {
    _read_markets: 44,
    _trade: 20,
    _agent_session: 8,
    _token: 8,
    _person_session: 5,
    _batch: 3,
    _configure: 3,
    _step_up: 2,
    _go_too_fast: 2,
    _research: 2,
    _legacy_call: 3,
    _session_end: 1,
    _reach_too_far: 1,
}
