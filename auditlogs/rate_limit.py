"""How often a key may write: so many requests in a window of time, counted by each process."""

import functools
import math
import time

from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from auditlogs.models import ApiKey


def seconds_to_wait(key: ApiKey) -> int:
    """Count a request of a key; return how many seconds it has to wait, 0 for not at all."""
    rate = write_rate()
    if _limiter().hit(rate, key.public_id):
        return 0
    reset = _limiter().get_window_stats(rate, key.public_id).reset_time
    return max(1, math.ceil(reset - time.time()))


def write_rate() -> RateLimitItem:
    """Return how often a key may write."""
    return parse(settings.AUDITLOGS_WRITE_RATE)


@functools.cache
def _limiter() -> FixedWindowRateLimiter:
    """Return this process's counters. With moving windows, the storage would grow without end."""
    return FixedWindowRateLimiter(MemoryStorage())
