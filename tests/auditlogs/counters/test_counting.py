"""Counting: the counters are what the log says, whatever happened to entries and workers."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings as hypothesis_settings, strategies as st
from pytest_django import Settings

from auditlogs import worker
from auditlogs.counters import counting, leader, tallies
from auditlogs.counters.counting import STANDBY_SECONDS, Counting
from auditlogs.counters.leader import LeaderLease, LeaseLost
from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.models import new_account_id
from auditlogs.query import slices
from auditlogs.recording.recorder import record_many
from auditlogs.storage import counts, dictionary, mongo
from auditlogs.storage.counts import LEASE_ID, Progress
from auditlogs.storage.mongo import Document, TookTooLong
from auditlogs.write.spool import spool
from tests.auditlogs.counters import counted
from tests.auditlogs.counters.counted import HOUR_MS
from tests.away import connected_to, nowhere
from tests.counting import begin_anew, catch_up
from tests.factories import SYSTEM, USER, new, unique
from tests.watching import sent, watcher

SCOUT = {"type": "agent", "id": "agent-1", "name": "Momentum Scout"}

# Among the first to run: they count the whole log, which other tests fill.
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _from_here_on() -> None:
    begin_anew()


@pytest.fixture
def account() -> str:
    """An account's id; these tests need no more of it."""
    return new_account_id()


def record(account: str, *entries: dict[str, Any]) -> None:
    record_many([new(**{"bot_id": "bot-1", **entry}) for entry in entries], account=account)


def log_of(account: str) -> list[Document]:
    return list(mongo.entries().find({"account": account}))


def is_right(account: str) -> bool:
    """Tell whether the counters, quarters, hours and days, are what the log says."""
    log = log_of(account)
    return all(
        counted.held(account, kind) == counted.expected(log, length)
        and counted.held_by_value(account, kind) == counted.expected_by_value(log, kind)
        and counted.held_notes(account, kind) == counted.expected_notes(log, kind)
        for kind, length in counted.LENGTHS.items()
    )


def recount(account: str, hour: int, token: int = 1) -> None:
    tallies.count_hours(account, counts.start_of("day", hour), [hour], token, renew=lambda: None)


def hours_ago(hours: float) -> datetime:
    return now() - timedelta(hours=hours)


def test_it_counts_the_entries_of_each_bot_and_those_that_failed(account: str) -> None:
    at = from_ms(counts.start_of("hour", to_ms(now())) - 1_000_000)
    record(
        account,
        {"timestamp": at, "result": "failure", "actor": SCOUT},
        {"timestamp": at + timedelta(seconds=1), "actor": {**SCOUT, "name": "Renamed"}},
        {"timestamp": at + timedelta(seconds=2), "result": "partial", "actor": USER},
        {"timestamp": at, "bot_id": "bot-2", "actor": SYSTEM, "result": "failure"},
        {"timestamp": at, "bot_id": None, "actor": USER},
    )
    catch_up(Counting())
    ((first, second),) = counted.held(account).values()
    assert first == counts.Tally(
        "bot-1", 3, 1, 1, to_ms(at + timedelta(seconds=2)), "agent-1", "Renamed"
    )
    assert (second.entries, second.failures, second.agent, second.name) == (1, 1, None, None)
    assert is_right(account)


def test_what_is_late_is_counted_where_it_belongs(account: str) -> None:
    work = Counting()
    record(account, {})
    catch_up(work)
    record(account, *({"timestamp": hours_ago(hours)} for hours in (3, 3.1, 30, 400)))
    catch_up(work)
    assert len(counted.held(account)) >= 4
    assert is_right(account)


def test_a_retry_counts_once(account: str) -> None:
    entry = {"id": unique("w"), "timestamp": hours_ago(1)}
    work = Counting()
    for _ in range(3):
        record(account, entry)
        catch_up(work)
    assert [tally.entries for (tally,) in counted.held(account).values()] == [1]


def test_each_account_has_counters_of_its_own(account: str) -> None:
    other = new_account_id()
    record(account, {}, {})
    record(other, {"bot_id": "bot-1", "result": "failure"})
    catch_up(Counting())
    assert is_right(account)
    assert is_right(other)
    assert sum(t.entries for (t,) in counted.held(other).values()) == 1


