"""The orders of a key: those whose entries name it, or have the correlation of an entry that does.

No counter knows them, and their amounts are in payloads, so the newest orders of the key's agents
are read, up to MAX_ORDERS, and then every entry of those that are the key's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from auditlogs.entry.amounts import value_of
from auditlogs.entry.facts import of_payload
from auditlogs.entry.schema import Entry, Result
from auditlogs.explain.orders import TRANSITIONS, StateName, state_after
from auditlogs.query.batches import in_batches
from auditlogs.query.entries import MAX_LIMIT, Entries
from auditlogs.query.values import Values

MAX_ORDERS = 400
# Entries of these orders: placed, approved, filled in parts, ended.
MAX_ENTRIES = 2_000
CREATED, FILLED = "order.created", "order.filled"


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """What is kept of an entry of an order: its time, what happened, and what a fill was worth, as
    a currency and a value, where the payload tells."""

    order: str
    instant: datetime
    action: str
    result: Result
    value: tuple[str, Decimal] | None


@dataclass(frozen=True, slots=True)
class Orders:
    """The entries of a key's orders, the oldest first. Of those before `read_from` some may be
    missing, where it is not None; and of all of them, if `is_cut`."""

    entries: Sequence[OrderEntry] = field(default_factory=list)
    read_from: datetime | None = None
    is_cut: bool = False

    @property
    def states(self) -> dict[str, tuple[StateName, datetime]]:
        """The state of each order that was created, and since when; the last created one last."""
        states: dict[str, tuple[StateName, datetime]] = {}
        for entry in self.entries:
            state = state_after(entry.action, entry.result)
            known = states.get(entry.order)
            # An order that ended stays so, whatever is written later.
            if state and (TRANSITIONS[known[0]] if known else state == "created"):
                states[entry.order] = (state, entry.instant)
        return states

    @property
    def open(self) -> list[str]:
        """The orders that were created and have not ended, the last created one first."""
        return [order for order, (state, _) in self.states.items() if TRANSITIONS[state]][::-1]

    def is_cut_since(self, start: datetime | None) -> bool:
        """Tell whether entries since a time may be missing."""
        is_beyond = self.read_from is not None and (start is None or start < self.read_from)
        return self.is_cut or is_beyond


def read(log: Entries, key: Values, agents: Sequence[str]) -> Orders:
    """Read the orders of a key, which these agents created. Raises StorageError."""
    if not agents:
        return Orders()
    placed = log.keep("actor.id", Values(tuple(agents))).where("action", CREATED)
    created = list(in_batches(placed, MAX_ORDERS))
    correlations = dict.fromkeys(each.correlation_id for each in created if each.correlation_id)
    mine: set[str | None] = set()
    is_cut = False
    if correlations:
        calls = log.keep("facts.key", key).keep("correlationId", Values(tuple(correlations)))
        page = calls.page(MAX_LIMIT)
        mine = {each.correlation_id for each in page.entries}
        is_cut = page.next is not None
    own = [each for each in created if each.correlation_id in mine or _names(each, key)]
    orders = dict.fromkeys(order for each in own if (order := _order(each)))
    entries: list[Entry] = []
    if orders:
        found = log.keep("facts.orderId", Values(tuple(orders))).where("actionType", "trade")
        entries = list(in_batches(found, MAX_ENTRIES))
    return Orders(
        [_entry(each, order) for each in reversed(entries) if (order := _order(each))],
        created[-1].instant if len(created) == MAX_ORDERS else None,
        is_cut or len(entries) == MAX_ENTRIES,
    )


def _entry(entry: Entry, order: str) -> OrderEntry:
    value = value_of(entry.payload or {}) if entry.action == FILLED else None
    return OrderEntry(order, entry.instant, entry.action, entry.result, value)


def _names(entry: Entry, key: Values) -> bool:
    names = {*of_payload(entry, "key")}
    return bool(names & {*key.wanted}) and not names & {*key.unwanted}


def _order(entry: Entry) -> str | None:
    return next(iter(of_payload(entry, "orderId")), None)
