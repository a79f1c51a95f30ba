"""A circuit breaker: after some failures in a row the database is left alone for a while.

All processes of a host share it, through a file: whether it is there, and since when. A library's
breaker would be each process's own, or let one call through at a time.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

FAILURES = 3
OPEN_SECONDS = 5.0

BreakerState = Literal["closed", "open", "half-open"]


class Breaker:
    """Closed while the database works; open for some seconds after failures in a row; then half
    open: one caller tries, and the others wait for what comes of it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._failures = 0
        # Where the file cannot be written, this process's own memory has to do.
        self._opened_at: float | None = None

    @property
    def state(self) -> BreakerState:
        """Return how things stand."""
        opened_at = self._since()
        if opened_at is None:
            return "closed"
        # A clock that was set back must not keep it open.
        return "open" if 0 <= time.time() - opened_at < OPEN_SECONDS else "half-open"

    def allows_call(self) -> bool:
        """Tell whether a call may be tried now. A half open one lets a single caller through."""
        state = self.state
        if state == "half-open":
            with self._alone():
                # Whoever comes next finds it open again.
                if self.state == "half-open":
                    self._open()
                    return True
                return False
        if state == "closed" and self._failures >= FAILURES:
            # Another process has closed it: what was counted here is over.
            self._failures = 0
        return state == "closed"

    def record_success(self) -> None:
        """Close: the database answered."""
        self._failures = 0
        if self._since() is not None:
            self._opened_at = None
            with contextlib.suppress(OSError):
                self._file.unlink()

    def record_failure(self) -> None:
        """Count a failure; open when there were enough in a row."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._open()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let nobody else decide meanwhile: no thread, and where there is a file no process."""
        with self._lock, contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                fcntl.flock(stack.enter_context(self._file.open("rb")), fcntl.LOCK_EX)
            yield

    def _open(self) -> None:
        try:
            self._file.touch()
            os.utime(self._file)
            self._opened_at = None
        except OSError:
            self._opened_at = time.time()

    def _since(self) -> float | None:
        """Return when it was opened, by whichever process of this host."""
        try:
            return self._file.stat().st_mtime
        except OSError:
            return self._opened_at
