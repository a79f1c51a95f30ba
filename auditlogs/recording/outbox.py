"""The outbox of mode `async`: entries wait in memory for up to a second."""

import atexit
import contextlib
import functools
import os
import threading
import time
from collections import deque
from multiprocessing.util import Finalize

from auditlogs.entry.schema import Entry
from auditlogs.recording import losses
from auditlogs.write.store import CONFLICT, write

MAX_WAITING = 10_000
BATCH = 500
WINDOW_SECONDS = 1.0
EXIT_SECONDS = 10.0


class Outbox:
    """A bounded queue of entries, and the thread that stores them in batches."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Entry]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        # Entries being stored, until the outcome is certain.
        self._in_flight: list[tuple[str, Entry]] = []
        self._is_closing = False
        self._is_closed = False

    def put(self, entry: Entry, account: str) -> None:
        """Enqueue an entry; when 10,000 are waiting it is reported as lost. After `close` it is
        stored before this returns."""
        if self._is_closed:
            _store([(account, entry)])
            return
        with self._changed:
            is_full = len(self._waiting) >= MAX_WAITING
            if not is_full:
                self._waiting.append((account, entry))
                self._start()
        if is_full:
            losses.lose(
                entry, account, f"{MAX_WAITING:,} entries are already waiting to be stored."
            )

    def flush(self, seconds: float) -> bool:
        """Store the waiting entries; return whether that finished in so many seconds."""
        until = time.monotonic() + seconds
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            try:
                return self._changed.wait_for(self._is_idle, max(0.0, until - time.monotonic()))
            finally:
                self._is_closing = False

    def close(self, seconds: float) -> None:
        """Store the waiting entries; those not known to be stored in time are reported as lost."""
        # Handlers that run later at exit may record, too.
        self._is_closed = True
        if not self.flush(seconds):
            with self._changed:
                left = [*self._in_flight, *self._waiting]
                self._waiting.clear()
            for account, entry in left:
                losses.lose(
                    entry, account, "The process ended before the entry was known to be stored."
                )

    def _is_idle(self) -> bool:
        return not self._waiting and not self._in_flight

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._work, name="audit-outbox", daemon=True)
            # A process may be out of threads: the entry waits for the next one, which tries again.
            with contextlib.suppress(RuntimeError):
                thread.start()
                self._thread = thread
        if len(self._waiting) >= BATCH:
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_closing or len(self._waiting) >= BATCH, WINDOW_SECONDS
                )
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                self._in_flight = batch
            try:
                _store(batch)
            finally:
                with self._changed:
                    self._in_flight = []
                    self._changed.notify_all()


def _store(batch: list[tuple[str, Entry]]) -> None:
    for account in dict.fromkeys(account for account, _ in batch):
        entries = [entry for other, entry in batch if other == account]
        try:
            receipts = write(entries, account)
        except Exception as error:  # noqa: BLE001  (whatever happened, the loss is reported)
            for entry in entries:
                losses.lose(entry, account, str(error))
        else:
            for entry, receipt in zip(entries, receipts, strict=True):
                if receipt.status == "conflict":
                    losses.lose(entry, account, CONFLICT)


@functools.cache
def outbox() -> Outbox:
    """Return the outbox of this process, which is flushed at exit."""
    atexit.register(_close_at_exit, os.getpid())
    # Children of multiprocessing end without the handlers of atexit.
    Finalize(None, _close_at_exit, (os.getpid(),), exitpriority=0)
    return Outbox()


def _close_at_exit(pid: int) -> None:
    # A forked child inherits the handler, but the entries are its parent's to store.
    if os.getpid() == pid:
        outbox().close(EXIT_SECONDS)


os.register_at_fork(after_in_child=outbox.cache_clear)
