"""Conversions between RFC 3339 text, milliseconds since the epoch and datetimes in UTC."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_MS = 3_600_000
QUARTER_MS = HOUR_MS // 4
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
# No two clocks agree: so far ahead of this one a timestamp still counts as now.
AHEAD_MS = 60_000
# In whole milliseconds, as times are kept.
LATEST = datetime.max.replace(microsecond=999_000, tzinfo=UTC)
# A UUID of version 7 or 8 has 48 bits for the time: up to the year 10889.
MAX_MS = (1 << 48) - 1

# A "+" that was not escaped in a URL arrives as a space; before an offset it is unambiguous.
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([-+ ])(\d\d:[0-5]\d))", re.ASCII
)


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def to_ms(instant: datetime) -> int:
    """Return whole milliseconds since the epoch, rounded down."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def to_ms_up(instant: datetime) -> int:
    """Return whole milliseconds since the epoch, rounded up.

    For the bounds of a range: entries have whole milliseconds, so a bound between two of them
    means the later one, both as an inclusive start and as an exclusive end.
    """
    return -((EPOCH - instant) // timedelta(milliseconds=1))


def from_ms(ms: int) -> datetime:
    """Return milliseconds since the epoch as a datetime in UTC."""
    return EPOCH + timedelta(milliseconds=ms)


def format_rfc3339(instant: datetime) -> str:
    """Return `2026-11-23T14:02:11.384Z`: RFC 3339 in UTC with exactly three decimals."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Return an RFC 3339 date and time with a zone as a datetime in UTC, rounded up to a
    microsecond.

    Raises ValueError for any other text.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 date and time with a zone")
    day, clock, fraction, sign, offset = match.groups()
    zone = f"{sign.replace(' ', '+')}{offset}" if sign else "+00:00"
    digits = f"{fraction or ''}000000"
    # Rounded up for the same reason as in `to_ms_up`.
    remainder = timedelta(microseconds=1 if digits[6:].strip("0") else 0)
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}.{digits[:6]}{zone}")
        instant = (instant + remainder).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of the range of dates") from error
    if instant > LATEST:
        raise ValueError("out of the range of dates")
    return instant
