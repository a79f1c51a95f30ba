"""Breakers that were open and kill switches that were on in a day, and the trades they blocked.

They are read from their own entries and from those of the trades, since counters know neither how
long one lasted nor what a trade was worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from auditlogs.entry.amounts import value_of
from auditlogs.entry.facts import fact, facts_of
from auditlogs.entry.reasons import Slug
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, from_ms, now, to_ms
from auditlogs.explain.evidence import within
from auditlogs.query.entries import Entries
from auditlogs.query.figures import Figure
from auditlogs.query.stops import Stop, StopKind
from auditlogs.query.values import Values, escape
from auditlogs.review.days import Days

REASONS: Mapping[StopKind, Slug] = {"breaker": "breaker_open", "kill_switch": "kill_switch"}
# The newest trades of the day that are read; the figures of earlier stops are then too low.
MAX_TRADES, MAX_BYTES = 1_000, 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop, and the trades of the day that it blocked: what they were worth by currency, empty
    where one does not say it."""

    stop: Stop
    blocked: Figure
    worth: Mapping[str, Decimal]

    @property
    def length(self) -> timedelta:
        """How long it lasted, up to now where it has not ended."""
        end = self.stop.end or to_ms(now())
        return timedelta(milliseconds=max(0, end - self.stop.start))


def stopped(entries: Entries, days: Days) -> list[Stopped]:
    """Return what was stopped in the day, the oldest first. Raises StorageError."""
    stops = _ended_since(_stops(entries, days), entries, days)
    if not stops:
        return []
    trades = within(entries, days.start, days.end).where("actionType", "trade")
    failed = trades.where("result", "failure").keep("facts.reason", Values((*REASONS.values(),)))
    page = failed.page(MAX_TRADES, payloads=True, max_bytes=MAX_BYTES)
    oldest = page.entries[-1].instant if page.entries else days.end
    read_from = to_ms(oldest if page.next else days.start)
    blocked = [(each, frozenset(facts_of(each))) for each in page.entries]
    return [_stopped(each, days, entries.bot, blocked, read_from) for each in stops]


def _stops(entries: Entries, days: Days) -> list[Stop]:
    return within(entries, days.start, days.end).stops().stops


def _ended_since(stops: list[Stop], entries: Entries, days: Days) -> list[Stop]:
    """Return the stops with the ends of those that the day left open."""
    if days.end > now() or all(stop.end for stop in stops):
        return stops
    ended = {each.label: each for each in within(entries, days.start, None).stops().stops}
    return [stop if stop.end else ended.get(stop.label, stop) for stop in stops]


def _stopped(
    stop: Stop,
    days: Days,
    bot: str | None,
    trades: Sequence[tuple[Entry, frozenset[str]]],
    read_from: int,
) -> Stopped:
    start, end = days.spans[-1]
    start, end = max(start, stop.start), min(end, stop.end or end)
    wanted: dict[str, str] = {"reason": REASONS[stop.kind]}
    if stop.kind == "breaker" and stop.name_id:
        wanted["provider"] = stop.name_id
    of_bot = bot or (stop.bot if stop.kind == "kill_switch" else None)
    needed = {fact(name, value) for name, value in wanted.items()}
    own = [
        each
        for each, facts in trades
        if start <= to_ms(each.instant) < end and needed <= facts and of_bot in (None, each.bot_id)
    ]
    filters = {"action": "trade", "result": "failure"}
    filters |= {name: escape(value) for name, value in wanted.items()}
    filters |= {"botId": escape(of_bot)} if of_bot else {}
    filters |= {"startDate": _rfc3339(start), "endDate": _rfc3339(end)}
    return Stopped(
        stop,
        Figure(len(own), filters, is_more=start < read_from),
        _worth(own),
    )


def _worth(trades: Sequence[Entry]) -> Mapping[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for trade in trades:
        value = value_of(trade.payload or {})
        if value is None:
            return {}
        currency, amount = value
        totals[currency] = totals.get(currency, Decimal()) + amount
    return totals


def _rfc3339(ms: int) -> str:
    return format_rfc3339(from_ms(ms))
