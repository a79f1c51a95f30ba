"""Who writes to an account's log: its API keys, and what records without one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db.models import Q

from auditlogs.accounts import keys
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import DAY_MS, HOUR_MS, format_rfc3339, from_ms, parse_rfc3339, to_ms
from auditlogs.models import Account, ApiKey
from auditlogs.query.entries import Entries
from auditlogs.query.figures import Figure
from auditlogs.storage import counts
from auditlogs.write.spool import Depth, spool
from auditlogs.write.spool_file import SpoolError
from hub.emitters.clock import Clock
from hub.logs.links import figure_url
from hub.ui.times import span

DAY_HOURS, WEEK_HOURS = 24, 168
MAX_SHOWN = 50
# The newest entries of the account, and those of a key with none among them, for so many keys.
NEWEST, NEWEST_OF_KEY, MAX_READ_ALONE = 500, 20, 10
MAX_NAMES = 3
# Of what was written without a key there is a list only while so few keys have to be excluded.
MAX_EXCLUDED = 20


@dataclass(frozen=True, slots=True)
class Emitter:
    """One that writes: the id of an API key, empty for all that writes without one, and the key if
    it is still there; the entries that it wrote in 24 hours and in 7 days; and its newest entries,
    as far as they were read."""

    id: str
    key: ApiKey | None
    day: Figure
    week: Figure
    newest: Sequence[Entry]

    @property
    def name(self) -> str:
        return self.key.name if self.key else self.id or "Without an API key"

    @property
    def state(self) -> keys.KeyState | None:
        return keys.state(self.key) if self.key else None

    @property
    def is_silent(self) -> bool:
        """Whether it wrote within 7 days and not within 24 hours."""
        return bool(self.id) and not self.day.count and self.week.count > 0

    @property
    def day_url(self) -> str:
        return figure_url(self.day)

    @property
    def week_url(self) -> str:
        return figure_url(self.week)

    @property
    def last(self) -> Entry | None:
        """The entry that arrived last, of those that were read."""
        return max(self.newest, key=lambda entry: entry.recorded_at, default=None)

    @property
    def last_at(self) -> datetime | None:
        return parse_rfc3339(self.last.recorded_at) if self.last else None

    @property
    def clock(self) -> Clock | None:
        return Clock.of(self.newest)

    @property
    def actors(self) -> str:
        """The actors of the newest entries by name, as many as there is room for."""
        return _some(entry.actor.name or entry.actor.id for entry in self.newest)

    @property
    def addresses(self) -> str:
        """The addresses in the newest entries, as many as there is room for."""
        return _some(entry.source_ip for entry in self.newest if entry.source_ip)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitters:
    """All that write to an account's log, the busiest key first; what waits in this host's spool,
    None where that cannot be read; and until when entries are counted. `has_more` tells that there
    are more keys than are shown, `is_cut` that not all of them were counted one by one."""

    rows: list[Emitter]
    has_more: bool
    is_cut: bool
    waiting: Depth | None
    counted_at: datetime | None
    is_stale: bool

    @classmethod
    def read(cls, account: Account, moment: datetime) -> Self:
        """Read what there is to know at a moment. Raises StorageError."""
        counted_at = counts.counted_at()
        rows, is_cut = _rows(account, moment)
        return cls(
            rows=rows[:MAX_SHOWN],
            has_more=len(rows) > MAX_SHOWN,
            is_cut=is_cut,
            waiting=_waiting(account),
            counted_at=counted_at,
            is_stale=counts.is_stale(counted_at, moment),
        )

    @property
    def waiting_for(self) -> str:
        """How long the oldest entry has been in the spool."""
        return span(timedelta(seconds=self.waiting.oldest_seconds)) if self.waiting else ""

    @property
    def silent(self) -> list[Emitter]:
        return [row for row in self.rows if row.is_silent]


@dataclass(frozen=True, slots=True)
class _Counted:
    """The entries from a start on, in ms: all of them, and those of each API key; None has those of
    keys that are not counted one by one."""

    start: int
    total: int
    by_key: Mapping[str | None, int]

    def of(self, id: str) -> Figure:
        """Return the number of a key's entries; for an empty id, of those without a key."""
        since = {"startDate": format_rfc3339(from_ms(self.start))}
        if id:
            return Figure(self.by_key.get(id, 0), {"assertedBy": id, **since})
        others = ",".join(f"-{each}" for each in sorted(filter(None, self.by_key)))
        has_list = None not in self.by_key and len(self.by_key) <= MAX_EXCLUDED
        excluded = {"assertedBy": others} if others else {}
        count = self.total - sum(self.by_key.values())
        return Figure(count, {**excluded, **since} if has_list else None)


def _rows(account: Account, moment: datetime) -> tuple[list[Emitter], bool]:
    """Return all emitters, and whether there were more in a span of time than are counted."""
    this_hour = counts.start_of("hour", to_ms(moment))
    day, week = (_counted(account.id, this_hour, hours) for hours in (DAY_HOURS, WEEK_HOURS))
    counted = {id for id in week.by_key if id is not None}
    known = _keys(account, counted)
    ids = sorted(counted | known.keys(), key=lambda id: (-day.of(id).count, -week.of(id).count, id))
    newest = _newest(account.id, [id for id in ids if id in counted])
    rows = [Emitter(id, known.get(id), day.of(id), week.of(id), newest[id]) for id in ["", *ids]]
    return rows, None in week.by_key


def _counted(account: str, this_hour: int, hours: int) -> _Counted:
    """Count the entries of so many hours, this one included, and what is dated ahead of it: by a
    day at most."""
    start = this_hour - (hours - 1) * HOUR_MS
    total, by_key = 0, defaultdict[str | None, int](int)
    spans = list(counts.longest(start, this_hour + HOUR_MS + DAY_MS))
    for counted in counts.counts_of(account, spans, ["types", "writers"]).values():
        total += sum(count.of(None) for count in counted["types"].values())
        for id, count in counted["writers"].items():
            if number := count.of(None):
                by_key[id] += number
    return _Counted(start, total, by_key)


def _keys(account: Account, ids: Iterable[str]) -> dict[str, ApiKey]:
    """Return the valid keys that may write, and those with these ids, by their ids."""
    wanted = [pk for pk in map(keys.number_of, ids) if pk is not None]
    may_write = [key.pk for key in keys.active_of(account) if "logs:write" in key.scopes]
    found = account.api_keys.filter(Q(pk__in=wanted) | Q(pk__in=may_write))
    return {key.public_id: key for key in found}


def _newest(account: str, ids: Sequence[str]) -> Mapping[str, list[Entry]]:
    """Return the newest entries of each of these keys, and under an empty id those without one.
    Raises StorageError."""
    entries = Entries.of(account)
    found = defaultdict[str, list[Entry]](list)
    for entry in entries.page(NEWEST).entries:
        found[entry.asserted_by or ""].append(entry)
    for id in [id for id in ids if id not in found][:MAX_READ_ALONE]:
        found[id] = entries.where("assertedBy", id).page(NEWEST_OF_KEY).entries
    return found


def _waiting(account: Account) -> Depth | None:
    try:
        return spool().depth(account.id)
    except SpoolError:
        return None


def _some(names: Iterable[str]) -> str:
    """Return the first of different names, and how many more there are."""
    different = list(dict.fromkeys(names))
    more = len(different) - MAX_NAMES
    shown = ", ".join(different[:MAX_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown
