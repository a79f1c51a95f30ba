"""How a list is read: in slices of time that widen until the page is full.

Every query has the same shape: `$match` on the account, one leading equality and a range of
`_id`; a second `$match` for the rest; `$sort` by `_id`; `$limit`. One index serves the first
stage and the order, so the work is that of the slice, not of the log.
"""

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from auditlogs.entry.identity import id_bound, id_ms
from auditlogs.entry.text import prefix_range
from auditlogs.query.window import Window
from auditlogs.storage import mongo
from auditlogs.storage.indexes import ACCOUNT_LEAD, LEADS, Lead
from auditlogs.storage.mongo import Document

BUDGET_SECONDS = 2.0
# One query gets longer than the budget: what it has begun is better finished than repeated.
QUERY_SECONDS = 5.0
WIDEN = 4

NEWEST_FIRST, OLDEST_FIRST = -1, 1

# Below and above every `_id` of an entry, which is of version 8.
LOWEST, HIGHEST = uuid.UUID(int=0), uuid.UUID(int=(1 << 128) - 1)

# What only the query layer itself needs never leaves the database.
WITHOUT_PAYLOAD = {"tokens": 0, "payload": 0}
WITH_PAYLOAD = {"tokens": 0}
ONLY_POSITION = {"_id": 1, "actorKey": 1, "action": 1, "result": 1}


class Arrival(NamedTuple):
    """When an entry reached the log, which one, and whose; they sort as they came."""

    at: datetime
    id: uuid.UUID
    account: str


class Budget:
    """The time that reading one page may take, and whether anything was read in it."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.has_begun = False

    @property
    def is_spent(self) -> bool:
        """Tell whether the time is over."""
        return time.monotonic() >= self._until


@dataclass(frozen=True, slots=True)
class Word:
    """A word to find: a prefix, and the tokens that begin with it, None where they are too many.

    A word that one token alone begins with is an equality, which an index can serve.
    """

    prefix: str
    tokens: tuple[str, ...] | None

    @property
    def condition(self) -> Any:
        """Return what one element of an entry's tokens has to be."""
        if self.tokens is not None:
            return {"$in": list(self.tokens)}
        low, high = prefix_range(self.prefix)
        # In one $elemMatch: without it, two different tokens could meet the two bounds.
        return {"$elemMatch": {"$gte": low} | ({"$lt": high} if high is not None else {})}


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list holds: an account, the one bot of it that its reader may see (None for all),
    equalities by path, words to find.

    Every question to the log is asked of a selection, so what is another's is never asked for.
    """

    account: str
    bot: str | None
    asked: Mapping[str, str]
    words: tuple[Word, ...]

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing can be found: another bot was asked for than the one that may be
        seen, or a word begins no token at all."""
        is_other = self.bot is not None and self.asked.get("botId", self.bot) != self.bot
        return is_other or any(word.tokens == () for word in self.words)

    @property
    def equal(self) -> dict[str, str]:
        """Return the equalities that hold for every entry."""
        return {**self.asked, **({} if self.bot is None else {"botId": self.bot})}

    @property
    def lead(self) -> Lead:
        """Return the most selective equality, by whose index the list is read."""
        return next((lead for lead in LEADS if lead.path in self._leading), ACCOUNT_LEAD)

    @property
    def _leading(self) -> dict[str, str]:
        """Return every equality that could lead."""
        exact = [word.tokens[0] for word in self.words if word.tokens and len(word.tokens) == 1]
        return {**({"tokens": exact[0]} if exact else {}), **self.equal}

    def stages(self, low: uuid.UUID, high: uuid.UUID | None) -> list[Document]:
        """Return the `$match` stages for entries from `low` (inclusive) to `high` (exclusive)."""
        lead, leading = self.lead, self._leading
        reach = {"$gte": low} | ({"$lt": high} if high else {})
        first: Document = {"account": self.account, "_id": reach}
        rest: Document = {path: value for path, value in self.equal.items() if path != lead.path}
        if lead.path in leading:
            first[lead.path] = leading[lead.path]
        led_by = first.get("tokens")
        if words := [word for word in self.words if led_by is None or word.tokens != (led_by,)]:
            rest["$and"] = [{"tokens": word.condition} for word in words]
        return [{"$match": first}, {"$match": rest}] if rest else [{"$match": first}]


