"""Counting: when entries reach the log, the hours they belong to are counted again from scratch.

An entry becomes visible some time after its `recordedAt`, which is set by the clock of the host
that received it. So arrivals are read twice: soon, for fresh counters, and again after a delay
beyond which no entry of that time can still become visible, for correct ones.
"""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from auditlogs.counters import fleets, tallies
from auditlogs.counters.leader import LeaderLease, LeaseLost, Progress
from auditlogs.entry.identity import id_ms
from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.query import slices
from auditlogs.query.slices import LOWEST, Arrival
from auditlogs.storage import actors, counts
from auditlogs.storage.mongo import StorageError

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
CHUNK = 1_000


@dataclass(slots=True)
class Sweep:
    """One pass over the recent arrivals, in chunks: when it began, the position of the last arrival
    read, and the ids of all of them."""

    began: datetime
    at: datetime
    id: UUID
    ids: set[UUID] = field(default_factory=set)


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

    def step(self) -> float:
        """Count arrivals, if this worker holds or acquires the lease; return the seconds to rest.

        Raises StorageError.
        """
        began = time.monotonic()
        try:
            if not self._lease.is_held and not self._acquire():
                return STANDBY_SECONDS
            self.is_behind = self._settle() or self._refresh()
            self._lease.renew(self._progress)
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
                    self._lease.renew(self._progress)
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
        return True

    def _settle(self) -> bool:
        """Count for good what arrived some time ago; return whether more of it is left.

        After a failure it waits: a database that was paused first executes the writes it received
        before, so entries can become visible later than usual.
        """
        if time.monotonic() - self._last_failure < SETTLED.total_seconds():
            return False
        until = from_ms(to_ms(now() - SETTLED))
        if until - self._progress.at < STEP:
            return False
        arrived = slices.arrivals(self._progress.at, self._progress.id, until, CHUNK)
        self._recount(arrived)
        is_behind = len(arrived) == CHUNK
        at, id = (arrived[-1].at, arrived[-1].id) if is_behind else (until, LOWEST)
        self._progress = replace(self._progress, at=at, id=id)
        return is_behind

    def _refresh(self) -> bool:
        """Count what has arrived since then, up to now; return whether more of it is left."""
        moment, at, id = now(), self._progress.at, self._progress.id
        if self._fresh_from and self._fresh_from > at:
            at, id = self._fresh_from, LOWEST
        self._sweep = sweep = self._sweep or Sweep(moment, at, id)
        arrived = slices.arrivals(sweep.at, sweep.id, None, CHUNK)
        self._recount(each for each in arrived if each.id not in self._counted_ids)
        sweep.ids.update(each.id for each in arrived)
        if len(arrived) == CHUNK:
            sweep.at, sweep.id = arrived[-1].at, arrived[-1].id
            return True
        self._fresh_from, self._counted_ids = from_ms(to_ms(sweep.began - SOON)), sweep.ids
        self._sweep = None
        self._progress = replace(self._progress, counted_at=from_ms(to_ms(moment)))
        return False

    def _recount(self, arrived: Iterable[Arrival]) -> None:
        """Note the actors of these entries, recount the hours that they belong to, then sum up
        their days again."""
        arrived = list(arrived)
        self._note_actors(arrived)
        hours = {(each.account, counts.start_of("hour", id_ms(each.id))) for each in arrived}
        for account, hour in sorted(hours):
            self._lease.renew(self._progress)
            tallies.count_hour(account, hour, self._lease.token)
        for account, day in sorted({(a, counts.start_of("day", hour)) for a, hour in hours}):
            self._lease.renew(self._progress)
            tallies.sum_day(account, day, self._lease.token)
            fleets.keep(account, day, self._lease.token)

    def _note_actors(self, arrived: list[Arrival]) -> None:
        try:
            actors.keep(each.id for each in arrived)
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
