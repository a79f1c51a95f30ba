"""Validation of settings at startup. Each function raises ValidationError with what was expected.

A message never repeats the value: any setting may hold a secret.
"""

from importlib.util import find_spec
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from environs import EnvError, ValidationError
from limits import parse_many

from auditlogs.entry.tool_scopes import BadToolScopes, load
from auditlogs.redaction import BadPattern, Redactor
from auditlogs.storage.mongo import is_uri
from auditlogs.storage.retention import DAYS_ARE, is_retention

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# As long as the column that stores an identity's issuer.
MAX_ISSUER = 255
MIN_SPOOL_BYTES = 65_536
# The bounds of Django's own check of a deployment (security.W009).
MIN_SECRET_LENGTH, MIN_SECRET_CHARACTERS = 50, 5
# The prefix of the keys that `startproject` generates for development.
INSECURE = "django-insecure-"
SECRET_KEY_IS = (
    f"expected at least {MIN_SECRET_LENGTH} characters, {MIN_SECRET_CHARACTERS} of them "
    f"different, not beginning with {INSECURE}"
)
MAX_HOPS = 10
MAX_IDLE_MINUTES = 7 * 24 * 60
MAX_TRACE_HOURS = 10 * 365 * 24
# Names no part of the given URI: any of them may contain the password.
MONGODB_URI_IS = (
    "expected a URI such as mongodb://user:password@host/auditlogs or mongodb+srv://…, with "
    "special characters percent-encoded, known options, and files that can be read"
)


def secret_key(value: str) -> None:
    """Reject a key that is short, repetitive or generated for development."""
    is_weak = len(value) < MIN_SECRET_LENGTH or len(set(value)) < MIN_SECRET_CHARACTERS
    if is_weak or value.startswith(INSECURE):
        raise ValidationError(SECRET_KEY_IS)


def secret_keys(values: list[str]) -> None:
    """Reject a list with a weak key: signatures made with any of them are accepted."""
    for value in values:
        secret_key(value)


def debug(value: bool) -> None:
    """Reject DEBUG=true."""
    if value:
        raise ValidationError("expected false: debug pages show settings and source code to anyone")


def proxy_hops(value: int) -> None:
    """Require a number of proxies from 0 to MAX_HOPS."""
    if not 0 <= value <= MAX_HOPS:
        raise ValidationError(f"expected a number from 0 to {MAX_HOPS}")


def idle_minutes(value: int) -> None:
    """Require a number of minutes from 1 to a week."""
    if not 1 <= value <= MAX_IDLE_MINUTES:
        raise ValidationError(f"expected a number from 1 to {MAX_IDLE_MINUTES}")


def redact_patterns(value: Any) -> None:
    """Require a JSON object of rule names to patterns that RE2 can compile."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValidationError("expected a JSON object of rule names to RE2 patterns")
    try:
        Redactor(patterns=value)
    except BadPattern as error:
        raise ValidationError(str(error)) from error


def tool_scopes(value: str) -> None:
    """Require a file that declares scopes and their tools, where one is named."""
    try:
        if value:
            load(value)
    except BadToolScopes as error:
        raise ValidationError(str(error)) from error


def rate(value: str) -> None:
    """Require rates such as "1200/minute;200/10 second", none of which allows nothing."""
    try:
        are_possible = all(each.amount for each in parse_many(value))
    except ValueError:
        are_possible = False
    if not are_possible:
        raise ValidationError("expected rates such as 1200/minute;200/10 second, none of them 0")


def retention_days(value: int) -> None:
    """Require a number of days that a TTL index of MongoDB can hold."""
    if not is_retention(value):
        raise ValidationError(DAYS_ARE)


def mongodb_uri(value: str) -> None:
    """Require a URI that the driver accepts; no connection is made."""
    if not is_uri(value):
        raise ValidationError(MONGODB_URI_IS)


def spool_bytes(value: int) -> None:
    """Require room for an SQLite file with at least a few entries."""
    if value < MIN_SPOOL_BYTES:
        raise ValidationError(f"expected at least {MIN_SPOOL_BYTES} bytes")


def single_sign_on(**values: str) -> None:
    """Require all of the OIDC settings or none, and the extra that implements them.

    Raises EnvError, since no single variable is to blame.
    """
    are_set = [bool(value) for value in values.values()]
    if any(are_set) and not all(are_set):
        *rest, last = values
        raise EnvError(f"{', '.join(rest)} and {last} belong together: one is missing")
    if all(are_set) and not find_spec("authlib"):
        raise EnvError("OIDC_ISSUER is set, but its extra is not installed: auditlogs[sso]")


def networks(values: list[str]) -> None:
    """Require addresses or networks in CIDR notation, without bits beyond the prefix."""
    try:
        for value in values:
            ip_network(value)
    except ValueError as error:
        raise ValidationError("expected networks such as 10.20.0.0/16, or addresses") from error


def trace_url(value: str) -> None:
    """Require an address of a trace: http or https, with the place of the trace ID."""
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_address = False
    if value and not (is_address and "{trace_id}" in value and "{trace_id}" not in parts.netloc):
        raise ValidationError("expected an http(s) address with {trace_id} behind its host")


def trace_hours(value: int) -> None:
    """Require a number of hours from 1 to 10 years."""
    if not 1 <= value <= MAX_TRACE_HOURS:
        raise ValidationError(f"expected a number from 1 to {MAX_TRACE_HOURS}")


def issuer(value: str) -> None:
    """Require an OpenID provider's address that cannot be intercepted: https, or loopback."""
    try:
        is_safe = is_https(value) or is_loopback(value)
    except ValueError:
        is_safe = False
    if value and not is_safe:
        raise ValidationError("expected an https:// address, or http:// on this host's loopback")
    if len(value) > MAX_ISSUER or set(value) & set("?#@"):
        raise ValidationError(f"expected at most {MAX_ISSUER} characters, none of them ? # @")


def is_https(url: str) -> bool:
    """Tell whether a URL is an https address with a host. Raises ValueError for a malformed one."""
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.hostname)


def is_loopback(url: str) -> bool:
    """Tell whether a URL is http on the loopback interface. Raises ValueError as `is_https`."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK
