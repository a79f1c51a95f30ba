"""The day that a review is about, and the seven before it, by the calendar of a zone.

Counters are kept by the quarter of an hour, because zones differ by halves and quarters of one, so
that the midnights of every zone lie between two of them.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Self
from zoneinfo import ZoneInfo

from auditlogs.entry.times import DAY_MS, QUARTER_MS, from_ms, to_ms
from auditlogs.storage.counts import start_of

BEFORE = 7
MAX_ZONE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Days:
    """Eight spans of time, each a start (inclusive) and an end (exclusive) in milliseconds, oldest
    first. The last one is reviewed; `day` is its date, None for the last 24 hours."""

    spans: tuple[tuple[int, int], ...]
    zone: ZoneInfo
    day: date | None

    @classmethod
    def of(cls, day: date | None, zone: ZoneInfo, now: datetime) -> Self:
        """Return the days up to a date, or the last 24 hours up to the end of this quarter of an
        hour and those before them."""
        if day is None:
            end = start_of("quarter", to_ms(now)) + QUARTER_MS
            starts = [end - number * DAY_MS for number in range(BEFORE + 1, -1, -1)]
        else:
            dates = [day + timedelta(days=number) for number in range(-BEFORE, 2)]
            starts = [_midnight(each, zone) for each in dates]
        return cls(tuple(pairwise(starts)), zone, day)

    @property
    def start(self) -> datetime:
        return from_ms(self.spans[-1][0])

    @property
    def end(self) -> datetime:
        return from_ms(self.spans[-1][1])


def parse_zone(text: str) -> ZoneInfo:
    """Return the zone of an IANA name such as "Asia/Kolkata". Raises ValueError."""
    try:
        # The name is that of a file.
        return ZoneInfo(text[:MAX_ZONE_LENGTH])
    except (ValueError, OSError, LookupError) as error:
        raise ValueError("expected the name of a time zone, such as Europe/Berlin") from error


def parse_day(text: str, now: datetime) -> date:
    """Return the date in a text such as "2026-11-23", of the last year or the next day. Raises
    ValueError."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("expected a date such as 2026-11-23") from error
    if not timedelta(days=-366) <= day - now.date() <= timedelta(days=1):
        raise ValueError("expected a date of the last year")
    return day


def _midnight(day: date, zone: ZoneInfo) -> int:
    instant = datetime(day.year, day.month, day.day, tzinfo=zone)
    return start_of("quarter", int(instant.timestamp()) * 1000)


def parse_days(day: str, zone: str, now: datetime) -> tuple[Days, dict[str, str]]:
    """Return the days that a day and a zone in text mean, by default the last 24 hours in UTC, and
    an error for each that is wrong, which is then ignored."""
    errors: dict[str, str] = {}
    found, place = None, ZoneInfo("UTC")
    try:
        place = parse_zone(zone) if zone else place
    except ValueError as error:
        errors["zone"] = str(error)
    try:
        found = parse_day(day, now) if day else None
    except ValueError as error:
        errors["day"] = str(error)
    return Days.of(found, place, now), errors
