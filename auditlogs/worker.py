"""The worker: a host's background process. It drains the spool, counts new entries if it is the
leader of all workers, and records exports that a crash has cut off."""

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from django.db import DatabaseError, close_old_connections

from auditlogs.counters.counting import count
from auditlogs.export.running import record_crashed
from auditlogs.storage.mongo import StorageError
from auditlogs.write.draining import drain
from auditlogs.write.spool import Spool
from auditlogs.write.spool_file import SpoolError

logger = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
# While the database is unreachable; the circuit breaker permits an attempt about as often.
AWAY_SECONDS = 2.0
# While another process of this host drains the spool, which may end at any time.
STANDBY_SECONDS = 5.0
# An export counts as cut off once it was not seen for a minute.
EXPORTS_SECONDS = 60.0


def run(spool: Spool, stop: threading.Event) -> None:
    """Drain, count and look after exports in a thread each until `stop` is set.

    An unexpected error in one ends all and is raised, so that the service manager restarts the
    whole worker instead of leaving a part of it running.
    """
    with ThreadPoolExecutor(max_workers=3) as threads:
        parts = [
            threads.submit(drain_until, spool, stop),
            threads.submit(count, stop),
            threads.submit(watch_exports, stop),
        ]
        wait(parts, return_when=FIRST_COMPLETED)
        stop.set()
        for part in parts:
            part.result()


def watch_exports(stop: threading.Event) -> None:
    """Record exports that a crash has cut off, every minute until `stop` is set."""
    while not stop.wait(EXPORTS_SECONDS):
        # Nobody else gives up a connection that the database has closed.
        close_old_connections()
        try:
            record_crashed()
        except DatabaseError:
            logger.warning("Exports that were cut off could not be recorded.", exc_info=True)


def drain_until(spool: Spool, stop: threading.Event) -> None:
    """Drain the spool until `stop` is set, or wait while another process of the host does."""
    while not stop.is_set():
        try:
            with spool.drain_lock() as is_sole:
                if is_sole:
                    _drain_alone(spool, stop)
        except SpoolError as error:
            logger.error("The spool cannot be drained: %s", error)  # noqa: TRY400
        stop.wait(STANDBY_SECONDS)


def drain_now(spool: Spool, seconds: float) -> int:
    """Drain the spool until it is empty or so many seconds have passed; return how many entries
    left it.

    Raises StorageError, SpoolError, and BlockingIOError where another process is draining it.
    """
    until, moved = time.monotonic() + seconds, 0
    with spool.drain_lock() as is_sole:
        if not is_sole:
            raise BlockingIOError
        while time.monotonic() < until and (left := drain(spool)):
            moved += left
    return moved


def _drain_alone(spool: Spool, stop: threading.Event) -> None:
    is_unreachable = False
    while not stop.is_set():
        pause = IDLE_SECONDS
        try:
            if drain(spool):
                pause = 0.0
            if is_unreachable:
                logger.warning("The database is reachable again; spooled entries are being stored.")
            is_unreachable = False
        except StorageError as error:
            # Logged once per outage.
            if not is_unreachable:
                logger.warning("Entries are waiting in the spool: %s", error)
            is_unreachable = True
            pause = AWAY_SECONDS
        except SpoolError as error:
            logger.error("The spool cannot be read: %s", error)  # noqa: TRY400
            pause = AWAY_SECONDS
        stop.wait(pause)
