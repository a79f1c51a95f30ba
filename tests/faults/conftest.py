"""Fixtures of the fault scenarios: a system, a ledger, a seed, and a report of what was counted."""

import os
from collections.abc import Callable, Iterator
from random import Random, SystemRandom
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.ledger import Ledger
    from tests.faults.scenario import Say
    from tests.faults.system import System


@pytest.fixture(scope="session")
def shared_system() -> Iterator["System"]:
    from tests.faults.system import System

    with System() as system:
        yield system


@pytest.fixture
def system(request: pytest.FixtureRequest) -> Iterator["System"]:
    """The system that short scenarios share. A long one leaves many entries, which the next would
    have to go through, so it has a system of its own."""
    from tests.faults.system import System

    if request.node.get_closest_marker("faults"):
        with System() as system:
            yield system
    else:
        yield request.getfixturevalue("shared_system")


@pytest.fixture
def ledger() -> "Ledger":
    from tests.faults.ledger import Ledger

    return Ledger()


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> "Say":
    return lambda line: record_property("counts", line)


@pytest.fixture
def seed(say: "Say") -> int:
    """The seed of all random choices: FAULTS_SEED, to repeat a run, or a new one."""
    seed = int(os.environ.get("FAULTS_SEED") or SystemRandom().randrange(1_000_000))
    say(f"FAULTS_SEED={seed}")
    return seed


@pytest.fixture
def random(seed: int) -> Random:
    return Random(seed)
