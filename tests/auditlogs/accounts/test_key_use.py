"""What a key's page and `/api/keys/{id}` tell: counted from entries, as they were written."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from auditlogs.accounts import agent_keys, key_use, keys, seen_keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.times import now
from auditlogs.models import Account, AgentKey
from auditlogs.recording.recorder import record_many
from tests.api import Api, problem_of
from tests.factories import new, unique

AGENT = {"type": "agent", "id": "agent_c41d88", "name": "Treasury Sweep"}
KEY = {"type": "api_key", "id": "key_c41d88", "name": "sweep-trade"}


def call(tool: str, result: str = "success", **payload: Any) -> dict[str, Any]:
    said = {"tool": tool, "keyName": "sweep-trade", "keyScopes": ["read"], **payload}
    target = {"type": "tool", "id": tool}
    return {"action": "mcp.tool.call", "target": target, "result": result, "payload": said}


def order(action: str, number: int, result: str = "success") -> dict[str, Any]:
    said = {"orderId": f"ord-{number}", "pair": "SOL/USDC", "amount": 2.5, "price": "100.10"}
    target = {"type": "order", "id": f"ord-{number}"}
    return {"action": action, "target": target, "result": result, "payload": said}


def write(account: Account, *entries: dict[str, Any]) -> None:
    """Record entries, the first one the oldest, a minute from each other."""
    start = now() - timedelta(minutes=len(entries) + 1)
    common = {"actor": AGENT, "source_ip": "192.0.2.1"}
    record_many(
        [
            new(**{**common, "timestamp": start + timedelta(minutes=n), **entry})
            for n, entry in enumerate(entries)
        ],
        account=account.id,
    )


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
    here = {"correlation_id": "00000000-0000-0000-0000-000000000007"}
    ada = {"type": "user", "id": "user_1", "name": "Ada"}
    refused = {"method": "api_key", "code": "invalid_api_key", "keyName": "sweep-trade"}
    write(
        account,
        {"action": "auth.signed_in", "target": KEY},
        call("market_quote"),
        call("trade_execute") | here,
        order("order.created", 1) | here,
        order("order.filled", 1) | here,
        order("order.created", 2) | here,
        {"action": "api_key.rotated", "target": KEY, "actor": ada,
         "payload": {"changes": [{"field": "lastFour", "from": "f91c", "to": "06d8"}]}},
        {"action": "auth.sign_in_failed", "target": KEY, "result": "failure", "payload": refused},
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
    figures = [
        [p.entries.count, p.calls.count, p.orders.count, p.fills.count, p.refused_key.count,
         p.refused_scope.count, p.number_of("addresses")]
        for p in (before, since, whole)
    ]  # fmt: skip
    assert figures == [[6, 2, 2, 1, 0, 0, 1], [3, 2, 0, 0, 1, 1, 2], [9, 4, 2, 1, 1, 1, 2]]
    assert {name: str(value) for name, value in whole.amounts.items()} == {"USDC": "250.250"}
    assert {row.value: row.figure.count for row in whole.tools} == {
        "market_quote": 2,
        "trade_execute": 2,
    }
    assert [(row.value, row.figure.count) for row in whole.scopes_missed] == [("trade", 1)]
    assert use.open_orders == ["ord-2"]
    assert use.read_from is None


def test_what_was_read_is_bounded_and_says_so(
    account: Account, key: AgentKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_use, "MAX_READ", 4)
    monkeypatch.setattr(key_use, "BATCH", 3)
    use = key_use.read(account.id, seen_keys.known(key))
    assert use.read_from
    assert use.whole.calls.count == 2


def test_the_api_tells_the_same_and_each_figure_leads_to_its_entries(
    account: Account, key: AgentKey
) -> None:
    api = Api(keys.create(account, "reader", ["logs:read"]))
    told = api.get(f"/api/keys/{key.public_id}").json()
    assert (told["name"], told["state"], told["scopes"]) == ("sweep-trade", "active", ["read"])
    assert told["use"]["ordersFilled"]["amounts"] == {"USDC": "250.250"}
    assert told["openOrders"] == ["ord-2"]
    assert [each["action"] for each in told["history"]] == ["api_key.created", "api_key.rotated"]
    for period in ("use", "beforeRotation", "sinceRotation"):
        for name in ("refusedKey", "ordersFilled"):
            figure = told[period][name]
            parts = urlsplit(figure["entries"])
            assert len(api.ids(**dict(parse_qsl(parts.query)))) == figure["count"]
    (first,) = told["use"]["refusedByScope"]
    assert (first["value"], first["count"], first["failures"]) == ("trade", 1, 1)
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
    ada = {"type": "user", "id": "user_1", "name": "Ada"}
    narrowed = {"keyName": "trial-1", "scopes": ["read"]}
    write(
        account,
        {"action": "api_key.created", "target": trial, "actor": ada,
         "payload": {"keyName": "trial-1", "scopes": ["read", "trade"]}},
        call("market_quote", keyName="trial-1", keyScopes=["read", "trade"]),
        {"action": "api_key.scopes.updated", "target": trial, "actor": ada, "payload": narrowed},
        {"action": "api_key.revoked", "target": trial, "actor": ada,
         "payload": {"keyName": "trial-1"}},
        call("market_quote", keyName="nameless-trade"),
    )  # fmt: skip
    keys.create(account, "reader", ["logs:read"])
    found, is_more = seen_keys.seen(account)
    assert not is_more
    told = {each.name: each for each in found}
    # That of the fixture was issued here; the other key of the agent is named by a call alone.
    assert set(told) == {"trial-1", "nameless-trade", "other"}
    one = told["trial-1"]
    assert (one.id, one.scopes, dict(one.agents)) == (
        *("key_trial", ["read"]),
        {"agent_c41d88": "Treasury Sweep"},
    )
    assert one.created
    assert one.revoked
    assert one.first_use == one.last_use
    api = Api(keys.create(account, "another", ["logs:read"]))
    shown = api.get("/api/keys/key_trial").json()
    assert (shown["issuedHere"], shown["state"], shown["scopes"]) == (False, "revoked", ["read"])
    assert api.get("/api/keys/nameless-trade").json()["use"]["toolCalls"]["count"] == 1
