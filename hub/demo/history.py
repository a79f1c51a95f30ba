"""The history of the fleet: the same entries whenever it is asked for.

Every calendar day is made from its own seed, and its entries carry ids by which recording a day
again stores nothing twice. So a history can be topped up at any time.
"""

import functools
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

import msgspec

from auditlogs.entry.schema import NewEntry
from hub.demo import routine, schedule

# Another edition is another history: to be raised with every change of what is told.
EDITION = 3
# What begins late in a day ends in the next at the latest.
LONGEST = timedelta(days=1)


def between(after: datetime, until: datetime) -> list[NewEntry]:
    """Return the entries after an instant, up to and with another, oldest first."""
    found = [
        entry
        for day in _days((after - LONGEST).date(), until.date())
        for entry in entries_of_day(day)
        if after < _time(entry) <= until
    ]
    return sorted(found, key=_time)


@functools.lru_cache(maxsize=3)
def entries_of_day(day: date) -> tuple[NewEntry, ...]:
    """Return the entries of all that begins on a day (UTC), oldest first."""
    random = Random(f"{EDITION} {day}")  # noqa: S311  (it is to be repeatable, not secret)
    told = schedule.of_day(day, random)
    ordinary = [
        piece
        for piece in routine.of_day(day, random)
        if not any(_disturbs(piece, story) for story in told)
    ]
    entries = sorted((entry for piece in told + ordinary for entry in piece), key=_time)
    return tuple(
        msgspec.structs.replace(entry, id=f"history-{EDITION}-{day}-{number}")
        for number, entry in enumerate(entries)
    )


def _disturbs(piece: list[NewEntry], story: list[NewEntry]) -> bool:
    """Tell whether an agent of a story would do something else meanwhile, as if nothing were."""
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
