"""The daily review: what failed, what is new and who is silent, on one page that can be filed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from auditlogs.entry.times import now
from auditlogs.query.figures import Figure
from auditlogs.review import report
from auditlogs.review.days import Days, parse_days
from auditlogs.review.report import Change, Line, Report, Total
from hub.access.visits import HubRequest, Visit, for_members
from hub.logs.links import Links
from hub.ui.reasons import label_of

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
    "circuit_breaker.opened": "breaker opened",
    "circuit_breaker.half_opened": "breaker half-opened",
    "circuit_breaker.closed": "breaker closed",
    "kill_switch.activated": "kill switch on",
    "kill_switch.released": "kill switch off",
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
    columns: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change: what it was about, what was done, by whom and when, and the URL of its entry."""

    target: str
    action: str
    by: str
    at: datetime
    count: int
    url: str


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

    @cached_property
    def failures(self) -> list[FigureView]:
        return [self._line(each, label_of(each.value)) for each in self.report.failures.lines]

    @property
    def scopes(self) -> list[FigureView]:
        return [self._line(each, each.value, keys=True) for each in self.report.scopes.lines]

    @property
    def denials(self) -> list[FigureView]:
        lines = self.report.denials.lines
        return [self._line(each, each.value or "No policy named") for each in lines]

    @property
    def blocked(self) -> list[FigureView]:
        return [self._line(each, each.value) for each in self.report.blocked.lines]

    @property
    def spikes(self) -> list[tuple[FigureView, Line, list[ChangeView]]]:
        return [
            (self._line(each.line, each.line.value), each.line, list(map(_change, each.changes)))
            for each in self.report.spikes.lines
        ]

    @property
    def breakers(self) -> list[ChangeView]:
        return list(map(_change, self.report.breakers.lines))

    @property
    def changes(self) -> list[ChangeView]:
        return list(map(_change, self.report.changes.lines))

    @property
    def first_seen(self) -> list[tuple[str, str, str, datetime, str]]:
        return [
            (KINDS[each.kind], each.value, self._name(each.bot), each.at, Links(each.filters).here)
            for each in self.report.first_seen.lines
        ]

    @property
    def silent(self) -> list[tuple[str, datetime, int, str]]:
        return [
            (self._name(each.bot), each.last, each.before, Links(each.filters).here)
            for each in self.report.silent.lines
        ]

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
    def _today(self) -> Any:
        return self.printed_at.astimezone(self.days.zone).date()

    def _url(self, page: str = "", **parameters: str | None) -> str:
        zone = self.days.zone.key
        given = {**parameters, "zone": None if zone == "UTC" else zone}
        query = urlencode({name: value for name, value in given.items() if value})
        return (page or reverse("review")) + (f"?{query}" if query else "")

    def _label(self, instant: datetime) -> str:
        local = instant.astimezone(self.days.zone)
        return f"{local:%b} {local.day}, {local:%H:%M}"

    def _name(self, bot: str) -> str:
        return self.report.names.get(bot, bot)

    def _total(self, total: Total) -> FigureView:
        is_bad = total.name in ("failures", "ordersRejected") and total.figure.count > 0
        return FigureView(
            TOTALS[total.name],
            total.figure.count,
            _url(total.figure),
            _usual(total.before),
            is_bad and total.figure.count > sum(total.before) / len(total.before),
        )

    def _line(self, line: Line, label: str, *, keys: bool = False) -> FigureView:
        parts = tuple(
            (part.value if keys else self._name(part.value), part.figure.count, _url(part.figure))
            for part in line.parts
        )
        word = "keys" if keys else "agents"
        who = parts[0][0] if len(parts) == 1 else f"{len(parts)} {word}" if parts else "–"
        numbers = (*line.before, line.figure.count)
        most = max(4, *numbers)
        return FigureView(
            label,
            line.figure.count,
            _url(line.figure),
            _usual(line.before),
            line.figure.count > 2 * sum(line.before) / len(line.before),
            who=who,
            parts=parts if len(parts) > 1 else (),
            columns=tuple(
                (place * 8, max(2, round(number * 16 / most)) if number else 0)
                for place, number in enumerate(numbers)
            ),
        )


@require_safe
@for_members
def review(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show the review of a day, or of the last 24 hours."""
    moment = now()
    days, errors = parse_days(request.GET.get("day", ""), request.GET.get("zone", ""), moment)
    view = ReviewView(report.review(visit.account.id, days), visit, moment)
    return render(request, "hub/review/review.html", {"view": view, "errors": errors})


def _url(figure: Figure) -> str:
    return "" if figure.filters is None else Links(figure.filters).here


def _usual(before: tuple[int, ...]) -> str:
    """Return the mean of the days before: "6.9", "274"."""
    mean = sum(before) / len(before)
    return f"{mean:,.0f}" if mean >= 100 or mean == 0 else f"{mean:.1f}"


def _change(change: Change) -> ChangeView:
    failed = "" if change.result == "success" else f", {change.result}"
    return ChangeView(
        change.target,
        ACTIONS.get(change.action, change.action) + failed,
        change.by,
        change.at,
        change.count,
        Links({"action": change.action, "dateRange": "all"}).with_entry(str(change.entry)),
    )
