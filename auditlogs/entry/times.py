"""Instants: RFC 3339 texts, milliseconds since the epoch, and datetimes in UTC."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
# A UUID of version 7 or 8 has 48 bits for the time: up to the year 10889.
MAX_MS = (1 << 48) - 1

# A "+" that was not escaped in a URL arrives as a space; before an offset it can mean nothing else.
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([-+ ])(\d\d:[0-5]\d))", re.ASCII
)


def now() -> datetime:
    """Return this instant, in UTC."""
    return datetime.now(UTC)


def to_ms(instant: datetime) -> int:
    """Return whole milliseconds since the epoch, rounded down."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def to_ms_up(instant: datetime) -> int:
    """Return whole milliseconds since the epoch, rounded up.

    Entries carry whole milliseconds, so a bound between two of them means the later one,
    both as an inclusive start and as an exclusive end.
    """
    return -((EPOCH - instant) // timedelta(milliseconds=1))


def from_ms(ms: int) -> datetime:
    """Return the instant, in UTC, of milliseconds since the epoch."""
    return EPOCH + timedelta(milliseconds=ms)


def format_rfc3339(instant: datetime) -> str:
    """Return `2026-11-23T14:02:11.384Z`: RFC 3339 in UTC with exactly three decimals."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Return the instant, in UTC, of an RFC 3339 date and time with a zone, rounded up to a
    microsecond.

    Raises ValueError for any other text.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 date and time with a zone")
    day, clock, fraction, sign, offset = match.groups()
    zone = f"{sign.replace(' ', '+')}{offset}" if sign else "+00:00"
    digits = f"{fraction or ''}000000"
    beyond = timedelta(microseconds=1 if digits[6:].strip("0") else 0)
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}.{digits[:6]}{zone}")
        return (instant + beyond).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of the range of dates") from error
