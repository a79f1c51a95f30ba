"""The demo's history: repeatable, true to the schema, and never long without each story."""

import ipaddress
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from auditlogs.entry.actions import ACTION_TYPES, KNOWN_ACTIONS, type_of
from auditlogs.entry.schema import NewEntry, Redaction
from auditlogs.recording.policy import check
from hub.demo import history
from hub.demo.cast import AGENTS, LONG_NAMED, PEOPLE, SCOUT, SUB_AGENT

NOW = datetime(2026, 3, 11, 14, 30, tzinfo=UTC)
KEPT = timedelta(days=29.9)
WEEK = timedelta(days=7)

STORIES: dict[str, Callable[[NewEntry, dict[str, object]], bool]] = {
    "a key that may not trade": lambda entry, payload: (
        entry.actor.name == SCOUT.name
        and entry.action == "mcp.tool.call"
        and entry.result == "failure"
        and payload.get("tool") == "trade_execute"
        and payload.get("status") == 403
        and payload.get("requiredScope") == "trade"
    ),
    "a circuit breaker opens": lambda entry, payload: (
        entry.action == "circuit_breaker.opened"
        and entry.target is not None
        and entry.target.id == "jupiter"
    ),
    "it blocks trades": lambda entry, payload: (
        entry.action == "order.rejected"
        and payload.get("reason") == "Circuit breaker is open for provider: jupiter"
    ),
    "it closes again": lambda entry, payload: entry.action == "circuit_breaker.closed",
    "a key is rotated": lambda entry, payload: entry.action == "api_key.rotated",
    "its agent is refused": lambda entry, payload: payload.get("code") == "invalid_api_key",
    "an order is filled in part": lambda entry, payload: (
        entry.action == "order.filled" and entry.result == "partial"
    ),
    "a tool fails within HTTP 200": lambda entry, payload: (
        entry.result == "failure" and payload.get("isError") is True
    ),
    "the kill switch is used": lambda entry, payload: entry.action == "kill_switch.activated",
    "a person approves an order": lambda entry, payload: (
        entry.action == "order.approved" and entry.actor.type == "user"
    ),
    "a policy denies a trade over its limit": lambda entry, payload: (
        entry.decision is not None and entry.decision.outcome == "denied"
    ),
    "an order is approved on a phone": lambda entry, payload: (
        entry.action == "order.approved" and payload.get("channel") == "phone"
    ),
    "an agent acts for an agent that acts for a person": lambda entry, payload: (
        [each.type for each in entry.on_behalf_of or ()] == ["agent", "user"]
    ),
    "a new version begins to fail": lambda entry, payload: (
        entry.agent is not None and entry.agent.version == "2.5.0" and entry.result == "failure"
    ),
    "a batch works in part": lambda entry, payload: (
        entry.action == "mcp.tool.call" and entry.result == "partial"
    ),
}

HUB_ALONE = ("dead_letter.", "saved_view.")


@pytest.fixture(scope="module")
def told() -> list[NewEntry]:
    return history.between(NOW - KEPT, NOW)


def instant(entry: NewEntry) -> datetime:
    assert entry.timestamp is not None
    return entry.timestamp


def test_it_is_about_eight_thousand_entries_of_the_last_thirty_days(told: list[NewEntry]) -> None:
    assert 7_500 < len(told) < 8_500
    assert instant(told[0]) > NOW - KEPT
    assert instant(told[-1]) <= NOW
    assert told == sorted(told, key=instant)


def test_the_same_day_is_told_the_same_way() -> None:
    day = date(2026, 3, 3)
    first = history.entries_of_day(day)
    history.entries_of_day.cache_clear()
    assert history.entries_of_day(day) == first


def test_a_later_history_only_adds(told: list[NewEntry]) -> None:
    later = history.between(NOW - KEPT, NOW + timedelta(hours=9))
    assert later[: len(told)] == told
    assert history.between(NOW, NOW + timedelta(hours=9)) == later[len(told) :]


def test_every_entry_has_an_identity_of_its_own(told: list[NewEntry]) -> None:
    assert len({entry.id for entry in told}) == len(told)


@pytest.mark.parametrize("story", STORIES)
def test_any_seven_days_hold_every_story(told: list[NewEntry], story: str) -> None:
    is_told = STORIES[story]
    tellings = [instant(entry) for entry in told if is_told(entry, entry.payload or {})]
    bounds = [NOW - KEPT, *tellings, NOW]
    assert max(b - a for a, b in pairwise(bounds)) < WEEK