def read_slices(
    selection: Selection,
    window: Window,
    direction: int,
    after: uuid.UUID | None,
    limit: int,
    budget: Budget,
    fields: Document,
) -> tuple[list[Document], uuid.UUID | None]:
    """Read up to `limit` documents in the order of time, from behind `after` on.

    Returns them, and the `_id` behind which reading would have to go on when the budget was
    spent before the window's end was reached, else None.
    """
    found: list[Document] = []
    for low, high, is_last in _slices(selection.lead, window, direction, after):
        try:
            found += run(
                selection,
                low,
                high,
                {"$sort": {"_id": direction}},
                {"$limit": limit - len(found)},
                {"$project": fields},
            )
        except mongo.TookTooLong:
            # The next page begins here with a narrow slice; a first one has nothing to show.
            if not budget.has_begun:
                raise
            return found, (high or HIGHEST) if direction == NEWEST_FIRST else before(low)
        budget.has_begun = True
        if len(found) == limit or is_last:
            return found, None
        if budget.is_spent:
            return found, low if direction == NEWEST_FIRST else before(high)
    return found, None


def _slices(
    lead: Lead, window: Window, direction: int, after: uuid.UUID | None
) -> Iterator[tuple[uuid.UUID, uuid.UUID | None, bool]]:
    """Yield (low, high, is last) in the direction of reading, each four times as wide.

    Together they cover the window from behind `after` to its end, none twice.
    """
    oldest = id_bound(window.start)
    newest = None if window.end is None else id_bound(window.end)
    if after is not None and direction == NEWEST_FIRST:
        newest = min(after, newest) if newest else after
    elif after is not None:
        oldest = max(behind(after), oldest)
    if oldest >= (newest or HIGHEST):
        return
    # Time beyond now holds next to nothing: it is covered by the slice that meets now.
    ends = max(min(id_ms(newest or HIGHEST), window.as_of), id_ms(oldest)) + 1
    width = lead.first_slice_ms or ends - id_ms(oldest)
    low, high, start = oldest, newest, ends
    while True:
        if direction == NEWEST_FIRST:
            start -= width
            low = max(oldest, id_bound(start))
            yield low, high, low == oldest
            if low == oldest:
                return
            high = low
        else:
            stop = id_ms(low) + width
            high = newest if stop >= ends else id_bound(stop)
            yield low, high, high == newest
            if high == newest:
                return
            assert high is not None
            low = high
        width *= WIDEN


def run(
    selection: Selection, low: uuid.UUID, high: uuid.UUID | None, *stages: Document
) -> list[Document]:
    """Ask one question of the entries of a selection from `low` (inclusive) to `high` (exclusive),
    under its time limit. Raises StorageError.

    Nothing else reads what entries say, so nobody sees what their selection does not hold.
    """
    if selection.is_empty:
        return []
    with mongo.time_limit(QUERY_SECONDS):
        return list(mongo.entries().aggregate([*selection.stages(low, high), *stages]))


def arrivals(at: datetime, behind: uuid.UUID, before: datetime | None, limit: int) -> list[Arrival]:
    """Return up to `limit` entries in the order in which they reached the log: from an instant on,
    at which those up to an `_id` are known, until another (exclusive). Raises StorageError.

    The one question across accounts, for the worker. It learns whose an entry is and the hour that
    it belongs to, and nothing of what it says.
    """
    known = {"recordedAt": 1, "account": 1}
    reach: Document = {"$gt": at} | ({"$lt": before} if before else {})
    with mongo.time_limit(QUERY_SECONDS):
        log = mongo.entries()
        # One after the other, because a place among equal instants would need a disjunction.
        same = log.find({"recordedAt": at, "_id": {"$gt": behind}}, known)
        found = list(same.sort("_id", OLDEST_FIRST).limit(limit))
        if len(found) < limit:
            later = log.find({"recordedAt": reach}, known).sort({"recordedAt": 1, "_id": 1})
            found += list(later.limit(limit - len(found)))
    return [Arrival(each["recordedAt"], each["_id"], each["account"]) for each in found]


def behind(value: uuid.UUID) -> uuid.UUID:
    """Return the next higher value: as an exclusive upper bound it lets `value` itself in."""
    return uuid.UUID(int=min(value.int + 1, HIGHEST.int))


def before(value: uuid.UUID | None) -> uuid.UUID:
    """Return the next lower value: as an exclusive lower bound it lets `value` itself in."""
    assert value is not None
    return uuid.UUID(int=max(value.int - 1, LOWEST.int))
