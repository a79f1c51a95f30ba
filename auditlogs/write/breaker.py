"""A circuit breaker for the database: after some failures in a row, no call is made for a while.

All processes of a host share it through a file: the file's existence opens the breaker, its
modification time says since when. Libraries keep the state of a breaker in one process, or let
every caller try at once when it is half open.
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
# The caller that tries a half-open breaker waits no longer than this: the database is probably
# still unavailable, and the spool takes the entries anyway. After each failure it waits twice as
# long, or a database that answers slowly would never be used again.
PROBE_SECONDS, MAX_PROBE_SECONDS = 1.0, 8.0

BreakerState = Literal["closed", "open", "half-open"]


class Breaker:
    """Closed while the database works; open for OPEN_SECONDS after FAILURES in a row; then half
    open: one caller tries the database, and the others wait for its outcome."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._failures = 0
        # Used where the file cannot be written: the breaker then works for this process only.
        self._opened_at: float | None = None
        self.probe_seconds = PROBE_SECONDS
        self._is_probing = False

    @property
    def state(self) -> BreakerState:
        opened_at = self._opening_time()
        if opened_at is None:
            return "closed"
        # After a clock was set back the file's time is in the future; try the database then.
        return "open" if 0 <= time.time() - opened_at < OPEN_SECONDS else "half-open"

    def allows_call(self) -> bool:
        """Tell whether the database may be called now; half open, this is True for one caller."""
        state = self.state
        if state == "half-open":
            with self._exclusive():
                # Opening it again makes every later caller wait for this one's outcome.
                if self.state == "half-open":
                    self._open()
                    self._is_probing = True
                    return True
                return False
        if state == "closed" and self._failures >= FAILURES:
            # Another process closed the breaker, so this process's count is out of date.
            self._failures = 0
        return state == "closed"

    def record_success(self) -> None:
        """Close the breaker."""
        self._failures = 0
        self._is_probing, self.probe_seconds = False, PROBE_SECONDS
        if self._opening_time() is not None:
            self._opened_at = None
            with contextlib.suppress(OSError):
                self._file.unlink()

    def record_failure(self) -> None:
        """Count a failure, and open the breaker at FAILURES in a row."""
        with self._lock:
            if self._is_probing:
                self._is_probing = False
                self.probe_seconds = min(MAX_PROBE_SECONDS, self.probe_seconds * 2)
            self._failures += 1
            if self._failures >= FAILURES:
                self._open()

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keep other threads, and other processes where the file exists, out of the block."""
        with self._lock, contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                fcntl.flock(stack.enter_context(self._file.open("rb")), fcntl.LOCK_EX)
            yield

    def _open(self) -> None:
        try:
            self._file.touch(mode=0o600)
            os.utime(self._file)
            self._opened_at = None
        except OSError:
            self._opened_at = time.time()

    def _opening_time(self) -> float | None:
        """Return the Unix time at which any process of this host opened it; None when closed."""
        try:
            return self._file.stat().st_mtime
        except OSError:
            return self._opened_at
