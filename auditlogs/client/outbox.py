"""The outbox: a bounded queue in memory, and the thread that sends it in batches."""

import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from auditlogs.client.delivery import Pause, Pending

MAX_WAITING = 10_000
MAX_WAITING_BYTES = 64 << 20
ENOUGH = 500
EVERY_SECONDS = 1.0
# The API's limits for a request.
MAX_BATCH = 1_000
MAX_BATCH_BYTES = 5 << 20
REPORT_EVERY_SECONDS = 1.0
GRACE_SECONDS = 0.5
NAME = "auditlogs-client"

# Sends a batch; returns how many of its entries are lost.
Send = Callable[[Sequence[Pending], Pause], int]

logger = logging.getLogger("auditlogs.client")


class Outbox:
    """Waiting entries, and the thread that sends them, started with the first entry."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: deque[Pending] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        # How many were enqueued, and how many of these are sent or lost. The order is kept, so two
        # numbers tell whether `flush` may return.
        self._taken = self._settled = 0
        self._bytes = 0
        self._wanted = 0
        self._deadline = math.inf
        self._is_over = False
        self._lost = 0
        self._reported = -math.inf

    @property
    def lost(self) -> int:
        """How many entries are lost for good."""
        return self._lost

    def put(self, entry: Pending) -> None:
        """Enqueue an entry; without room it is counted and reported as lost."""
        with self._changed:
            if self._has_room(entry):
                self._taken += 1
                self._bytes += len(entry.body)
                self._queue.append(entry)
                if len(self._queue) in (1, ENOUGH):
                    self._changed.notify_all()
                if self._thread is None or not self._thread.is_alive():
                    self._start()
                return
            self._lost += 1
            lost, now = self._lost, time.monotonic()
            if now - self._reported < REPORT_EVERY_SECONDS:
                return
            self._reported = now
        logger.error("entry lost, too many are waiting; %d lost so far", lost)

    def flush(self, timeout: float) -> bool:
        """Send the waiting entries; return whether all were sent or lost within so many seconds."""
        with self._changed:
            wanted = self._wanted = self._taken
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= wanted, timeout)

    def close(self, timeout: float) -> None:
        """Send the waiting entries for at most so many seconds; the rest is lost."""
        with self._changed:
            self._deadline = time.monotonic() + timeout
            self._changed.notify_all()
        if self._thread:
            # A little longer, for the outcome of the last attempt.
            self._thread.join(timeout + GRACE_SECONDS)
        with self._changed:
            left = self._taken - self._settled
            self._lost += left
            self._is_over = True
        if left:
            logger.error("%d entries lost, unconfirmed at the end of the process", left)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=NAME, daemon=True)
        # A process may be out of threads: the entry waits for the next one, which tries again.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def _has_room(self, entry: Pending) -> bool:
        waiting = self._taken - self._settled
        return waiting < MAX_WAITING and self._bytes + len(entry.body) <= MAX_WAITING_BYTES

    @property
    def _closing(self) -> bool:
        return self._deadline < math.inf

    def _run(self) -> None:
        while batch := self._next():
            lost = len(batch)
            try:
                lost = self._send(batch, self._pause)
            except Exception:
                logger.exception("%d entries lost by an unexpected error", lost)
            finally:
                with self._changed:
                    self._settled += len(batch)
                    self._bytes -= sum(len(entry.body) for entry in batch)
                    # `close` has already counted these as lost when it gave up waiting.
                    self._lost += 0 if self._is_over else lost
                    self._changed.notify_all()

    def _next(self) -> list[Pending]:
        """Wait for entries and return a batch, or nothing when closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            self._changed.wait_for(self._is_due, EVERY_SECONDS)
            batch: list[Pending] = []
            size = len("[]")
            while self._queue and len(batch) < MAX_BATCH and time.monotonic() < self._deadline:
                size += len(self._queue[0].body) + len(",")
                if size > MAX_BATCH_BYTES:
                    break
                batch.append(self._queue.popleft())
            return batch

    def _is_due(self) -> bool:
        return len(self._queue) >= ENOUGH or self._settled < self._wanted or self._closing

    def _pause(self, seconds: float) -> bool:
        """Wait before the next attempt, until the deadline; return whether time is left."""
        until = min(time.monotonic() + seconds, self._deadline)
        closing = self._closing
        with self._changed:
            # Closing ends the wait, for one more attempt at once.
            self._changed.wait_for(
                lambda: self._closing and not closing, max(0.0, until - time.monotonic())
            )
        return time.monotonic() < self._deadline
