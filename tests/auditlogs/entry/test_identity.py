"""The id of an entry."""

import uuid

import pytest
from hypothesis import given, strategies as st

from auditlogs.entry.identity import entry_id, id_bound, id_ms, parse_id, uuid7_ms
from auditlogs.entry.times import MAX_MS

MOMENTS = st.integers(0, MAX_MS)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(MOMENTS, MOMENTS, TEXTS, TEXTS)
def test_ids_sort_by_the_time_of_their_entries(a: int, b: int, x: str, y: str) -> None:
    first, second = entry_id("acc", x, a), entry_id("acc", y, b)
    if a != b:
        assert (first < second) == (a < b)
    assert id_ms(first) == a
    assert id_bound(a) <= first < id_bound(a + 1) or a == MAX_MS


@given(MOMENTS, TEXTS)
def test_an_id_is_a_uuid_of_version_8(ms: int, writer_id: str) -> None:
    made = entry_id("acc", writer_id, ms)
    assert (made.version, made.variant) == (8, uuid.RFC_4122)


def test_an_id_is_the_same_for_the_same_account_writers_id_and_time() -> None:
    made = entry_id("acc_1", "w-1", 1_790_000_000_000)
    assert made == entry_id("acc_1", "w-1", 1_790_000_000_000)
    others = [("acc_2", "w-1", 0), ("acc_1", "w-2", 0), ("acc_1", "w-1", 1), ("acc_1w", "-1", 0)]
    assert len({made, *(entry_id(a, w, 1_790_000_000_000 + ms) for a, w, ms in others)}) == 5


def test_an_id_stays_what_it_was_when_it_was_first_given() -> None:
    # Entries are stored under it, and writers repeat themselves for days.
    made = entry_id("acc_0123456789abcdef", "w-1", 1_790_000_000_000)
    assert str(made) == "01a0c450-6c00-86fc-b243-3156883ad483"


@pytest.mark.parametrize("ms", [-1, MAX_MS + 1])
def test_a_time_that_no_id_can_hold_is_refused(ms: int) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        entry_id("acc", "w", ms)


@pytest.mark.parametrize(("ms", "bound"), [(-5, 0), (0, 0), (1, 1), (MAX_MS + 5, MAX_MS)])
def test_a_bound_beyond_every_id_is_the_last_one(ms: int, bound: int) -> None:
    assert id_bound(ms).int == bound << 80


def test_a_hyphenated_uuid_names_an_id_in_either_case() -> None:
    text = "01a0c4c5-7c00-8abc-9def-000000000001"
    assert parse_id(text) == parse_id(text.upper()) == uuid.UUID(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "01a0c4c57c008abc9def000000000001",
        "{01a0c4c5-7c00-8abc-9def-000000000001}",
        "urn:uuid:01a0c4c5-7c00-8abc-9def-000000000001",
        "01a0c4c5-7c00-8abc-9def-00000000000",
        "01a0c4c5-7c00-8abc-9def-000000000001\n",
        "01a0c4c57c00-8abc-9def-0000-00000001",
        "٠1a0c4c5-7c00-8abc-9def-000000000001",
        "{'$ne': 1}",
    ],
)
def test_no_other_text_names_an_id(text: str) -> None:
    assert parse_id(text) is None


def test_the_time_of_a_uuid_of_version_7_is_known() -> None:
    assert uuid7_ms("019a0c4c-57c0-7abc-9def-000000000001") == 0x019A0C4C57C0
    assert uuid7_ms("019a0c4c-57c0-4abc-9def-000000000001") is None
    assert uuid7_ms("req-7") is None
