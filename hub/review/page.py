"""What the page of the daily review shows: each figure with the URL of its entries."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, Self, TypeVar

from django.urls import reverse
from django.utils.http import urlencode

from auditlogs.entry.times import from_ms
from auditlogs.explain.explanation import figure_of, length_of
from auditlogs.review.days import Days
from auditlogs.review.report import Line, Listed, RepeatedIncident, Report, Spike, Total
from auditlogs.review.stopped import Stopped
from hub.access.visits import Visit
from hub.logs.links import Links, figure_url
from hub.ui.amounts import amounts_in_words
from hub.ui.reasons import label_of

S = TypeVar("S")
T = TypeVar("T")

# Keeps a number and its unit together.
NBSP = "\N{NO-BREAK SPACE}"
# Lines of each part on paper, and of failures, so that a review is one page. `review.css` has the
# same numbers.
PRINTED, PRINTED_FAILURES = 6, 10
TOTALS = {
    "entries": "Entries",
    "failures": "Failures",
    "partial": "Partial",
    "ordersCreated": "Orders created",
    "ordersRejected": "Orders rejected",
    "changes": "Changes",
}
KINDS = {"tool": "Tool", "target": "Target", "sourceIp": "Address", "client": "Client"}
ACTIONS = {
    "api_key.created": "key created",
    "api_key.rotated": "key rotated",
    "api_key.revoked": "key revoked",
    "api_key.exposed": "key found in a request",
    "api_key.scopes.updated": "scopes changed",
    "bot.config.updated": "configuration changed",
}


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure, the URL of its entries, and the usual number: the mean of the days before."""

    label: str
    count: int
    url: str
    usual: str = ""
    is_bad: bool = False
    detail: str = ""
    who: str = ""
    parts: tuple[tuple[str, int, str], ...] = ()
    more_parts: int = 0
    columns: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change: what it was about, what was done, by whom and when, and the URL of its entry."""

    target: str
    action: str
    by: str
    at: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class StopView:
    """A breaker that was open or a kill switch that was on, when and how long, and the trades that
    it blocked; `url` leads to its own entries."""

    name: str
    url: str
    when: str
    is_on: bool
    blocked: str
    blocked_url: str
    worth: str


@dataclass(frozen=True, slots=True)
class SpikeView:
    """A key that was refused more often than usual, when, and what was done to it before."""

    figure: FigureView
    when: str
    changes: list[ChangeView]


@dataclass(frozen=True, slots=True)
class SeenView:
    """A value of an agent, when it was seen, and the URL of its entries; `by` approved it."""

    value: str
    agent: str
    at: str
    url: str
    kind: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class SilentView:
    """An agent that is silent, its last entry, and how many it wrote in the days before."""

    agent: str
    last: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """The lines of a part, how many more there are, and how many more than are printed."""

    lines: list[T]
    more: int
    more_than_printed: int

    @classmethod
    def of(cls, listed: Listed[S], view: Callable[[S], T], printed: int = PRINTED) -> Self:
        lines = list(map(view, listed.lines))
        return cls(lines, listed.more, listed.more + len(lines[printed:]))


class ReviewView:
    """What the page of a review shows."""

    def __init__(self, found: Report, visit: Visit, moment: datetime) -> None:
        self.report = found
        self.days: Days = found.days
        self.printed_at = moment
        self.account = visit.account

    @property
    def start_label(self) -> str:
        return self._label(self.days.start)

    @property
    def end_label(self) -> str:
        return self._label(self.days.end)

    @property
    def totals(self) -> list[FigureView]:
        return [self._total(each) for each in self.report.totals]

    @property
    def failures(self) -> Shown[FigureView]:
        return Shown.of(
            self.report.failures,
            lambda each: self._line(each, label_of(each.value)),
            PRINTED_FAILURES,
        )

    @property
    def scopes(self) -> Shown[FigureView]:
        return Shown.of(self.report.scopes, lambda each: self._line(each, each.value, keys=True))

    @property
    def denials(self) -> Shown[FigureView]:
        return Shown.of(
            self.report.denials, lambda each: self._line(each, each.value or "No policy named")
        )

    @property
    def spikes(self) -> Shown[SpikeView]:
        return Shown.of(self.report.spikes, self._spike)

    @property
    def stopped(self) -> Shown[StopView]:
        return Shown.of(self.report.stopped, self._stop)

    @property
    def altered(self) -> Shown[SeenView]:
        return Shown.of(
            self.report.altered,
            lambda each: SeenView(
                each.target,
                each.actor,
                self._clock(each.at),
                Links(each.filters).with_entry(each.entry),
                by=each.by,
            ),
        )

    @property
    def changes(self) -> Shown[ChangeView]:
        return Shown.of(self.report.changes, self._change)

    @property
    def first_seen(self) -> Shown[SeenView]:
        return Shown.of(
            self.report.first_seen,
            lambda each: SeenView(
                each.value,
                self._name(each.bot),
                self._clock(each.at),
                Links(each.filters).here,
                kind=KINDS[each.kind],
            ),
        )

    @property
    def silent(self) -> Shown[SilentView]:
        return Shown.of(
            self.report.silent,
            lambda each: SilentView(
                self._name(each.bot),
                self._label(each.last),
                each.before,
                Links(each.filters).here,
            ),
        )

    @property
    def earlier(self) -> str:
        day = (self.days.day or self._today) - timedelta(days=1)
        return self._url(day=day.isoformat())

    @property
    def later(self) -> str | None:
        if self.days.day is None or self.days.day >= self._today:
            return None
        return self._url(day=(self.days.day + timedelta(days=1)).isoformat())

    @property
    def json_url(self) -> str:
        return self._url(
            reverse("api_review"), day=self.days.day.isoformat() if self.days.day else None
        )

    @property
    def _today(self) -> date:
        return self.printed_at.astimezone(self.days.zone).date()

    def _url(self, page: str = "", **parameters: str | None) -> str:
        zone = self.days.zone.key
        given = {**parameters, "zone": None if zone == "UTC" else zone}
        query = urlencode({name: value for name, value in given.items() if value})
        return (page or reverse("review")) + (f"?{query}" if query else "")

    def _label(self, instant: datetime) -> str:
        local = instant.astimezone(self.days.zone)
        return f"{local:%b} {local.day}, {local:%H:%M}"

    def _clock(self, instant: datetime) -> str:
        """Return "14:02:11", with the date where that is not the one that the review ends on."""
        local = instant.astimezone(self.days.zone)
        last = (self.days.end - timedelta(milliseconds=1)).astimezone(self.days.zone)
        date = "" if local.date() == last.date() else f"{local:%b} {local.day}, "
        return f"{date}{local:%H:%M:%S}"

    def _span(self, start: datetime, end: datetime) -> str:
        """Return "14:02:11–14:07:11", with both dates where they differ."""
        first, last = self._clock(start), self._clock(end)
        date, found, clock = last.rpartition(", ")
        return f"{first}–{clock if found and first.startswith(f'{date}, ') else last}"

    def _spike(self, spike: Spike) -> SpikeView:
        line = spike.line
        return SpikeView(
            self._line(line, line.value),
            self._span(line.first, line.last),
            list(map(self._change, spike.changes)),
        )

    def _stop(self, found: Stopped) -> StopView:
        stop = found.stop
        is_breaker = stop.kind == "breaker"
        name, what = stop.name, "breaker" if is_breaker else "kill switch"
        start, length = from_ms(stop.start), length_of(found.length).replace(" ", NBSP)
        if stop.end is None:
            still = "still open" if is_breaker else "still on"
            when = f"since {self._clock(start)}, {length}: {still}"
        else:
            when = f"{self._span(start, from_ms(stop.end))}, {length}"
        count = figure_of(found.blocked.count, is_more=found.blocked.is_more)
        return StopView(
            f"{name} {what}" if name else what.capitalize(),
            Links(stop.filters).here,
            when,
            stop.end is None,
            f"{count} trade{'' if found.blocked.count == 1 else 's'}",
            figure_url(found.blocked),
            amounts_in_words(found.worth),
        )

    def _change(self, change: RepeatedIncident) -> ChangeView:
        failed = "" if change.result == "success" else f", {change.result}"
        return ChangeView(
            change.target,
            ACTIONS.get(change.action, change.action) + failed,
            change.by,
            self._clock(change.at),
            change.count,
            Links({"action": change.action, "dateRange": "all"}).with_entry(str(change.entry)),
        )

    def _name(self, bot: str) -> str:
        return self.report.names.get(bot, bot)

    def _total(self, total: Total) -> FigureView:
        is_bad = total.name in ("failures", "ordersRejected") and total.figure.count > 0
        return FigureView(
            TOTALS[total.name],
            total.figure.count,
            figure_url(total.figure),
            _usual(total.before),
            is_bad and total.figure.count > sum(total.before) / len(total.before),
        )

    def _line(self, line: Line, label: str, *, keys: bool = False) -> FigureView:
        parts = tuple(
            (
                part.value if keys else self._name(part.value),
                part.figure.count,
                figure_url(part.figure),
            )
            for part in line.parts.lines
        )
        word = "keys" if keys else "agents"
        total = len(parts) + line.parts.more
        who = parts[0][0] if total == 1 else f"{total:,} {word}" if parts else "–"
        numbers = (*line.before, line.figure.count)
        most = max(4, *numbers)
        return FigureView(
            label,
            line.figure.count,
            figure_url(line.figure),
            _usual(line.before),
            line.figure.count > 2 * sum(line.before) / len(line.before),
            who=who,
            parts=parts if total > 1 else (),
            more_parts=line.parts.more,
            columns=tuple(
                (place * 8, max(2, round(number * 16 / most)) if number else 0)
                for place, number in enumerate(numbers)
            ),
        )


def _usual(before: tuple[int, ...]) -> str:
    """Return the mean of the days before: "6.9", "274"."""
    mean = sum(before) / len(before)
    return f"{mean:,.0f}" if mean >= 100 or mean == 0 else f"{mean:.1f}"
