"""The page of one agent: its figures by day, its newest failures, and the keys bound to it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self

from auditlogs.accounts import keys
from auditlogs.entry.reasons import texts
from auditlogs.entry.schema import LONG_ID_LENGTH, Entry
from auditlogs.entry.times import DAY_MS, format_rfc3339, from_ms, now, to_ms
from auditlogs.explain.codes import code_of
from auditlogs.models import Account, ApiKey
from auditlogs.query.entries import Entries
from auditlogs.query.filters import parameters
from auditlogs.storage import counts
from auditlogs.storage.fleet import Day
from auditlogs.storage.mongo import StorageError
from hub.agents.fleet import Agent, Figures, Fleet
from hub.agents.sparkline import AgentChartBar, columns
from hub.logs.links import Links, entries_url
from hub.ui.times import full_time, short_time

RECENT_FAILURES = 10
MAX_KEYS = 20
MAX_REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class DayRow:
    """What was counted on a day, and where its entries are."""

    label: str
    figures: Figures
    url: str
    failures_url: str


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """A failed entry, with the reason that its payload gives."""

    entry: Entry
    time: str
    full_time: str
    reason: str
    url: str


@dataclass(frozen=True, slots=True)
class BoundKey:
    """An API key that is bound to a bot, and whether it is active, expired or revoked."""

    key: ApiKey
    state: str


@dataclass(frozen=True)
class AgentView:
    """What the page of an agent shows. Its parts are read when the template asks for them."""

    agent: Agent
    is_counted: bool
    account: Account
    counted: list[Day]

    @classmethod
    def find(cls, fleet: Fleet, account: Account, bot: str) -> Self | None:
        """Find an agent in the counters, or else in the log; None where it is in neither.

        Raises StorageError.
        """
        counted = fleet.agents.get(bot)
        agent = counted or _newest_in_log(account, bot)
        if agent is None:
            return None
        fleet.read_week([agent])
        return cls(agent, counted is not None, account, fleet.days([bot], fleet.oldest))

    @property
    def log_url(self) -> str:
        return entries_url(botId=self.agent.bot)

    @property
    def failures_url(self) -> str:
        return entries_url(botId=self.agent.bot, result="failure")

    @cached_property
    def days(self) -> list[DayRow]:
        """Each day within retention, the newest first."""
        counted = {day.start: _figures(day, self.agent.bot) for day in self.counted}
        today = counts.start_of("day", to_ms(now()))
        starts = range(today, min(counted, default=today) - 1, -DAY_MS)
        return [self._day(start, counted.get(start, Figures())) for start in starts]

    @property
    def failure_columns(self) -> list[AgentChartBar]:
        return columns([(day.label, day.figures.failures) for day in reversed(self.days)])

    @property
    def entry_columns(self) -> list[AgentChartBar]:
        return columns([(day.label, day.figures.entries) for day in reversed(self.days)])

    @property
    def total(self) -> Figures:
        return Figures(
            sum(day.figures.entries for day in self.days),
            sum(day.figures.failures for day in self.days),
        )

    @property
    def most(self) -> Figures:
        """The highest figures of any day."""
        return Figures(
            max(day.figures.entries for day in self.days),
            max(day.figures.failures for day in self.days),
        )

    @cached_property
    def failures(self) -> list[FailedEntry] | None:
        """The newest failures, or None while the log cannot be read; figures need no log."""
        failed = _entries(self.account, self.agent.bot).where("result", "failure")
        try:
            entries = failed.page(RECENT_FAILURES, payloads=True).entries
        except StorageError:
            return None
        moment = now()
        return [self._failure(entry, moment) for entry in entries]

    @cached_property
    def keys(self) -> list[BoundKey]:
        """The API keys that are bound to this bot, the newest first."""
        bound = self.account.api_keys.filter(bot=self.agent.bot, holder=None)
        return [BoundKey(key, keys.state(key)) for key in bound.order_by("-pk")[:MAX_KEYS]]

    def _day(self, start: int, figures: Figures) -> DayRow:
        filters = {
            "botId": self.agent.bot,
            "startDate": format_rfc3339(from_ms(start)),
            "endDate": format_rfc3339(from_ms(start + DAY_MS)),
        }
        label = f"{from_ms(start):%b} {from_ms(start).day}"
        failures = entries_url(**filters, result="failure")
        return DayRow(label, figures, entries_url(**filters), failures)

    def _failure(self, entry: Entry, moment: datetime) -> FailedEntry:
        filters = {"botId": self.agent.bot, "result": "failure", "dateRange": "all"}
        return FailedEntry(
            entry,
            short_time(entry.instant, moment),
            full_time(entry.instant),
            reason_of(entry),
            Links(parameters(filters)).with_entry(entry.id),
        )


def reason_of(entry: Entry) -> str:
    """Return the reason that a payload gives for a failure, as far as a line holds; empty where it
    gives none."""
    text = " ".join(next(iter((*texts(entry), code_of(entry.payload) or "")), "").split())
    return text if len(text) <= MAX_REASON_LENGTH else f"{text[: MAX_REASON_LENGTH - 1]}…"


def _entries(account: Account, bot: str) -> Entries:
    return Entries.of(account.id).where("botId", bot)


def _newest_in_log(account: Account, bot: str) -> Agent | None:
    """Return an agent that no worker has counted yet; a longer name is no stored id."""
    newest = _entries(account, bot).page(1).entries if len(bot) <= LONG_ID_LENGTH else []
    if not newest:
        return None
    actor = newest[0].actor
    agent = Agent(bot, last_ms=to_ms(newest[0].instant))
    if actor.type == "agent":
        agent.actor, agent.name = actor.id, actor.name
    return agent


def _figures(day: Day, bot: str) -> Figures:
    figures = Figures()
    for hour in day.hours.get(bot, ()):
        figures.add(hour)
    return figures
