"""Dividing a range of time into bars that are aligned to the calendar of a time zone."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from auditlogs.entry.times import DAY_MS, HOUR_MS, WEEK_MS, from_ms, to_ms

SECOND_MS, MINUTE_MS = 1_000, 60_000
# Half an hour for 24 hours, six hours for seven days, a day for thirty.
STEPS_MS = (
    *(SECOND_MS, 5 * SECOND_MS, 15 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS),
    *(30 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS, WEEK_MS),
)
# The most bars of a range: where a step would give more, the next longer one is taken.
MAX_BARS = 75
# A Monday: weeks begin on it.
MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001 - a time on the wall


def step_for(start: int, end: int) -> int:
    """Return the length of a bar, in ms, for a range of time in ms: the shortest of which few
    enough fit in, or else a number of weeks."""
    length = end - start
    fitting = (step for step in STEPS_MS if length <= step * MAX_BARS)
    return next(fitting, WEEK_MS * -(-length // (WEEK_MS * MAX_BARS)))


def edges(start: int, end: int, step: int, zone: ZoneInfo) -> list[int]:
    """Return the instants, in ms and ascending, that divide a range of time into bars: the first is
    at or before `start`, the last at or after `end`.

    A step of up to an hour is a length of time; a longer one is a distance on the calendar, so a
    day on which clocks change has 23 or 25 hours.
    """
    following = _by_length if step <= HOUR_MS else _by_calendar
    return list(_up_to(following(start, step, zone), max(end, start + 1)))


def _up_to(instants: Iterator[int], end: int) -> Iterator[int]:
    for instant in instants:
        yield instant
        if instant >= end:
            return


def _by_length(start: int, step: int, zone: ZoneInfo) -> Iterator[int]:
    instant = start - _wall_ms(start, zone) % step
    while True:
        yield instant
        instant += step
        # Where clocks change by less than a step, one bar is longer than the others.
        instant += -_wall_ms(instant, zone) % step


def _by_calendar(start: int, step: int, zone: ZoneInfo) -> Iterator[int]:
    local = from_ms(start).astimezone(zone).replace(tzinfo=None)
    length = timedelta(milliseconds=step)
    first = MONDAY + (local - MONDAY) // length * length
    last = None
    for number in itertools.count():
        instant = to_ms((first + number * length).replace(tzinfo=zone).astimezone(UTC))
        # At a time that the clocks skip, no bar begins twice.
        if last is None or instant > last:
            yield instant
        last = instant


def _wall_ms(ms: int, zone: ZoneInfo) -> int:
    """Return what the clocks of a zone show at an instant, in ms."""
    offset = from_ms(ms).astimezone(zone).utcoffset() or timedelta()
    return ms + offset // timedelta(milliseconds=1)
