"""Lists and counts that the kept counters help with, against the oracle: whatever is counted, and
whatever has arrived since, nothing is missing and nothing is read in vain."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from hypothesis import event, given, settings, strategies as st
from hypothesis.strategies import DataObject

from auditlogs.counters import tallies
from auditlogs.entry.identity import id_ms
from auditlogs.entry.times import from_ms, now
from auditlogs.models import new_account_id
from auditlogs.query import parts, planner, slices
from auditlogs.query.entries import Count, Entries
from auditlogs.query.known import Counted
from auditlogs.query.order import Sort
from auditlogs.query.slices import Slice
from auditlogs.recording.recorder import record_many
from auditlogs.storage import mongo
from auditlogs.storage.counts import ValueCount as CountOf
from tests.auditlogs.query.oracle import expected
from tests.auditlogs.query.test_lists import (
    ENGINES,
    ask,
    ids_of,
    pages,
    patched,
    populations,
    questions,
    soon,
    starts_after_end,
    write,
)
from tests.counting import count_until_now
from tests.factories import AGENT, new
from tests.watching import sent, watcher

pytestmark = pytest.mark.slow

HALF = max(1, settings().max_examples // 2)


@given(data=st.data(), limit=st.integers(1, 7))
@settings(max_examples=HALF)
def test_a_list_and_its_count_are_right_whatever_is_counted_of_it(
    data: DataObject, limit: int
) -> None:
    asked_at, account = soon(), new_account_id()
    written = write(account, data.draw(populations(asked_at)))
    # With a limit of one, most values are counted together.
    with mock.patch.object(tallies, "MAX_VALUES", data.draw(st.sampled_from([2_000, 1]))):
        count_until_now(account)
    written += write(account, data.draw(populations(asked_at, max_size=6)))
    for asked in data.draw(st.lists(questions(asked_at), min_size=2, max_size=3)):
        if starts_after_end(asked):
            continue
        countable = {
            name: value
            for name, value in asked.equal.items()
            if name in ("actor", "botId", "action", "result")
        }
        countable["result"] = data.draw(
            st.sampled_from(["success", "failure", "partial", "-success", "failure,partial"])
        )
        question = replace(asked, equal=countable)
        wanted = expected(written, question)
        engine = data.draw(st.sampled_from(ENGINES))
        with patched(data.draw(st.sampled_from([0, 0, 3])), engine):
            found = ids_of(*pages(account, question, limit))
            counted = ask(account, question, limit).entries.count()
        assert found == wanted
        assert counted == Count(len(wanted), is_more=False)
        event(f"{len(wanted)} of {len(written)}")


@pytest.fixture
def account() -> str:
    """An account with an agent that never failed, and other agents that did, on each day."""
    account = new_account_id()
    at = now() - timedelta(hours=2)
    days = [at - timedelta(days=number) for number in range(20)]
    good = [new(actor=AGENT, action="order.created", timestamp=day) for day in days]
    other = {"type": "agent", "id": "agent-8", "name": None}
    bad = [new(actor=other, action="order.filled", result="failure", timestamp=d) for d in days]
    once = new(actor=other, action="order.created", result="partial", timestamp=days[15])
    record_many([*good, *bad, once], account=account)
    return account


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every filter for one that many entries meet."""
    monkeypatch.setattr(parts, "FEW", 0)


def the_list(account: str, actor: str, result: str) -> Entries:
    return Entries.of(account).where("actor.id", actor).where("result", result)


def test_what_never_happened_is_read_up_to_what_is_not_counted_alone(account: str) -> None:
    count_until_now(account)
    with watcher.watch() as commands:
        page = the_list(account, "agent-7", "failure").page(5)
    assert (page.entries, page.next) == ([], None)
    assert len(commands) <= slices.MAX_QUERIES
    reads = [each["pipeline"] for each in sent(commands, "aggregate", mongo.ENTRIES)]
    lists = [each for each in reads if "$project" in each[-1] and "$sort" in each[-3]]
    # The first slice, and what the worker has not counted for good.
    assert len(lists) <= 2


