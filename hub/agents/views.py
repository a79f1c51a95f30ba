"""The agents of an account: what each did and how often it failed, from the kept counters."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from auditlogs.accounts import keys
from auditlogs.counters import leader
from auditlogs.entry.schema import LONG_ID_LENGTH, Entry
from auditlogs.entry.text import norm
from auditlogs.entry.times import DAY_MS, HOUR_MS, format_rfc3339, from_ms, now, to_ms
from auditlogs.models import Account, ApiKey
from auditlogs.query.entries import Entries
from auditlogs.storage import counts
from auditlogs.storage.counts import Span, Tally
from auditlogs.storage.mongo import StorageError
from auditlogs.storage.retention import oldest_ms
from hub.access.visits import HubRequest, Visit, for_members
from hub.agents.sparkline import Column, columns, sparkline
from hub.logs.explanations import reasons
from hub.logs.links import Links, agent_url
from hub.ui.times import full_time, short_time

PAGE_SIZE = 200
MAX_SEARCH_LENGTH = 200
DAY_HOURS, WEEK_HOURS = 24, 168
# The hours of each column of the small chart.
QUARTER_HOURS = 6
# With a worker at work, counting is seconds behind.
STALE = timedelta(minutes=2)
RECENT_FAILURES = 10
MAX_KEYS = 20
MAX_REASON_LENGTH = 200


@dataclass(slots=True)
class Figures:
    """What was counted in a span of time."""

    entries: int = 0
    failures: int = 0

    def add(self, tally: Tally) -> None:
        """Count what a tally holds too."""
        self.entries += tally.entries
        self.failures += tally.failures


@dataclass(slots=True)
class Agent:
    """An agent as it is listed: by its bot's id, with the name and actor that it had last."""

    bot: str
    name: str | None = None
    actor: str | None = None
    last_ms: int = 0
    day: Figures = field(default_factory=Figures)
    week: Figures = field(default_factory=Figures)
    quarters: list[int] = field(default_factory=lambda: [0] * (WEEK_HOURS // QUARTER_HOURS))

    def know(self, tally: Tally) -> None:
        """Take note of who it is and when it was last active, from a later tally than before."""
        self.last_ms = max(self.last_ms, tally.last_ms)
        if tally.agent is not None:
            self.actor, self.name = tally.agent, tally.name

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or self.bot

    @property
    def last(self) -> datetime:
        """When it was last active."""
        return from_ms(self.last_ms)

    @property
    def short_last(self) -> str:
        """When it was last active, as a list tells it."""
        return short_time(self.last, now())

    @property
    def url(self) -> str:
        """Its page."""
        return agent_url(self.bot)

    @property
    def sparkline(self) -> SafeString:
        """Its failures of seven days, six hours a column."""
        total, most = sum(self.quarters), max(self.quarters)
        said = f"{total:,} {'failure' if total == 1 else 'failures'} in 7 days"
        if total:
            ago = QUARTER_HOURS * self.quarters[::-1].index(most)
            when = f"about {ago} hours ago" if ago else f"in the last {QUARTER_HOURS} hours"
            said += f", most of them {when}"
        return sparkline(self.quarters, said)


class Fleet:
    """The agents of an account as they were counted last. A day is 24 hours of the clock, the
    current one included, a week 168."""

    def __init__(self, account: str, moment: datetime) -> None:
        """Read the counters. Raises StorageError."""
        self._oldest = oldest_ms(moment)
        self._hour = counts.start_of("hour", to_ms(moment))
        self.counted_at = leader.counted_at()
        self.is_stale = self.counted_at is not None and moment - self.counted_at > STALE
        week = self._hour - (WEEK_HOURS - 1) * HOUR_MS
        self.days = counts.kept(account, "day", counts.start_of("day", self._oldest))
        self._hours = counts.kept(account, "hour", week)

    @property
    def is_cut(self) -> bool:
        """Whether there were more agents in an hour than are counted."""
        return any(span.is_cut for span in (*self.days, *self._hours))

    @cached_property
    def agents(self) -> dict[str, Agent]:
        """Every agent with entries in what is kept, by its bot's id."""
        found: dict[str, Agent] = {}
        for span in self.days:
            for tally in span.tallies:
                _in(found, tally).know(tally)
        for span in self._hours:
            # What is dated ahead belongs to now, as it does in the list.
            ago = max(0, (self._hour - span.start) // HOUR_MS)
            quarter = -1 - ago // QUARTER_HOURS
            for tally in span.tallies:
                agent = _in(found, tally)
                agent.know(tally)
                agent.week.add(tally)
                agent.quarters[quarter] += tally.failures
                if ago < DAY_HOURS:
                    agent.day.add(tally)
        return {bot: agent for bot, agent in found.items() if agent.last_ms >= self._oldest}

    def matching(self, search: str) -> list[Agent]:
        """Return the agents whose name or ids contain a text, the last active first."""
        wanted = norm(search.strip())
        found = [agent for agent in self.agents.values() if wanted in _searched(agent)]
        return sorted(found, key=lambda agent: (-agent.last_ms, agent.bot))


@dataclass(frozen=True, slots=True)
class Day:
    """A day of an agent: what was counted, and where its entries are."""

    label: str
    figures: Figures
    url: str
    failures_url: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An entry that tells of a failure, with what it says of the reason."""

    entry: Entry
    time: str
    full_time: str
    reason: str
    url: str


@dataclass(frozen=True, slots=True)
class BoundKey:
    """An API key that is one bot's alone, and whether it still opens anything."""

    key: ApiKey
    state: str


class AgentView:
    """What an agent's page shows."""

    def __init__(self, fleet: Fleet, account: Account, bot: str) -> None:
        """Find the agent in the counters, or else in the log. Raises Http404 and StorageError."""
        self._account, self._bot = account, bot
        self._fleet = fleet
        self._entries = Entries.of(account.id).where("botId", bot)
        counted = fleet.agents.get(bot)
        self.is_counted = counted is not None
        self.agent = counted or self._from_the_log()
        self.log_url = Links({"botId": bot}).here
        self.failures_url = Links({"botId": bot, "result": "failure"}).here

    def _from_the_log(self) -> Agent:
        newest = self._entries.page(1).entries if len(self._bot) <= LONG_ID_LENGTH else []
        if not newest:
            raise Http404
        actor = newest[0].actor
        agent = Agent(self._bot, last_ms=to_ms(newest[0].instant))
        if actor.type == "agent":
            agent.actor, agent.name = actor.id, actor.name
        return agent

    @cached_property
    def days(self) -> list[Day]:
        """Each day that is kept, the newest first."""
        counted = {span.start: _figures(span, self._bot) for span in self._fleet.days}
        today = counts.start_of("day", to_ms(now()))
        starts = range(today, min(counted, default=today) - 1, -DAY_MS)
        return [self._day(start, counted.get(start, Figures())) for start in starts]

    @property
    def failure_columns(self) -> list[Column]:
        """The failures of each day, the oldest first."""
        return columns([(day.label, day.figures.failures) for day in reversed(self.days)])

    @property
    def entry_columns(self) -> list[Column]:
        """The entries of each day, the oldest first."""
        return columns([(day.label, day.figures.entries) for day in reversed(self.days)])

    @property
    def total(self) -> Figures:
        """What was counted of all its days together."""
        return Figures(
            sum(day.figures.entries for day in self.days),
            sum(day.figures.failures for day in self.days),
        )

    @property
    def most(self) -> Figures:
        """The highest figures of a day."""
        return Figures(
            max(day.figures.entries for day in self.days),
            max(day.figures.failures for day in self.days),
        )

    @cached_property
    def failures(self) -> list[Failure] | None:
        """The newest failures, or None where the log cannot tell them now."""
        failed = self._entries.where("result", "failure")
        try:
            entries = failed.page(RECENT_FAILURES, payloads=True).entries
        except StorageError:
            return None
        moment = now()
        return [self._failure(entry, moment) for entry in entries]

    @cached_property
    def keys(self) -> list[BoundKey]:
        """The API keys that are bound to this bot, the newest first."""
        bound = self._account.api_keys.filter(bot=self._bot, holder=None)
        return [BoundKey(key, keys.state(key)) for key in bound.order_by("-pk")[:MAX_KEYS]]

    def _day(self, start: int, figures: Figures) -> Day:
        span = {
            "startDate": format_rfc3339(from_ms(start)),
            "endDate": format_rfc3339(from_ms(start + DAY_MS)),
        }
        asked = {"botId": self._bot, **span}
        label = f"{from_ms(start):%b} {from_ms(start).day}"
        return Day(label, figures, Links(asked).here, Links({**asked, "result": "failure"}).here)

    def _failure(self, entry: Entry, moment: datetime) -> Failure:
        asked = {"botId": self._bot, "result": "failure", "dateRange": "all"}
        return Failure(
            entry,
            short_time(entry.instant, moment),
            full_time(entry.instant),
            reason_of(entry),
            Links(asked).with_entry(entry.id),
        )


@require_safe
@for_members
def agents(request: HubRequest, visit: Visit) -> HttpResponse:
    """List the account's agents, or those whose name or ids contain a text."""
    search = request.GET.get("search", "")[:MAX_SEARCH_LENGTH]
    fleet = Fleet(visit.account.id, now())
    page = Paginator(fleet.matching(search), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"fleet": fleet, "page": page, "search": search}
    return render(request, "hub/agents/list.html", context)


@require_safe
@for_members
def agent(request: HubRequest, visit: Visit, bot_id: str) -> HttpResponse:
    """Show an agent: its figures and its newest failures."""
    fleet = Fleet(visit.account.id, now())
    view = AgentView(fleet, visit.account, bot_id)
    context = {"fleet": fleet, "view": view, "agent": view.agent}
    return render(request, "hub/agents/agent.html", context)


def reason_of(entry: Entry) -> str:
    """Return what an entry's payload says of why something failed, as far as a line holds; empty
    where it says nothing."""
    text = " ".join(next(iter(reasons(entry.payload)), "").split())
    return text if len(text) <= MAX_REASON_LENGTH else f"{text[: MAX_REASON_LENGTH - 1]}…"


def _in(found: dict[str, Agent], tally: Tally) -> Agent:
    if tally.bot not in found:
        found[tally.bot] = Agent(tally.bot)
    return found[tally.bot]


def _searched(agent: Agent) -> str:
    return norm("\n".join(filter(None, (agent.name, agent.bot, agent.actor))))


def _figures(span: Span, bot: str) -> Figures:
    figures = Figures()
    for tally in _of(span.tallies, bot):
        figures.add(tally)
    return figures


def _of(tallies: Iterable[Tally], bot: str) -> Iterable[Tally]:
    return (tally for tally in tallies if tally.bot == bot)
