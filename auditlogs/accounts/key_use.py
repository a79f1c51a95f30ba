"""What an agent's key did, from the log: what somebody needs to know before revoking it.

Its entries are those that name it in their payload, by name or id (the filter `key`), without
changes of configuration, which are about it. They are counted by the worker; orders, which seldom
name the key, are read (`key_orders`), and so are the changes of the key itself.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from auditlogs.accounts import key_orders
from auditlogs.accounts.key_orders import OrderEntry, Orders
from auditlogs.counters import uses
from auditlogs.counters.notes import add
from auditlogs.entry.facts import FACT_LENGTH
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import DAY_MS, HOUR_MS, format_rfc3339, from_ms, now, to_ms
from auditlogs.query.batches import in_batches
from auditlogs.query.entries import Entries
from auditlogs.query.figures import Figure
from auditlogs.query.values import MAX_VALUES, Values, escape
from auditlogs.storage.counts import Use, start_of
from auditlogs.storage.retention import oldest_ms

MAX_CHANGES = 100
# Agents whose orders are read, the most active first.
MAX_AGENTS = 3
# Rows of each list; the rest are counted.
MAX_ROWS = 20
DAY_HOURS = 24
BEFORE_MS = 7 * DAY_MS
CALL, CREATED, FILLED, ROTATED = "mcp.tool.call", "order.created", "order.filled", "api_key.rotated"
# Reasons of a refusal that are in the key itself, and the one that is in its scopes.
OF_KEY = ("key_rotated", "key_revoked", "key_expired", "invalid_key")
OF_SCOPES = ("missing_scope",)


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as the log knows it: id, name, the actor ids of its agents, and the ids of other keys
    of this name."""

    id: str
    name: str
    agents: tuple[str, ...]
    namesakes: tuple[str, ...] = ()

    @property
    def values(self) -> Values:
        """The values of the filter for its entries."""
        names = [each for each in dict.fromkeys((self.name, self.id)) if len(each) <= FACT_LENGTH]
        return Values(tuple(names), self.namesakes[: MAX_VALUES - len(names)])


