"""The outbox: entries wait in memory, within bounds, for a thread that sends them in batches."""

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
# What the API takes at once.
MAX_BATCH = 1_000
MAX_BATCH_BYTES = 5 << 20
SAY_EVERY_SECONDS = 1.0
GRACE_SECONDS = 0.5
NAME = "auditlogs-client"

# Sends a batch; returns how many of its entries are lost.
Send = Callable[[Sequence[Pending], Pause], int]

logger = logging.getLogger("auditlogs.client")


class Outbox:
    """Entries that wait to be sent, and the thread that sends them, begun with the first."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: deque[Pending] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        # How many were put in, and how many of these are sent or lost; they leave in their order.
        self._taken = self._settled = 0
        self._bytes = 0
        self._wanted = 0
        self._deadline = math.inf
        self._is_over = False
        self._lost = 0
        self._said = -math.inf

    @property
    def lost(self) -> int:
        """Return how many entries the log does not have and will not get."""
        return self._lost

    def put(self, entry: Pending) -> None:
        """Take an entry; where there is no room for it, count it as lost and say so."""
        with self._changed:
            if self._has_room(entry):
                self._taken += 1
                self._bytes += len(entry.body)
                self._queue.append(entry)
                if len(self._queue) in (1, ENOUGH):
                    self._changed.notify_all()
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)
                    self._thread.start()
                return
            self._lost += 1
            lost, now = self._lost, time.monotonic()
            if now - self._said < SAY_EVERY_SECONDS:
                return
            self._said = now
        logger.error("an entry is lost, too many wait; %d are lost by now", lost)

    def flush(self, timeout: float) -> bool:
        """Send what waits; tell whether all of it was sent, or lost, within so many seconds."""
        with self._changed:
            wanted = self._wanted = self._taken
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= wanted, timeout)

    def close(self, timeout: float) -> None:
        """Send what waits, for so many seconds at most; what is left then is lost."""
        with self._changed:
            self._deadline = time.monotonic() + timeout
            self._changed.notify_all()
        if self._thread:
            # A little more, to hear what became of the last try.
            self._thread.join(timeout + GRACE_SECONDS)
        with self._changed:
            left = self._taken - self._settled
            self._lost += left
            self._is_over = True
        if left:
            logger.error("%d entries are lost: unconfirmed when it was time to end", left)

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
                logger.exception("%d entries are lost, unexpectedly", lost)
            finally:
                with self._changed:
                    self._settled += len(batch)
                    self._bytes -= sum(len(entry.body) for entry in batch)
                    # When it is over, what was left is counted already.
                    self._lost += 0 if self._is_over else lost
                    self._changed.notify_all()

    def _next(self) -> list[Pending]:
        """Wait for entries and return a batch of them, or nothing when it is time to end."""
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
        """Wait before another try, at the end only as long as there is time; tell if there is."""
        until = min(time.monotonic() + seconds, self._deadline)
        closing = self._closing
        with self._changed:
            # Whoever closes gets one more try at once.
            self._changed.wait_for(
                lambda: self._closing and not closing, max(0.0, until - time.monotonic())
            )
        return time.monotonic() < self._deadline
