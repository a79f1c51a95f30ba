"""The daily review of an account, or of one bot: what failed, for what reason, and what is new.

It is made of the kept counters and notes, in five round trips, whatever the size of the log; and of
a bounded number of entries: those of breakers and kill switches with the trades that they blocked,
and those of approvals. A figure comes with the filters of the list that has exactly these entries.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Generic, Self, TypeVar
from uuid import UUID

from auditlogs.entry.identity import id_ms
from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import DAY_MS, format_rfc3339, from_ms, now
from auditlogs.query.entries import Entries
from auditlogs.query.figures import Figure
from auditlogs.query.values import escape
from auditlogs.review.altered import Altered, altered
from auditlogs.review.days import Days
from auditlogs.review.stopped import Stopped, stopped
from auditlogs.storage import counts, fleet
from auditlogs.storage.counts import FailureCount, Incident, Kind, Span, start_of
from auditlogs.storage.retention import oldest_ms

T = TypeVar("T")

# Lines of each part; the number of those left out is said.
MAX_LINES = 20
# A spike of refused sign-ins: at least so many, and more than so many times the usual number.
SPIKE, SPIKE_FACTOR = 3, 2
KEY_CHANGES = ("api_key.rotated", "api_key.revoked", "api_key.scopes.updated")
FAILED: Mapping[str, str] = {"result": "failure"}


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """The first lines of a part, and how many more there are."""

    lines: list[T]
    more: int = 0

    @classmethod
    def of(cls, lines: list[T]) -> Self:
        return cls(lines[:MAX_LINES], len(lines[MAX_LINES:]))


@dataclass(frozen=True, slots=True)
class Total:
    """A figure of the whole day, with the numbers of the seven days before, oldest first."""

    name: str
    figure: Figure
    before: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LinePart:
    """An agent or a key of a line, and its share."""

    value: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Line:
    """Entries with one value in common; an empty value has those that have none. `parts` are those
    of agents or keys, the most frequent first; `first` and `last` their times."""

    value: str
    figure: Figure
    before: tuple[int, ...]
    parts: Listed[LinePart]
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class RepeatedIncident:
    """An incident: what was done to what, by whom, how often, and its last entry."""

    action: str
    target: str
    bot: str
    by: str
    result: str
    count: int
    at: datetime
    entry: UUID


@dataclass(frozen=True, slots=True)
class Spike:
    """Sign-ins that were refused more often than usual, and what was done to the key before."""

    line: Line
    changes: tuple[RepeatedIncident, ...]


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """What an agent used for the first time; `kind` is the name of its filter."""

    bot: str
    kind: str
    value: str
    at: datetime
    filters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Silent:
    """An agent with entries in the days before and none in the day."""

    bot: str
    last: datetime
    before: int
    filters: Mapping[str, str]


@dataclass(frozen=True)
class Report:
    """A review. `counted_at` is when counting was last complete; `days_known` are the days before
    that first uses are compared with. `is_cut` tells whether more values occurred than are counted
    one by one."""

    days: Days
    bot: str | None
    counted_at: datetime | None
    names: Mapping[str, str]
    entries_read: int
    totals: list[Total]
    failures: Listed[Line]
    spikes: Listed[Spike]
    scopes: Listed[Line]
    denials: Listed[Line]
    stopped: Listed[Stopped]
    altered: Listed[Altered]
    changes: Listed[RepeatedIncident]
    first_seen: Listed[FirstSeen]
    days_known: int
    silent: Listed[Silent]
    is_cut: bool


def review(account: str, days: Days, bot: str | None = None) -> Report:
    """Review the last of these days, for an account or for one of its bots. Raises StorageError."""
    return _Reading(account, days, bot).report()


class _Reading:
    """What is read of an account for a review, each part once."""

    def __init__(self, account: str, days: Days, bot: str | None) -> None:
        self.account, self.days, self.bot = account, days, bot
        self.entries = Entries.of(account, bot)
        self.window = {
            "startDate": format_rfc3339(days.start),
            "endDate": format_rfc3339(days.end),
        }

    @cached_property
    def by_day(self) -> list[list[Span]]:
        covers = [list(counts.longest(*span)) for span in self.days.spans]
        fields = ("types", "actions", "bots", "failures", "incidents")
        found = counts.spans_of(self.account, [each for cover in covers for each in cover], fields)
        return [[found[each] for each in cover if each in found] for cover in covers]

    @property
    def today(self) -> list[Span]:
        return self.by_day[-1]

    @cached_property
    def seen(self) -> list[Span]:
        """The days with what was seen on each for the first time."""
        _, end = self.days.spans[-1]
        # The oldest entries of the first day may have expired; what was seen on it is still known.
        oldest = start_of("day", oldest_ms(now()))
        of_days: list[tuple[Kind, int]] = [("day", each) for each in range(oldest, end, DAY_MS)]
        return list(counts.spans_of(self.account, of_days, ["seen"]).values())

    @property
    def days_known(self) -> int:
        start, _ = self.days.spans[-1]
        earliest = min((span.start for span in self.seen), default=start)
        return max(0, start - earliest) // DAY_MS

    def report(self) -> Report:
        spans = [span for day in self.by_day for span in day]
        return Report(
            days=self.days,
            bot=self.bot,
            counted_at=counts.counted_at(),
            names={each.bot: each.name for each in fleet.roster(self.account) if each.name},
            entries_read=sum(map(self._entries, self.by_day)),
            totals=self._totals(),
            failures=Listed.of(
                self._lines(_is_failed, "reason", lambda row: row.reason, number=_failures)
            ),
            spikes=self._spikes(),
            scopes=Listed.of(
                self._lines(
                    _lacks_scope,
                    "requiredScope",
                    lambda row: row.scope,
                    number=_failures,
                    by_key=True,
                )
            ),
            # A call can be denied and end in part, or well.
            denials=Listed.of(
                self._lines(
                    _is_denied,
                    "policy",
                    lambda row: row.policy,
                    filters={"decision": "denied"},
                    number=_entries,
                )
            ),
            stopped=Listed.of(stopped(self.entries, self.days)),
            altered=Listed.of(altered(self.entries, self.days)),
            changes=Listed.of(self._incidents("api_key.", "bot.config.")),
            first_seen=Listed.of(self._first_seen()),
            days_known=self.days_known,
            silent=Listed.of(self._silent()),
            is_cut=any(span.rest for span in (*spans, *self.seen)),
        )

    def _figure(self, count: int, **filters: str) -> Figure:
        bot = {} if self.bot is None else {"botId": escape(self.bot)}
        return Figure(count, {**self.window, **bot, **filters})

    def _entries(self, spans: Iterable[Span], result: str | None = None) -> int:
        if self.bot is not None:
            tallies = (tally for span in spans for tally in span.tallies)
            return sum(tally.count.of(result) for tally in tallies if tally.bot == self.bot)
        return _sum(spans, "types", result)

    def _totals(self) -> list[Total]:
        asked: list[tuple[str, dict[str, str], Callable[[list[Span]], int]]] = [
            ("entries", {}, self._entries),
            ("failures", {"result": "failure"}, lambda day: self._entries(day, "failure")),
            ("partial", {"result": "partial"}, lambda day: self._entries(day, "partial")),
        ]
        if self.bot is None:
            # Of one bot actions are not counted.
            asked += [
                (
                    "ordersCreated",
                    {"action": "order.created"},
                    lambda day: _sum(day, "actions", None, "order.created"),
                ),
                (
                    "ordersRejected",
                    {"action": "order.rejected"},
                    lambda day: _sum(day, "actions", None, "order.rejected"),
                ),
                ("changes", {"action": "config"}, lambda day: _sum(day, "types", None, "config")),
            ]
        return [
            Total(
                name,
                self._figure(number(self.today), **filters),
                tuple(number(day) for day in self.by_day[:-1]),
            )
            for name, filters, number in asked
        ]

    def _rows(self, spans: Iterable[Span]) -> list[FailureCount]:
        rows = (row for span in spans for row in span.failures)
        return [row for row in rows if self.bot in (None, row.bot)]

    def _lines(
        self,
        is_of: Callable[[FailureCount], bool],
        name: str,
        value: Callable[[FailureCount], str],
        *,
        filters: Mapping[str, str] = FAILED,
        number: Callable[[Iterable[FailureCount]], int],
        by_key: bool = False,
    ) -> list[Line]:
        """Return a line for each value, the most frequent first, divided by agents, or by keys
        where a scope was missing."""
        days = [
            _grouped(filter(is_of, self._rows(day)), lambda row: (value(row),))
            for day in self.by_day
        ]
        lines = [
            self._line(
                each,
                rows,
                {**filters, name: escape(each)} if each else None,
                tuple(number(day.get(each, ())) for day in days[:-1]),
                number,
                by_key=by_key,
            )
            for each, rows in days[-1].items()
        ]
        return sorted(lines, key=lambda line: (-line.figure.count, line.value))

    def _line(
        self,
        value: str,
        rows: list[FailureCount],
        filters: dict[str, str] | None,
        before: tuple[int, ...],
        number: Callable[[Iterable[FailureCount]], int],
        *,
        by_key: bool,
    ) -> Line:
        of_part = _grouped(rows, _key_names if by_key else lambda row: (row.bot,))
        # Only the first of a key's name and id names the part, but either is filtered by.
        names = set(map(_first_key_name, rows)) if by_key else of_part.keys()
        parts = []
        for part in names - {""}:
            narrowed = filters and {**filters, "key" if by_key else "botId": escape(part)}
            parts.append(LinePart(part, self._figure_of(number(of_part[part]), narrowed)))
        parts.sort(key=lambda part: (-part.figure.count, part.value))
        return Line(
            value,
            self._figure_of(number(rows), filters),
            before,
            Listed.of(parts),
            from_ms(min(row.first_ms for row in rows)),
            from_ms(max(row.last_ms for row in rows)),
        )

    def _figure_of(self, count: int, filters: dict[str, str] | None) -> Figure:
        return Figure(count, None) if filters is None else self._figure(count, **filters)

    def _spikes(self) -> Listed[Spike]:
        refused = [filter(_is_sign_in_refused, self._rows(day)) for day in self.by_day]
        days = [_grouped(rows, _key_names) for rows in refused]
        names = {_first_key_name(row) for rows in days[-1].values() for row in rows}
        lines = []
        for key in names - {""}:
            before = tuple(_failures(day.get(key, ())) for day in days[:-1])
            number = _failures(days[-1][key])
            if number < SPIKE or number <= SPIKE_FACTOR * sum(before) / len(before):
                continue
            filters = {"action": "auth", "result": "failure", "key": escape(key)}
            lines.append(self._line(key, days[-1][key], filters, before, _failures, by_key=False))
        listed = Listed.of(sorted(lines, key=lambda line: (-line.figure.count, line.value)))
        spikes = [Spike(line, self._before(line.value, line.last)) for line in listed.lines]
        return Listed(spikes, listed.more)

    def _before(self, key: str, until: datetime) -> tuple[RepeatedIncident, ...]:
        """Return what was done to a key before a time, in the day and the one before, newest
        first."""
        found = [
            _change(each)
            for day in self.by_day[-2:]
            for span in day
            for each in span.incidents
            if each.action in KEY_CHANGES
            and each.result == "success"
            and key in (each.target, each.target_name, *each.key.split(SEPARATOR))
        ]
        earlier = [change for change in found if change.at <= until]
        return tuple(sorted(earlier, key=lambda change: change.at, reverse=True)[:2])

    def _incidents(self, *beginnings: str) -> list[RepeatedIncident]:
        found = (each for span in self.today for each in span.incidents)
        changes = [
            _change(each)
            for each in found
            if each.action.startswith(beginnings) and self.bot in (None, each.bot)
        ]
        return sorted(changes, key=lambda change: change.at)

    def _first_seen(self) -> list[FirstSeen]:
        """Return what no agent of it had used in the kept days before."""
        start, end = self.days.spans[-1]
        first: dict[tuple[str, str, str], int] = {}
        for each in (each for span in self.seen for each in span.seen):
            if self.bot in (None, each.bot):
                first[each.label] = min(first.get(each.label, each.first_ms), each.first_ms)
        # An agent that is new itself is said once, by its tools; without days before all is new.
        found = [
            FirstSeen(
                bot,
                kind,
                value,
                from_ms(at),
                {**self.window, "botId": escape(bot), kind: escape(value)},
            )
            for (bot, kind, value), at in first.items()
            if start <= at < end
        ]
        return sorted(found, key=lambda each: (each.at, each.bot, each.kind, each.value))

    def _silent(self) -> list[Silent]:
        acted = {tally.bot for span in self.today for tally in span.tallies}
        before: dict[str, int] = defaultdict(int)
        last: dict[str, int] = defaultdict(int)
        for tally in (tally for day in self.by_day[:-1] for span in day for tally in span.tallies):
            before[tally.bot] += tally.entries
            last[tally.bot] = max(last[tally.bot], tally.last_ms)
        window = {
            "startDate": format_rfc3339(from_ms(self.days.spans[0][0])),
            "endDate": self.window["startDate"],
        }
        found = [
            Silent(bot, from_ms(last[bot]), number, {**window, "botId": escape(bot)})
            for bot, number in before.items()
            if bot not in acted and self.bot in (None, bot)
        ]
        return sorted(found, key=lambda each: (-each.before, each.bot))


def _grouped(
    rows: Iterable[FailureCount], values: Callable[[FailureCount], Iterable[str]]
) -> dict[str, list[FailureCount]]:
    """Return rows by a value; one with several is among those of each."""
    groups: dict[str, list[FailureCount]] = defaultdict(list)
    for row in rows:
        for value in values(row):
            groups[value].append(row)
    return groups


def _key_names(row: FailureCount) -> set[str]:
    """Return the name and the id of a row's key."""
    return set(row.key.split(SEPARATOR))


def _first_key_name(row: FailureCount) -> str:
    return row.key.partition(SEPARATOR)[0]


def _is_sign_in_refused(row: FailureCount) -> bool:
    return row.action_type == "auth" and row.failure > 0


def _is_failed(row: FailureCount) -> bool:
    return row.failure > 0


def _lacks_scope(row: FailureCount) -> bool:
    return bool(row.failure and row.scope)


def _is_denied(row: FailureCount) -> bool:
    return row.is_denied


def _entries(rows: Iterable[FailureCount]) -> int:
    return sum(row.total for row in rows)


def _failures(rows: Iterable[FailureCount]) -> int:
    return sum(row.failure for row in rows)


def _sum(spans: Iterable[Span], field: str, result: str | None, value: str | None = None) -> int:
    values = (count for span in spans for count in span.counts.get(field, ()))
    return sum(count.of(result) for count in values if value in (None, count.value))


def _change(incident: Incident) -> RepeatedIncident:
    return RepeatedIncident(
        incident.action,
        incident.target_name or incident.target or incident.provider or incident.key,
        incident.bot,
        incident.actor_name or incident.actor,
        incident.result,
        incident.count,
        from_ms(id_ms(incident.last)),
        incident.last,
    )
