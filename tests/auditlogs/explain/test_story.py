"""The story of an order: its steps in order, the time between, and what is impossible of them."""

from typing import Any

import pytest

from auditlogs.entry.schema import Entry
from auditlogs.explain.story import Story, order_approved, order_of, story_of
from auditlogs.models import Account
from auditlogs.query.entries import Entries
from tests.auditlogs.entry.test_reasons import failed
from tests.auditlogs.explain.test_facts import Log
from tests.factories import USER

TERMS: dict[str, Any] = {"orderId": "ord_1", "side": "sell", "pair": "ETH/USDC", "amount": 3.2}
ONE, OTHER = "1" * 64, "2" * 64


@pytest.fixture
def log(account: Account) -> Log:
    return Log(account.id)


def step(log: Log, action: str, result: str = "success", **more: Any) -> Entry:
    payload = TERMS | more.pop("terms", {})
    return log.add(action=action, result=result, payload=payload, **more)


def story(log: Log, bot: str | None = None) -> Story:
    found = story_of("ord_1", Entries.of(log.account, bot))
    assert found is not None
    return found


def flaws(log: Log) -> list[tuple[str, str]]:
    return [(each.label, each.flaw) for each in story(log).flaws]


def test_the_steps_stand_in_order_with_the_time_between(log: Log) -> None:
    step(log, "order.created", terms={"channel": "mcp"})
    step(log, "order.approved", actor=USER, terms={"channel": "phone"})
    step(log, "order.filled", "partial")
    step(log, "order.filled")
    log.add(action="order.created", payload={"orderId": "ord_2"})
    found = story(log)
    assert [each.label for each in found.steps] == [
        "Created", "Approved", "Filled in part", "Filled",
    ]  # fmt: skip
    assert [each.after for each in found.steps] == ["", "1 min", "1 min", "1 min"]
    assert (found.channels, found.length) == (["mcp", "phone", "trade"], "3 min")
    assert found.flaws == []


@pytest.mark.parametrize(
    ("actions", "flaw"),
    [
        (["created", "filled"], ("Filled", "It was filled without an approval.")),
        (
            ["created", "approved", "filled", "cancelled"],
            ("Cancelled", "It came after the order was filled, which ends it."),
        ),
        (
            ["created", "cancelled", "approved"],
            ("Approved", "It came after the order was cancelled, which ends it."),
        ),
    ],
)
def test_what_cannot_follow_is_flagged(log: Log, actions: list[str], flaw: tuple[str, str]) -> None:
    for action in actions:
        step(log, f"order.{action}")
    assert flaws(log) == [flaw]


@pytest.mark.parametrize(("approved", "filled"), [(3.2, "3.20"), ("0.50", "0.5"), (1, "1e0")])
def test_one_amount_written_in_two_ways_is_no_other_amount(
    log: Log, approved: Any, filled: Any
) -> None:
    for action, amount in (("created", approved), ("approved", approved), ("filled", filled)):
        step(log, f"order.{action}", terms={"amount": amount})
    assert flaws(log) == []


def test_other_terms_than_were_approved_are_flagged_with_both_values(log: Log) -> None:
    step(log, "order.created")
    step(log, "order.approved")
    step(log, "order.filled", "partial", terms={"amount": 1})
    step(log, "order.filled", terms={"amount": 50470.0})
    expected = "Other arguments than were approved: amount 3.2 approved, 50,470 filled."
    assert flaws(log) == [("Filled", expected)]


def test_a_call_with_other_arguments_than_were_approved_belongs_to_the_story(log: Log) -> None:
    approval = {"id": "ap_1", "outcome": "granted"}
    step(log, "order.created")
    step(log, "order.approved", approval={**approval, "argumentsHash": ONE})
    call = log.add(result="success", approval={**approval, "argumentsHash": OTHER})
    assert order_approved(call, Entries.of(log.account)) == TERMS["orderId"]
    assert order_approved(log.add(), Entries.of(log.account)) is None
    assert flaws(log) == [("Called", "It was executed with other arguments than were approved.")]


def test_a_trade_while_the_kill_switch_was_on_is_flagged(log: Log) -> None:
    step(log, "order.created")
    step(log, "order.approved")
    log.add(action="kill_switch.activated", result="success", bot_id="agent-9")
    switch = log.add(action="kill_switch.activated", result="success")
    step(log, "order.filled")
    ((label, flaw),) = flaws(log)
    assert (label, flaw[:43]) == ("Filled", "It was traded while the kill switch was on,")
    assert switch.id not in {each.entry.id for each in story(log).steps}


def test_a_trade_after_the_kill_switch_was_released_is_not(log: Log) -> None:
    log.add(action="kill_switch.activated", result="success")
    log.add(action="kill_switch.released", result="success")
    step(log, "order.created")
    step(log, "order.approved")
    step(log, "order.filled")
    assert flaws(log) == []


def test_an_order_whose_beginning_is_not_kept_is_not_flagged(log: Log) -> None:
    step(log, "order.filled")
    assert flaws(log) == []


def test_there_is_no_story_without_a_step_and_none_of_another_bots_order(log: Log) -> None:
    step(log, "order.created", bot_id="agent-9")
    assert len(story(log).steps) == 1
    assert story_of("ord_1", Entries.of(log.account, "agent-7")) is None
    assert story_of("ord_9", Entries.of(log.account)) is None
    assert order_of(failed(payload={"orderId": " "})) is None
