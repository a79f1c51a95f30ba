"""The database is unavailable under load: callers notice nothing, and every entry arrives."""

import time
from dataclasses import dataclass
from typing import Literal

import pytest

from tests.faults.ledger import Ledger
from tests.faults.load import Load, percentile
from tests.faults.scenario import Say, sizes, variants
from tests.faults.system import System

pytestmark = pytest.mark.slow

Kind = Literal["swallows every packet", "refuses connections"]
# One entry a request, mostly, as services send what happens when it happens.
BATCHES = (1, 1, 1, 1, 5, 20)


@dataclass(frozen=True)
class Size:
    """The seconds of the outage, and the entries offered a second."""

    seconds: float
    rate: float


@sizes(short=Size(1, 100), long=Size(60, 200))
@pytest.mark.parametrize("kind", variants("swallows every packet", "refuses connections"))
def test_callers_notice_nothing_of_an_outage(
    system: System, ledger: Ledger, seed: int, say: Say, kind: Kind, size: Size
) -> None:
    with Load(
        system.port, system.write_key, ledger, seed=seed, clients=8, rate=size.rate, sizes=BATCHES
    ) as load:
        system.wait_until(lambda: ledger.acknowledged > 0, "under load")
        went_at = time.monotonic()
        (system.database.pause if kind == "swallows every packet" else system.database.kill)()
        system.wait_until(lambda: system.readiness().get("breaker") == "open", "open")
        opened_at = time.monotonic()
        meanwhile = system.readiness()
        time.sleep(size.seconds)
        (system.database.resume if kind == "swallows every packet" else system.database.restart)()
        back_at = time.monotonic()
        system.wait_until(lambda: system.readiness().get("database") == "up", "up")
        closed_at = time.monotonic()
    system.wait_until_drained()
    drained_after = time.monotonic() - back_at
    away = [answer for answer in load.answers if opened_at < answer.asked_at < back_at]
    reckoning = ledger.reckon(system.documents(ledger.name))
    say(f"The database {kind}, away for {back_at - went_at:.1f} s: {reckoning}")
    say(f"answers: {dict(load.statuses)}, entries: {dict(ledger.statuses)}")
    say(
        f"breaker open after {opened_at - went_at:.1f} s; from then on {len(away):,} answers, "
        f"99 % of them within {percentile(away, 99) * 1000:.0f} ms; database found back after "
        f"{closed_at - back_at:.1f} s, all stored after {drained_after:.1f} s"
    )
    assert reckoning.is_flawless
    assert load.statuses.keys() <= {200, 201, 202}
    assert ledger.statuses["spooled"] > 0
    assert (meanwhile["code"], meanwhile["status"]) == (200, "degraded")
    assert meanwhile["database"] == "down"
    assert system.readiness()["status"] == "ready"
