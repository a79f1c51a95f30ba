"""Workers are killed while entries arrive, also late and through the spool: the counters are right."""

import time
from dataclasses import dataclass
from random import Random

import pytest

from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.scenario import Say, sizes
from tests.faults.system import System

pytestmark = pytest.mark.slow

ROUND_SECONDS = 120.0
# A lead that nobody holds any more is over in half a minute.
SETTLE_SECONDS = 120.0


@dataclass(frozen=True)
class Size:
    """How often a worker is killed, and how many entries are acknowledged in each round."""

    rounds: int
    acknowledged: int
    rate: float


@sizes(short=Size(4, 150, 150), long=Size(20, 2_000, 300))
def test_the_counters_are_right_after_every_crash(
    system: System, ledger: Ledger, seed: int, random: Random, say: Say, size: Size
) -> None:
    with (
        system.another_worker() as second,
        Load(system.port, system.write_key, ledger, seed=seed, rate=size.rate) as load,
    ):
        for number in range(size.rounds):
            before = ledger.acknowledged
            ledger.wait_for(before + random.randrange(size.acknowledged), ROUND_SECONDS)
            time.sleep(random.uniform(0, 0.5))
            if number % 4 == 3:
                # What comes meanwhile goes through the spool, and is recorded anew.
                system.database.kill()
                time.sleep(random.uniform(0.2, 1.0))
                system.database.restart()
            elif number % 2:
                second.kill()
            else:
                system.kill_worker()
                system.restart_worker()
            ledger.wait_for(before + size.acknowledged, ROUND_SECONDS)
        assert load.statuses
    system.wait_until_drained()
    began = time.monotonic()
    system.wait_until(system.is_counted, "counted", SETTLE_SECONDS)
    took = time.monotonic() - began
    reckoning = ledger.reckon(system.documents(ledger.name))
    say(f"{size.rounds} crashes: {reckoning}; counters right after {took:.1f} s")
    assert reckoning.is_flawless
