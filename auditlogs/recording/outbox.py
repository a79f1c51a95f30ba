"""The outbox: entries of the mode `async` wait here, in memory, for up to a second."""

import atexit
import functools
import os
import threading
import time
from collections import deque

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
        # What the thread is about to store; it stays here until that is certain.
        self._leaving: list[tuple[str, Entry]] = []
        self._is_closing = False

    def put(self, entry: Entry, account: str) -> None:
        """Take an entry; where 10,000 wait already, it is lost, which is counted and said."""
        with self._changed:
            is_full = len(self._waiting) >= MAX_WAITING
            if not is_full:
                self._waiting.append((account, entry))
                self._start()
        if is_full:
            losses.lose(entry, account, f"{MAX_WAITING:,} entries wait to be stored already.")

    def flush(self, seconds: float) -> bool:
        """Store what waits now; tell whether that was done in time."""
        until = time.monotonic() + seconds
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            try:
                return self._changed.wait_for(self._is_idle, max(0.0, until - time.monotonic()))
            finally:
                self._is_closing = False

    def close(self, seconds: float) -> None:
        """Store what waits; what is not known to be stored in time is lost, which is counted and
        said."""
        if not self.flush(seconds):
            with self._changed:
                left = [*self._leaving, *self._waiting]
                self._waiting.clear()
            for account, entry in left:
                losses.lose(entry, account, "The process ended before it was known to be stored.")

    def _is_idle(self) -> bool:
        return not self._waiting and not self._leaving

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="audit-outbox", daemon=True)
            self._thread.start()
        if len(self._waiting) >= BATCH:
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_closing or len(self._waiting) >= BATCH, WINDOW_SECONDS
                )
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                self._leaving = batch
            try:
                _store(batch)
            finally:
                with self._changed:
                    self._leaving = []
                    self._changed.notify_all()


def _store(batch: list[tuple[str, Entry]]) -> None:
    for account in dict.fromkeys(account for account, _ in batch):
        entries = [entry for owner, entry in batch if owner == account]
        try:
            receipts = write(entries, account)
        except Exception as error:  # noqa: BLE001  (nothing may be lost without a word)
            for entry in entries:
                losses.lose(entry, account, str(error))
        else:
            for entry, receipt in zip(entries, receipts, strict=True):
                if receipt.status == "conflict":
                    losses.lose(entry, account, CONFLICT)


@functools.cache
def outbox() -> Outbox:
    """Return this process's outbox, which is flushed when the process ends."""
    atexit.register(_close_at_exit, os.getpid())
    return Outbox()


def _close_at_exit(pid: int) -> None:
    # What a forked child has inherited is its parent's to store.
    if os.getpid() == pid:
        outbox().close(EXIT_SECONDS)


os.register_at_fork(after_in_child=outbox.cache_clear)
