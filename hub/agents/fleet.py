"""The agents of an account, from the kept counters: what each did and how often it failed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from django.utils.safestring import SafeString

from auditlogs.entry.text import norm
from auditlogs.entry.times import HOUR_MS, from_ms, now, to_ms
from auditlogs.storage import counts
from auditlogs.storage.counts import Span, Tally
from auditlogs.storage.retention import oldest_ms
from hub.agents.sparkline import sparkline
from hub.logs.links import agent_url
from hub.ui.times import short_time

DAY_HOURS, WEEK_HOURS = 24, 168
# The hours of each column of the small chart: 28 columns are as many as a table cell can show.
COLUMN_HOURS = 6
# While a worker runs, counting is seconds behind; two minutes without progress is a fault.
STALE = timedelta(minutes=2)


@dataclass(slots=True)
class Figures:
    """What was counted in a span of time."""

    entries: int = 0
    failures: int = 0

    def add(self, tally: Tally) -> None:
        self.entries += tally.entries
        self.failures += tally.failures


@dataclass(slots=True)
class Agent:
    """An agent as it is listed: the id of its bot, and the name and actor of its newest tally."""

    bot: str
    name: str | None = None
    actor: str | None = None
    last_ms: int = 0
    day: Figures = field(default_factory=Figures)
    week: Figures = field(default_factory=Figures)
    failures: list[int] = field(default_factory=lambda: [0] * (WEEK_HOURS // COLUMN_HOURS))

    def update(self, tally: Tally) -> None:
        """Take over name, actor and last activity. Tallies have to come in order of time."""
        self.last_ms = max(self.last_ms, tally.last_ms)
        if tally.agent is not None:
            self.actor, self.name = tally.agent, tally.name

    @property
    def title(self) -> str:
        return self.name or self.bot

    @property
    def last(self) -> datetime:
        return from_ms(self.last_ms)

    @property
    def short_last(self) -> str:
        return short_time(self.last, now())

    @property
    def url(self) -> str:
        return agent_url(self.bot)

    @property
    def sparkline(self) -> SafeString:
        """The failures of seven days as a chart, six hours a column."""
        total, most = sum(self.failures), max(self.failures)
        label = f"{total:,} {'failure' if total == 1 else 'failures'} in 7 days"
        if total:
            ago = COLUMN_HOURS * self.failures[::-1].index(most)
            when = f"about {ago} hours ago" if ago else f"in the last {COLUMN_HOURS} hours"
            label += f", most of them {when}"
        return sparkline(self.failures, label)


@dataclass(frozen=True)
class Fleet:
    """The agents of an account as of the last count.

    A day is 24 hours of the clock and a week 168, the current hour included: counters are kept by
    the hour, so no span can begin within one.
    """

    oldest: int
    hour: int
    counted_at: datetime | None
    is_stale: bool
    days: list[Span]
    hours: list[Span]

    @classmethod
    def read(cls, account: str, moment: datetime) -> Self:
        """Read the counters. Raises StorageError."""
        oldest, hour = oldest_ms(moment), counts.start_of("hour", to_ms(moment))
        counted_at = counts.counted_at()
        return cls(
            oldest=oldest,
            hour=hour,
            counted_at=counted_at,
            is_stale=counted_at is not None and moment - counted_at > STALE,
            days=counts.kept(account, "day", counts.start_of("day", oldest)),
            hours=counts.kept(account, "hour", hour - (WEEK_HOURS - 1) * HOUR_MS),
        )

    @property
    def is_cut(self) -> bool:
        """Whether there were more agents in an hour than are counted."""
        return any(span.is_cut for span in (*self.days, *self.hours))

    @cached_property
    def agents(self) -> dict[str, Agent]:
        """Every agent with entries within retention, by the id of its bot."""
        agents: dict[str, Agent] = {}
        for span in self.days:
            for tally in span.tallies:
                _agent(agents, tally).update(tally)
        for span in self.hours:
            # An entry dated ahead counts as of now, as it does in the list.
            ago = max(0, (self.hour - span.start) // HOUR_MS)
            column = -1 - ago // COLUMN_HOURS
            for tally in span.tallies:
                agent = _agent(agents, tally)
                agent.update(tally)
                agent.week.add(tally)
                agent.failures[column] += tally.failures
                if ago < DAY_HOURS:
                    agent.day.add(tally)
        # A day's counter outlives the hours of it that retention has removed.
        return {bot: agent for bot, agent in agents.items() if agent.last_ms >= self.oldest}

    def matching(self, search: str) -> list[Agent]:
        """Return the agents whose name or ids contain a text, the last active first."""
        wanted = norm(search.strip())
        matches = [agent for agent in self.agents.values() if wanted in _searched(agent)]
        return sorted(matches, key=lambda agent: (-agent.last_ms, agent.bot))


def _agent(agents: dict[str, Agent], tally: Tally) -> Agent:
    if tally.bot not in agents:
        agents[tally.bot] = Agent(tally.bot)
    return agents[tally.bot]


def _searched(agent: Agent) -> str:
    return norm("\n".join(filter(None, (agent.name, agent.bot, agent.actor))))
