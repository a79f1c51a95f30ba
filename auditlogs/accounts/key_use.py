"""What an agent's key did, from the log: what somebody needs to know before revoking it.

A key is known by an id, which entries about it have for their target, and by a name, which entries
of its use have in their payload. The payload has no index, so the newest entries of the key's
agents are read, up to MAX_READ, and those kept that name the key.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from auditlogs.entry.amounts import value_of
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339
from auditlogs.query.entries import Entries

# Read at once, as entries have payloads of up to 64 KiB.
BATCH = 200
MAX_READ = 2_000
MAX_ABOUT = 400
MAX_AGENTS = 3
# Rows of each list; the rest are counted.
MAX_ROWS = 20
BEFORE = timedelta(days=7)
CALL, CREATED, FILLED = "mcp.tool.call", "order.created", "order.filled"
ROTATED = "api_key.rotated"
# What ends an order; a partial fill does not.
ENDS = frozenset({"order.rejected", "order.cancelled"})


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as the log knows it: id, name, and the actor ids of its agents."""

    id: str
    name: str
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A count, and the filters of a list that holds what was counted.

    Where the log has no filter for what was counted, as for an address, the list holds more.
    """

    count: int
    filters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A value, how often it occurred, how often with a failure, and when last."""

    value: str
    figure: Figure
    failures: Figure
    last: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the key: what, by whom, with the values before and after, and its entry."""

    entry_id: str
    instant: datetime
    action: str
    by: str
    result: str
    changes: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class _Use:
    """What is kept of an entry in which the key was used."""

    instant: datetime
    action: str
    result: str
    actor: str
    target: tuple[str, str] | None
    address: str | None
    required_scope: str | None
    order: str | None
    value: tuple[str, Decimal] | None


@dataclass(frozen=True)
class Period:
    """The uses of a key from a time to another, as figures."""

    agent: str
    key_id: str
    uses: list[_Use]
    start: datetime | None = None
    end: datetime | None = None

    @property
    def entries(self) -> Figure:
        return self._figure(self.uses)

    @property
    def calls(self) -> Figure:
        return self._figure(self._of(CALL), action=CALL)

    @property
    def orders(self) -> Figure:
        return self._figure(self._of(CREATED), action=CREATED)

    @property
    def fills(self) -> Figure:
        filled = [use for use in self._of(FILLED) if use.result == "success"]
        return self._figure(filled, action=FILLED, result="success")

    @property
    def partial_fills(self) -> Figure:
        filled = [use for use in self._of(FILLED) if use.result == "partial"]
        return self._figure(filled, action=FILLED, result="partial")

    @property
    def amounts(self) -> dict[str, Decimal]:
        """What was filled whole, by the currency that it was paid in. Of a partial fill no entry
        says in a field how large the part was."""
        amounts: dict[str, Decimal] = {}
        for use in self._of(FILLED):
            if use.value and use.result == "success":
                currency, value = use.value
                amounts[currency] = amounts.get(currency, Decimal()) + value
        return amounts

    @property
    def refused_key(self) -> Figure:
        """Sign-ins that failed with the key itself: mistyped, rotated or revoked."""
        refused = [
            use
            for use in self.uses
            if use.action.startswith("auth.") and use.result == "failure" and self._is_about(use)
        ]
        return self._figure(refused, action="auth", result="failure", target=self.key_id)

    @property
    def refused_scope(self) -> Figure:
        refused = [use for use in self.uses if use.required_scope]
        return self._figure(refused, result="failure")

    @property
    def scopes_missed(self) -> list[Row]:
        """The calls that were refused, by the scope that was missing."""
        return self._rows(((use.required_scope, use) for use in self.uses), result="failure")

    @property
    def tools(self) -> list[Row]:
        calls = ((use.target and use.target[1], use) for use in self._of(CALL))
        return self._rows(calls, "target", action=CALL)

    @property
    def targets(self) -> list[Row]:
        """What was acted upon, other than tools and the key itself."""
        uses = [use for use in self.uses if use.action != CALL and not self._is_about(use)]
        return self._rows(((use.target and use.target[1], use) for use in uses), "target")

    @property
    def addresses(self) -> list[Row]:
        return self._rows((use.address, use) for use in self.uses)

    @property
    def agents(self) -> list[Row]:
        return self._rows((use.actor, use) for use in self.uses)

    def number_of(self, kind: str) -> int:
        """Return how many different tools, targets or addresses there were."""
        if kind == "tools":
            return len({use.target for use in self._of(CALL)})
        return len({use.address for use in self.uses if use.address})

    def _of(self, action: str) -> list[_Use]:
        return [use for use in self.uses if use.action == action]

    def _is_about(self, use: _Use) -> bool:
        return use.target is not None and use.target[1] == self.key_id

    def _rows(
        self, values: Iterable[tuple[str | None, _Use]], name: str = "", **filters: str
    ) -> list[Row]:
        """Return the most frequent values; `name` is the filter for one of them, if there is one.
        Without one, the list is narrowed to the time in which the value occurred."""
        of_value: dict[str, list[_Use]] = {}
        for value, use in values:
            if value:
                of_value.setdefault(value, []).append(use)
        counted = Counter({value: len(uses) for value, uses in of_value.items()})
        rows = []
        for value, _ in counted.most_common(MAX_ROWS):
            uses = of_value[value]
            failed = [use for use in uses if use.result == "failure"]
            more = {name: value} if name else _span(uses)
            rows.append(
                Row(
                    value,
                    self._figure(uses, **{**filters, **more}),
                    self._figure(failed, **{**filters, **more, "result": "failure"}),
                    max(use.instant for use in uses),
                )
            )
        return rows

    def _figure(self, uses: list[_Use], **filters: str) -> Figure:
        window = {"dateRange": "all"}
        if self.start:
            window = {"startDate": format_rfc3339(self.start)}
        if self.end:
            window["endDate"] = format_rfc3339(self.end)
        # An explicit start takes the place of the range.
        if "startDate" in filters:
            window.pop("dateRange", None)
        return Figure(len(uses), {"actor": self.agent, **window, **filters})


@dataclass(frozen=True)
class KeyUse:
    """What the log tells of a key. `read_from` is the time of the oldest entry that was read, where
    MAX_READ was reached first; then nothing earlier is counted."""

    key: KnownKey
    uses: list[_Use] = field(repr=False)
    history: list[Change]
    read_from: datetime | None

    @property
    def agent(self) -> str:
        return self.key.agents[0] if self.key.agents else ""

    @property
    def first(self) -> datetime | None:
        return min((use.instant for use in self.uses), default=None)

    @property
    def last(self) -> datetime | None:
        return max((use.instant for use in self.uses), default=None)

    @property
    def rotated(self) -> Change | None:
        """The last rotation that the log tells of."""
        return next((each for each in self.history if each.action == ROTATED), None)

    @cached_property
    def whole(self) -> Period:
        return self._period(None, None)

    @property
    def before(self) -> Period | None:
        """The seven days before the last rotation."""
        if self.rotated is None:
            return None
        return self._period(self.rotated.instant - BEFORE, self.rotated.instant)

    @property
    def since(self) -> Period | None:
        """The time since the last rotation."""
        return self._period(self.rotated.instant, None) if self.rotated else None

    @property
    def open_orders(self) -> list[str]:
        """The ids of orders of the key that were created and have not ended yet."""
        opened: dict[str, None] = {}
        for use in sorted(self.uses, key=lambda use: use.instant):
            if use.order is None:
                continue
            if use.action == CREATED:
                opened[use.order] = None
            elif use.action in ENDS or (use.action == FILLED and use.result == "success"):
                opened.pop(use.order, None)
        return list(opened)

    def _period(self, start: datetime | None, end: datetime | None) -> Period:
        uses = [
            use
            for use in self.uses
            if (start is None or use.instant >= start) and (end is None or use.instant < end)
        ]
        return Period(self.agent, self.key.id, uses, start, end)


def read(account: str, key: KnownKey) -> KeyUse:
    """Read what the log tells of a key. Raises StorageError."""
    about = list(newest(Entries.of(account).where("target.id", key.id), MAX_ABOUT))
    uses: dict[str, _Use] = {}
    oldest: list[datetime] = []
    for agent in key.agents[:MAX_AGENTS]:
        # Of an entry only a few fields are kept, so that large payloads do not add up.
        kept = list(_uses(newest(Entries.of(account).where("actor.id", agent), MAX_READ), key))
        uses |= {id: use for id, use, _ in kept if use is not None}
        if len(kept) == MAX_READ:
            oldest.append(min(instant for *_, instant in kept))
    for entry in about:
        if not entry.action.startswith("api_key."):
            uses.setdefault(entry.id, _use(entry))
    return KeyUse(
        key,
        sorted(uses.values(), key=lambda use: use.instant, reverse=True),
        [change_of(each) for each in about if each.action.startswith("api_key.")],
        max(oldest, default=None),
    )


def newest(entries: Entries, limit: int) -> Iterator[Entry]:
    """Yield the newest entries of a list with their payloads, batch by batch."""
    cursor, left = None, limit
    while left > 0:
        page = entries.page(min(BATCH, left), cursor=cursor, payloads=True)
        yield from page.entries
        left, cursor = left - len(page.entries), page.next
        if cursor is None or not page.entries:
            return


def change_of(entry: Entry) -> Change:
    """Return a change of a key as its entry tells it."""
    said = (entry.payload or {}).get("changes")
    changes = [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []
    return Change(
        entry.id,
        entry.instant,
        entry.action,
        entry.actor.name or entry.actor.id,
        entry.result,
        tuple((str(each.get("field")), each.get("from"), each.get("to")) for each in changes[:10]),
    )


def names_key(entry: Entry, key: KnownKey) -> bool:
    """Tell whether an entry is of the use of a key."""
    if entry.target is not None and entry.target.id == key.id:
        return not entry.action.startswith("api_key.")
    said = entry.payload or {}
    return said.get("keyId") == key.id or (
        said.get("keyName") == key.name and not said.get("keyId")
    )


def _uses(entries: Iterable[Entry], key: KnownKey) -> Iterator[tuple[str, "_Use | None", datetime]]:
    """Yield the id of each entry, what is kept of it, if it is of the key, and its time.

    An order does not name the key; it is the key's if a call of the key has its correlation. The
    newest are read first, so an order is seen before the call that placed it.
    """
    waiting: dict[str, list[Entry]] = {}
    mine: set[str] = set()
    for entry in entries:
        correlation = entry.correlation_id
        if names_key(entry, key):
            yield entry.id, _use(entry), entry.instant
            if correlation:
                mine.add(correlation)
                for order in waiting.pop(correlation, ()):
                    yield order.id, _use(order), order.instant
            continue
        if entry.action_type == "trade" and correlation and correlation not in mine:
            waiting.setdefault(correlation, []).append(entry)
            continue
        is_mine = entry.action_type == "trade" and correlation in mine
        yield entry.id, _use(entry) if is_mine else None, entry.instant
    for orders in waiting.values():
        for order in orders:
            yield order.id, None, order.instant


def _use(entry: Entry) -> _Use:
    said, target = entry.payload or {}, entry.target
    required = said.get("requiredScope") if entry.result == "failure" else None
    order = said.get("orderId")
    return _Use(
        entry.instant,
        entry.action,
        entry.result,
        entry.actor.id,
        (target.type, target.id) if target else None,
        entry.source_ip,
        required if isinstance(required, str) and required else None,
        order if isinstance(order, str) and entry.action_type == "trade" else None,
        value_of(said) if entry.action == FILLED else None,
    )


def _span(uses: list[_Use]) -> dict[str, str]:
    times = [use.instant for use in uses]
    end = max(times) + timedelta(milliseconds=1)
    return {"startDate": format_rfc3339(min(times)), "endDate": format_rfc3339(end)}
