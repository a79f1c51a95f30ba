"""Reading a list in slices of time, each four times as wide as the last, until a page is full.

Every query has the same shape: `$match` on the account, one leading filter and a range of `_id`; a
second `$match` for the other filters; `$sort` by `_id`; `$limit`. One index serves the first stage
and the order, so a query reads the entries of its slice, not those of the whole log.
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
from auditlogs.storage.indexes import ACCOUNT_FILTER, LEADING_FILTERS, LeadingFilter
from auditlogs.storage.mongo import Document

BUDGET_SECONDS = 2.0
# One query may take longer than the budget of a page: starting it again would cost the same time.
QUERY_SECONDS = 5.0
WIDEN = 4

# Below and above the `_id` of every entry, which is a UUID of version 8.
LOWEST, HIGHEST = uuid.UUID(int=0), uuid.UUID(int=(1 << 128) - 1)

# `tokens` serve the search only and are large, so they are never transferred.
WITHOUT_PAYLOAD = {"tokens": 0, "payload": 0}
WITH_PAYLOAD = {"tokens": 0}
ONLY_POSITION = {"_id": 1, "actorKey": 1, "action": 1, "result": 1}


class Arrival(NamedTuple):
    """When an entry reached the log, its `_id` and its account. Arrivals sort by time."""

    at: datetime
    id: uuid.UUID
    account: str


class Budget:
    """The time for reading one page. `has_begun` is set by the first query that succeeded."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.has_begun = False

    @property
    def is_spent(self) -> bool:
        return time.monotonic() >= self._until


@dataclass(frozen=True, slots=True)
class Word:
    """A search word: a prefix, and the tokens that begin with it; None if there are too many.

    With exactly one token the word is an equality, which can be the leading filter.
    """

    prefix: str
    tokens: tuple[str, ...] | None

    @property
    def condition(self) -> Any:
        """The condition on the array `tokens` of an entry."""
        if self.tokens is not None:
            return {"$in": list(self.tokens)}
        low, high = prefix_range(self.prefix)
        # $elemMatch, because otherwise two different tokens could satisfy one bound each.
        return {"$elemMatch": {"$gte": low} | ({"$lt": high} if high is not None else {})}