def test_an_entry_without_a_bot_is_counted_for_its_action_and_actor_alone(account: str) -> None:
    record(account, {"bot_id": None, "actor": USER})
    catch_up(Counting())
    assert counted.held(account) == {}
    (values,) = counted.held_by_value(account, "day").values()
    assert values["actors"] == {USER["id"]: (0, 0, 1)}
    assert is_right(account)


def test_an_hour_that_has_left_the_log_is_not_counted_again(account: str) -> None:
    recount(account, counts.start_of("hour", to_ms(hours_ago(24 * 31))))
    assert counted.held(account) == {}


def test_more_values_than_are_counted_one_by_one_are_counted_together(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "MAX_VALUES", 2)
    at = from_ms(counts.start_of("day", to_ms(hours_ago(24))) + HOUR_MS)
    for number, minutes in ((3, 0), (1, 0), (2, 20), (4, 70)):
        actor = {**USER, "id": f"u-{number}"}
        entry = {"bot_id": f"bot-{number}", "actor": actor, "result": "failure"}
        record(account, {**entry, "timestamp": at + timedelta(minutes=minutes)})
    catch_up(Counting())
    (day,) = counts.kept_whole(account, "day", 0, to_ms(now()))
    assert [tally.bot for tally in day.tallies] == ["bot-1", "bot-2"]
    assert [each.value for each in day.counts["actors"]] == ["u-1", "u-2"]
    assert day.is_cut
    assert {field: count.failure for field, count in day.rest.items()} == {"actors": 2, "bots": 2}


