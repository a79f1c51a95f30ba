"""How times are told in UTC. The browser's own telling is compared with this one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from hub.ui.times import clock_time, full_time, short_time, step

NOW = datetime(2026, 11, 23, 14, 2, 11, 384_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (timedelta(0), "just now"),
        (timedelta(milliseconds=999), "just now"),
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(seconds=59.9), "59 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=3, seconds=59), "3 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=23, minutes=59, seconds=59), "23 hours ago"),
        (timedelta(hours=24), "Nov 22, 14:02 UTC"),
        (timedelta(days=20), "Nov 3, 14:02 UTC"),
        (timedelta(days=400), "Oct 19, 2025, 14:02 UTC"),
        (timedelta(milliseconds=-1), "Nov 23, 14:02 UTC"),
        (timedelta(hours=-2), "Nov 23, 16:02 UTC"),
        (timedelta(days=-40), "Jan 2, 2027, 14:02 UTC"),
    ],
)
def test_a_time_is_told_by_its_age(age: timedelta, told: str) -> None:
    assert short_time(NOW - age, NOW) == told


def test_the_full_time_is_utc_with_milliseconds() -> None:
    assert full_time(NOW) == "2026-11-23 14:02:11.384 UTC"
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    assert full_time(elsewhere) == "2026-11-23 14:02:11.384 UTC"
    assert clock_time(elsewhere) == "14:02:11 UTC"
    assert full_time(NOW.replace(microsecond=999_999)) == "2026-11-23 14:02:11.999 UTC"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "+0 ms"),
        (0.34, "+340 ms"),
        (4.3, "+4.3 s"),
        (59.99, "+59.9 s"),
        (60, "+1 min"),
        (93_784, "+1 d 2 h"),
    ],
)
def test_the_time_between_two_entries_is_told_in_the_unit_that_fits(
    seconds: float, told: str
) -> None:
    assert step(timedelta(seconds=seconds)) == told
