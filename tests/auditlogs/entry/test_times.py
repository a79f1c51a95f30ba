"""Instants as texts and as milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from auditlogs.entry.times import (
    EPOCH,
    LATEST,
    MAX_MS,
    format_rfc3339,
    from_ms,
    parse_rfc3339,
    to_ms,
    to_ms_up,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01t12:00:00z", NOON),
        ("2026-03-01 12:00:00Z", NOON),
        ("2026-03-01T12:00:00+00:00", NOON),
        ("2026-03-01T12:00:00-00:00", NOON),
        ("2026-03-01T17:45:00+05:45", NOON),
        ("2026-03-01T04:30:00-07:30", NOON),
        ("2026-03-01T13:00:00 01:00", NOON),  # an unescaped "+" of a URL
        ("2026-03-01T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-03-01T12:00:00.123456Z", NOON + timedelta(microseconds=123_456)),
        ("2026-03-01T12:00:00.1234560000Z", NOON + timedelta(microseconds=123_456)),
        ("2026-03-01T12:00:00.1234560001Z", NOON + timedelta(microseconds=123_457)),
        ("2026-03-01T11:59:59.9999999Z", NOON),
        ("0001-01-01T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59.999Z", LATEST),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_date_and_time_with_a_zone_is_an_instant(text: str, instant: datetime) -> None:
    parsed = parse_rfc3339(text)
    assert parsed == instant
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00Z",
        "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00Z ",
        " 2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00Z\n",
        "2026-02-30T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T23:59:60Z",
        "2026-03-01T12:00:00+24:00",
        "2026-03-01T12:00:00+05:60",
        "2026-03-01T12:00:00+0545",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:59.999001Z",
        "9999-12-31T23:59:59.9999999Z",
        "２０２６-03-01T12:00:00Z",
        "20260301T120000Z",
    ],
)
def test_any_other_text_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_rfc3339(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_written_in_utc_with_three_decimals_and_read_back(instant: datetime) -> None:
    text = format_rfc3339(instant)
    assert text[10] == "T"
    assert text[-5:-4] == "."
    assert text[-1] == "Z"
    assert parse_rfc3339(text) == from_ms(to_ms(instant))


def test_an_instant_of_another_zone_is_written_in_utc() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    assert format_rfc3339(NOON.astimezone(kathmandu)) == "2026-03-01T12:00:00.000Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_milliseconds_are_rounded_down_for_an_entry_and_up_for_a_bound(instant: datetime) -> None:
    down, up = to_ms(instant), to_ms_up(instant)
    assert from_ms(down) <= instant < from_ms(down) + timedelta(milliseconds=1)
    assert up == (down if from_ms(down) == instant else down + 1)


def test_instants_before_the_epoch_count_backwards() -> None:
    assert to_ms(EPOCH - timedelta(microseconds=1)) == -1
    assert to_ms_up(EPOCH - timedelta(microseconds=1)) == 0


def test_every_instant_there_is_fits_the_bits_of_an_id() -> None:
    assert to_ms_up(datetime.max.replace(tzinfo=UTC)) <= MAX_MS
