"""The agents of an account, from the kept counters: what each did and how often it failed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Self

from django.utils.safestring import SafeString

from auditlogs.entry.text import norm
from auditlogs.entry.times import HOUR_MS, from_ms, now, to_ms
from auditlogs.storage import counts, fleet
from auditlogs.storage.fleet import Day, Hour, Listed
from auditlogs.storage.retention import oldest_ms
from hub.agents.sparkline import sparkline
from hub.logs.links import agent_url
from hub.ui.times import short_time

DAY_HOURS, WEEK_HOURS = 24, 168
# The hours of each column of the small chart: 28 columns are as many as a table cell can show.
COLUMN_HOURS = 6


@dataclass(slots=True)
class Figures:
    """What was counted in a span of time."""

    entries: int = 0
    failures: int = 0

    def add(self, hour: Hour) -> None:
        self.entries += hour.entries
        self.failures += hour.failures


@dataclass(slots=True)
class Agent:
    """An agent as it is listed: the id of its bot, the name and id of the agent that acted last,
    and its figures once they are read."""

    bot: str
    name: str | None = None
    actor: str | None = None
    last_ms: int = 0
    day: Figures = field(default_factory=Figures)
    week: Figures = field(default_factory=Figures)
    failures: list[int] = field(default_factory=lambda: [0] * (WEEK_HOURS // COLUMN_HOURS))

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


@dataclass
class Fleet:
    """The agents of an account as of the last count.

    A day is 24 hours of the clock and a week 168, the current hour included: counters are kept by
    the hour, so no span can begin within one. `is_cut` tells whether there were more agents in an
    hour of the figures read than are counted.
    """

    account: str
    oldest: int
    hour: int
    counted_at: datetime | None
    is_stale: bool
    roster: list[Listed]
    is_cut: bool = False

    @classmethod
    def read(cls, account: str, moment: datetime) -> Self:
        """Read the agents, without figures. Raises StorageError."""
        counted_at = counts.counted_at()
        return cls(
            account=account,
            oldest=oldest_ms(moment),
            hour=counts.start_of("hour", to_ms(moment)),
            counted_at=counted_at,
            is_stale=counts.is_stale(counted_at, moment),
            roster=fleet.roster(account),
        )

    @cached_property
    def agents(self) -> dict[str, Agent]:
        """Every agent with entries within retention, by its bot's id, the last active first."""
        return {
            each.bot: Agent(each.bot, each.name, each.agent, each.last_ms)
            for each in self.roster
            if each.last_ms >= self.oldest
        }

    def matching(self, search: str) -> list[Agent]:
        """Return the agents whose name or ids contain a text, the last active first."""
        wanted = norm(search.strip())
        return [agent for agent in self.agents.values() if wanted in _searched(agent)]

    def read_week(self, agents: Iterable[Agent]) -> None:
        """Read the figures of these agents. Raises StorageError."""
        shown = {agent.bot: agent for agent in agents}
        first = self.hour - (WEEK_HOURS - 1) * HOUR_MS
        for day in self.days(shown, first):
            for bot, hours in day.hours.items():
                for hour in hours:
                    start = day.start + hour.number * HOUR_MS
                    if start >= first:
                        self._add(shown[bot], start, hour)

    def days(self, bots: Iterable[str], start: int) -> list[Day]:
        """Read the days from that of `start` on, in ms, with the hours of these bots.

        Raises StorageError.
        """
        found = fleet.days(self.account, bots, start)
        self.is_cut = self.is_cut or any(day.is_cut for day in found)
        return found

    def _add(self, agent: Agent, start: int, hour: Hour) -> None:
        # An entry dated ahead counts as of now, as it does in the list.
        ago = max(0, (self.hour - start) // HOUR_MS)
        agent.week.add(hour)
        agent.failures[-1 - ago // COLUMN_HOURS] += hour.failures
        if ago < DAY_HOURS:
            agent.day.add(hour)


def _searched(agent: Agent) -> str:
    return norm("\n".join(filter(None, (agent.name, agent.bot, agent.actor))))
