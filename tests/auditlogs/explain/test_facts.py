"""The facts of each reason, read from stored entries, and what a reader of one bot is not told."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict

from auditlogs.accounts import agent_keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import now
from auditlogs.explain import failures
from auditlogs.explain.explanation import Explanation
from auditlogs.explain.failures import RULES, explain
from auditlogs.models import Account
from auditlogs.query import slices
from auditlogs.query.entries import Entries
from auditlogs.query.filters import parse
from auditlogs.recording.recorder import record_many
from auditlogs.storage.mongo import Unavailable
from tests.api import Api
from tests.factories import AGENT, SYSTEM, USER, new

BEGAN = timedelta(hours=2)
OTHER = {"type": "agent", "id": "agent-9", "name": "Other"}


class Log:
    """An account's log, written a minute at a time from two hours ago."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.at = now() - BEGAN

    def add(self, **fields: Any) -> Entry:
        self.at += timedelta(minutes=1)
        given = {"timestamp": self.at, "bot_id": "agent-7", "result": "failure", **fields}
        (id,) = record_many([new(**given)], account=self.account)
        entry = Entries.of(self.account).get(id)
        assert entry is not None
        return entry

    def refused(self, code: str, **payload: Any) -> Entry:
        return self.add(payload={"code": code, **payload})

    def explained(self, entry: Entry, bot: str | None = None) -> Explanation:
        explanation = explain(entry, Entries.of(self.account, bot))
        assert explanation is not None
        assert explanation.is_complete
        return explanation


@pytest.fixture
def log(account: Account) -> Log:
    return Log(account.id)


def figures(explanation: Explanation) -> dict[str, str]:
    return {fact.name: fact.figure for fact in explanation.facts}


def linked(explanation: Explanation) -> dict[str, str | None]:
    return {link.rel: link.entry_id or link.key_id for link in explanation.links}


def listed(log: Log, filters: dict[str, str] | None) -> int:
    """Return how many entries the API lists with a fact's filters."""
    assert filters is not None
    query = QueryDict(mutable=True)
    query.update(filters)
    request = parse(query, account=log.account, default_range="all", now=now())
    assert request.errors == {}
    return request.entries.count().value


def test_a_missing_scope_counts_the_calls_that_lacked_the_same(log: Log, account: Account) -> None:
    given: dict[str, Any] = {"name": "scout-read", "agent": "agent-7", "scopes": ["read"]}
    key, _ = agent_keys.create(account, COMMAND_LINE, **given)
    arguments = {"pair": "SOL/USDC", "amount": 2, "limitPrice": 150}
    lack: dict[str, Any] = {"requiredScope": "trade", "keyName": "scout-read"}
    lack |= {"keyScopes": ["read"], "arguments": arguments}
    log.refused("insufficient_scope", tool="trade_execute", **lack)
    log.refused("insufficient_scope", tool="logs", **lack | {"requiredScope": "logs"})
    log.refused("stale_data", tool="quote", keyName="scout-read")
    log.refused("insufficient_scope", tool="wallet_transfer", **lack)
    entry = log.refused("insufficient_scope", tool="trade_execute", **lack)
    log.refused("insufficient_scope", tool="trade_execute", **lack)
    found = log.explained(entry)
    assert found.slug == "missing_scope"
    assert found.sentence == (
        "The key scout-read lacked the scope trade, which trade_execute needs."
    )
    texts = {fact.name: f"{fact.figure} {fact.text}" for fact in found.facts}
    assert texts == {
        "scopesThen": "then the key carried read",
        "keyNow": "now the key is active and carries read",
        "refusedIn24h": "3 refused for this in 24 h: trade_execute 2, wallet_transfer 1",
        "wouldHavePassed": "3 would have passed this check with trade: 900 USDC",
    }
    # Its filters would also list the call that lacked another scope.
    assert found.facts[-1].filters is None
    assert linked(found) == {"key": key.public_id}
    agent_keys.change_scopes(key, COMMAND_LINE, ["read", "trade"])
    now_carries = next(each for each in log.explained(entry).facts if each.name == "keyNow")
    assert now_carries.text == "the key is active and now carries read, trade"


