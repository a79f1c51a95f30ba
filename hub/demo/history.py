"""The history of the fleet, generated reproducibly.

Each day has its own random seed, and its entries have fixed IDs, so that recording a day again
stores nothing twice. A history can therefore be completed at any time.
"""

import functools
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

import msgspec

from auditlogs.entry.schema import NewEntry
from hub.demo import routine, schedule

# Part of the seed and of the IDs. Raise it with every change of the generated entries.
EDITION = 5
# Work that begins late in a day ends on the next one at the latest.
LONGEST = timedelta(days=1)


def between(after: datetime, until: datetime) -> list[NewEntry]:
    """Return the entries with `after` < timestamp <= `until`, oldest first."""
    entries = [
        entry
        for day in _days((after - LONGEST).date(), until.date())
        for entry in entries_of_day(day)
        if after < _time(entry) <= until
    ]
    return sorted(entries, key=_time)


@functools.lru_cache(maxsize=3)
def entries_of_day(day: date) -> tuple[NewEntry, ...]:
    """Return the entries of the stories and work that begin on a day (UTC), oldest first."""
    random = Random(f"{EDITION} {day}")  # noqa: S311  (reproducible, not secret)
    stories = schedule.of_day(day, random)
    ordinary = [
        piece
        for piece in routine.of_day(day, random)
        if not any(_disturbs(piece, story) for story in stories)
    ]
    entries = sorted((entry for piece in stories + ordinary for entry in piece), key=_time)
    return tuple(
        msgspec.structs.replace(entry, id=f"history-{EDITION}-{day}-{number}")
        for number, entry in enumerate(entries)
    )


def _disturbs(piece: list[NewEntry], story: list[NewEntry]) -> bool:
    """Tell whether ordinary work of an agent falls into a story about it, such as its blocking."""
    bots = {entry.bot_id for entry in story if entry.bot_id}
    if not any(entry.bot_id in bots for entry in piece):
        return False
    first, last = min(map(_time, story)), max(map(_time, story))
    return any(first <= _time(entry) <= last for entry in piece)


def _days(first: date, last: date) -> Iterator[date]:
    for number in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(number)


def _time(entry: NewEntry) -> datetime:
    assert entry.timestamp is not None
    return entry.timestamp
