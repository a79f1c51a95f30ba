"""More is offered than can be stored: accepted entries are kept, others are told to retry."""

import time
from dataclasses import dataclass

import pytest

from tests.faults.ledger import Ledger
from tests.faults.load import Load, percentile
from tests.faults.scenario import Say, sizes
from tests.faults.system import System

pytestmark = pytest.mark.slow

MAX_MEMORY = 300_000_000
# Large bodies and small ones.
BATCHES = (1, 1, 10, 100)


@dataclass(frozen=True)
class Size:
    """The seconds of the overload, and the number of clients."""

    seconds: float
    clients: int


@sizes(short=Size(2, 16), long=Size(60, 64))
def test_overload_is_answered_and_loses_nothing(
    system: System, ledger: Ledger, seed: int, say: Say, size: Size
) -> None:
    largest = 0
    with Load(
        system.port, system.write_key, ledger, seed=seed, clients=size.clients, sizes=BATCHES
    ) as load:
        until = time.monotonic() + size.seconds
        while time.monotonic() < until:
            largest = max(largest, system.memory())
            time.sleep(0.2)
    system.wait_until_drained()
    reckoning = ledger.reckon(system.documents(ledger.name))
    say(f"{size.clients} clients without a pause for {size.seconds:.0f} s: {reckoning}")
    say(f"answers: {dict(load.statuses)}, entries: {dict(ledger.statuses)}")
    say(
        f"99 % within {percentile(load.answers, 99):.2f} s, a web process had at most "
        f"{largest / 1_000_000:.0f} MB"
    )
    assert reckoning.is_flawless
    assert load.statuses.keys() <= {200, 201, 202, 429, 503}
    assert all("Retry-After" in a.headers for a in load.answers if a.status in (429, 503))
    assert largest < MAX_MEMORY
    assert ledger.acknowledged > 0
