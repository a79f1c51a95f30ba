"""How often a key may call the API, and how often an address may come with what is no key: so many
requests in a window of time, counted by each process."""

import functools
import ipaddress
import math
import time
from dataclasses import dataclass

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute, parse_many
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from auditlogs.models import ApiKey

# How often a client may come with a key that opens nothing. Only such requests are refused for it:
# others behind the same address must not be able to shut out a key that is valid.
FAILURES: RateLimitItem = RateLimitItemPerMinute(10)
# A client of IPv6 has a whole network of this many leading bits to call from.
IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Reached:
    """A rate that was reached, and in how many seconds to try again."""

    rate: RateLimitItem
    seconds: int


def by_calls(key: ApiKey) -> Reached | None:
    """Count a call of a key; return which rate it goes beyond, if it does."""
    for rate in _rates(settings.AUDITLOGS_API_RATE):
        if reached := _hit(rate, "calls", key.public_id):
            return reached
    return None


def by_failures(address: str | None) -> Reached | None:
    """Count a call from an address with what opens nothing; return the rate if it goes beyond."""
    return _hit(FAILURES, "failures", network_of(address))


def network_of(address: str | None) -> str:
    """Return what a client can call from: its address, or its network where it has one."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))


def _hit(rate: RateLimitItem, *who: str) -> Reached | None:
    if _limiter().hit(rate, *who):
        return None
    reset = _limiter().get_window_stats(rate, *who).reset_time
    return Reached(rate, max(1, math.ceil(reset - time.time())))


@functools.cache
def _rates(text: str) -> list[RateLimitItem]:
    """Return the rates, shortest window first: what that refuses does not count for the others."""
    return sorted(parse_many(text), key=lambda rate: rate.get_expiry())


@functools.cache
def _limiter() -> FixedWindowRateLimiter:
    """Return this process's counters. Their windows are fixed, so each is forgotten when it is
    over; with moving ones, the storage would grow without end."""
    return FixedWindowRateLimiter(MemoryStorage())
