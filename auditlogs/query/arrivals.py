"""The order of arrival: the entries of a list as they reached the log, for readers that follow it.

A reader that goes on from the newest timestamp misses what arrives late, and an entry dated ahead
hides what comes before it. `recordedAt` is set when an entry is about to be stored. So in its order
nothing is added before a position that is older than a write may take.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditlogs.entry.identity import id_bound
from auditlogs.entry.times import DAY_MS, from_ms, now
from auditlogs.query import slices
from auditlogs.query.selection import Selection
from auditlogs.query.slices import LOWEST, Budget, Slice, successor
from auditlogs.query.window import Window
from auditlogs.storage.mongo import Document, TookTooLong

# A write may take 10 seconds, and the clocks of hosts differ a little. Younger arrivals are held
# back: one that is stored after them could have an earlier `recordedAt`.
LAG = timedelta(seconds=15)
# How much time of arrivals is read first, and how many times more at most by each query after it.
# Engines that sort in memory would read everything that is left for each page.
FIRST = timedelta(minutes=1)
WIDEN = 16
# How often less time is tried after a time-out.
MAX_NARROWED = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the order of arrival: an instant, and the `_id` after which to go on in it."""

    at: datetime
    id: uuid.UUID

    @classmethod
    def before_all(cls, window: Window) -> "Place":
        """Return the place before every entry of a window: an entry may be dated up to a day after
        it has arrived."""
        return cls(from_ms(window.start - DAY_MS), LOWEST)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Documents in the order of arrival, and the place after them. `is_caught_up` is true when no
    more have settled yet."""

    documents: list[Document]
    place: Place
    is_caught_up: bool


def read(
    selection: Selection,
    window: Window,
    place: Place,
    limit: int,
    fields: Document,
    budget: Budget,
    until: datetime | None = None,
) -> Arrived:
    """Read up to `limit` entries that arrived after a place, and before `until`; fewer before the
    end where the budget is spent. Raises StorageError."""
    settled, width, narrowed, start = now() - LAG, FIRST, 0, place
    until = settled if until is None else min(until, settled)
    documents: list[Document] = []
    while place.at < until and not budget.is_spent(has_found=True):
        end = min(place.at + width, until)
        left = limit - len(documents)
        try:
            found = _read(selection, window, place, end, left, fields, budget)
        except TookTooLong:
            if place != start:
                break
            if narrowed == MAX_NARROWED:
                raise
            narrowed, width = narrowed + 1, (end - place.at) / WIDEN
            continue
        documents += found
        if len(documents) == limit or (documents and budget.is_full):
            last = documents[-1]
            return Arrived(documents, Place(last["recordedAt"], last["_id"]), is_caught_up=False)
        place = Place(end, LOWEST)
        width *= min(WIDEN, -(-left // len(found))) if found else WIDEN
        budget.has_begun = True
    return Arrived(documents, place, is_caught_up=place.at >= until)


def _read(
    selection: Selection,
    window: Window,
    place: Place,
    end: datetime,
    limit: int,
    fields: Document,
    budget: Budget,
) -> list[Document]:
    """Read up to `limit` arrivals after a place and before `end`.

    In two queries: a place within one instant would need an $or, which no index serves in order.
    """
    low = id_bound(window.start)
    high = None if window.end is None else id_bound(window.end)
    found: list[Document] = []
    if place.id != LOWEST:
        rest = Slice(max(low, successor(place.id)), high)
        found = slices.run_by_arrival(selection, place.at, rest, limit, fields, budget.room)
        budget.queries -= 1
    if len(found) < limit and not budget.is_full:
        begin = "$gte" if place.id == LOWEST else "$gt"
        span = {begin: place.at, "$lt": end}
        found += slices.run_by_arrival(
            selection, span, Slice(low, high), limit - len(found), fields, budget.room
        )
        budget.queries -= 1
    return found
