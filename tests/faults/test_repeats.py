"""Entries are sent repeatedly and connections break: each entry is in the log once."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import pytest

from tests.faults.ledger import Fields, Ledger
from tests.faults.load import FORMS, NO_ANSWER, Caller, entry_of
from tests.faults.scenario import Say, sizes
from tests.faults.system import System

pytestmark = pytest.mark.slow

TIMES = 3
CLIENTS = 4
SIZES = (1, 5, 20)
# A client hangs up before the answer to one request in so many.
HANG_UP = 10
# The database does so in the middle of one insert in so many.
CLOSE = 50


@dataclass(frozen=True)
class Size:
    """The number of different entries."""

    entries: int


@sizes(short=Size(300), long=Size(10_000))
def test_what_is_sent_three_times_is_stored_once(
    system: System, ledger: Ledger, seed: int, random: Random, say: Say, size: Size
) -> None:
    entries = [entry_of(f"{ledger.name}-{number}", random) for number in range(size.entries)]
    ledger.sends(entries)
    queue = shuffled(entries, random)
    batches = iter(queue)
    lock, counts = threading.Lock(), Counts()

    def send(number: int) -> None:
        own = Random(f"{seed}-{number}")
        with system.caller() as caller:
            while batch := take():
                if own.randrange(HANG_UP) == 0:
                    caller.post_and_hang_up(batch)
                    counts.hung_up += 1
                send_until_answered(caller, batch, ledger, own)

    def take() -> list[Fields] | None:
        with lock:
            counts.requests += 1
            if counts.requests % CLOSE == 1:
                system.database.fail({"times": 1}, "insert", closeConnection=True)
                counts.closed += 1
            return next(batches, None)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    system.wait_until_drained()
    reckoning = ledger.reckon(system.documents(ledger.name))
    say(f"{size.entries:,} entries sent {TIMES} times by {CLIENTS} clients: {reckoning}")
    say(f"{counts}, entries: {dict(ledger.statuses)}")
    assert reckoning.is_flawless
    assert reckoning.acknowledged == reckoning.stored == size.entries


@dataclass
class Counts:
    """The number of requests, and of connections that either side closed."""

    requests: int = 0
    hung_up: int = 0
    closed: int = 0

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests; the client hung up on {self.hung_up:,}, the database on "
            f"{self.closed:,}"
        )


def shuffled(entries: Sequence[Fields], random: Random) -> list[list[Fields]]:
    """Return batches in which each entry occurs TIMES times, in random order."""
    many = [*entries] * TIMES
    random.shuffle(many)
    batches = []
    while many:
        size = random.choice(SIZES)
        batches.append(many[:size])
        del many[:size]
    return batches


def send_until_answered(
    caller: Caller, batch: list[Fields], ledger: Ledger, random: Random
) -> None:
    """Send a batch again for as long as there is no answer."""
    while (answer := caller.post(batch, random.choice(FORMS))).status == NO_ANSWER:
        pass
    assert answer.status in (200, 201, 202), answer
    ledger.answered(batch, [each["status"] for each in json.loads(answer.body)])
