"""The life of an order, compared with the orders of the demo."""

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise

import pytest

from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.explain.orders import STATES, TRANSITIONS, StateName, state_after
from hub.demo import history

DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def lives() -> list[list[StateName | None]]:
    """The states of every order that the demo places in a fortnight, in order."""
    found: dict[str, list[StateName | None]] = defaultdict(list)
    for entry in (each for n in range(14) for each in history.entries_of_day(DAY + timedelta(n))):
        if entry.action.startswith("order."):
            order = (entry.payload or {})["orderId"]
            found[order].append(state_after(entry.action, entry.result))
    return list(found.values())


def test_every_action_of_orders_brings_about_a_state() -> None:
    actions = {action for action in KNOWN_ACTIONS if action.startswith("order.")}
    assert {state.action for state in STATES.values()} == actions


def test_every_order_begins_by_being_created(lives: list[list[StateName | None]]) -> None:
    assert len(lives) > 200
    assert {life[0] for life in lives} == {"created"}


def test_the_demos_orders_take_every_step_there_is_and_no_other(
    lives: list[list[StateName | None]],
) -> None:
    taken = {step for life in lives for step in pairwise(life)}
    allowed = {(state, after) for state, follow in TRANSITIONS.items() for after in follow}
    assert taken - allowed == set()
    # What may happen between approval and the market, the fleet has not met yet.
    assert allowed - taken <= {("approved", "rejected"), ("filled-in-part", "filled")}


def test_every_state_is_reached_from_the_first() -> None:
    reached: set[StateName] = {"created"}
    for _ in STATES:
        reached |= {after for state in reached for after in TRANSITIONS[state]}
    assert reached == STATES.keys() == TRANSITIONS.keys()


def test_an_attempt_that_failed_leaves_an_order_as_it_was() -> None:
    assert state_after("order.created", "failure") is None
    assert state_after("order.filled", "failure") is None
    assert state_after("order.filled", "partial") == "filled-in-part"
    assert state_after("order.rejected", "failure") == "rejected"
    assert state_after("order.rejected", "success") == "rejected"
    assert state_after("order.unheard_of", "success") is None
