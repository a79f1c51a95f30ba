"""Counting: when entries reach the log, the hours they belong to are counted again from scratch.

An entry becomes visible some time after its `recordedAt`, which is set by the clock of the host
that received it. So arrivals are read twice: soon, for fresh counters, and again after a delay
beyond which no entry of that time can still become visible, for correct ones.

Entries arrive in any order of their own time, so many arrivals are gathered before the hours that
they belong to are counted, each of them once. A log that nobody has counted is gone through day by
day instead.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from uuid import UUID

from auditlogs.counters import tallies
from auditlogs.counters.leader import LeaderLease, LeaseLost
from auditlogs.entry.identity import id_ms
from auditlogs.entry.times import DAY_MS, EPOCH, HOUR_MS, format_rfc3339, from_ms, now, to_ms
from auditlogs.query import slices
from auditlogs.query.slices import LOWEST, Arrival
from auditlogs.storage import actors, counts, dictionary
from auditlogs.storage.counts import Progress
from auditlogs.storage.mongo import StorageError, TookTooLong
from auditlogs.storage.retention import oldest_ms

logger = logging.getLogger(__name__)

# The pause between two passes: at least this, and a multiple of the time that the last one took, so
# that counting takes a tenth of one core and of the database's time at most.
IDLE_SECONDS = 3.0
REST = 10
LONGEST_REST_SECONDS = 60.0
# While there is much to catch up with, it may use half of the time.
REST_WHEN_BEHIND = 1
STANDBY_SECONDS = 5.0
AWAY_SECONDS = 2.0
# How late an entry becomes visible: in practice, and at worst. A write may take seconds, clocks of
# hosts differ by some, and entries queued in memory wait for those before them.
SOON = timedelta(seconds=15)
SETTLED = timedelta(seconds=120)
# The least time to settle at once, so that an hour is not counted again for every arrival in it.
STEP = timedelta(seconds=30)
# Arrivals read by one query, and gathered before their hours are counted.
CHUNK = 5_000
MAX_GATHERED = 100_000
# How far one query for arrivals reaches. An engine that materialises every match, as SecantusDB
# does, cannot read a day of arrivals within the time limit; then it reaches less far.
REACHES = [timedelta(seconds=4**power) for power in range(11)]
# The first count goes on for that long before it stores its progress and rests.
FIRST_SECONDS = 2.0
# Entries may be dated a day ahead of the clock of the host that received them.
AHEAD_MS = 2 * DAY_MS


@dataclass(slots=True)
class Sweep:
    """One pass over the recent arrivals, in parts: when it began, the position of the last arrival
    read, and the ids of all of them."""

    began: datetime
    at: datetime
    id: UUID
    ids: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Arrivals, and the position to continue from. `is_part` is true when more are left."""

    arrived: list[Arrival]
    at: datetime
    id: UUID
    is_part: bool


