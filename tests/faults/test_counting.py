"""Workers are killed while entries arrive, some late or through the spool: in the end the counters
equal the log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import pytest

from auditlogs.counters.counting import LONGEST_REST_SECONDS, SETTLED, STEP
from auditlogs.counters.leader import LEASE_SECONDS
from auditlogs.storage.mongo import COUNTERS, ENTRIES
from tests.auditlogs.counters.counted import DAY_MS, HOUR_MS, Counted, expected, held_in
from tests.faults.ledger import Ledger
from tests.faults.load import Load, entry_of
from tests.faults.scenario import Say, sizes
from tests.faults.system import System

if TYPE_CHECKING:
    from hub.demo.child import Child

pytestmark = pytest.mark.slow

ROUND_SECONDS = 120.0
# The lease of a worker that was killed is over in half a minute. What came late through the spool
# is counted when it is two minutes old, in steps of half a minute and after up to a minute of rest.
COUNTED_SECONDS = LEASE_SECONDS + (SETTLED + STEP).total_seconds() + 2 * LONGEST_REST_SECONDS
LATE = 20


@dataclass(frozen=True)
class Size:
    """The number of kills, the entries acknowledged in each round, those offered a second, and the
    seconds between two looks at the counters: reading many takes the time that counting needs."""

    rounds: int
    acknowledged: int
    rate: float
    pause: float


@sizes(short=Size(2, 100, 150, 1.0), long=Size(24, 2_000, 300, 5.0))
def test_the_counters_are_right_after_every_crash(
    system: System, ledger: Ledger, seed: int, random: Random, say: Say, size: Size
) -> None:
    with (
        two_workers(system) as workers,
        Load(system.port, system.write_key, ledger, seed=seed, rate=size.rate),
    ):
        for number in range(size.rounds):
            before = ledger.acknowledged
            ledger.wait_for(before + random.randrange(size.acknowledged), ROUND_SECONDS)
            send_late(system, ledger, random)
            crash(system, workers, number)
            ledger.wait_for(before + size.acknowledged, ROUND_SECONDS)
    system.wait_until_drained()
    began = time.monotonic()
    # It changes no more. Reading it takes the database longer than counting does.
    log = system.account_documents(ENTRIES)
    wanted = expected(log, HOUR_MS), expected(log, DAY_MS)
    system.wait_until(lambda: counters(system) == wanted, "counted", COUNTED_SECONDS, size.pause)
    took = time.monotonic() - began
    reckoning = ledger.reckon(system.documents(ledger.name))
    say(f"{size.rounds} crashes: {reckoning}; counters of {len(log):,} right after {took:.1f} s")
    assert reckoning.is_flawless


@contextmanager
def two_workers(system: System) -> Iterator[list["Child"]]:
    """Run a second worker."""
    workers = [system.worker, system.start_worker()]
    try:
        yield workers
    finally:
        workers[1].stop()
        system.worker = workers[0]


def crash(system: System, workers: list["Child"], number: int) -> None:
    """Kill one of the workers in the middle of its work; now and then the database with it, so that
    what is sent meanwhile comes through the spool."""
    which = number % 2
    workers[which].process.kill()
    workers[which].process.wait()
    if number % 4 == 3:
        system.database.kill()
        time.sleep(0.5)
        system.database.restart()
    workers[which] = system.start_worker()


def send_late(system: System, ledger: Ledger, random: Random) -> None:
    """Send entries, each twice, into hours that were counted long ago."""
    entries = [
        entry_of(f"{ledger.name}-late-{random.getrandbits(60)}", random) for _ in range(LATE)
    ]
    for entry in entries:
        at = time.gmtime(time.time() - random.randrange(20 * 86_400))
        entry["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", at)
        entry["actor"] = {"type": "agent", "id": f"agent-{random.randrange(5)}", "name": None}
    ledger.sends(entries)
    with system.caller() as caller:
        for _ in range(2):
            caller.post(entries)


def counters(system: System) -> tuple[Counted, Counted]:
    """Return the tallies that are kept of hours and of days."""
    kept = system.account_documents(COUNTERS, {"kind": {"$in": ["hour", "day"]}})
    return held_in(kept, "hour"), held_in(kept, "day")
