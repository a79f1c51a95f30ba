"""Processes are killed at random moments: every acknowledged entry is in the log, once."""

import time
from dataclasses import dataclass
from random import Random
from typing import Literal

import pytest

from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.scenario import Say, sizes
from tests.faults.system import System

pytestmark = pytest.mark.slow

Victim = Literal["web process", "worker", "database", "database and worker"]
# The first two are all that is killed.
VICTIMS: tuple[Victim, ...] = ("web process", "database and worker", "worker", "database")
ROUND_SECONDS = 120.0


@dataclass(frozen=True)
class Size:
    """How often something is killed, how many entries are acknowledged in each round, and how many
    are offered a second: as many as are taken, where that is not said."""

    rounds: int
    acknowledged: int
    rate: float | None = None


@sizes(short=Size(2, 100, 200), long=Size(20, 2_000))
def test_what_was_acknowledged_survives_every_crash(
    system: System, ledger: Ledger, seed: int, random: Random, say: Say, size: Size
) -> None:
    with Load(system.port, system.write_key, ledger, seed=seed, rate=size.rate) as load:
        for number in range(size.rounds):
            victim, before = VICTIMS[number % len(VICTIMS)], ledger.acknowledged
            ledger.wait_for(before + random.randrange(size.acknowledged), ROUND_SECONDS)
            crash(system, victim, random)
            ledger.wait_for(before + size.acknowledged, ROUND_SECONDS)
            say(f"{number + 1:2}. {victim}: acknowledged {ledger.acknowledged - before:,}")
    system.wait_until_drained()
    reckoning = ledger.reckon(system.documents(ledger.name))
    say(f"{size.rounds} crashes: {reckoning}")
    say(f"answers: {dict(load.statuses)}, entries: {dict(ledger.statuses)}")
    assert reckoning.is_flawless
    assert load.statuses.keys() <= {0, 200, 201, 202}


def crash(system: System, victim: Victim, random: Random) -> None:
    """Kill something at a random moment, and start it again."""
    if victim == "worker":
        give_it_work(system)
    time.sleep(random.uniform(0, 0.3))
    if victim == "web process":
        system.kill_web_process(random)
    if victim.startswith("database"):
        system.database.kill()
    if victim.endswith("worker"):
        system.kill_worker()
    time.sleep(random.uniform(0, 0.3))
    if victim.startswith("database"):
        system.database.restart()
    if victim.endswith("worker"):
        system.restart_worker()


def give_it_work(system: System) -> None:
    """Let some entries wait: the database has them, but does not say for certain that it does."""
    for _ in range(10):
        system.database.fail(
            {"times": 1}, "insert", writeConcernError={"code": 64, "errmsg": "waiting timed out"}
        )
        time.sleep(0.05)