class Counting:
    """Counting by one worker, while it holds the lease. `is_behind` is true when the last step has
    left arrivals for the next."""

    def __init__(self) -> None:
        self._lease = LeaderLease()
        self._progress = Progress()
        # The next pass starts here, and skips the arrivals that the last one has counted.
        self._fresh_from: datetime | None = None
        self._counted_ids: set[UUID] = set()
        self._sweep: Sweep | None = None
        self.is_behind = False
        self._are_actors_noted = True
        self._last_failure = float("-inf")
        # The index in REACHES of the furthest reach that succeeds.
        self._reach = len(REACHES) - 1

    def step(self) -> float:
        """Count arrivals, if this worker holds or acquires the lease; return the seconds to rest.

        Raises StorageError.
        """
        began = time.monotonic()
        try:
            if not self._lease.is_held and not self._acquire():
                return STANDBY_SECONDS
            self.is_behind = self._count_first() or self._settle() or self._refresh()
            self._renew()
        except LeaseLost:
            return STANDBY_SECONDS
        took = time.monotonic() - began
        if self.is_behind:
            return took * REST_WHEN_BEHIND
        return min(max(IDLE_SECONDS, took * REST), LONGEST_REST_SECONDS)

    def rest(self, seconds: float, stop: threading.Event) -> None:
        """Rest, and renew the lease meanwhile. Raises StorageError."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not stop.wait(min(left, IDLE_SECONDS)):
            if self._lease.is_held:
                try:
                    self._renew()
                except LeaseLost:
                    return

    def failed(self) -> None:
        """Report a failure of the database; see `_settle`."""
        self._last_failure = time.monotonic()

    def end(self) -> None:
        """Release the lease. Raises StorageError."""
        self._lease.release(self._progress)

    def _acquire(self) -> bool:
        """Acquire the lease, and continue where its last holder ended."""
        progress = self._lease.acquire()
        if progress is None:
            return False
        self._progress, self._sweep = progress, None
        self._fresh_from, self._counted_ids = None, set()
        if progress.at == EPOCH:
            # What arrives from now on is counted when the rest of the log has been.
            at = from_ms(to_ms(now() - SETTLED))
            self._progress = Progress(at, LOWEST, None, "", 0)
            logger.info("Counting every entry of the log for the first time.")
        return True

    def _count_first(self) -> bool:
        """Count a part of a log that nobody has counted; return whether more of it is left."""
        began, moment = time.monotonic(), now()
        while (until := self._progress.first_until) is not None:
            account = self._progress.first_account
            if not account or until > to_ms(moment) + AHEAD_MS:
                self._go_on_with(dictionary.account_after(account), moment)
                continue
            hours, token = range(until, until + DAY_MS, HOUR_MS), self._lease.token
            groups = tallies.count_hours(
                account, until, hours, token, renew=self._renew, is_first=True
            )
            self._note(partial(actors.note, account, tallies.actors_in(groups)))
            self._progress = replace(self._progress, first_until=until + DAY_MS)
            if time.monotonic() - began > FIRST_SECONDS:
                self._say_how_far()
                return True
        return False

    def _go_on_with(self, account: str | None, moment: datetime) -> None:
        """Go on with the next account, or end the first count without one."""
        if account is None:
            self._progress = replace(self._progress, first_account="", first_until=None)
            # What the first count has not seen has arrived since; see `_refresh`.
            self._fresh_from = self._progress.at + SETTLED - SOON
            logger.info("Every entry of the log is counted.")
        else:
            start = counts.start_of("day", oldest_ms(moment))
            self._progress = replace(self._progress, first_account=account, first_until=start)

    def _say_how_far(self) -> None:
        account, until = self._progress.first_account, self._progress.first_until or 0
        logger.info("Counted account %s up to %s.", account, format_rfc3339(from_ms(until)))

    def _settle(self) -> bool:
        """Count finally what arrived some time ago; return whether more of it is left.

        After a failure it waits: a database that was paused first executes the writes it received
        before, so entries can become visible later than usual.
        """
        if time.monotonic() - self._last_failure < SETTLED.total_seconds():
            return False
        until = from_ms(to_ms(now() - SETTLED))
        if until - self._progress.at < STEP:
            return False
        gathered = self._gather(self._progress.at, self._progress.id, until)
        self._recount(gathered.arrived)
        self._progress = replace(self._progress, at=gathered.at, id=gathered.id)
        return gathered.is_part

    def _refresh(self) -> bool:
        """Count what has arrived since then, up to now; return whether more of it is left."""
        at, id = self._progress.at, self._progress.id
        if self._fresh_from and self._fresh_from > at:
            at, id = self._fresh_from, LOWEST
        self._sweep = sweep = self._sweep or Sweep(now(), at, id)
        gathered = self._gather(sweep.at, sweep.id, None)
        self._recount(each for each in gathered.arrived if each.id not in self._counted_ids)
        sweep.ids.update(each.id for each in gathered.arrived)
        if gathered.is_part:
            sweep.at, sweep.id = gathered.at, gathered.id
            return True
        self._fresh_from, self._counted_ids = from_ms(to_ms(sweep.began - SOON)), sweep.ids
        self._sweep = None
        self._progress = replace(self._progress, counted_at=from_ms(to_ms(sweep.began)))
        return False

    def _gather(self, at: datetime, id: UUID, until: datetime | None) -> Gathered:
        """Read the arrivals from a position to a time, in any case some of them."""
        arrived: list[Arrival] = []
        while len(arrived) < MAX_GATHERED:
            self._renew()
            reach = at + REACHES[self._reach]
            end = reach if reach < (until or now()) else until
            try:
                chunk = slices.arrivals(at, id, end, CHUNK)
            except TookTooLong:
                if self._reach == 0:
                    raise
                self._reach -= 1
                continue
            arrived += chunk
            if len(chunk) == CHUNK:
                at, id = chunk[-1].at, chunk[-1].id
            elif end is None or end == until:
                return Gathered(arrived, end or at, LOWEST, is_part=False)
            else:
                at, id = end, LOWEST
                self._reach = min(self._reach + 1, len(REACHES) - 1)
        return Gathered(arrived, at, id, is_part=True)

    def _recount(self, arrived: Iterable[Arrival]) -> None:
        """Note the actors of these entries, and count the hours that they belong to."""
        arrived = list(arrived)
        self._note(partial(actors.keep, (each.id for each in arrived)))
        hours = {(each.account, counts.start_of("hour", id_ms(each.id))) for each in arrived}
        of_day = groupby(sorted(hours), lambda each: (each[0], counts.start_of("day", each[1])))
        for (account, day), of_this in of_day:
            arrived_in, token = {hour for _, hour in of_this}, self._lease.token
            tallies.count_hours(account, day, arrived_in, token, renew=self._renew)

    def _renew(self) -> None:
        """Renew the lease and store the progress. Raises LeaseLost and StorageError."""
        self._lease.renew(self._progress)

    def _note(self, note: Callable[[], None]) -> None:
        """Note actors. A failure is logged once."""
        try:
            note()
            self._are_actors_noted = True
        except StorageError as error:
            # Counting goes on: after an upgrade the worker may not have the right yet. What is
            # missed is noted when the actor acts again.
            if self._are_actors_noted:
                logger.warning("The list of actors is not kept up to date: %s", error)
            self._are_actors_noted = False


def count(stop: threading.Event) -> None:
    """Count until `stop` is set; stand by while another worker holds the lease."""
    counting, is_away = Counting(), False
    while not stop.is_set():
        try:
            rest = counting.step()
            if is_away:
                logger.warning("The database is back; entries are counted again.")
            is_away = False
            counting.rest(rest, stop)
        except StorageError as error:
            # Logged once for each outage.
            if not is_away:
                logger.warning("Entries are not counted: %s", error)
            is_away = True
            counting.failed()
            stop.wait(AWAY_SECONDS)
    try:
        counting.end()
    except StorageError:
        # The lease expires by itself.
        return
