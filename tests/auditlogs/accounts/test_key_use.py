"""What a key's page and `/api/keys/{id}` tell: every figure is what its list holds."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from auditlogs.accounts import agent_keys, key_orders, key_use, keys, seen_keys
from auditlogs.accounts.key_use import KeyUse, KnownKey, Period
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.counters import uses
from auditlogs.entry.times import from_ms, now, parse_rfc3339, to_ms
from auditlogs.models import Account, AgentKey, new_account_id
from auditlogs.query import known
from auditlogs.query.figures import Figure
from auditlogs.query.values import parse
from auditlogs.recording.recorder import record_many
from auditlogs.storage import mongo
from tests.api import Api, problem_of
from tests.counting import count_account, count_until_now
from tests.factories import new, unique
from tests.watching import watcher

AGENT = {"type": "agent", "id": "agent_c41d88", "name": "Treasury Sweep"}
OTHER = {"type": "agent", "id": "agent-2"}
KEY = {"type": "api_key", "id": "key_c41d88", "name": "sweep-trade"}
ADA = {"type": "user", "id": "user_1", "name": "Ada"}
ORDERS = {"correlation_id": "00000000-0000-0000-0000-000000000007"}


def call(tool: str, result: str = "success", **payload: Any) -> dict[str, Any]:
    said = {"tool": tool, "keyName": "sweep-trade", "keyScopes": ["read"], **payload}
    target = {"type": "tool", "id": tool}
    return {"action": "mcp.tool.call", "target": target, "result": result, "payload": said}


def order(action: str, number: int, result: str = "success") -> dict[str, Any]:
    said = {"orderId": f"ord-{number}", "pair": "SOL/USDC", "amount": 2.5, "price": "100.10"}
    target = {"type": "order", "id": f"ord-{number}"}
    return {"action": action, "target": target, "result": result, "payload": said}


def write(account: str, *entries: dict[str, Any]) -> None:
    """Record entries, the first one the oldest, a minute from each other."""
    start = now() - timedelta(minutes=len(entries) + 1)
    common = {"actor": AGENT, "source_ip": "192.0.2.1"}
    record_many(
        [
            new(**{**common, "timestamp": start + timedelta(minutes=n), **entry})
            for n, entry in enumerate(entries)
        ],
        account=account,
    )


REFUSED = {"method": "api_key", "keyName": "sweep-trade", "code": "invalid_key"}
SIGN_IN = {"action": "auth.sign_in_failed", "result": "failure", "target": KEY}
ROTATED = {"action": "api_key.rotated", "target": KEY, "actor": ADA}
KINDS: list[dict[str, Any]] = [
    call("quote"),
    call("quote", keyId=KEY["id"]),
    call("trade", "failure", requiredScope="trade", status=403) | {"actor": OTHER},
    call("x", "partial") | {"target": {"type": "bot", "id": "bot,1"}},
    # Of another key of this name, and of another key.
    call("quote", keyId="key-older"),
    call("quote", keyName="another"),
    call("trade") | ORDERS,
    order("order.created", 1) | ORDERS,
    order("order.filled", 1) | ORDERS,
    order("order.created", 2) | {"correlation_id": None},
    SIGN_IN | {"payload": REFUSED},
    SIGN_IN | {"payload": {**REFUSED, "error": "The key was rotated"}, "source_ip": "192.0.2.9"},
    ROTATED | {"payload": {"keyName": "sweep-trade"}},
]


def keeps(entry: Mapping[str, Any], filters: Mapping[str, str]) -> bool:
    """Tell whether a stored entry is in the list with these filters, in plain Python."""
    facts: dict[str, set[str]] = {}
    for fact in entry["facts"]:
        name, _, value = fact.partition("=")
        facts.setdefault(name, set()).add(value)
    facts |= {"actor": {entry["actor"]["id"]}, "result": {entry["result"]}}
    facts["action"] = {entry["action"], entry["actionType"]}
    facts["target"] = {entry["target"]["id"]} if entry["target"] else set()
    at = entry["timestamp"]
    for name, text in filters.items():
        if name in ("startDate", "endDate"):
            is_kept = at >= parse_rfc3339(text) if name == "startDate" else at < parse_rfc3339(text)
        elif name == "dateRange":
            is_kept = text == "all"
        else:
            values, own = parse(text), facts.get(name, set())
            is_wanted = bool({*values.wanted} & own) or not values.wanted
            is_kept = is_wanted and not {*values.unwanted} & own
        if not is_kept:
            return False
    return True


def figures(period: Period) -> Iterator[Figure]:
    """Yield every figure of a period."""
    yield from (period.entries, period.failures, period.calls, period.orders, period.fills)
    yield from (period.partial_fills, period.refused_key, period.refused_scope)
    rows = [*period.tools, *period.targets, *period.addresses, *period.agents]
    for row in (*rows, *period.scopes_missed):
        yield from (row.figure, row.failures)


def periods(use: KeyUse) -> list[Period]:
    return [each for each in (use.whole, use.day, use.before, use.since) if each]


@pytest.mark.parametrize(("seed", "bot"), [(1, None), (2, None), (4, "bot-1")])
def test_each_figure_is_the_number_of_entries_of_its_list(
    seed: int, bot: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, account, moment = Random(seed), new_account_id(), now()
    # Around the edges of 24 hours, of seven days and of what is kept; the last are not counted.
    for number in (80, 3):
        kinds = random.choices(KINDS, k=number)
        ages = [timedelta(seconds=random.choice((900, 172_800, 950_000)) * random.random())
                for _ in kinds]  # fmt: skip
        record_many(
            [
                new(
                    **{
                        "actor": AGENT,
                        "source_ip": "192.0.2.1",
                        "bot_id": bot,
                        "timestamp": moment - age,
                        **kind,
                    }
                )
                for kind, age in zip(kinds, ages, strict=True)
            ],
            account=account,
        )
        if number == 80:
            count_until_now(account)
    key = KnownKey(KEY["id"], KEY["name"], (AGENT["id"],), ("key-older",))
    if bot is None:
        # Most are in the counters.
        monkeypatch.setattr(uses, "MAX_READ", 40)
    use = key_use.read(account, key, bot)
    log = list(mongo.entries().find({"account": account}))
    for period in periods(use):
        for figure in figures(period):
            if figure.filters is None:
                assert figure.count == 0
            else:
                assert figure.count == sum(keeps(each, figure.filters) for each in log)
            assert not figure.is_more
    filters = use.whole.entries.filters
    assert filters is not None
    mine = [each for each in log if keeps(each, filters)]
    assert use.whole.first == min((each["timestamp"] for each in mine), default=None)
    assert use.whole.last == max((each["timestamp"] for each in mine), default=None)
    rotations = [e["timestamp"] for e in log if e["action"] == "api_key.rotated"]
    assert (use.rotated and use.rotated.instant) == max(rotations, default=None)
    # An order does not name the key; a call with its correlation does.
    is_mine = any(each["correlationId"] for each in mine)
    placed = [e for e in log if "orderId=ord-1" in e["facts"] and e["action"] == "order.created"]
    assert use.whole.orders.count == (len(placed) if is_mine else 0)


@pytest.fixture
def key(account: Account) -> AgentKey:
    """A key with a history: calls, orders and refusals, before and after a rotation."""
    key, _ = agent_keys.create(
        *(account, COMMAND_LINE),
        name="sweep-trade",
        agent=AGENT["id"],
        scopes=["read"],
        public_id=KEY["id"],
    )
    write(
        account.id,
        {"action": "auth.signed_in", "target": KEY, "payload": {"keyName": "sweep-trade"}},
        call("market_quote"),
        call("trade_execute") | ORDERS,
        order("order.created", 1) | ORDERS,
        order("order.filled", 1) | ORDERS,
        order("order.created", 2) | ORDERS,
        ROTATED | {"payload": {"changes": [{"field": "lastFour", "from": "f91c", "to": "06d8"}]}},
        SIGN_IN | {"payload": REFUSED},
        call("trade_execute", "failure", status=403, requiredScope="trade"),
        call("market_quote") | {"source_ip": "192.0.2.9"},
        # Of another key of the same agent, and an order of nobody's call.
        {"action": "mcp.tool.call", "payload": {"tool": "x", "keyName": "other"}},
        order("order.created", 9),
    )  # fmt: skip
    return key


def test_every_figure_is_counted_before_and_after_the_rotation(
    account: Account, key: AgentKey
) -> None:
    use = key_use.read(account.id, seen_keys.known(key))
    assert use.rotated
    assert use.rotated.changes == (("lastFour", "f91c", "06d8"),)
    before, since, whole = use.before, use.since, use.whole
    assert before
    assert since
    numbers = [
        [p.entries.count, p.calls.count, p.orders.count, p.fills.count, p.refused_key.count,
         p.refused_scope.count, p.number_of("sourceIp")]
        for p in (before, since, whole)
    ]  # fmt: skip
    assert numbers == [[3, 2, 2, 1, 0, 0, 1], [3, 2, 0, 0, 1, 1, 2], [6, 4, 2, 1, 1, 1, 2]]
    assert {name: str(value) for name, value in whole.amounts.items()} == {"USDC": "250.250"}
    assert {row.value: row.figure.count for row in whole.tools} == {
        "market_quote": 2,
        "trade_execute": 2,
    }
    assert [(row.value, row.figure.count) for row in whole.scopes_missed] == [("trade", 1)]
    assert use.orders.open == ["ord-2"]


def test_what_was_read_is_bounded_and_says_so(
    account: Account, key: AgentKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uses, "MAX_READ", 2)
    monkeypatch.setattr(known, "MAX_AGE_MS", -1)
    monkeypatch.setattr(key_orders, "MAX_ORDERS", 1)
    use = key_use.read(account.id, seen_keys.known(key))
    assert use.since
    assert (use.since.calls.count, use.since.calls.is_more) == (2, True)
    assert use.whole.orders.is_more


def test_the_round_trips_do_not_grow_with_the_log(account: Account, key: AgentKey) -> None:
    write(account.id, *(call("market_quote") for _ in range(100)))
    count_until_now(account.id)
    with watcher.watch() as commands:
        use = key_use.read(account.id, seen_keys.known(key))
    assert use.whole.calls.count == 104
    assert len(commands) <= 16


def test_uses_of_a_reader_of_one_bot_are_those_of_its_entries(
    account: Account, key: AgentKey
) -> None:
    write(account.id, call("market_quote") | {"bot_id": "bot-1"})
    use = key_use.read(account.id, seen_keys.known(key), "bot-1")
    assert use.whole.entries.count == 1


def test_the_api_tells_the_same_and_each_figure_leads_to_its_entries(
    account: Account, key: AgentKey
) -> None:
    api = Api(keys.create(account, "reader", ["logs:read"]))
    told = api.get(f"/api/keys/{key.public_id}").json()
    assert (told["name"], told["state"], told["scopes"]) == ("sweep-trade", "active", ["read"])
    assert told["use"]["ordersFilled"]["amounts"] == {"USDC": "250.250"}
    assert told["last24Hours"]["entries"]["count"] == told["use"]["entries"]["count"] == 6
    assert told["openOrders"] == ["ord-2"]
    assert [each["action"] for each in told["history"]] == ["api_key.created", "api_key.rotated"]
    for period in ("use", "beforeRotation", "sinceRotation"):
        for name in ("entries", "failures", "toolCalls", "refusedKey", "ordersFilled"):
            figure = told[period][name]
            parts = urlsplit(figure["entries"] or "/?search=nothing")
            assert len(api.ids(**dict(parse_qsl(parts.query)))) == figure["count"]
    (first,) = told["use"]["refusedByScope"]
    assert (first["value"], first["count"], first["isMore"]) == ("trade", 1, False)
    assert api.get(told["history"][0]["entry"]).json()["target"]["id"] == key.public_id
    # By its name as well, and without a parameter.
    assert api.get("/api/keys/sweep-trade").json()["id"] == key.public_id
    problem_of(api.get(f"/api/keys/{key.public_id}", page=1), 400, "unknown-parameter")


def test_another_accounts_key_and_a_log_key_do_not_exist(account: Account, key: AgentKey) -> None:
    other = Account.objects.create(name=unique("other"))
    foreign = Api(keys.create(other, "reader", ["logs:read"]))
    text = keys.create(account, "reader", ["logs:read"])
    log_key = keys.look_up(text)
    assert log_key
    bound = Api(keys.create(account, "bound", ["logs:read"], bot="bot-8"))
    answers = [
        foreign.get(f"/api/keys/{key.public_id}"),
        foreign.get("/api/keys/sweep-trade"),
        bound.get(f"/api/keys/{key.public_id}"),
        Api(text).get(f"/api/keys/{log_key.public_id}"),
        *(Api(text).get(f"/api/keys/{name}") for name in ("nobody", "x" * 300, "%00", "a/b")),
    ]
    for answer in answers:
        problem_of(answer, 404, "not-found")
    assert len({answer.content for answer in answers}) == 1


def test_keys_that_were_not_issued_here_are_told_by_their_entries(
    account: Account, key: AgentKey
) -> None:
    trial = {"type": "api_key", "id": "key_trial", "name": "trial-1"}
    narrowed = {"keyName": "trial-1", "scopes": ["read"]}
    write(
        account.id,
        {"action": "api_key.created", "target": trial, "actor": ADA,
         "payload": {"keyName": "trial-1", "scopes": ["read", "trade"]}},
        call("market_quote", keyName="trial-1", keyScopes=["read", "trade"]),
        {"action": "api_key.scopes.updated", "target": trial, "actor": ADA, "payload": narrowed},
        {"action": "api_key.revoked", "target": trial, "actor": ADA,
         "payload": {"keyName": "trial-1"}},
        call("market_quote", keyName="nameless-trade"),
    )  # fmt: skip
    old = now() - timedelta(days=9)
    write(account.id, call("market_quote", keyName="trial-1") | {"timestamp": old})
    forgotten = {"action": "mcp.prompt.got", "action_type": "mcp", "bot_id": "bot-1"}
    used = {"payload": {"keyName": "forgotten"}, "timestamp": old}
    write(account.id, forgotten | used)
    count_account(account.id)
    keys.create(account, "reader", ["logs:read"])
    found, is_more = seen_keys.seen(account)
    assert not is_more
    told = {each.name: each for each in found}
    # That of the fixture was issued here; the other key of the agent is named by a call alone.
    # One was only used, by an entry that is not read.
    assert set(told) == {"trial-1", "nameless-trade", "other", "forgotten"}
    one = told["trial-1"]
    assert (one.id, one.scopes, dict(one.agents)) == (
        *("key_trial", ["read"]),
        {"agent_c41d88": "Treasury Sweep"},
    )
    assert one.created
    assert one.revoked
    assert one.first_use == told["forgotten"].last_use == from_ms(to_ms(old))
    assert one.last_use
    assert one.last_use > one.created
    api = Api(keys.create(account, "another", ["logs:read"]))
    shown = api.get("/api/keys/key_trial").json()
    assert (shown["issuedHere"], shown["state"], shown["scopes"]) == (False, "revoked", ["read"])
    assert api.get("/api/keys/nameless-trade").json()["use"]["toolCalls"]["count"] == 1