def test_an_open_breaker_names_its_opening_what_it_blocked_and_its_closing(log: Log) -> None:
    provider = {"provider": "jupiter"}
    log.add(action="circuit_breaker.opened", result="success", actor=SYSTEM, payload=provider)
    log.add(action="circuit_breaker.closed", result="success", actor=SYSTEM, payload=provider)
    opened = log.add(
        action="circuit_breaker.opened",
        result="success",
        actor=SYSTEM,
        bot_id=None,
        payload={**provider, "failures": 5},
    )
    blocked = {"action": "order.rejected", "payload": {"code": "circuit_breaker_open", **provider}}
    log.add(**blocked)
    log.add(**blocked, actor=OTHER, bot_id="agent-9")
    log.add(action="order.rejected", payload={"code": "circuit_breaker_open", "provider": "orca"})
    said = {"code": "order_rejected", "error": "Circuit breaker is open for provider: jupiter"}
    call = log.add(payload=said)
    still = log.explained(call)
    assert still.sentence == ("The circuit breaker of jupiter was open, so nothing was sent to it.")
    assert figures(still) == {"opened": "4 min", "blocked": "2", "closed": "open"}
    assert still.facts[0].text == "before this, the breaker opened after 5 failures"
    closed = log.add(
        action="circuit_breaker.closed", result="success", actor=SYSTEM, bot_id=None,
        payload=provider,
    )  # fmt: skip
    log.add(**blocked)
    found = log.explained(call)
    assert figures(found) == {"opened": "4 min", "blocked": "2", "closed": "closed"}
    assert linked(found) == {"openedBy": opened.id, "closedBy": closed.id}
    assert listed(log, found.facts[1].filters) == 2
    # A reader of one bot sees neither the platform's entries nor others' orders.
    assert log.explained(call, bot="agent-7").facts == []
    assert figures(log.explained(log.add(**blocked))) == {}


def test_a_kill_switch_names_who_turned_it_on_and_off(log: Log) -> None:
    log.add(action="kill_switch.activated", result="success", actor=USER, bot_id="agent-9")
    switched = {"result": "success", "actor": USER}
    on = log.add(action="kill_switch.activated", **switched)
    log.add(action="order.rejected", payload={"code": "kill_switch_active"})
    entry = log.add(action="order.rejected", payload={"code": "kill_switch_active"})
    off = log.add(action="kill_switch.released", **switched)
    found = log.explained(entry)
    assert figures(found) == {"activated": "2 min", "blocked": "2", "released": "released"}
    assert found.facts[0].text == "before this, by Ada Lovelace"
    assert linked(found) == {"activatedBy": on.id, "releasedBy": off.id}
    assert listed(log, found.facts[1].filters) == 2


@pytest.mark.parametrize(
    ("action", "code", "said", "verb"),
    [
        ("api_key.rotated", "invalid_api_key", "The key is not valid: it was rotated", "rotated"),
        ("api_key.revoked", "revoked-key", "The key was revoked", "revoked"),
        ("api_key.created", "expired-key", "The key has expired", "created"),
        ("api_key.rotated", "invalid-key", "Mistyped?", "rotated"),
    ],
)
def test_a_key_names_what_made_it_invalid(
    log: Log, action: str, code: str, said: str, verb: str
) -> None:
    key = {"type": "api_key", "id": "key_1", "name": "sweep"}
    changed = log.add(action=action, result="success", actor=USER, target=key)
    tried = {"payload": {"code": code, "error": said, "keyName": "sweep"}, "target": key}
    log.add(action="auth.sign_in_failed", **tried)
    entry = log.add(action="auth.sign_in_failed", **tried)
    worked = log.add(action="auth.signed_in", result="success", payload={"keyName": "sweep"})
    found = log.explained(entry)
    assert figures(found) == {verb: "2 min", "in24h": "2", "ended": "ended"}
    assert linked(found) == {
        f"{verb}By": changed.id,
        "workedAgain": worked.id,
        "key": "key_1",
    }
    assert listed(log, found.facts[1].filters) == 2


def test_a_policy_names_its_rule_and_counts_its_denials(log: Log) -> None:
    decision = {"outcome": "denied", "policy": "limits", "rule": "max", "reason": "Over 10"}
    log.add(decision={**decision, "rule": "other"})
    log.add(decision=decision)
    found = log.explained(log.add(decision=decision))
    assert found.sentence == "The policy limits denied it · rule max: Over 10."
    assert figures(found) == {"deniedIn24h": "2"}


def test_a_refused_approval_names_who_asked(log: Log) -> None:
    asked = log.add(result="success", approval={"id": "ap_1", "outcome": "requested"})
    entry = log.add(approval={"id": "ap_1", "outcome": "expired"})
    found = log.explained(entry)
    assert found.sentence == "Its approval expired before anybody answered."
    assert (figures(found), linked(found)) == ({"requested": "1 min"}, {"requestedBy": asked.id})


