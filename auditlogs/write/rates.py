"""Counters of rate limits, in the memory of each process."""

import threading
import time
from dataclasses import dataclass

from cachetools import TLRUCache
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

# The most sources that are counted at once. Beyond it those not seen for longest are forgotten, so
# that requests from ever new addresses cannot fill the memory.
MAX_SOURCES = 100_000


@dataclass(slots=True)
class Window:
    """How often a source was counted, and when it is forgotten, as a Unix time in seconds."""

    count: int
    end: float


class Windows(Storage):
    """Fixed windows of a bounded number of sources.

    The memory that `limits` has is not bounded, and starts a thread with nearly every request to
    remove what is over.
    """

    STORAGE_SCHEME = None
    base_exceptions = ()

    def __init__(self, max_sources: int = MAX_SOURCES) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._windows: TLRUCache[str, Window] = TLRUCache(
            max_sources, ttu=lambda _key, window, _now: window.end, timer=time.time
        )

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        with self._lock:
            window = self._windows.get(key)
            if window is None:
                self._windows[key] = window = Window(0, time.time() + expiry)
            window.count += amount
            return window.count

    def get(self, key: str) -> int:
        window = self._find(key)
        return window.count if window else 0

    def get_expiry(self, key: str) -> float:
        window = self._find(key)
        return window.end if window else time.time()

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)

    def _find(self, key: str) -> Window | None:
        with self._lock:
            return self._windows.get(key)


def new_limiter() -> FixedWindowRateLimiter:
    """Return a limiter with counters of its own."""
    return FixedWindowRateLimiter(Windows())
