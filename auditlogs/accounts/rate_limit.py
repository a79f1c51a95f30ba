"""How often a key may call the API, and how often an address may come with what is no key, or try
passwords: so many requests in a window of time, counted by each process."""

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
class LimitExceeded:
    """A rate that was reached, and in how many seconds to try again."""

    rate: RateLimitItem
    seconds: int


def count_call(key: ApiKey) -> LimitExceeded | None:
    """Count a call of a key; return which rate it goes beyond, if it does."""
    return _hit_any(settings.AUDITLOGS_API_RATE, "calls", key.public_id)


def count_failure(address: str | None) -> LimitExceeded | None:
    """Count a call from an address with what opens nothing; return the rate if it goes beyond."""
    return _hit(FAILURES, "failures", network_of(address))


def count_password_attempt(rates: str, address: str | None) -> LimitExceeded | None:
    """Count a try of a password from an address; return which rate it goes beyond, if it does."""
    return _hit_any(rates, "tries", network_of(address))


def network_of(address: str | None) -> str:
    """Return what a client can call from: its address, or its network where it has one; an empty
    text for what is no address."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    # A socket of both kinds tells an IPv4 client so; all of them would share one network.
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed, IPV6_PREFIX), strict=False))


def _hit_any(rates: str, *who: str) -> LimitExceeded | None:
    for rate in _rates(rates):
        if reached := _hit(rate, *who):
            return reached
    return None


def _hit(rate: RateLimitItem, *who: str) -> LimitExceeded | None:
    if _limiter().hit(rate, *who):
        return None
    reset = _limiter().get_window_stats(rate, *who).reset_time
    return LimitExceeded(rate, max(1, math.ceil(reset - time.time())))


@functools.cache
def _rates(text: str) -> list[RateLimitItem]:
    """Return the rates, shortest window first: what that refuses does not count for the others."""
    return sorted(parse_many(text), key=lambda rate: rate.get_expiry())


@functools.cache
def _limiter() -> FixedWindowRateLimiter:
    """Return this process's counters. Their windows are fixed, so each is forgotten when it is
    over; with moving ones, the storage would grow without end."""
    return FixedWindowRateLimiter(MemoryStorage())
