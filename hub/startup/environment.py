"""What the environment says, checked when the program starts: each raises ValidationError."""

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from environs import EnvError, ValidationError
from limits import parse_many

from auditlogs.redaction import BadPattern, Redactor
from auditlogs.storage.mongo import is_uri
from auditlogs.storage.retention import DAYS_ARE, is_retention

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
MAX_ISSUER = 255
MIN_SPOOL_BYTES = 65_536
MIN_SECRET_LENGTH, MIN_SECRET_CHARACTERS = 50, 5
# As Django begins the keys that it makes for trying things out.
INSECURE = "django-insecure-"
SECRET_KEY_IS = (
    f"expected {MIN_SECRET_LENGTH} characters or more, {MIN_SECRET_CHARACTERS} different ones at "
    f"least, not beginning with {INSECURE}"
)
MAX_HOPS = 10
MAX_IDLE_MINUTES = 7 * 24 * 60
# It names nothing of the URI: a password may be in any part of it.
MONGODB_URI_IS = (
    "expected a URI such as mongodb://user:password@host/auditlogs, or mongodb+srv://, with what "
    "is special in a password escaped, options that there are, and files that can be read"
)


def secret_key(value: str) -> None:
    """Take a key that nobody guesses."""
    is_weak = len(value) < MIN_SECRET_LENGTH or len(set(value)) < MIN_SECRET_CHARACTERS
    if is_weak or value.startswith(INSECURE):
        raise ValidationError(SECRET_KEY_IS)


def secret_keys(values: list[str]) -> None:
    """Take keys that nobody guesses: what one of them signed is believed."""
    for value in values:
        secret_key(value)


def off(value: bool) -> None:
    """Take no yes."""
    if value:
        raise ValidationError("expected false: its error pages tell a visitor everything")


def hops(value: int) -> None:
    """Take a number of proxies."""
    if not 0 <= value <= MAX_HOPS:
        raise ValidationError(f"expected a number from 0 to {MAX_HOPS}")


def idle_minutes(value: int) -> None:
    """Take a number of minutes, a week of them at most."""
    if not 1 <= value <= MAX_IDLE_MINUTES:
        raise ValidationError(f"expected a number from 1 to {MAX_IDLE_MINUTES}")


def patterns(value: Any) -> None:
    """Take a JSON object of rule names to patterns that RE2 can compile."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValidationError("expected a JSON object of rule names to RE2 patterns")
    try:
        Redactor(patterns=value)
    except BadPattern as error:
        raise ValidationError(str(error)) from error


def rate(value: str) -> None:
    """Take a rate such as 30/minute, or several, all of which hold."""
    try:
        are_possible = all(each.amount for each in parse_many(value))
    except ValueError:
        are_possible = False
    if not are_possible:
        raise ValidationError("expected rates such as 1200/minute;200/10 second, none of them 0")


def retention(value: int) -> None:
    """Take a number of days for which the database can keep entries."""
    if not is_retention(value):
        raise ValidationError(DAYS_ARE)


def mongodb_uri(value: str) -> None:
    """Take an address of the log's database."""
    if not is_uri(value):
        raise ValidationError(MONGODB_URI_IS)


def size(value: int) -> None:
    """Take a number of bytes that a file of SQLite's can have."""
    if value < MIN_SPOOL_BYTES:
        raise ValidationError(f"expected at least {MIN_SPOOL_BYTES} bytes")


def single_sign_on(**values: str) -> None:
    """Take settings that mean nothing without each other, nor without the extra. Raises EnvError
    with the reason."""
    are_set = [bool(value) for value in values.values()]
    if any(are_set) and not all(are_set):
        *rest, last = values
        raise EnvError(f"{', '.join(rest)} and {last} belong together: one is missing")
    if all(are_set) and not find_spec("authlib"):
        raise EnvError("OIDC_ISSUER is set, but its extra is not installed: auditlogs[sso]")


def issuer(value: str) -> None:
    """Take the address of an OpenID provider, which nobody on the way can listen to."""
    try:
        is_safe = is_https(value) or is_loopback(value)
    except ValueError:
        is_safe = False
    if value and not is_safe:
        raise ValidationError("expected an https:// address, or http:// on this host's loopback")
    if len(value) > MAX_ISSUER or set(value) & set("?#@"):
        raise ValidationError(f"expected at most {MAX_ISSUER} characters, none of them ? # @")


def is_https(url: str) -> bool:
    """Tell whether an address is one of https."""
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.hostname)


def is_loopback(url: str) -> bool:
    """Tell whether an address is one of http on this very host."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK
