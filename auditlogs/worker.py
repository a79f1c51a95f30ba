"""The worker: the background process of a host. It drains the spool as soon as it can, and counts
what has reached the log if no other worker does."""

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from auditlogs.counters.counting import count
from auditlogs.storage.mongo import StorageError
from auditlogs.write.draining import drain
from auditlogs.write.spool import Spool
from auditlogs.write.spool_file import SpoolError

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
# While the database is away; the breaker lets one try through about as often.
AWAY_SECONDS = 2.0
# Another process of this host drains the spool; it may end at any time.
STANDBY_SECONDS = 5.0


def run(spool: Spool, stop: threading.Event) -> None:
    """Do both until told to stop, neither waiting for the other. Where one fails for a reason that
    nobody has thought of, the other ends too and the error is raised: half a worker is none."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        parts = [threads.submit(work, spool, stop), threads.submit(count, stop)]
        wait(parts, return_when=FIRST_COMPLETED)
        stop.set()
        for part in parts:
            part.result()


def work(spool: Spool, stop: threading.Event) -> None:
    """Drain the spool until told to stop; wait while another process of the host does it."""
    while not stop.is_set():
        try:
            with spool.drain_lock() as is_sole:
                if is_sole:
                    _lead(spool, stop)
        except SpoolError as error:
            logger.error("The spool cannot be drained: %s", error)  # noqa: TRY400
        stop.wait(STANDBY_SECONDS)


def drain_now(spool: Spool, seconds: float) -> int:
    """Drain the spool until it is empty or the time is over; return how many entries have left it.

    Raises StorageError, SpoolError, and BlockingIOError when another process drains it.
    """
    until, moved = time.monotonic() + seconds, 0
    with spool.drain_lock() as is_sole:
        if not is_sole:
            raise BlockingIOError
        while time.monotonic() < until and (left := drain(spool)):
            moved += left
    return moved


def _lead(spool: Spool, stop: threading.Event) -> None:
    is_away = False
    while not stop.is_set():
        pause = IDLE_SECONDS
        try:
            if drain(spool):
                pause = 0.0
            if is_away:
                logger.warning("The database is back; what waited is being stored.")
            is_away = False
        except StorageError as error:
            # Said once for each time that it goes.
            if not is_away:
                logger.warning("Entries wait in the spool: %s", error)
            is_away = True
            pause = AWAY_SECONDS
        except SpoolError as error:
            logger.error("The spool cannot be read: %s", error)  # noqa: TRY400
            pause = AWAY_SECONDS
        stop.wait(pause)
