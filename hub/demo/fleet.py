"""`python -m hub.demo.fleet`: records the work of the fleet, a few entries a minute."""

import sys
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import SystemRandom

import msgspec

from auditlogs.entry.schema import NewEntry
from auditlogs.entry.times import now
from auditlogs.recording.recorder import MAX_BATCH, record_many
from auditlogs.storage.mongo import StorageError
from hub.demo import history, routine
from hub.demo.state import FOLDER, load_state
from hub.startup.start import begin

STEP_SECONDS = 2.0
AFTER_FAILURE_SECONDS = 15.0
BETWEEN_WORK_SECONDS = (12.0, 40.0)
# How far back it begins: some time has passed since `hub.demo.prepare` recorded the history.
OVERLAP = timedelta(minutes=10)


class Fleet:
    """Records the stories of the day at their time, and ordinary work in between."""

    def __init__(self, account: str, begin: datetime) -> None:
        self._account = account
        self._random = SystemRandom()
        self._waiting: list[NewEntry] = []
        self._generated_until = begin - OVERLAP
        self._next_work = begin

    def step(self, now: datetime) -> int:
        """Record the entries that are due and return their number.

        Raises StorageError; the next step records the same entries again.
        """
        self._waiting += history.between(self._generated_until, now)
        self._generated_until = now
        if now >= self._next_work:
            self._waiting += _with_ids(routine.piece(self._random, now))
            pause = self._random.uniform(*BETWEEN_WORK_SECONDS)
            self._next_work = now + timedelta(seconds=pause)
        due = [entry for entry in self._waiting if entry.timestamp and entry.timestamp <= now]
        # After a very long failure the oldest are dropped.
        due = due[-MAX_BATCH:]
        record_many(due, account=self._account)
        self._waiting = [e for e in self._waiting if e.timestamp and e.timestamp > now]
        return len(due)


def _with_ids(entries: list[NewEntry]) -> Iterator[NewEntry]:
    """Give each entry an ID, so that recording it again stores it once."""
    for entry in entries:
        yield msgspec.structs.replace(entry, id=str(uuid.uuid4()))


def main() -> None:
    """Record until the process is stopped; report a failing database once and retry."""
    begin()
    state = load_state(FOLDER)
    assert state, "hub.demo has saved it"
    fleet = Fleet(state.account, now())
    fails = False
    while True:
        try:
            fleet.step(now())
        except StorageError as error:
            if not fails:
                sys.stderr.write(f"The fleet cannot record entries and keeps trying: {error}\n")
            fails = True
            time.sleep(AFTER_FAILURE_SECONDS)
        else:
            fails = False
            time.sleep(STEP_SECONDS)


if __name__ == "__main__":
    main()