@dataclass(frozen=True, slots=True)
class Selection:
    """The conditions of a list: an account, the one bot its reader is restricted to (None for no
    restriction), the requested filters by field path, and search words.

    Every query over entries is built from a selection, so a reader's restriction cannot be
    forgotten in one of them.
    """

    account: str
    bot: str | None
    filters: Mapping[str, str]
    words: tuple[Word, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match: the reader asked for another bot than their own, or a word is
        a prefix of no token at all."""
        is_other_bot = self.bot is not None and self.filters.get("botId", self.bot) != self.bot
        return is_other_bot or any(word.tokens == () for word in self.words)

    @property
    def equal(self) -> dict[str, str]:
        """The filters, and the reader's own restriction."""
        return {**self.filters, **({} if self.bot is None else {"botId": self.bot})}

    @property
    def leading(self) -> LeadingFilter:
        """The most selective filter that an index serves."""
        candidates = self._candidates
        return next((each for each in LEADING_FILTERS if each.path in candidates), ACCOUNT_FILTER)

    @property
    def _candidates(self) -> dict[str, str]:
        exact = [word.tokens[0] for word in self.words if word.tokens and len(word.tokens) == 1]
        return {**({"tokens": exact[0]} if exact else {}), **self.equal}

    def stages(self, low: uuid.UUID, high: uuid.UUID | None) -> list[Document]:
        """Return the `$match` stages for entries from `low` (inclusive) to `high` (exclusive)."""
        path, candidates = self.leading.path, self._candidates
        bounds = {"$gte": low} | ({"$lt": high} if high else {})
        first: Document = {"account": self.account, "_id": bounds}
        rest: Document = {field: value for field, value in self.equal.items() if field != path}
        if path in candidates:
            first[path] = candidates[path]
        token = first.get("tokens")
        if words := [word for word in self.words if token is None or word.tokens != (token,)]:
            rest["$and"] = [{"tokens": word.condition} for word in words]
        return [{"$match": first}, {"$match": rest}] if rest else [{"$match": first}]


def read_slices(
    selection: Selection,
    window: Window,
    *,
    newest_first: bool,
    after: uuid.UUID | None,
    limit: int,
    budget: Budget,
    fields: Document,
) -> tuple[list[Document], uuid.UUID | None]:
    """Read up to `limit` documents in the order of time, starting after the `_id` `after`.

    Returns them, and the `_id` after which reading has to continue when the budget was spent before
    the end of the window; else None.
    """
    documents: list[Document] = []
    slices = _slices(selection.leading, window, newest_first=newest_first, after=after)
    for low, high, is_last in slices:
        try:
            documents += run(
                selection,
                low,
                high,
                {"$sort": {"_id": -1 if newest_first else 1}},
                {"$limit": limit - len(documents)},
                {"$project": fields},
            )
        except mongo.TookTooLong:
            # The next page starts here with a narrow slice. A first page would show nothing.
            if not budget.has_begun:
                raise
            return documents, (high or HIGHEST) if newest_first else predecessor(low)
        budget.has_begun = True
        if len(documents) == limit or is_last:
            return documents, None
        if budget.is_spent:
            return documents, low if newest_first else predecessor(high)
    return documents, None


def _slices(
    leading: LeadingFilter, window: Window, *, newest_first: bool, after: uuid.UUID | None
) -> Iterator[tuple[uuid.UUID, uuid.UUID | None, bool]]:
    """Yield (low, high, is last) in the direction of reading, each four times as wide.

    Together they cover the window from `after` (exclusive) to its end without overlap.
    """
    oldest = id_bound(window.start)
    newest = None if window.end is None else id_bound(window.end)
    if after is not None and newest_first:
        newest = min(after, newest) if newest else after
    elif after is not None:
        oldest = max(successor(after), oldest)
    if oldest >= (newest or HIGHEST):
        return
    # Few entries lie in the future, so the slice that contains the present covers them as well.
    ends = max(min(id_ms(newest or HIGHEST), window.as_of), id_ms(oldest)) + 1
    width = leading.first_slice_ms or ends - id_ms(oldest)
    low, high, start = oldest, newest, ends
    while True:
        if newest_first:
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
    """Run one aggregation over the entries of a selection from `low` (inclusive) to `high`
    (exclusive), within the time limit. Raises StorageError.

    The only function that reads the content of entries, so no query can miss the `$match` on the
    account and on the reader's bot.
    """
    if selection.is_empty:
        return []
    with mongo.time_limit(QUERY_SECONDS):
        return list(mongo.entries().aggregate([*selection.stages(low, high), *stages]))


def arrivals(at: datetime, after: uuid.UUID, until: datetime | None, limit: int) -> list[Arrival]:
    """Return up to `limit` entries in the order in which they reached the log: from the instant
    `at`, of which those up to the `_id` `after` are left out, to `until` (exclusive). Raises
    StorageError.

    The only query across accounts, for the worker. It reads the account of an entry and the time in
    its `_id`, and nothing of its content.
    """
    fields = {"recordedAt": 1, "account": 1}
    later: Document = {"$gt": at} | ({"$lt": until} if until else {})
    with mongo.time_limit(QUERY_SECONDS):
        log = mongo.entries()
        # Two queries: a position within one instant would need an $or, which no index serves in
        # order.
        same_instant = log.find({"recordedAt": at, "_id": {"$gt": after}}, fields)
        documents = list(same_instant.sort("_id", 1).limit(limit))
        if len(documents) < limit:
            rest = log.find({"recordedAt": later}, fields).sort({"recordedAt": 1, "_id": 1})
            documents += list(rest.limit(limit - len(documents)))
    return [Arrival(each["recordedAt"], each["_id"], each["account"]) for each in documents]


def successor(value: uuid.UUID) -> uuid.UUID:
    """Return the UUID after `value`; used as an exclusive upper bound, it includes `value`."""
    return uuid.UUID(int=min(value.int + 1, HIGHEST.int))


def predecessor(value: uuid.UUID | None) -> uuid.UUID:
    """Return the UUID before `value`; used as an exclusive lower bound, it includes `value`."""
    assert value is not None
    return uuid.UUID(int=max(value.int - 1, LOWEST.int))
