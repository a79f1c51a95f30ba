"""How pages write times, in UTC. `static/js/times.js` rewrites them in the reader's zone."""

from datetime import UTC, datetime, timedelta

from auditlogs.entry.times import AHEAD_MS

DAY = timedelta(hours=24)


def short_time(instant: datetime, now: datetime) -> str:
    """Return "3 minutes ago" under 24 hours, else "Nov 20, 14:02 UTC", with another year's year.

    A time in the future is written as a date, too.
    """
    age = now - instant
    if timedelta(0) <= age < DAY:
        return relative(age)
    instant = instant.astimezone(UTC)
    year = f", {instant.year}" if instant.year != now.year else ""
    return f"{instant:%b} {instant.day}{year}, {instant:%H:%M} UTC"


def relative(age: timedelta) -> str:
    """Return an age of less than a day in words, rounded down."""
    seconds = int(age.total_seconds())
    for unit, length in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= length:
            number = seconds // length
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"


def ahead_of_clock(instant: datetime, now: datetime) -> str:
    """Return "23 h ahead of the clock" for a time in the future, else an empty text."""
    ahead = instant - now
    if ahead <= timedelta(milliseconds=AHEAD_MS):
        return ""
    return f"{span(ahead)} ahead of the clock"


def span(length: timedelta) -> str:
    """Return a length of time, rounded down: "2 d 5 h", "23 h", "1 h 40 min", "5 min"."""
    minutes = int(length.total_seconds()) // 60
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return " ".join([f"{number} {unit}" for number, unit in parts if number][:2]) or "0 min"


def full_time(instant: datetime) -> str:
    """Return "2026-11-20 14:02:11.384 UTC"."""
    instant = instant.astimezone(UTC)
    return f"{instant:%Y-%m-%d %H:%M:%S}.{instant.microsecond // 1000:03} UTC"


def clock_time(instant: datetime) -> str:
    """Return "14:02:11 UTC"."""
    return f"{instant.astimezone(UTC):%H:%M:%S} UTC"


def step(length: timedelta) -> str:
    """Return "+4.3 s", "+340 ms", or from a minute on "+5 min": the time between two entries."""
    milliseconds = length // timedelta(milliseconds=1)
    if milliseconds < 1_000:
        return f"+{milliseconds} ms"
    if milliseconds < 60_000:
        # Rounded down, so that it never says "+60.0 s".
        return f"+{milliseconds // 100 / 10:.1f} s"
    return f"+{span(length)}"
