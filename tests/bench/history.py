"""The entries that are measured on: the demo's stories and work, by more agents, at any number."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import msgspec

from auditlogs.entry.schema import Actor, NewEntry
from auditlogs.entry.times import now
from hub.demo import routine, schedule
from hub.demo.cast import SCOUT

SEED = 14
# Within the retention, with room for the time that loading takes.
DAYS = 29
# One fleet more of the demo's twelve agents for each so many entries, up to MAX_FLEETS.
ENTRIES_OF_A_FLEET, MAX_FLEETS = 2_000, 50
# An agent that was switched off after the first days, and never failed.
RETIRED = Actor(type="agent", id="agent_retired", name="Retired Scout")
RETIRED_BOT, RETIRED_DAYS, RETIRED_SHARE = "bot_retired", 4, 0.05


@dataclass(frozen=True, slots=True)
class History:
    """`count` entries of the days before `until`. The same number gives the same entries, but for
    their times, which follow `until`."""

    count: int
    until: datetime

    def entries(self) -> Iterator[NewEntry]:
        """Yield the entries day by day, oldest day first."""
        written = 0
        for day in range(DAYS):
            quota = self.count * (day + 1) // DAYS - written
            for entry in self._of_day(day, quota):
                yield msgspec.structs.replace(entry, id=f"bench-{written}")
                written += 1

    def _of_day(self, day: int, quota: int) -> list[NewEntry]:
        random = Random(f"{SEED} {day}")
        start = self.until - timedelta(days=DAYS - day)
        pieces = schedule.of_day(start.date(), random)
        # Where there is no room for all of them, not always for the same.
        random.shuffle(pieces)
        entries = [entry for piece in pieces for entry in piece][:quota]
        while len(entries) < quota:
            at = start + timedelta(days=random.random())
            entries += self._by_some_fleet(routine.piece(random, at), day, random)
        return [self._in_time(entry, start) for entry in entries[:quota]]

    def _by_some_fleet(self, piece: list[NewEntry], day: int, random: Random) -> list[NewEntry]:
        """Return a piece of work as done by a fleet. The first ones work most, as in life."""
        if day < RETIRED_DAYS and random.random() < RETIRED_SHARE:
            return [_retired(entry) for entry in piece]
        fleets = min(self.count // ENTRIES_OF_A_FLEET, MAX_FLEETS) or 1
        number = int(fleets * random.random() ** 3)
        return [_of_fleet(entry, number) if number else entry for entry in piece]

    def _in_time(self, entry: NewEntry, start: datetime) -> NewEntry:
        """Return an entry of the day that begins at `start`; work that goes on is cut there."""
        assert entry.timestamp is not None
        end = min(start + timedelta(days=1), self.until)
        at = min(max(entry.timestamp, start), end - timedelta(milliseconds=1))
        return msgspec.structs.replace(entry, timestamp=at)


def live() -> Iterator[NewEntry]:
    """Yield entries that happen at this moment, without an end."""
    random, written = Random(f"{SEED} live"), 0
    while True:
        for entry in routine.piece(random, now()):
            yield msgspec.structs.replace(entry, id=f"live-{written}", timestamp=now())
            written += 1


def _of_fleet(entry: NewEntry, number: int) -> NewEntry:
    if entry.actor.type != "agent":
        return entry
    actor = entry.actor
    name = None if actor.name is None else f"{actor.name} {number}"
    return msgspec.structs.replace(
        entry,
        actor=Actor(type="agent", id=f"{actor.id}_{number}", name=name),
        bot_id=entry.bot_id and f"{entry.bot_id}_{number}",
    )


def _retired(entry: NewEntry) -> NewEntry:
    if entry.actor.type != "agent":
        return entry
    return msgspec.structs.replace(entry, actor=RETIRED, bot_id=RETIRED_BOT, result="success")


# What is asked for. Everything else that the questions name is taken from a stored entry.
ACTOR, BOT = SCOUT.id, SCOUT.bot_id
COMMON, RARE, ABSENT, PREFIX, TWO = "momentum", "noor", "zzyzx", "ord", "momentum quote"
