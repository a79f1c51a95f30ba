"""The spool and the circuit breaker, compared with a model under random operations."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from auditlogs.entry.schema import Entry
from auditlogs.entry.times import now
from auditlogs.recording.recorder import prepare
from auditlogs.write.breaker import FAILURES, OPEN_SECONDS, Breaker
from auditlogs.write.spool import MAX_SHOWN, ClaimedKey, Depth, Spool
from auditlogs.write.spool_file import SpoolFull
from tests.factories import AGENT, queued

ACCOUNTS = ("acc_a", "acc_b")
AT = now()


def make(account: str, number: int, content: int = 0) -> Entry:
    """Return the entry that a writer calls by a number, with some content."""
    entry, _ = prepare(
        "order.created",
        result="success",
        account=account,
        actor=AGENT,
        id=f"w-{number}",
        timestamp=AT,
        payload={"content": content},
    )
    return entry


ENTRIES = {
    (account, number, content): make(account, number, content)
    for account in ACCOUNTS
    for number in range(6)
    for content in range(2)
}
SOME = st.lists(st.sampled_from(sorted(ENTRIES)), min_size=1, max_size=5)


class SpoolMachine(RuleBasedStateMachine):
    """Two processes share a spool; what they see is what a list and two dictionaries would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="auditlogs-spool-"))
        self.spools = [Spool(self.folder, 1 << 20) for _ in range(2)]
        # Account, entry and tries by id, in the order in which they came.
        self.waiting: dict[str, tuple[str, Entry, int]] = {}
        self.dead: list[tuple[str, str, str]] = []
        self.keys: dict[str, ClaimedKey] = {}
        self.unmoved: set[str] = set()

    @property
    def here(self) -> Spool:
        """Either of them, in turn."""
        self.spools.reverse()
        return self.spools[0]

    def teardown(self) -> None:
        for each in self.spools:
            each.file.close()
        shutil.rmtree(self.folder)

    @rule(chosen=SOME)
    def put(self, chosen: list[tuple[str, int, int]]) -> None:
        pairs = [(each[0], ENTRIES[each]) for each in chosen]
        expected = []
        for account, entry in pairs:
            expected.append(self.waiting.setdefault(entry.id, (account, entry, 0))[1])
        assert self.here.put(pairs) == expected

    @rule(chosen=SOME)
    def hold(self, chosen: list[tuple[str, int, int]]) -> None:
        ids = [ENTRIES[each].id for each in chosen]
        found = self.here.find(ids)
        assert found == {id: self.waiting[id][1] for id in ids if id in self.waiting}

    @rule(limit=st.integers(1, 8), places=st.sets(st.integers(0, 7)))
    def remove(self, limit: int, places: set[int]) -> None:
        ids = [each.id for each in self.here.oldest(limit)]
        gone = [id for place, id in enumerate(ids) if place in places]
        self.here.remove(gone)
        for id in gone:
            del self.waiting[id]

    @rule(limit=st.integers(1, 8))
    def count_try(self, limit: int) -> None:
        ids = [each.id for each in self.here.oldest(limit)]
        self.here.count_rejection(ids)
        for id in ids:
            account, entry, tries = self.waiting[id]
            self.waiting[id] = account, entry, tries + 1

    @rule(reason=st.sampled_from(["no", "never"]))
    def bury(self, reason: str) -> None:
        for each in self.here.oldest(1):
            self.here.move_to_dead_letters(each.id, reason)
            account, _, _ = self.waiting.pop(each.id)
            self.dead.append((each.id, account, reason))

    @rule(id=st.sampled_from("kl"), digest=st.sampled_from("xy"))
    def claim(self, id: str, digest: str) -> None:
        key = ClaimedKey(id, digest, int(time.time() * 1000))
        if id not in self.keys:
            self.unmoved.add(id)
        assert self.here.claim(key) == self.keys.setdefault(id, key)

    @rule(limit=st.integers(1, 3))
    def move(self, limit: int) -> None:
        keys = self.here.unmoved_keys(limit)
        assert len(keys) == min(limit, len(self.unmoved))
        self.here.mark_moved(keys)
        for key in keys:
            assert self.keys[key.id] == key
            self.unmoved.remove(key.id)

    @rule(id=st.sampled_from("kl"))
    def correct(self, id: str) -> None:
        key = ClaimedKey(id, "z", int(time.time() * 1000))
        self.here.correct(key)
        if id in self.keys:
            self.keys[id] = key
            self.unmoved.discard(id)

    @rule()
    def close(self) -> None:
        self.here.file.close()

    @rule()
    def restart(self) -> None:
        self.spools[0].file.close()
        self.spools[0] = Spool(self.folder, 1 << 20)

    @invariant()
    def what_waits_is_in_order(self) -> None:
        found = [(each.id, each.account, each.tries) for each in self.here.oldest(100)]
        assert found == [(id, account, tries) for id, (account, _, tries) in self.waiting.items()]

    @invariant()
    def depths_are_right(self) -> None:
        for account in (None, *ACCOUNTS):
            depth = self.here.depth(account)
            waiting = [a for a, _, _ in self.waiting.values() if account in (None, a)]
            dead = [a for _, a, _ in self.dead if account in (None, a)]
            assert (depth.waiting, depth.dead) == (len(waiting), len(dead))
            assert (depth.oldest_seconds > 0) == bool(waiting)

    @invariant()
    def dead_letters_stay(self) -> None:
        letters = [(each.id, each.account, each.reason) for each in self.here.dead_letters()]
        assert letters == self.dead[::-1][:MAX_SHOWN]


SpoolMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=30)
TestSpool = SpoolMachine.TestCase


# The spool


def test_what_was_put_is_there_for_the_next_process(tmp_path: Path) -> None:
    entry = make("acc_a", 1)
    Spool(tmp_path, 1 << 20).put([("acc_a", entry)])
    # Neither has been closed, as none is by a crash.
    assert [each.id for each in Spool(tmp_path, 1 << 20).oldest(9)] == [entry.id]


def test_nobody_else_may_enter_its_folder(tmp_path: Path) -> None:
    Spool(tmp_path / "spool", 1 << 20).put([("acc_a", make("acc_a", 1))])
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0


def test_reading_a_spool_creates_no_file(tmp_path: Path) -> None:
    here = Spool(tmp_path / "spool", 1 << 20)
    assert here.depth() == Depth(0, 0.0, 0)
    assert (here.oldest(9), here.dead_letters(), here.unmoved_keys(9)) == ([], [], [])
    assert not (tmp_path / "spool").exists()


def test_a_batch_that_has_no_room_is_not_taken_in_part(tmp_path: Path) -> None:
    here = Spool(tmp_path, 200_000)
    large = [queued({"n": number, "text": "x y " * 10_000}, "acc_a") for number in range(10)]
    with pytest.raises(SpoolFull, match=r"^The spool is full\.$"):
        here.put(large)
    assert here.depth().waiting == 0
    here.put(large[:1])
    assert here.file.size() <= 2 * 200_000


def test_only_one_drains_and_the_next_may_when_it_has_ended(tmp_path: Path) -> None:
    here, there = (Spool(tmp_path, 1 << 20) for _ in range(2))
    with here.drain_lock() as first, there.drain_lock() as second:
        assert (first, second) == (True, False)
    with there.drain_lock() as second:
        assert second


def test_threads_and_processes_put_at_once_without_losing_any(tmp_path: Path) -> None:
    spools = [Spool(tmp_path, 1 << 24) for _ in range(3)]

    def put(which: int) -> None:
        for number in range(20):
            spools[which % 3].put([("acc_a", make("acc_a", 1_000 * which + number))])

    threads = [threading.Thread(target=put, args=(which,)) for which in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spools[0].depth().waiting == 120


# The breaker


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Breaker, Breaker]:
    """The breakers of two processes of a host."""
    return Breaker(tmp_path / "breaker"), Breaker(tmp_path / "breaker")


def states(breakers: Sequence[Breaker]) -> list[str]:
    return [breaker.state for breaker in breakers]


def fail(breaker: Breaker) -> None:
    for _ in range(FAILURES):
        assert breaker.allows_call()
        breaker.record_failure()


def let_time_pass(folder: Path) -> None:
    """As if the breaker had been opened long enough ago to be tried."""
    then = time.time() - OPEN_SECONDS - 1
    os.utime(folder / "breaker", (then, then))


def test_it_opens_after_some_failures_in_a_row_for_all_processes(
    pair: tuple[Breaker, Breaker],
) -> None:
    here, there = pair
    for _ in range(FAILURES - 1):
        here.record_failure()
    here.record_success()
    assert states(pair) == ["closed", "closed"]
    fail(here)
    assert states(pair) == ["open", "open"]
    assert not here.allows_call()
    assert not there.allows_call()


def test_half_open_it_allows_exactly_one_call(
    pair: tuple[Breaker, Breaker], tmp_path: Path
) -> None:
    here, there = pair
    fail(here)
    let_time_pass(tmp_path)
    assert states(pair) == ["half-open", "half-open"]
    assert [there.allows_call(), here.allows_call(), there.allows_call()] == [True, False, False]


def test_half_open_it_allows_exactly_one_of_many_calls_at_once(tmp_path: Path) -> None:
    breakers = [Breaker(tmp_path / "breaker") for _ in range(8)]
    fail(breakers[0])
    for _ in range(20):
        let_time_pass(tmp_path)
        start = threading.Barrier(len(breakers))
        let: list[bool] = []

        def try_it(breaker: Breaker, start: Any = start, let: Any = let) -> None:
            start.wait()
            let.append(breaker.allows_call())

        threads = [threading.Thread(target=try_it, args=(each,)) for each in breakers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(let) == 1


def test_the_outcome_of_that_call_closes_it_for_all_or_leaves_it_open(
    pair: tuple[Breaker, Breaker], tmp_path: Path
) -> None:
    here, there = pair
    fail(here)
    let_time_pass(tmp_path)
    assert there.allows_call()
    there.record_failure()
    assert states(pair) == ["open", "open"]
    let_time_pass(tmp_path)
    assert here.allows_call()
    here.record_success()
    assert states(pair) == ["closed", "closed"]
    assert there.allows_call()


def test_where_its_file_cannot_be_written_it_works_in_memory(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    breaker = Breaker(tmp_path / "spool" / "breaker")
    fail(breaker)
    assert states([breaker]) == ["open"]
    assert not breaker.allows_call()
    breaker.record_success()
    assert states([breaker]) == ["closed"]


def test_in_a_folder_that_cannot_be_written_it_opens_too() -> None:
    # Not even root can make a file there.
    breaker = Breaker(Path("/proc/self/breaker"))
    fail(breaker)
    assert states([breaker]) == ["open"]


def test_a_clock_that_is_set_back_does_not_keep_it_open(
    pair: tuple[Breaker, Breaker], tmp_path: Path
) -> None:
    fail(pair[0])
    then = time.time() + 3600
    os.utime(tmp_path / "breaker", (then, then))
    assert states(pair) == ["half-open", "half-open"]
