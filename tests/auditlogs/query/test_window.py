"""The window of time that a list covers."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from auditlogs.entry.times import AHEAD_MS, from_ms, to_ms
from auditlogs.query.window import DATE_RANGES, DateRange, StartAfterEnd, Window

NOW = datetime(2026, 3, 31, 12, 0, 0, 123_456, tzinfo=UTC)
AS_OF = NOW.replace(microsecond=123_000)
OLDEST = AS_OF - timedelta(days=30)
MICROSECOND = timedelta(microseconds=1)


def resolve(
    date_range: DateRange = "all", start: datetime | None = None, end: datetime | None = None
) -> Window:
    return Window.resolve(date_range, start, end, NOW)


@pytest.mark.parametrize(
    ("date_range", "length"),
    [("24h", timedelta(hours=24)), ("7d", timedelta(days=7)), ("30d", timedelta(days=30))],
)
def test_a_range_goes_back_from_now_and_but_for_24_hours_is_open_at_its_newest_end(
    date_range: DateRange, length: timedelta
) -> None:
    window = resolve(date_range)
    assert from_ms(window.start) == AS_OF - length
    # The last 24 hours end now, so that what is dated ahead of the clock is no part of them.
    end = to_ms(AS_OF) + AHEAD_MS if date_range == "24h" else None
    assert (window.end, window.as_of, window.clipped) == (end, to_ms(AS_OF), False)


def test_all_time_begins_with_the_retention() -> None:
    window = resolve("all")
    assert from_ms(window.start) == OLDEST
    assert not window.clipped


def test_a_range_reaches_no_further_back_than_the_retention(settings: Settings) -> None:
    settings.AUDITLOGS_RETENTION_DAYS = 3
    window = resolve("7d")
    assert from_ms(window.start) == AS_OF - timedelta(days=3)


@pytest.mark.parametrize("date_range", DATE_RANGES)
def test_a_start_overrides_the_range(date_range: DateRange) -> None:
    start = NOW - timedelta(days=20)
    assert from_ms(resolve(date_range, start).start) == start.replace(microsecond=124_000)


def test_a_start_older_than_the_retention_is_clipped_and_said_to_be() -> None:
    window = resolve(start=OLDEST - timedelta(days=1))
    assert (from_ms(window.start), window.clipped) == (OLDEST, True)
    assert not resolve(start=OLDEST).clipped


def test_a_bound_between_two_milliseconds_means_the_later_one() -> None:
    bound = AS_OF - timedelta(days=1)
    window = resolve(start=bound - MICROSECOND, end=bound + MICROSECOND)
    assert from_ms(window.start) == bound
    assert window.end == to_ms(bound) + 1


@pytest.mark.parametrize("by", [MICROSECOND, timedelta(days=1)])
def test_a_start_after_the_end_is_refused(by: timedelta) -> None:
    end = NOW - timedelta(days=1)
    with pytest.raises(StartAfterEnd):
        resolve(start=end + by, end=end)
    with pytest.raises(StartAfterEnd):
        resolve("24h", end=AS_OF - timedelta(hours=24) - by)


def test_a_window_may_be_empty() -> None:
    moment = NOW - timedelta(days=1)
    window = resolve(start=moment, end=moment)
    assert window.start == window.end


def test_an_end_before_the_retention_is_no_contradiction_but_beyond_it() -> None:
    window = resolve(end=OLDEST - timedelta(days=400) + MICROSECOND)
    assert window.is_beyond_retention
    assert window.end is not None
    assert window.start >= window.end
    assert resolve(end=OLDEST).is_beyond_retention
    assert not resolve(end=OLDEST + MICROSECOND).is_beyond_retention
    assert not resolve().is_beyond_retention


@pytest.mark.parametrize("end", [datetime.min, datetime(1970, 1, 1), datetime.max])  # noqa: DTZ001, DTZ901
def test_any_end_of_the_calendar_will_do(end: datetime) -> None:
    window = resolve(end=end.replace(tzinfo=UTC))
    assert window.end is not None


def test_what_was_asked_for_stays_the_same_while_time_moves() -> None:
    later = NOW + timedelta(hours=1)
    for date_range in DATE_RANGES:
        now, then = resolve(date_range), Window.resolve(date_range, None, None, later)
        assert now.requested == then.requested
        assert now.as_of != then.as_of
    start, end = NOW - timedelta(days=2), NOW - timedelta(days=1)
    requested = {
        resolve("24h").requested,
        resolve("7d").requested,
        resolve("7d", end=NOW).requested,
        resolve("7d", start).requested,
        resolve("7d", start, end).requested,
        resolve("all", end=end).requested,
    }
    assert len(requested) == 6