def test_an_hour_that_takes_too_long_is_read_in_parts(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = counts.start_of("hour", to_ms(hours_ago(2)))
    times = [from_ms(hour + minutes * 60_000) for minutes in (1, 1, 8, 30, 59)]
    record(account, *({"timestamp": at, "result": "failure"} for at in times))
    expected = counted.expected(log_of(account))
    run, asked_for = slices.run, []

    def slow(selection: Any, leading: Any, part: Any, *stages: Document) -> list[Document]:
        length = (part.high.int - part.low.int) >> 80
        asked_for.append(length)
        if length > 600_000:
            raise TookTooLong
        return run(selection, leading, part, *stages)

    monkeypatch.setattr(slices, "run", slow)
    recount(account, hour)
    assert counted.held(account) == expected
    assert asked_for[0] == HOUR_MS
    assert min(asked_for) == HOUR_MS // 8
    # The next time it does not begin with what took too long.
    asked_for.clear()
    recount(account, hour)
    assert counted.held(account) == expected
    assert set(asked_for) == {HOUR_MS // 8}
    monkeypatch.setattr(tallies, "SHORTEST_MS", HOUR_MS)
    with pytest.raises(TookTooLong):
        recount(account, hour)


def test_without_arrivals_the_log_is_not_counted(account: str) -> None:
    record(account, {})
    work = Counting()
    catch_up(work)
    with watcher.watch() as commands:
        work.step()
    assert len(sent(commands, "find", mongo.ENTRIES)) <= 4
    assert sent(commands, "aggregate", mongo.ENTRIES) == []


def test_arrivals_tell_whose_and_which_hour_and_nothing_else(account: str) -> None:
    since = now()
    record(account, {"payload": {"secret": "x"}})
    with watcher.watch() as commands:
        arrival, *_ = slices.arrivals(since, slices.LOWEST, None, 10)
    assert arrival.account == account
    for command in sent(commands, "find", mongo.ENTRIES):
        assert command["projection"] == {"recordedAt": 1, "account": 1}
        assert 0 < command["limit"] <= 10
        assert 0 < command["maxTimeMS"] <= 5_000


def test_arrivals_of_the_same_instant_are_read_on_from_any_of_them(account: str) -> None:
    with time_machine.travel(hours_ago(20 * 24), tick=False):
        at = now()
        record(account, *[{}] * 7)
    found: list[slices.Arrival] = []
    place, last = from_ms(to_ms(at)), slices.LOWEST
    while chunk := slices.arrivals(place, last, at + timedelta(seconds=1), 3):
        found += chunk
        place, last = chunk[-1].at, chunk[-1].id
    assert [each.id for each in found] == sorted(each["_id"] for each in log_of(account))


def test_a_log_that_nobody_has_counted_is_counted_in_steps(
    own_database: None, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(hours_ago(0.2)):
        begin_anew()
        record(account, *({"timestamp": hours_ago(h)} for h in range(1, 12)))
    work = Counting()
    with monkeypatch.context() as patch:
        patch.setattr(counting, "CHUNK", 2)
        patch.setattr(counting, "MAX_GATHERED", 4)
        work.step()
    assert len(counted.held(account)) == 4
    assert work.is_behind
    assert counts.counted_at() is None
    # In steps of the ordinary size.
    catch_up(work)
    assert is_right(account)
    assert counts.counted_at()


def test_the_first_count_reads_each_hour_once_and_says_how_far_it_is(
    account: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = new_account_id()
    with time_machine.travel(hours_ago(1)):
        for owner in (account, other):
            record(owner, *({"timestamp": hours_ago(h)} for h in (0, 0.3, 5, 30, 300, 301)))
    mongo.counters().delete_one({"_id": LEASE_ID})
    monkeypatch.setattr(dictionary, "account_after", following([account, other]))
    work = Counting()
    monkeypatch.setattr(counting, "FIRST_SECONDS", 0.0)
    with caplog.at_level(logging.INFO), watcher.watch() as commands:
        catch_up(work)
        assert counts.counted_at()
    days_from_the_retention_to_the_day_ahead = 30 + 1 + 2
    reads = sent(commands, "aggregate", mongo.ENTRIES)
    of_account = [each for each in reads if each["pipeline"][0]["$match"]["account"] == account]
    assert len(of_account) <= days_from_the_retention_to_the_day_ahead
    assert f"Counted account {account} up to " in caplog.text
    assert is_right(account)
    assert is_right(other)


def test_a_first_count_that_was_ended_goes_on_where_it_was(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(hours_ago(1)):
        record(account, {"timestamp": hours_ago(1)})
    mongo.counters().delete_one({"_id": LEASE_ID})
    monkeypatch.setattr(dictionary, "account_after", following([account]))
    monkeypatch.setattr(counting, "FIRST_SECONDS", 0.0)
    first = Counting()
    for _ in range(3):
        first.step()
    first.end()
    assert first._progress.first_account == account
    second = Counting()
    second.step()
    begun, further = first._progress.first_until, second._progress.first_until
    assert begun is not None
    assert further is not None
    assert further > begun
    catch_up(second)
    assert is_right(account)


def following(accounts: list[str]) -> Callable[[str], str | None]:
    """Return the next of these accounts; others have entries of tests before."""
    ordered = sorted(accounts)
    return lambda account: next((each for each in ordered if each > account), None)


def test_counters_of_another_version_are_counted_again(account: str) -> None:
    work = Counting()
    catch_up(work)
    work.end()
    lease = mongo.counters().find_one({"_id": LEASE_ID})
    assert lease
    mongo.counters().delete_one({"_id": LEASE_ID})
    mongo.counters().insert_one({k: v for k, v in lease.items() if k not in ("format", "first")})
    assert counts.progress() is None
    again = LeaderLease().acquire()
    assert again == Progress()


def test_a_look_at_much_is_made_in_steps_and_what_is_counted_is_not_counted_again(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "CHUNK", 3)
    monkeypatch.setattr(counting, "MAX_GATHERED", 3)
    record(account, *({"timestamp": hours_ago(h)} for h in range(1, 9)))
    work = Counting()
    work.step()
    assert work.is_behind
    assert len(counted.held(account)) == 3
    assert counts.counted_at() is None
    first_step = now()
    catch_up(work)
    assert is_right(account)
    # What became visible behind the steps is not counted yet.
    counted_at = counts.counted_at()
    assert counted_at is not None
    assert counted_at <= first_step
    record(account, {"timestamp": hours_ago(20)})
    with watcher.watch() as commands:
        catch_up(work)
    assert len(sent(commands, "aggregate", mongo.ENTRIES)) == 1
    assert is_right(account)


def test_what_is_seen_late_is_counted_in_the_end(account: str) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        work = Counting()
        catch_up(work)
        clock.shift(300)
        catch_up(work)
        clock.shift(-40)
        record(account, {"timestamp": hours_ago(5)})
        clock.shift(41)
        catch_up(work)
        assert counted.held(account) == {}
        clock.shift(160)
        catch_up(work)
        assert is_right(account)


def test_after_a_failure_what_the_database_was_asked_before_is_waited_for(account: str) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        work = Counting()
        catch_up(work)
        place = work._progress.at
        work.failed()
        clock.shift(600)
        catch_up(work)
        assert work._progress.at == place
        work._last_failure -= 121
        catch_up(work)
        assert work._progress.at > place


def test_one_counts_and_another_takes_its_place(account: str) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        first, second = Counting(), Counting()
        catch_up(first)
        record(account, {})
        assert second.step() == STANDBY_SECONDS
        assert counted.held(account) == {}
        first.end()
        catch_up(second)
        assert is_right(account)
        assert first.step() == STANDBY_SECONDS
        # The second is killed: it says nothing any more.
        record(account, {"bot_id": "bot-2"})
        clock.shift(leader.LEASE_SECONDS - 1)
        assert first.step() == STANDBY_SECONDS
        clock.shift(2)
        catch_up(first)
        assert is_right(account)


def test_a_count_that_takes_longer_than_the_lease_renews_it(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two workers would take it from each other, and neither would come to an end."""
    record(account, *({"timestamp": hours_ago(2)} for _ in range(3)))
    run = slices.run
    first, second = Counting(), Counting()
    rests: list[float] = []

    def slow(selection: Any, leading: Any, part: Any, *stages: Document) -> list[Document]:
        clock.shift(leader.LEASE_SECONDS / 2)
        rests.append(second.step())
        if (part.high.int - part.low.int) >> 80 > HOUR_MS // 8:
            raise TookTooLong
        return run(selection, leading, part, *stages)

    monkeypatch.setattr(leader, "RENEW_SECONDS", 0.0)
    with time_machine.travel(now(), tick=False) as clock:
        monkeypatch.setattr(slices, "run", slow)
        first.step()
    assert len(rests) >= 8
    assert set(rests) == {STANDBY_SECONDS}
    assert is_right(account)


def test_two_workers_cannot_acquire_the_lease_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = LeaderLease(), LeaderLease()
    acquired: list[Progress | None] = []

    def acquire_between() -> None:
        acquired.append(second.acquire())

    replace = mongo.replace_counters

    def slow(document: Document, only_if: Document) -> bool:
        if document["holder"] == first._holder:
            monkeypatch.setattr(mongo, "replace_counters", replace)
            acquire_between()
        return replace(document, only_if)

    monkeypatch.setattr(mongo, "replace_counters", slow)
    assert first.acquire() is None
    assert acquired[0] is not None
    with pytest.raises(LeaseLost):
        first.renew(Progress())


def test_a_worker_that_has_lost_the_lease_notices_and_writes_nothing(account: str) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        first, second = Counting(), Counting()
        catch_up(first)
        clock.shift(leader.LEASE_SECONDS + 1)
        catch_up(second)
        record(account, {})
        first._lease._renewed_at = 0.0
        assert first.step() == STANDBY_SECONDS
        assert not first._lease.is_held
        assert not counted.held(account)
        catch_up(second)
        assert is_right(account)


def test_an_old_count_never_covers_a_new_one(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker is stopped between counting an hour and keeping it, and has been replaced."""
    record(account, {"timestamp": hours_ago(2)})
    count, hour = tallies._count, counts.start_of("hour", to_ms(hours_ago(2)))

    def count_and_be_replaced(account: str, start: int, end: int, renew: Any) -> Any:
        old = count(account, start, end, renew)
        monkeypatch.setattr(tallies, "_count", count)
        record(account, {"timestamp": from_ms(hour)})
        recount(account, hour, token=8)
        return old

    monkeypatch.setattr(tallies, "_count", count_and_be_replaced)
    recount(account, hour, token=7)
    assert is_right(account)


@pytest.mark.parametrize("survived", range(5))
def test_a_worker_that_dies_in_the_middle_leaves_the_rest_to_the_next(
    account: str, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    record(account, *({"timestamp": hours_ago(h)} for h in (1, 5, 30)))
    replace, left = mongo.replace_older_counters, [survived]

    def die_after_some(documents: list[Document], token_field: str) -> None:
        replace(documents[: left[0]], token_field)
        left[0] -= len(documents)
        if left[0] < 0:
            raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(mongo, "replace_older_counters", die_after_some)
        with pytest.raises(SystemExit):
            Counting().step()
    with time_machine.travel(now() + timedelta(seconds=leader.LEASE_SECONDS + 1)):
        catch_up(Counting())
    assert is_right(account)


Step = tuple[str, Any]
# What an entry says of key, tool, decision, target, address and client.
USED: list[dict[str, Any]] = [
    {},
    {
        "payload": {"keyName": "scout-read", "keyId": "k-1", "tool": "quote", "code": "x"},
        "target": {"type": "tool", "id": "quote"},
        "source_ip": "192.0.2.1",
    },
    {
        "payload": {"keyName": "scout-read", "tool": "trade", "requiredScope": "trade"},
        "decision": {"outcome": "denied", "policy": "limits"},
        "agent": {"version": "2.5.0", "model": "m-1"},
        "target": {"type": "provider", "id": "jupiter"},
    },
    {
        "payload": {"provider": "jupiter", "error": "Circuit breaker is open"},
        "target": {"type": "order", "id": "ord-1"},
        "decision": {"outcome": "denied"},
    },
]
ENTRY = st.fixed_dictionaries(
    {
        "bot_id": st.sampled_from(["bot-1", "bot-2", "bot-é", None]),
        "actor": st.sampled_from([SCOUT, USER, SYSTEM, {**SCOUT, "id": "agent-2", "name": None}]),
        "action": st.sampled_from(["mcp.tool.call", "order.created", "api_key.rotated"]),
        "used": st.sampled_from(range(4)),
        "result": st.sampled_from(["success", "failure", "partial"]),
        "ago": st.sampled_from([0.0, 0.3, 0.5, 1.0, 23.9, 24.0, 700.0, -1.0]),
        "id": st.sampled_from("abcdefgh"),
    }
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.lists(ENTRY, min_size=1, max_size=5)),
        st.tuples(st.just("count"), st.integers(0, 1)),
        st.tuples(st.just("kill"), st.integers(0, 1)),
        st.tuples(st.just("wait"), st.sampled_from([1, 20, 31, 200])),
    ),
    max_size=14,
)


@hypothesis_settings(max_examples=6)
@given(STEPS)
def test_whatever_arrives_and_whoever_counts_it_comes_out_right(steps: list[Step]) -> None:
    account = new_account_id()
    base = from_ms(to_ms(now()))
    with time_machine.travel(base, tick=False) as clock:
        begin_anew()
        workers = [Counting(), Counting()]
        for what, value in steps:
            if what == "record":
                # The content goes with the id, so that the same id again is the same entry.
                for each in value:
                    entry = {**each, "timestamp": base - timedelta(hours=each["ago"])}
                    entry["id"] = "-".join(map(str, (each["id"], each["bot_id"], each["result"])))
                    entry["id"] += f"-{each['actor']['id']}-{each['action']}-{each['used']}"
                    del entry["ago"], entry["used"]
                    entry |= USED[each["used"]]
                    record(account, entry)
            elif what == "count":
                workers[value].step()
            elif what == "kill":
                workers[value] = Counting()
            else:
                clock.shift(value)
        clock.shift(200)
        catch_up(Counting())
        assert is_right(account)
        log = log_of(account)
        hours = counted.expected(log)
        assert counted.rebuilt(account, hours) == hours


def test_an_outage_is_said_once_and_counting_goes_on(
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leader, "SECONDS", 1.0)
    monkeypatch.setattr(counting, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(counting, "IDLE_SECONDS", 0.01)
    stop, steps = threading.Event(), []
    step = Counting.step

    def watched(self: Counting) -> float:
        steps.append("tried")
        return step(self)

    monkeypatch.setattr(Counting, "step", watched)
    thread = threading.Thread(target=counting.count, args=[stop])
    try:
        with connected_to(nowhere(), settings, tmp_path):
            thread.start()
            wait_for(lambda: len(steps) > 1)
        wait_for(lambda: counts.counted_at() is not None)
    finally:
        # Whatever comes of it, nothing counts on beside the tests that follow.
        stop.set()
        thread.join()
    said = [r.getMessage() for r in caplog.records if r.name == "auditlogs.counters.counting"]
    assert said == [
        "Entries are not counted: The log's database cannot be reached.",
        "The database is back; entries are counted again.",
    ]
    # It has released the lease.
    assert LeaderLease().acquire() is not None


def test_half_a_worker_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Counting) -> float:
        raise RuntimeError("nobody thought of that")

    monkeypatch.setattr(Counting, "step", fail)
    monkeypatch.setattr(worker, "STANDBY_SECONDS", 0.01)
    with pytest.raises(RuntimeError, match="nobody thought of that"):
        worker.run(spool(), threading.Event())


def wait_for(is_so: Any, seconds: float = 20.0) -> None:
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if is_so():
            return
        pause.wait(0.05)
    raise AssertionError("it never came")


@pytest.fixture(autouse=True)
def _plain_logging(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING):
        yield
