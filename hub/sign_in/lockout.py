"""Limits on guessing passwords: lock-out of a user name, and a rate for each address.

django-axes counts failures by user name and address together and locks the pair out. People type
passwords into the wrong field, so axes gets a keyed hash instead of the user name, and a stripped
request, of which it can store nothing but the address.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from auditlogs.accounts.rate_limit import LimitExceeded, count, network_of
from auditlogs.entry.times import now
from auditlogs.middleware import source_ip


def count_attempt(request: HttpRequest) -> LimitExceeded | None:
    """Count an attempt from the request's address; return the rate that it exceeds, if any."""
    return count(settings.SIGN_IN_RATE, "tries", network_of(source_ip(request)))


def stripped_request(request: HttpRequest) -> HttpRequest:
    """Return a request for axes that has nothing of the original but the client's address."""
    stripped = HttpRequest()
    stripped.META = {"REMOTE_ADDR": source_ip(request)}
    return stripped


def username_digest(request: HttpRequest, credentials: Mapping[str, str] | None) -> str:
    """Return what axes stores in the place of a user name, whether or not anybody has it."""
    return _digest((credentials or {}).get("username", ""))


def client_network(request: HttpRequest) -> str | None:
    """Return what axes stores as the address: the first one of the client's network.

    A client with one IPv6 address has its whole /64, and could use a new address for each attempt.
    """
    return network_of(source_ip(request)).partition("/")[0] or None


def is_locked_out(axes_request: HttpRequest) -> bool:
    """Tell whether a failed sign-in was refused by a lock-out, or caused one."""
    return bool(getattr(axes_request, "axes_locked_out", False))


def was_counted(axes_request: HttpRequest) -> bool:
    """Tell whether a failed sign-in counts towards a lock-out; during one it does not."""
    return getattr(axes_request, "axes_failures_since_start", None) is not None


def locked_until(axes_request: HttpRequest, username: str) -> datetime:
    """Return when a lock-out ends, rounded up to a second: some time after the last failure that
    counted."""
    attempts = AccessAttempt.objects.filter(
        username=_digest(username), ip_address=client_network(axes_request)
    )
    last: datetime | None = attempts.aggregate(last=Max("attempt_time"))["last"]
    # The lock-out may have expired between the sign-in and this query.
    until = last + settings.AXES_COOLOFF_TIME if last else now()
    return until.replace(microsecond=0) + timedelta(seconds=1)


def reset(username: str) -> None:
    """End all lock-outs of a user name and forget its failures."""
    AccessAttempt.objects.filter(username=_digest(username)).delete()


def _digest(username: str) -> str:
    return salted_hmac("hub.lockout", username, algorithm="sha256").hexdigest()
