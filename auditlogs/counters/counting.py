"""Counting: whenever entries have reached the log, the hours they belong to are counted anew.

An entry can be seen some time after the instant at which, by the clock of its host, it reached the
log. So arrivals are read twice: soon, which makes the counters fresh, and once more when nothing of
that time can appear any more, which makes them right.
"""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from auditlogs.counters import tallies
from auditlogs.counters.leader import Lead, LostLead, Progress
from auditlogs.entry.identity import id_ms
from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.query import slices
from auditlogs.query.slices import LOWEST, Arrival
from auditlogs.storage import counts
from auditlogs.storage.mongo import StorageError

logger = logging.getLogger(__name__)

# Between two looks, at least; and this many times as long as the look has taken, a minute at most.
IDLE_SECONDS = 3.0
REST = 10
LONGEST_REST_SECONDS = 60.0
# While there is much to catch up with, it works half of the time.
REST_WHEN_BEHIND = 1
STANDBY_SECONDS = 5.0
AWAY_SECONDS = 2.0
# How late an entry can be seen: nearly always, and ever. A write takes seconds, clocks differ by
# some, and entries in memory wait for those before them.
SOON = timedelta(seconds=15)
SETTLED = timedelta(seconds=120)
# As much of it at once, so that an hour with many arrivals is not counted for each of them.
STEP = timedelta(seconds=30)
CHUNK = 1_000


@dataclass(slots=True)
class Sweep:
    """A look at what has arrived, in steps: since when it is made, how far it has come, and which
    entries it has met."""

    began: datetime
    at: datetime
    id: UUID
    met: set[UUID] = field(default_factory=set)


class Counting:
    """A worker's part in counting, which it does while it leads. `is_behind` tells that the last
    step has left some of what has arrived to the next."""

    def __init__(self) -> None:
        self._lead = Lead()
        self._done = Progress()
        # From when on arrivals are looked at again, and which of them are counted already.
        self._fresh_from: datetime | None = None
        self._known: set[UUID] = set()
        self._sweep: Sweep | None = None
        self.is_behind = False
        # Since when the database has answered without a failure.
        self._well_since = float("-inf")

    def step(self) -> float:
        """Count what has arrived, if this worker leads; return how many seconds to rest.

        Raises StorageError.
        """
        began = time.monotonic()
        try:
            if not self._lead.is_held and not self._begin():
                return STANDBY_SECONDS
            self.is_behind = self._settle() or self._refresh()
            self._lead.keep(self._done)
        except LostLead:
            return STANDBY_SECONDS
        took = time.monotonic() - began
        if self.is_behind:
            return took * REST_WHEN_BEHIND
        return min(max(IDLE_SECONDS, took * REST), LONGEST_REST_SECONDS)

    def rest(self, seconds: float, stop: threading.Event) -> None:
        """Rest, and keep the lead meanwhile. Raises StorageError."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not stop.wait(min(left, IDLE_SECONDS)):
            if self._lead.is_held:
                try:
                    self._lead.keep(self._done)
                except LostLead:
                    return

    def failed(self) -> None:
        """Take note that the database has failed."""
        self._well_since = time.monotonic()

    def end(self) -> None:
        """Let another worker lead. Raises StorageError."""
        self._lead.leave(self._done)

    def _begin(self) -> bool:
        """Take the lead, and go on where the one before was."""
        done = self._lead.take()
        if done is None:
            return False
        self._done, self._fresh_from, self._known, self._sweep = done, None, set(), None
        return True

    def _settle(self) -> bool:
        """Count for good what has arrived a while ago; tell whether more of it is left.

        After a failure it waits: a database that was held up does then what it was asked before.
        """
        if time.monotonic() - self._well_since < SETTLED.total_seconds():
            return False
        until = from_ms(to_ms(now() - SETTLED))
        if until - self._done.at < STEP:
            return False
        arrived = slices.arrivals(self._done.at, self._done.id, until, CHUNK)
        self._recount(arrived)
        is_behind = len(arrived) == CHUNK
        at, id = (arrived[-1].at, arrived[-1].id) if is_behind else (until, LOWEST)
        self._done = replace(self._done, at=at, id=id)
        return is_behind

    def _refresh(self) -> bool:
        """Count what has arrived since, up to now; tell whether more of it is left."""
        moment, at, id = now(), self._done.at, self._done.id
        if self._fresh_from and self._fresh_from > at:
            at, id = self._fresh_from, LOWEST
        self._sweep = sweep = self._sweep or Sweep(moment, at, id)
        arrived = slices.arrivals(sweep.at, sweep.id, None, CHUNK)
        self._recount(each for each in arrived if each.id not in self._known)
        sweep.met.update(each.id for each in arrived)
        if len(arrived) == CHUNK:
            sweep.at, sweep.id = arrived[-1].at, arrived[-1].id
            return True
        self._fresh_from, self._known = from_ms(to_ms(sweep.began - SOON)), sweep.met
        self._sweep = None
        self._done = replace(self._done, counted_at=from_ms(to_ms(moment)))
        return False

    def _recount(self, arrived: Iterable[Arrival]) -> None:
        """Count anew the hours that these entries belong to, and then their days."""
        hours = {(each.account, counts.start_of("hour", id_ms(each.id))) for each in arrived}
        for account, hour in sorted(hours):
            self._lead.keep(self._done)
            tallies.count_hour(account, hour, self._lead.term)
        for account, day in sorted({(a, counts.start_of("day", hour)) for a, hour in hours}):
            self._lead.keep(self._done)
            tallies.sum_day(account, day, self._lead.term)


def count(stop: threading.Event) -> None:
    """Count until told to stop, or stand by while another worker does."""
    counting, is_away = Counting(), False
    while not stop.is_set():
        try:
            rest = counting.step()
            if is_away:
                logger.warning("The database is back; entries are counted again.")
            is_away = False
            counting.rest(rest, stop)
        except StorageError as error:
            # Said once for each time that it goes.
            if not is_away:
                logger.warning("Entries are not counted: %s", error)
            is_away = True
            counting.failed()
            stop.wait(AWAY_SECONDS)
    try:
        counting.end()
    except StorageError:
        # The lead is over by itself soon.
        return
