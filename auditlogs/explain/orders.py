"""The lifecycle of an order: its states, the entry that leads to each, and the transitions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.schema import Result

StateName = Literal["created", "approved", "filled-in-part", "filled", "cancelled", "rejected"]


@dataclass(frozen=True, slots=True)
class OrderState:
    """A state of an order, and the action and result that lead to it (any result if None)."""

    label: str
    action: str
    result: Result | None
    meaning: str

    @property
    def sentence(self) -> str:
        return KNOWN_ACTIONS[self.action].sentence


STATES: Mapping[StateName, OrderState] = {
    "created": OrderState(
        "Created",
        "order.created",
        "success",
        "A new order needs approval: by the platform within the agent’s limits, or by a person.",
    ),
    "approved": OrderState(
        "Approved",
        "order.approved",
        "success",
        "An approved order is sent to its provider for execution.",
    ),
    "filled-in-part": OrderState(
        "Filled in part",
        "order.filled",
        "partial",
        "Some of the amount was traded; the rest is open.",
    ),
    "filled": OrderState(
        "Filled",
        "order.filled",
        "success",
        "The whole amount was traded.",
    ),
    "cancelled": OrderState(
        "Cancelled",
        "order.cancelled",
        "success",
        "The agent or a person cancelled what was not filled yet.",
    ),
    "rejected": OrderState(
        "Rejected",
        "order.rejected",
        None,
        "The platform or the provider rejected it; the payload’s code and reason say why.",
    ),
}

# The possible next states; none for a final state.
TRANSITIONS: Mapping[StateName, tuple[StateName, ...]] = {
    "created": ("approved", "cancelled", "rejected"),
    "approved": ("filled-in-part", "filled", "cancelled", "rejected"),
    "filled-in-part": ("filled-in-part", "filled", "cancelled"),
    "filled": (),
    "cancelled": (),
    "rejected": (),
}


def state_after(action: str, result: Result) -> StateName | None:
    """Return an order's state after an entry of this action and result; None if the entry does not
    change it: an attempt that failed, or an unknown action."""
    for name, state in STATES.items():
        if state.action == action and state.result in (None, result):
            return name
    return None
