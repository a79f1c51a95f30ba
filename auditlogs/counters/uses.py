"""The uses of a key: what the entries that name it have in common, from the kept counters.

What these do not know yet is read from the log by the index of facts, without payloads: the newest
entries, up to MAX_READ.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from auditlogs.counters.notes import add, facts_in, uses_in
from auditlogs.counters.tallies import GROUP
from auditlogs.entry.identity import id_ms
from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import DAY_MS, now, to_ms
from auditlogs.query import known
from auditlogs.query.entries import Entries
from auditlogs.query.known import Divided
from auditlogs.query.slices import Slice
from auditlogs.query.values import Values
from auditlogs.storage import counts
from auditlogs.storage.counts import Use
from auditlogs.storage.mongo import Document, TookTooLong
from auditlogs.storage.retention import oldest_ms

MAX_READ = 5_000
# No use of a key, though its entries name it.
NO_USE = Values((), ("config",))

Rows = dict[tuple[object, ...], Use]


@dataclass(frozen=True, slots=True)
class SpanUses:
    """The uses in a part of the time, by kind and value. `is_cut` says that there were more."""

    uses: Iterable[Use]
    is_cut: bool


def read(account: str, bot: str | None, key: Values, edges: Sequence[int]) -> list[SpanUses]:
    """Return the uses of a key between each two of these instants, in ms and ascending, and after
    the last one; for a reader of one bot those in its entries. Raises StorageError."""
    if bot is None:
        divided = known.divide(account, edges)
    else:
        # A use is not counted by bot.
        divided = [Divided([], [part]) for part in (*pairwise(edges), (edges[-1], None))]
    ids = [span for part in divided for span in part.spans]
    spans = counts.spans_of(account, ids, ["uses"]) if ids else {}
    reading = _Reading(Entries.of(account, bot).keep("facts.key", key).keep("actionType", NO_USE))
    parts = []
    for part in reversed(divided):
        rows: Rows = {}
        found = [spans[each] for each in part.spans if each in spans]
        for use in (use for span in found for use in span.uses):
            _add(rows, use, key)
        is_whole = [reading.add(rows, *each) for each in reversed(part.ranges)]
        is_cut = any("uses" in span.rest for span in found) or not all(is_whole)
        parts.append(SpanUses(rows.values(), is_cut))
    return parts[::-1]


def users(account: str) -> tuple[list[Use], bool]:
    """Return by whom each key was used in all kept time, as far as it is counted, and whether there
    were more. Raises StorageError."""
    moment = now()
    end = counts.start_of("day", to_ms(moment)) + 2 * DAY_MS
    days = range(counts.start_of("day", oldest_ms(moment)), end, DAY_MS)
    spans = counts.spans_of(account, [("day", day) for day in days], ["uses"]).values()
    rows: Rows = {}
    for use in (use for span in spans for use in span.uses if use.kind == "actor"):
        add(rows, use)
    return list(rows.values()), any("uses" in span.rest for span in spans)


class _Reading:
    """Reads the entries of a key, the newest first, up to MAX_READ."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._left = MAX_READ

    def add(self, rows: Rows, low: int, high: int | None) -> bool:
        """Add the entries of a range of time; return whether these were all."""
        whole = Slice.between(low, high)
        # A range that is longer than a day is read in parts, so that no query takes long.
        for part in whole.widening(DAY_MS, to_ms(now()), newest_first=True):
            end = None if part.high is None else id_ms(part.high)
            try:
                groups = self._groups(id_ms(part.low), end)
            except TookTooLong:
                if self._left == MAX_READ:
                    raise
                self._left = 0
                return False
            for group in groups:
                for use in uses_in(group, facts_in(group)):
                    _add(rows, use)
            self._left -= sum(group["entries"] for group in groups)
            if self._left < 0:
                self._left = 0
                return False
        return True

    def _groups(self, start: int, end: int | None) -> list[Document]:
        # One more than there is room for shows whether there are more.
        limit: Document = {"$limit": self._left + 1}
        newest: list[Document] = [{"$sort": {"_id": -1}}, limit, {"$sort": {"_id": 1}}]
        return self._entries.aggregate(start, end, *newest, GROUP)


def _add(rows: Rows, use: Use, key: Values | None = None) -> None:
    """Add a use, whatever names of its key the entries have; only one of this key if it is given:
    like the filter, by any of its names."""
    names = set(use.key.split(SEPARATOR))
    if key is None or (names & set(key.wanted) and not names & set(key.unwanted)):
        add(rows, msgspec.structs.replace(use, key=""))
