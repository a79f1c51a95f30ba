"""Bars of time, in zones of half hours and on days on which clocks change."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from auditlogs.entry.times import DAY_MS, HOUR_MS, WEEK_MS, from_ms, to_ms
from auditlogs.query.calendar import MAX_BARS, STEPS_MS, edges, step_for

ZONES = [
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "Pacific/Chatham"),
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001
    lambda naive: to_ms(naive.replace(tzinfo=ZoneInfo("UTC")))
)


@given(start=instants, length=st.integers(1, 400 * DAY_MS), zone=zones)
def test_bars_follow_one_another_over_all_of_a_range(
    start: int, length: int, zone: ZoneInfo
) -> None:
    end = start + length
    step = step_for(start, end)
    found = edges(start, end, step, zone)
    assert found[0] <= start < found[1]
    assert found[-2] < end <= found[-1]
    assert all(low < high for low, high in pairwise(found))
    assert len(found) <= MAX_BARS + 3
    # No bar is longer than two steps, whatever clocks do.
    assert max(high - low for low, high in pairwise(found)) <= 2 * step + HOUR_MS


@given(start=instants, zone=zones, step=st.sampled_from(STEPS_MS))
def test_bars_begin_at_round_times_on_the_wall(start: int, zone: ZoneInfo, step: int) -> None:
    for edge in edges(start, start + 5 * step, step, zone):
        local = from_ms(edge).astimezone(zone)
        if step == WEEK_MS:
            assert local.weekday() == 0
        # A time that the clocks skip is the one an hour, or half of one, later.
        since_midnight = ((local.hour * 60 + local.minute) * 60 + local.second) * 1000
        exact = since_midnight % min(step, DAY_MS) == 0
        assert exact or not local.dst() or zone.key == "Pacific/Apia"


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Asia/Kolkata", "2026-10-25", 24),
    ],
)
def test_a_day_has_the_hours_that_its_clocks_give_it(zone: str, day: str, hours: float) -> None:
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    start, end = edges(to_ms(midnight) + 1, to_ms(midnight) + 2, DAY_MS, ZoneInfo(zone))
    assert start == to_ms(midnight)
    assert end - start == hours * HOUR_MS


@pytest.mark.parametrize(
    ("length", "step"),
    [(DAY_MS, HOUR_MS // 2), (7 * DAY_MS, 6 * HOUR_MS), (30 * DAY_MS, DAY_MS), (HOUR_MS, 60_000)],
)
def test_a_range_has_bars_of_a_length_that_can_be_read(length: int, step: int) -> None:
    assert step_for(0, length) == step
