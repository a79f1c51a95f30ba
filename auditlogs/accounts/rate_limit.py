"""Rate limits, such as requests of an API key and invalid keys of a network address.

Windows are fixed and counted by each process, so that N processes allow up to N times the rate.
"""

import functools
import ipaddress
import math
import time
from dataclasses import dataclass

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute, parse_many
from limits.strategies import FixedWindowRateLimiter

from auditlogs.models import ApiKey
from auditlogs.write.rates import new_limiter

# Requests with an invalid key, per address. Beyond it only requests with invalid keys are rejected:
# others behind the same address must not be able to lock out a valid key.
FAILURES: RateLimitItem = RateLimitItemPerMinute(10)
# An IPv6 client usually has a whole /64 network of addresses (RFC 6177).
IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class LimitExceeded:
    """The rate that was exceeded, and in how many seconds to try again."""

    rate: RateLimitItem
    seconds: int


def count_call(key: ApiKey) -> LimitExceeded | None:
    """Count a request of a key; return the rate that it exceeds, if any."""
    return count(settings.AUDITLOGS_API_RATE, "calls", key.public_id)


def count_failure(address: str | None) -> LimitExceeded | None:
    """Count a request with an invalid key; return the rate that it exceeds, if any."""
    return _hit(FAILURES, "failures", network_of(address))


def count(rates: str, kind: str, source: str) -> LimitExceeded | None:
    """Count a request of a kind from a source; return the first of the rates that it exceeds.

    `rates` is in the notation of the library `limits`: "1200/minute;200/10 seconds".
    """
    for rate in _rates(rates):
        if exceeded := _hit(rate, kind, source):
            return exceeded
    return None


def network_of(address: str | None) -> str:
    """Return an IPv4 address, or the network of an IPv6 address; "" for anything else, such as the
    empty peer name of a Unix socket."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    # A dual-stack socket reports IPv4 clients like this; all of them would share one network.
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed, IPV6_PREFIX), strict=False))


def _hit(rate: RateLimitItem, *identifiers: str) -> LimitExceeded | None:
    if _limiter().hit(rate, *identifiers):
        return None
    reset = _limiter().get_window_stats(rate, *identifiers).reset_time
    return LimitExceeded(rate, max(1, math.ceil(reset - time.time())))


@functools.cache
def _rates(text: str) -> list[RateLimitItem]:
    """Parse rates, shortest window first: what that rejects must not count in the others."""
    return sorted(parse_many(text), key=lambda rate: rate.get_expiry())


@functools.cache
def _limiter() -> FixedWindowRateLimiter:
    return new_limiter()
