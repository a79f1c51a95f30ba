"""The volume of lists, beside a count in plain Python: whatever is counted by a worker, and
whatever has arrived since."""

from dataclasses import replace
from datetime import timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings, strategies as st
from hypothesis.strategies import DataObject

from auditlogs.counters import tallies
from auditlogs.entry.times import DAY_MS, from_ms, now, to_ms
from auditlogs.models import new_account_id
from auditlogs.query import volume
from auditlogs.query.calendar import edges, step_for
from auditlogs.query.entries import Entries
from auditlogs.query.window import Window
from auditlogs.recording.recorder import record_many
from auditlogs.storage.mongo import ENTRIES
from tests.auditlogs.query.oracle import expected
from tests.auditlogs.query.test_calendar import ZONES
from tests.auditlogs.query.test_lists import (
    ask,
    populations,
    questions,
    soon,
    starts_after_end,
    write,
)
from tests.counting import count_until_now
from tests.factories import new
from tests.watching import sent, watcher

pytestmark = pytest.mark.slow

FEW_EXAMPLES = max(1, settings().max_examples // 4)


@given(data=st.data(), zone=st.sampled_from(ZONES).map(ZoneInfo), is_counted=st.booleans())
@settings(max_examples=FEW_EXAMPLES, phases=[Phase.generate])
def test_each_bar_has_what_plain_python_counts(
    data: DataObject, zone: ZoneInfo, is_counted: bool
) -> None:
    asked_at, account = soon(), new_account_id()
    written = write(account, data.draw(populations(asked_at)))
    if is_counted:
        with mock.patch.object(tallies, "MAX_VALUES", data.draw(st.sampled_from([2_000, 1]))):
            count_until_now(account)
        written += write(account, data.draw(populations(asked_at, max_size=6)))
    asked = data.draw(questions(asked_at))
    if starts_after_end(asked):
        return
    if data.draw(st.booleans()):
        asked = replace(asked, equal={}, search="")
    entries = ask(account, asked, 1).entries
    start, end = entries.window.start, entries.window.end or to_ms(asked_at) + DAY_MS
    between = edges(start, end, step_for(start, end), zone)
    found = entries.volume(between)
    wanted = {entry.id: entry for entry in written}
    listed = [wanted[id] for id in expected(written, asked)]
    for bar in found.bars:
        inside = [
            each.fields["result"]
            for each in listed
            if bar.start <= to_ms(each.fields["timestamp"]) < bar.end
        ]
        assert (bar.failure, bar.partial, bar.success) == (
            inside.count("failure"),
            inside.count("partial"),
            inside.count("success"),
        )
    assert found.counted_from is None
    assert found.later + sum(bar.total for bar in found.bars) == len(listed)


@pytest.fixture
def entries() -> Entries:
    """Forty entries, one a minute."""
    account, at = new_account_id(), now()
    record_many(
        [new(timestamp=at - timedelta(minutes=number)) for number in range(40)], account=account
    )
    return Entries.of(account).within(Window.resolve("24h", None, None, at))


def minutes(entries: Entries, count: int) -> list[int]:
    at = to_ms(from_ms(entries.window.as_of))
    return edges(at - count * 60_000, at + 60_000, 60_000, ZoneInfo("UTC"))


def test_it_says_from_when_it_has_counted_where_there_are_too_many(
    entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume, "MAX_ENTRIES", 10)
    found = entries.volume([entries.window.start, *minutes(entries, 60)])
    assert found.counted_from is not None
    counted = [bar for bar in found.bars if bar.start >= found.counted_from]
    assert sum(bar.total for bar in counted) == 10
    assert found.bars[0].total == 0


def test_what_the_counters_know_is_not_read_again(entries: Entries) -> None:
    count_until_now(entries.account)
    window = entries.window
    quarters = edges(window.start, window.as_of, 900_000, ZoneInfo("Asia/Kathmandu"))
    with watcher.watch() as commands:
        found = entries.volume(quarters)
    assert sum(bar.total for bar in found.bars) == 40
    # What arrived late, the quarter at the start that has begun before, and the one since.
    assert len(sent(commands, "aggregate", ENTRIES)) <= 3