def test_what_happened_long_ago_is_found_where_it_is(account: str) -> None:
    count_until_now(account)
    with watcher.watch() as commands:
        (entry,) = the_list(account, "agent-8", "partial").page(5).entries
    assert entry.result == "partial"
    assert len(commands) <= slices.MAX_QUERIES


def test_an_engine_that_reads_slices_to_their_end_reads_what_a_page_needs(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_until_now(account)
    monkeypatch.setattr(parts, "FEWEST_AT_ONCE", 1)
    for is_first in (True, False):
        with watcher.watch() as commands:
            found = Entries.of(account).where("actor.id", "agent-8").page(5).entries
        assert len(found) == 5
        (read,) = [each["pipeline"] for each in sent(commands, "aggregate", mongo.ENTRIES)]
        # One a day, two of them on one.
        reach = now() - from_ms(id_ms(read[0]["$match"]["_id"]["$gte"]))
        assert timedelta(days=4) < reach < timedelta(days=8)
        # The counters are asked once in a while.
        assert len(sent(commands, "find", mongo.COUNTERS)) == is_first
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: False)
    with watcher.watch() as commands:
        assert len(Entries.of(account).where("actor.id", "agent-8").page(5).entries) == 5
    assert len(sent(commands, "aggregate", mongo.ENTRIES)) > 1


def test_of_two_filters_the_one_that_fewer_entries_meet_leads(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: True)
    at = now() - timedelta(days=9)
    record_many([new(actor=AGENT, action="order.cancelled", timestamp=at)], account=account)
    count_until_now(account)
    for action, field in (("order.cancelled", "action"), ("order.created", "actor.id")):
        rare = Entries.of(account).where("actor.id", "agent-7").where("action", action)
        rare.page(5)
        with watcher.watch() as commands:
            assert rare.page(1).entries[0].action == action
        # So few are left that the counters need not be asked where they can be.
        (read,) = [each["pipeline"] for each in sent(commands, "aggregate", mongo.ENTRIES)]
        assert read[0]["$match"].keys() - {"account", "_id"} == {field}


def test_a_common_word_is_read_on_in_time_and_a_rare_one_by_its_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: True)
    monkeypatch.setattr(parts, "FEW", 5)
    monkeypatch.setattr(parts, "FEWEST_AT_ONCE", 1)
    account, at = new_account_id(), now() - timedelta(hours=2)
    actions = ["order.filled", "order.created", "order.created"] * 20
    actions[40], actions[41] = "order.nowhere", "order.nowadays"
    times = (at - timedelta(hours=number) for number in range(60))
    entries = [
        new(action=one, action_type="trade", timestamp=time)
        for one, time in zip(actions, times, strict=True)
    ]
    # So that no word of the search has one token alone, whose index would serve the order in time.
    old = new(action="order.filed", action_type="trade", timestamp=at - timedelta(days=20))
    record_many([*entries, old], account=account)
    count_until_now(account)
    for word, is_common in (("fil", True), ("now", False)):
        with watcher.watch() as commands:
            found = Entries.of(account).matching((word,)).page(5).entries
        assert len(found) == (5 if is_common else 2)
        reads = [each["pipeline"] for each in sent(commands, "aggregate", mongo.ENTRIES)]
        by_word = [each for each in reads if "tokens" in each[0]["$match"]]
        assert bool(by_word) != is_common
        assert 2 <= len(reads) <= 4


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("wanted", [0.5, 3, 4, 5])
def test_the_part_with_enough_entries_never_leaves_the_slice(
    wanted: float, newest_first: bool
) -> None:
    counted = Counted(100, [(0, 100, {"types": {"trade": CountOf("trade", success=8)}})])
    rest = Slice.between(20, 70)
    part = counted.enough({}, rest, wanted, newest_first=newest_first)
    assert rest.low <= part.low
    assert part.high is not None
    assert rest.high is not None
    assert part.high <= rest.high
    if wanted > 4:
        assert part == rest


