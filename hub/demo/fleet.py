"""`python -m hub.demo.fleet`: the fleet at work while the demo runs, a few entries a minute."""

import os
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

STEP_SECONDS = 2.0
AFTER_FAILURE_SECONDS = 15.0
BETWEEN_WORK_SECONDS = (12.0, 40.0)
# How far it looks back when it begins, so that nothing is left out since the history was recorded.
OVERLAP = timedelta(minutes=10)


class Fleet:
    """Records what is due: the stories of the day at their time, and ordinary work in between."""

    def __init__(self, account: str, begin: datetime) -> None:
        self._account = account
        self._random = SystemRandom()
        self._waiting: list[NewEntry] = []
        self._told_until = begin - OVERLAP
        self._next_work = begin

    def step(self, now: datetime) -> int:
        """Record what is due by now; return how many entries that were.

        Raises StorageError; what could not be recorded is due again at the next step.
        """
        self._waiting += history.between(self._told_until, now)
        self._told_until = now
        if now >= self._next_work:
            self._waiting += _with_ids(routine.piece(self._random, now))
            pause = self._random.uniform(*BETWEEN_WORK_SECONDS)
            self._next_work = now + timedelta(seconds=pause)
        due = [entry for entry in self._waiting if entry.timestamp and entry.timestamp <= now]
        # The oldest are given up in a very long failure.
        due = due[-MAX_BATCH:]
        record_many(due, account=self._account)
        self._waiting = [e for e in self._waiting if e.timestamp and e.timestamp > now]
        return len(due)


def _with_ids(entries: list[NewEntry]) -> Iterator[NewEntry]:
    """Give each entry an id, by which a second try stores nothing twice."""
    for entry in entries:
        yield msgspec.structs.replace(entry, id=str(uuid.uuid4()))


def main() -> None:
    """Work until the process is ended. A database that fails is said once, and tried again."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "hub.settings"
    state = load_state(FOLDER)
    assert state, "the state is written before this is started"
    fleet = Fleet(state.account, now())
    fails = False
    while True:
        try:
            fleet.step(now())
        except StorageError as error:
            if not fails:
                sys.stderr.write(f"The fleet cannot record and goes on trying: {error}\n")
            fails = True
            time.sleep(AFTER_FAILURE_SECONDS)
        else:
            fails = False
            time.sleep(STEP_SECONDS)


if __name__ == "__main__":
    main()
