"""The list of agents' keys, and of keys that only the log names."""

from dataclasses import dataclass
from functools import cached_property

from auditlogs.accounts import agent_keys, seen_keys
from auditlogs.accounts.key_use import DAY_HOURS, first_hour
from auditlogs.accounts.keys import KeyState
from auditlogs.accounts.seen_keys import SeenKey
from auditlogs.entry.times import HOUR_MS, format_rfc3339, to_ms
from auditlogs.models import Account, AgentKey
from auditlogs.storage import actors, counts
from auditlogs.storage.mongo import StorageError
from hub.logs.links import entries_url, key_url


@dataclass(frozen=True, slots=True)
class AgentKeyRow:
    """An agent's key in the list, with the entries that name it in 24 hours, if there are any."""

    key: AgentKey
    state: KeyState
    agent: str
    entries: int | None
    failures: int | None
    since: str

    @property
    def url(self) -> str:
        return key_url(self.key.public_id)

    @property
    def entries_url(self) -> str:
        return entries_url(key=self.key.name, startDate=self.since)

    @property
    def failures_url(self) -> str:
        return entries_url(key=self.key.name, result="failure", startDate=self.since)


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A key that only the log names."""

    key: SeenKey

    @property
    def url(self) -> str:
        return key_url(self.key.address)


class AgentKeyList:
    """The agents' keys of an account. While the log is unavailable names and figures are missing,
    as keys have to be seen even then."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @cached_property
    def _listed(self) -> tuple[list[AgentKeyRow], bool]:
        keys, has_more = agent_keys.of_account(self._account)
        names, figures = self._names(keys), self._figures() if keys else {}
        since = format_rfc3339(first_hour())
        rows = []
        for key in keys:
            entries, failures = figures.get(key.name, (0, 0)) if figures else (None, None)
            name = names.get(key.agent, key.agent)
            rows.append(AgentKeyRow(key, agent_keys.state(key), name, entries, failures, since))
        return rows, has_more

    @property
    def active(self) -> list[AgentKeyRow]:
        return [row for row in self._listed[0] if row.state == "active"]

    @property
    def ended(self) -> list[AgentKeyRow]:
        return [row for row in self._listed[0] if row.state != "active"]

    @property
    def has_more(self) -> bool:
        return self._listed[1]

    @cached_property
    def seen(self) -> list[SeenRow] | None:
        """The keys that were not issued here; None while the log is unavailable."""
        try:
            found, self.seen_has_more = seen_keys.seen(self._account)
        except StorageError:
            return None
        return [SeenRow(key) for key in found]

    seen_has_more = False

    @property
    def seen_revoked(self) -> int:
        return sum(row.key.revoked is not None for row in self.seen or ())

    def _names(self, keys: list[AgentKey]) -> dict[str, str]:
        try:
            return actors.names(self._account.id, dict.fromkeys(key.agent for key in keys))
        except StorageError:
            return {}

    def _figures(self) -> dict[str, tuple[int, int]]:
        """Return entries and failures of each key, by its name, in this hour of the clock and the
        23 before."""
        first = to_ms(first_hour())
        hours: list[tuple[counts.Kind, int]] = [
            ("hour", first + number * HOUR_MS) for number in range(DAY_HOURS)
        ]
        try:
            counted = counts.counts_of(self._account.id, hours, ["keys"])
        except StorageError:
            return {}
        figures: dict[str, tuple[int, int]] = {}
        for of_hour in counted.values():
            for key, count in of_hour["keys"].items():
                if key is not None:
                    entries, failures = figures.get(key, (0, 0))
                    figures[key] = entries + count.of(None), failures + count.failure
        return figures