@dataclass(frozen=True, slots=True)
class UsedValue:
    """A value, how often it occurred, how often with a failure, and when last."""

    value: str
    figure: Figure
    failures: Figure
    last: datetime


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A change of the key: what, by whom, with the values before and after, and its entry."""

    entry_id: str
    instant: datetime
    action: str
    by: str
    result: str
    changes: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True)
class Period:
    """The uses of a key from a time to another, as figures; `uses` are by kind, then by value."""

    key: KnownKey
    start: datetime | None
    end: datetime | None
    is_cut: bool
    orders_read: Orders
    uses: Mapping[str, Mapping[str, Use]] = field(repr=False)

    @property
    def entries(self) -> Figure:
        return self._figure(sum(use.total for use in self._of("actor").values()))

    @property
    def failures(self) -> Figure:
        failed = sum(use.failure for use in self._of("actor").values())
        return self._figure(failed, result="failure")

    @property
    def calls(self) -> Figure:
        return self._figure(self._sum("action", (CALL,)), action=CALL)

    @property
    def refused_key(self) -> Figure:
        """What was refused for the key itself: mistyped, rotated, revoked or expired."""
        return self._figure(self._sum("reason", OF_KEY), reason=",".join(OF_KEY))

    @property
    def refused_scope(self) -> Figure:
        return self._figure(self._sum("reason", OF_SCOPES), reason=",".join(OF_SCOPES))

    @property
    def agents(self) -> list[UsedValue]:
        return self._rows("actor")

    @property
    def tools(self) -> list[UsedValue]:
        return self._rows("tool")

    @property
    def targets(self) -> list[UsedValue]:
        """What was acted upon, other than tools and the key itself."""
        return self._rows("target", {self.key.id, *self._of("tool")})

    @property
    def addresses(self) -> list[UsedValue]:
        return self._rows("sourceIp")

    @property
    def scopes_missed(self) -> list[UsedValue]:
        """The calls that failed, by the scope that was missing."""
        rows = self._rows("requiredScope", result="failure")
        return [row for row in rows if row.figure.count]

    @property
    def first(self) -> datetime | None:
        times = [use.first_ms for use in self._of("actor").values()]
        return from_ms(min(times)) if times else None

    @property
    def last(self) -> datetime | None:
        times = [use.last_ms for use in self._of("actor").values()]
        return from_ms(max(times)) if times else None

    @property
    def orders(self) -> Figure:
        return self._orders(CREATED)

    @property
    def fills(self) -> Figure:
        return self._orders(FILLED, "success")

    @property
    def partial_fills(self) -> Figure:
        return self._orders(FILLED, "partial")

    @property
    def amounts(self) -> dict[str, Decimal]:
        """What was filled whole, by the currency that it was paid in. Of a partial fill no entry
        says in a field how large the part was."""
        amounts: dict[str, Decimal] = {}
        for entry in self._order_entries(FILLED, "success"):
            if entry.value:
                currency, value = entry.value
                amounts[currency] = amounts.get(currency, Decimal()) + value
        return amounts

    def number_of(self, kind: str) -> int:
        """Return how many different values of a kind there were: actor, tool, sourceIp."""
        return len(self._of(kind))

    def _of(self, kind: str) -> Mapping[str, Use]:
        return self.uses.get(kind, {})

    def _sum(self, kind: str, values: Sequence[str]) -> int:
        found = self._of(kind)
        return sum(found[value].total for value in values if value in found)

    def _rows(
        self, kind: str, without: Set[str] = frozenset(), result: str = ""
    ) -> list[UsedValue]:
        """Return the most frequent values, with all entries or those of a result."""
        found = [use for use in self._of(kind).values() if use.value not in without]
        found.sort(key=lambda use: (-use.total, use.value))
        rows = []
        for use in found[:MAX_ROWS]:
            own = {kind: escape(use.value)}
            failures = self._figure(use.failure, **own, result="failure")
            whole = failures if result == "failure" else self._figure(use.total, **own)
            rows.append(UsedValue(use.value, whole, failures, from_ms(use.last_ms)))
        return rows

    def _figure(self, count: int, **filters: str) -> Figure:
        every = {"key": str(self.key.values), "action": "-config", **self._window}
        return Figure(count, {**every, **filters}, self.is_cut)

    def _orders(self, action: str, result: str = "") -> Figure:
        found = self._order_entries(action, result)
        filters = {**self._window, "action": action, **({"result": result} if result else {})}
        names = dict.fromkeys(entry.order for entry in found)
        is_more = self.orders_read.is_cut_since(self.start)
        # The list takes so many orders, and without any it would have those of all keys.
        if not 0 < len(names) <= MAX_VALUES:
            return Figure(len(found), None, is_more)
        return Figure(len(found), {**filters, "orderId": str(Values(tuple(names)))}, is_more)

    def _order_entries(self, action: str, result: str = "") -> list[OrderEntry]:
        return [
            each
            for each in self.orders_read.entries
            if each.action == action
            and (not result or each.result == result)
            and (self.start is None or each.instant >= self.start)
            and (self.end is None or each.instant < self.end)
        ]

    @property
    def _window(self) -> dict[str, str]:
        window = {"dateRange": "all"}
        if self.start:
            window = {"startDate": format_rfc3339(self.start)}
        if self.end:
            window["endDate"] = format_rfc3339(self.end)
        return window


@dataclass(frozen=True)
class KeyUse:
    """What the log tells of a key: its uses in all kept time and in 24 hours, in the seven days
    before its last rotation and since then, and its changes, the newest first."""

    key: KnownKey
    whole: Period
    day: Period
    before: Period | None
    since: Period | None
    rotated: KeyChange | None
    history: list[KeyChange]
    orders: Orders


def read(account: str, key: KnownKey, bot: str | None = None) -> KeyUse:
    """Read what the log tells of a key, for a reader of one bot from its entries. Raises
    StorageError."""
    return _Reading(account, key, bot).use()


class _Reading:
    """What is read of a key's use, each part once. Times are in milliseconds."""

    def __init__(self, account: str, key: KnownKey, bot: str | None) -> None:
        self.account, self.key, self.bot = account, key, bot
        self.log = Entries.of(account, bot)
        self.oldest, self.day = oldest_ms(now()), to_ms(first_hour())

    @cached_property
    def history(self) -> list[KeyChange]:
        about = self.log.where("target.id", self.key.id).where("actionType", "config")
        return [change_of(each) for each in in_batches(about, MAX_CHANGES)]

    @cached_property
    def rotated(self) -> KeyChange | None:
        rotations = (each for each in self.history if each.action == ROTATED)
        return next((each for each in rotations if each.result == "success"), None)

    @cached_property
    def edges(self) -> list[int]:
        edges = {self.oldest, self.day}
        if self.rotated:
            at = to_ms(self.rotated.instant)
            edges |= {at, _before(at)}
        return sorted(edge for edge in edges if edge >= self.oldest)

    @cached_property
    def parts(self) -> list[uses.SpanUses]:
        return uses.read(self.account, self.bot, self.key.values, self.edges)

    @cached_property
    def orders(self) -> Orders:
        acting = self._period(None, None, Orders()).agents
        agents = dict.fromkeys((*self.key.agents, *(row.value for row in acting)))
        return key_orders.read(self.log, self.key.values, list(agents)[:MAX_AGENTS])

    def use(self) -> KeyUse:
        at = to_ms(self.rotated.instant) if self.rotated else None
        return KeyUse(
            self.key,
            whole=self._period(None, None, self.orders),
            day=self._period(self.day, None, self.orders),
            before=None if at is None else self._period(_before(at), at, self.orders),
            since=None if at is None else self._period(at, None, self.orders),
            rotated=self.rotated,
            history=self.history,
            orders=self.orders,
        )

    @property
    def _bounds(self) -> list[tuple[int, int | None]]:
        return [*pairwise(self.edges), (self.edges[-1], None)]

    def _period(self, start: int | None, end: int | None, orders: Orders) -> Period:
        rows: uses.Rows = {}
        is_cut = False
        for (low, high), part in zip(self._bounds, self.parts, strict=True):
            is_before_end = end is None or (high is not None and high <= end)
            if (start is None or low >= start) and is_before_end:
                is_cut = is_cut or part.is_cut
                for use in part.uses:
                    add(rows, use)
        by_kind: dict[str, dict[str, Use]] = {}
        for use in rows.values():
            by_kind.setdefault(use.kind, {})[use.value] = use
        first, last = (None if ms is None else from_ms(ms) for ms in (start, end))
        return Period(self.key, first, last, is_cut, orders, by_kind)


def _before(rotation: int) -> int:
    """Return the start of the time that is compared with what followed a rotation, in ms: that of a
    quarter of an hour, because whole ones are counted."""
    return start_of("quarter", rotation - BEFORE_MS)


def first_hour() -> datetime:
    """Return the start of 24 hours: of this hour of the clock and the 23 before it."""
    return from_ms(start_of("hour", to_ms(now())) - (DAY_HOURS - 1) * HOUR_MS)


def change_of(entry: Entry) -> KeyChange:
    """Return a change of a key as its entry tells it."""
    said = (entry.payload or {}).get("changes")
    changes = [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []
    return KeyChange(
        entry.id,
        entry.instant,
        entry.action,
        entry.actor.name or entry.actor.id,
        entry.result,
        tuple((str(each.get("field")), each.get("from"), each.get("to")) for each in changes[:10]),
    )