@pytest.mark.parametrize("sort", ["timestamp", "actor", "-action", "result"])
def test_the_oldest_and_every_sorted_page_are_found_by_the_counters_at_once(
    account: str, sort: Sort
) -> None:
    count_until_now(account)
    entries = Entries.of(account).order_by(sort)
    entries.page(5)
    with watcher.watch() as commands:
        assert len(entries.page(5).entries) == 5
    assert len(sent(commands, "aggregate", mongo.ENTRIES)) <= 2
    assert not sent(commands, "find", mongo.COUNTERS)


def test_an_entry_that_arrived_after_the_count_is_found_however_old_it_is(account: str) -> None:
    count_until_now(account)
    at = now() - timedelta(days=12)
    (late,) = record_many([new(result="failure", actor=AGENT, timestamp=at)], account=account)
    (entry,) = the_list(account, "agent-7", "failure").page(5).entries
    assert entry.id == str(late)
    assert the_list(account, "agent-7", "failure").count() == Count(1, is_more=False)


@pytest.mark.parametrize(
    "lease",
    [
        {"countedAt": None},
        {"first": {"account": "a", "until": 0}},
        {"format": 1},
        {"at": now() - timedelta(hours=1)},
    ],
    ids=["never", "first count", "another version", "long ago"],
)
def test_counters_that_are_not_kept_up_are_not_believed(
    account: str, lease: dict[str, Any]
) -> None:
    count_until_now(account, **lease)
    mongo.counters().delete_many({"account": account})
    assert len(the_list(account, "agent-8", "failure").page(50).entries) == 20


def test_more_entries_than_a_count_reads_are_counted_from_the_counters(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditlogs.query.entries.MAX_COUNT", 10)
    assert Entries.of(account).count() == Count(10, is_more=True)
    count_until_now(account)
    assert Entries.of(account).count() == Count(41, is_more=False)
    assert Entries.of(account).where("actor.id", "agent-8").count() == Count(21, is_more=False)
    assert the_list(account, "agent-7", "success").count() == Count(20, is_more=False)
    # No counter has two fields at once.
    both = Entries.of(account).where("actor.id", "agent-8").where("action", "order.filled")
    assert both.count() == Count(10, is_more=True)


def test_a_sort_by_action_reads_no_action_that_cannot_match(account: str) -> None:
    count_until_now(account)
    entries = Entries.of(account).where("result", "partial").order_by("action")
    with watcher.watch() as commands:
        (entry,) = entries.page(5).entries
    assert entry.action == "order.created"
    assert len(commands) <= slices.MAX_QUERIES


def test_a_sort_asks_where_entries_can_be_only_once_a_value_has_none(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: False)
    monkeypatch.setattr(planner, "MAX_GROUPED", 10)
    count_until_now(account)
    sorts: tuple[tuple[Sort, bool], ...] = (("action", False), ("-action", True))
    for sort, is_asked in sorts:
        entries = Entries.of(account).where("actor.id", "agent-7").order_by(sort)
        entries.page(5)
        with watcher.watch() as commands:
            assert len(entries.page(5).entries) == 5
        # What they said lately is remembered.
        assert bool(sent(commands, "find", mongo.COUNTERS)) == is_asked
        assert len(commands) <= slices.MAX_QUERIES


def test_a_sorted_page_stops_after_a_value_that_has_many_entries(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: False)
    monkeypatch.setattr(planner, "MAX_PASSED", 10)
    count_until_now(account)
    entries = Entries.of(account).where("action", "order.created").order_by("actor")
    first = entries.page(50)
    assert [entry.actor.id for entry in first.entries] == ["agent-8"]
    assert first.is_cut_short
    assert first.next
    rest = entries.page(50, cursor=first.next)
    assert [entry.actor.id for entry in rest.entries] == ["agent-7"] * 20
    assert rest.next is None


def test_what_is_counted_together_with_others_may_be_anywhere(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "MAX_VALUES", 1)
    count_until_now(account)
    (entry,) = the_list(account, "agent-8", "partial").page(5).entries
    assert entry.result == "partial"
    assert the_list(account, "agent-8", "partial").count() == Count(1, is_more=False)
