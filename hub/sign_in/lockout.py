"""How often a password may be guessed: a user name from one address, and an address at all.

django-axes counts the failures of a user name and an address together and locks them out. It is
told a keyed hash in the place of the name, and of the request no more than where it came from:
people type passwords into the wrong field.
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


def too_many(request: HttpRequest) -> LimitExceeded | None:
    """Count a try of whoever calls from there; return the rate if it goes beyond."""
    return count(settings.SIGN_IN_RATE, "tries", network_of(source_ip(request)))


def bare(request: HttpRequest) -> HttpRequest:
    """Return a request of which no more is known than where it came from."""
    told = HttpRequest()
    told.META = {"REMOTE_ADDR": source_ip(request)}
    return told


def name_of(request: HttpRequest, credentials: Mapping[str, str] | None) -> str:
    """Return what axes keeps of a user name, be it a person's or not."""
    return _hash((credentials or {}).get("username", ""))


def address_of(request: HttpRequest) -> str | None:
    """Return what axes keeps of an address: the first one of its network."""
    return network_of(source_ip(request)).partition("/")[0] or None


def is_locked_out(told: HttpRequest) -> bool:
    """Tell whether a failed sign-in ran into a lock, or brought it about."""
    return bool(getattr(told, "axes_locked_out", False))


def was_counted(told: HttpRequest) -> bool:
    """Tell whether a failed sign-in was one of those that bring a lock about."""
    return getattr(told, "axes_failures_since_start", None) is not None


def locked_until(told: HttpRequest, username: str) -> datetime:
    """Return when a lock ends, counted from the last failure that counts, in whole seconds."""
    known = AccessAttempt.objects.filter(username=_hash(username), ip_address=address_of(told))
    last: datetime | None = known.aggregate(last=Max("attempt_time"))["last"]
    # A lock can end while it is looked at.
    until = last + settings.AXES_COOLOFF_TIME if last else now()
    return until.replace(microsecond=0) + timedelta(seconds=1)


def forget(username: str) -> None:
    """Lift every lock of a user name, and forget its failures."""
    AccessAttempt.objects.filter(username=_hash(username)).delete()


def _hash(username: str) -> str:
    return salted_hmac("hub.guesses", username, algorithm="sha256").hexdigest()