def test_an_order_is_executed_with_other_arguments_than_were_approved(
    told: list[NewEntry],
) -> None:
    executed = [
        entry
        for entry in told
        if entry.approval and entry.action == "mcp.tool.call" and entry.result == "success"
    ]
    granted = {
        entry.approval.id: entry.approval.arguments_hash
        for entry in told
        if entry.approval and entry.action == "order.approved"
    }
    others = [
        entry
        for entry in executed
        if entry.approval and granted[entry.approval.id] != entry.approval.arguments_hash
    ]
    assert 3 < len(others) < len(executed)
    times = [NOW - KEPT, *map(instant, others), NOW]
    assert max(b - a for a, b in pairwise(times)) < WEEK


def test_every_known_action_occurs_and_no_other(told: list[NewEntry]) -> None:
    # What the Hub records when somebody uses it.
    not_told = {action for action in KNOWN_ACTIONS if action.startswith(HUB_ALONE)}
    assert {entry.action for entry in told} == KNOWN_ACTIONS.keys() - not_told


def test_payloads_have_only_the_keys_of_their_action(told: list[NewEntry]) -> None:
    for entry in told:
        assert (entry.payload or {}).keys() <= set(KNOWN_ACTIONS[entry.action].payload_keys)
        for change in (entry.payload or {}).get("changes", []):
            assert change.keys() == {"field", "from", "to"}


def test_no_secret_is_left_in_what_is_stored(told: list[NewEntry]) -> None:
    trades = [entry for entry in told if "walletKey" in str(entry.payload)]
    assert trades
    for entry in trades[:: len(trades) // 100]:
        checked = check(msgspec.to_builtins(entry), NOW)
        assert "wk_" not in str(checked.entry.payload)
        assert checked.redactions == [
            Redaction(path="/payload/arguments/wallet/walletKey", rule="key-name")
        ]


def test_most_of_it_works(told: list[NewEntry]) -> None:
    results = Counter(entry.result for entry in told)
    assert 0.80 < results["success"] / len(told) < 0.90
    assert results["partial"] > 100
    assert {type_of(entry.action) for entry in told} == set(ACTION_TYPES)


def test_the_whole_cast_appears(told: list[NewEntry]) -> None:
    names = {entry.actor.name for entry in told}
    assert len(AGENTS) == 12
    cast = (*AGENTS, *PEOPLE, SUB_AGENT)
    assert names == {player.name for player in cast} | {"System", None}
    assert LONG_NAMED.name is not None
    assert len(LONG_NAMED.name) > 80


def test_an_agents_entries_name_its_bot(told: list[NewEntry]) -> None:
    bots = {agent.id: agent.bot_id for agent in AGENTS}
    for entry in told:
        if entry.actor.id in bots:
            assert entry.bot_id == bots[entry.actor.id]


def test_some_entries_have_only_what_they_must(told: list[NewEntry]) -> None:
    bare = [
        entry
        for entry in told
        if not (entry.target or entry.payload or entry.duration or entry.correlation_id)
    ]
    assert bare
    assert all(not (entry.request_id or entry.session_id or entry.source_ip) for entry in bare)


def test_an_orders_life_has_one_correlation_id(told: list[NewEntry]) -> None:
    by_hand = next(
        entry for entry in told if entry.action == "order.approved" and entry.actor.type == "user"
    )
    actions = [entry.action for entry in told if entry.correlation_id == by_hand.correlation_id]
    assert actions[:2] == ["mcp.tool.call", "order.created"]
    assert actions[-2:] == ["order.approved", "order.filled"]


def test_addresses_are_nobodys(told: list[NewEntry]) -> None:
    documentation = [
        ipaddress.ip_network(network)
        for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    ]
    for address in {entry.source_ip for entry in told if entry.source_ip}:
        assert any(ipaddress.ip_address(address) in network for network in documentation)


def test_nothing_goes_through_jupiter_while_its_breaker_is_open(told: list[NewEntry]) -> None:
    is_open = False
    for entry in told:
        if entry.action.startswith("circuit_breaker."):
            is_open = entry.action == "circuit_breaker.opened"
        through_jupiter = (entry.payload or {}).get("provider") == "jupiter"
        assert not (is_open and through_jupiter and entry.action == "order.filled")