@pytest.mark.parametrize(
    ("slug", "fields", "sentence"),
    [
        (
            "rate_limited",
            {"action": "rate_limit.hit", "payload": {"limit": 60, "window": "60s"}},
            "More calls came than the limit allows: 60 in 60s.",
        ),
        ("sign_in_refused", {"action": "auth.sign_in_failed"}, "It does not say why."),
        (
            "locked_out",
            {"payload": {"code": "locked-out"}},
            "Too many sign-ins had failed, so this one was refused. It does not say why.",
        ),
        (
            "invalid_arguments",
            {"payload": {"code": "invalid_arguments", "error": "levels: at most 5"}},
            "The arguments were invalid. It says: levels: at most 5",
        ),
        (
            "timeout",
            {"payload": {"status": 504, "provider": "jupiter"}, "duration": 5010},
            "jupiter did not answer in time: 5.01 s.",
        ),
        (
            "cancelled",
            {"payload": {"status": "cancelled"}},
            "It was cancelled before it ended. It does not say why.",
        ),
        (
            "order_rejected",
            {"action": "order.rejected", "payload": {"reason": "The price moved"}},
            "The order was rejected. It says: The price moved",
        ),
        (
            "exception",
            {"payload": {"errorType": "KeyError", "error": "'pair'"}},
            "The program raised KeyError: 'pair'.",
        ),
        (
            "tool_error",
            {"payload": {"tool": "swap", "isError": True}},
            "swap answered that it had failed, without a text.",
        ),
        ("forbidden", {"payload": {"status": 403, "error": "Frozen"}}, "It was forbidden. It says"),
        ("other", {"payload": {"code": "stale_data"}}, "The market data were too old to act on."),
    ],
)
def test_the_others_are_counted_and_their_list_holds_the_same(
    log: Log, slug: str, fields: dict[str, Any], sentence: str
) -> None:
    log.add(**fields)
    entry = log.add(**fields)
    log.add(**fields)
    log.add(result="success")
    found = log.explained(entry)
    assert (found.slug, figures(found)) == (slug, {"in24h": "2"})
    assert found.sentence.startswith(sentence)
    assert listed(log, found.facts[0].filters) == 2


def test_every_reason_has_its_rule() -> None:
    assert len({id(rule.sentence) for rule in RULES.values()}) >= len(RULES) - 2


def test_the_api_explains_a_failure_and_nothing_else(log: Log, api_key: str) -> None:
    api = Api(api_key)
    failed, done = log.refused("stale_data"), log.add(result="success")
    explanation = api.get(f"/api/audit-logs/{failed.id}").json()["explanation"]
    assert explanation["slug"] == "other"
    assert [each["figure"] for each in explanation["facts"]] == ["1"]
    assert explanation["isComplete"] is True
    assert api.get(f"/api/audit-logs/{done.id}").json()["explanation"] is None


def test_what_the_database_cannot_tell_is_missing_and_said_to_be(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = log.refused("stale_data")

    def fail(*args: object) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(failures, "alike", fail)
    found = explain(entry, Entries.of(log.account))
    assert found is not None
    assert (found.facts, found.is_complete) == ([], False)
    assert found.sentence == "The market data were too old to act on."


def test_agents_keys_of_others_are_not_told_to_a_reader_of_one_bot(
    log: Log, account: Account
) -> None:
    given: dict[str, Any] = {"name": "shared", "agent": "agent-9", "scopes": ["read"]}
    agent_keys.create(account, COMMAND_LINE, **given)
    lack = {"requiredScope": "trade", "keyName": "shared", "keyScopes": ["read"]}
    entry = log.add(actor=AGENT, payload=lack)
    assert "keyNow" in figures(log.explained(entry))
    assert "keyNow" not in figures(log.explained(entry, bot="agent-7"))


def test_what_was_not_found_in_time_is_not_said_to_be_missing(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.at -= timedelta(days=20)
    log.add(action="circuit_breaker.opened", payload={"provider": "zerion"})
    entry = log.refused("circuit_breaker_open", provider="zerion")
    log.at += timedelta(days=15)
    log.add(action="circuit_breaker.closed", payload={"provider": "zerion"})
    monkeypatch.setattr(slices, "BUDGET_SECONDS", 0)
    explanation = explain(entry, Entries.of(log.account))
    assert explanation is not None
    assert not explanation.is_complete
    assert "closed" not in figures(explanation)
