"""The life of an order: its states, the entry that tells of each, and what may follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.schema import Result

StateName = Literal["created", "approved", "filled-in-part", "filled", "cancelled", "rejected"]


@dataclass(frozen=True, slots=True)
class OrderState:
    """A state of an order: the action that brings it about, and with which result where that
    matters; what it means beyond the action's own sentence."""

    label: str
    action: str
    result: Result | None
    meaning: str

    @property
    def sentence(self) -> str:
        """What happened, as the table of actions says it."""
        return KNOWN_ACTIONS[self.action].sentence


STATES: Mapping[StateName, OrderState] = {
    "created": OrderState(
        "Created",
        "order.created",
        "success",
        "A new order waits for approval, by the platform within the agent’s limits or by a person.",
    ),
    "approved": OrderState(
        "Approved",
        "order.approved",
        "success",
        "An approved order goes to its provider, which looks for a market.",
    ),
    "filled-in-part": OrderState(
        "Filled in part",
        "order.filled",
        "partial",
        "There was a market for some of it; the rest stayed open.",
    ),
    "filled": OrderState(
        "Filled",
        "order.filled",
        "success",
        "All of it was traded.",
    ),
    "cancelled": OrderState(
        "Cancelled",
        "order.cancelled",
        "success",
        "The agent or a person took back what was not filled yet.",
    ),
    "rejected": OrderState(
        "Rejected",
        "order.rejected",
        None,
        "The platform or the provider refused it; the payload’s code and reason say why.",
    ),
}

# What may follow a state; nothing follows where the order ends.
TRANSITIONS: Mapping[StateName, tuple[StateName, ...]] = {
    "created": ("approved", "cancelled", "rejected"),
    "approved": ("filled-in-part", "filled", "cancelled", "rejected"),
    "filled-in-part": ("filled-in-part", "filled", "cancelled"),
    "filled": (),
    "cancelled": (),
    "rejected": (),
}


def state_after(action: str, result: Result) -> StateName | None:
    """Return the state that an entry of this action and result leaves an order in, or None where
    it leaves it as it was: an attempt that failed, an action that is not known."""
    for name, state in STATES.items():
        if state.action == action and state.result in (None, result):
            return name
    return None
