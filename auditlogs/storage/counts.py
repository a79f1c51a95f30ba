"""Reading the counters: the entries of an account by result, for each action type, action, actor
and bot, API key that wrote them, key, tool, missing scope, provider, reason and policy, in a
quarter of an hour, an hour and a day; and what reviews and the pages of keys need of failures,
changes and uses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import DAY_MS, EPOCH, HOUR_MS, QUARTER_MS, from_ms, to_ms
from auditlogs.storage import mongo
from auditlogs.storage.mongo import Document

READ_SECONDS = 5.0
# While a worker runs, counting is seconds behind; two minutes without progress is a fault.
STALE = timedelta(minutes=2)
# The version of the documents. A worker that finds another one counts everything again; documents
# of both stay apart until the older ones expire.
FORMAT = 6
# The stored `_id` and the field `term` (the fencing token) have these names in existing databases.
# New names would let a worker of an earlier version hold a second lease during an upgrade.
LEASE_ID = "lead"
TOKEN_FIELD = "term"  # noqa: S105

# A quarter of an hour, because some time zones differ by half or three quarters of one.
Kind = Literal["quarter", "hour", "day"]
LENGTHS_MS: dict[Kind, int] = {"quarter": QUARTER_MS, "hour": HOUR_MS, "day": DAY_MS}
KINDS: tuple[Kind, ...] = ("day", "hour", "quarter")

# Below every entry's `_id`.
LOWEST_ID = UUID(int=0)

# The path of an entry's field, and the stored field with the counts of its values.
DIMENSIONS = {
    "actionType": "types",
    "action": "actions",
    "actor.id": "actors",
    "botId": "bots",
    "assertedBy": "writers",
    "facts.key": "keys",
    "facts.tool": "tools",
    "facts.requiredScope": "scopes",
    "facts.provider": "providers",
    "facts.reason": "reasons",
    "facts.policy": "policies",
}
# Of this field an entry may have several values: the name of a key and its id.
SEVERAL_VALUES = "facts.key"
# The stored fields with what is needed beside the counts of single values.
NOTES = ("failures", "incidents", "seen", "uses")


class ByResult:
    """The number of entries of something, by their result."""

    __slots__ = ()

    failure: int
    partial: int
    success: int

    @property
    def total(self) -> int:
        return self.failure + self.partial + self.success


class ValueCount(ByResult, msgspec.Struct, frozen=True, array_like=True):
    """The entries with one value of a field in a span of time, by their result."""

    value: str
    failure: int = 0
    partial: int = 0
    success: int = 0

    def of(self, result: str | None) -> int:
        """Return the entries with a result; all of them without one."""
        if result is None:
            return self.total
        number: int = getattr(self, result)
        return number


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """The counts of one bot in a span of time: all entries, failed and partial ones, and the time
    of the last in milliseconds.

    `agent` and `name` are the id and name of the agent that acted last; None if no agent acted. One
    that acted for another agent, which is not `is_own`, counts only where no other acted.
    """

    bot: str
    entries: int
    failures: int
    partial: int
    last_ms: int
    agent: str | None
    name: str | None
    is_own: bool = True

    @property
    def count(self) -> ValueCount:
        successes = self.entries - self.failures - self.partial
        return ValueCount(self.bot, self.failures, self.partial, successes)


class FailureCount(ByResult, msgspec.Struct, frozen=True, array_like=True):
    """Entries that failed or were denied and have these values in common, by their result, with the
    times of the first and the last in milliseconds. A value that they do not have is empty; `key`
    has the name and the id of a key where they have both, joined by SEPARATOR."""

    bot: str
    action_type: str
    reason: str
    scope: str
    key: str
    policy: str
    provider: str
    is_denied: bool
    failure: int
    partial: int
    success: int
    first_ms: int
    last_ms: int

    @property
    def label(self) -> tuple[str, str, str, str, str, str, str, bool]:
        """What the entries have in common."""
        of_agent = (self.bot, self.action_type, self.reason, self.scope)
        return (*of_agent, self.key, self.policy, self.provider, self.is_denied)


class Incident(msgspec.Struct, frozen=True, array_like=True):
    """Entries of one of the actions that a review names, with the same actor and target in a
    quarter: how many, the ids of the first and the last, and the names as the last one has them.
    A value that they do not have is empty."""

    action: str
    bot: str
    actor: str
    target: str
    provider: str
    key: str
    result: str
    quarter: int
    count: int
    first: UUID
    last: UUID
    actor_name: str
    target_name: str

    @property
    def label(self) -> tuple[int, str, str, str, str, str, str, str]:
        """What the entries have in common."""
        of_whom = (self.quarter, self.action, self.bot, self.actor)
        return (*of_whom, self.target, self.provider, self.key, self.result)


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A tool, target, address or client of a bot, and when it was first seen in a span of time, in
    milliseconds. `kind` is the name of its filter."""

    bot: str
    kind: str
    value: str
    first_ms: int

    @property
    def label(self) -> tuple[str, str, str]:
        """What was seen of whom."""
        return (self.bot, self.kind, self.value)


class Use(ByResult, msgspec.Struct, frozen=True, array_like=True):
    """Entries that name a key and have one more value in common, by their result, with the times of
    the first and the last in milliseconds. `key` is as in a failure; `kind` is the name of the
    value's filter."""

    key: str
    kind: str
    value: str
    failure: int
    partial: int
    success: int
    first_ms: int
    last_ms: int

    @property
    def label(self) -> tuple[str, str, str]:
        """What the entries have in common."""
        return (self.key, self.kind, self.value)


@dataclass(frozen=True, slots=True)
class Span:
    """What was counted of an account in a quarter, an hour or a day that starts at `start`, in
    milliseconds.

    `tallies` are sorted by bot id. `counts` has the values of the other fields of `DIMENSIONS`, by
    stored name and sorted. Of each field only the first values are counted one by one; `rest` has
    the entries with the others, by stored name. Failures, incidents, uses and what was seen are
    sorted by their labels, and of them `rest` has how many rows are left out. A quarter does not
    keep what was seen.
    """

    start: int
    tallies: list[Tally]
    counts: Mapping[str, list[ValueCount]]
    rest: Mapping[str, ValueCount]
    failures: list[FailureCount] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)

    @property
    def is_cut(self) -> bool:
        """Whether there were more bots than are counted one by one."""
        return "bots" in self.rest


@dataclass(frozen=True, slots=True)
class Progress:
    """How far counting has come: the count is final for every entry that reached the log before
    `at`, and at that instant for every one up to `id`. At `counted_at` everything that was visible
    then had been counted; None until that has happened once.

    `first_until` is None but during the first count of a log: how far in time the entries of the
    account `first_account` are counted, in milliseconds. Accounts are counted in order of their id.
    """

    at: datetime = EPOCH
    id: UUID = LOWEST_ID
    counted_at: datetime | None = None
    first_account: str = ""
    first_until: int | None = None


_tallies = msgspec.json.Decoder(list[Tally])
_counts = msgspec.json.Decoder(list[ValueCount])
_failures = msgspec.json.Decoder(list[FailureCount])
_incidents = msgspec.json.Decoder(list[Incident])
_seen = msgspec.json.Decoder(list[Seen])
_uses = msgspec.json.Decoder(list[Use])


def kept(account: str, kind: Kind, start: int, end: int | None = None) -> list[Span]:
    """Return an account's counted spans that start from `start` (inclusive) to `end` (exclusive),
    both in milliseconds, oldest first; with the bots alone. Raises StorageError."""
    return list(_read(account, kind, start, end, ["bots"]))


def kept_whole(account: str, kind: Kind, start: int, end: int) -> list[Span]:
    """Return the same spans with the counts of every field, and the notes. Raises StorageError."""
    return list(_read(account, kind, start, end, (*DIMENSIONS.values(), *NOTES)))


def spans_of(
    account: str, spans: Iterable[tuple[Kind, int]], fields: Iterable[str]
) -> dict[tuple[str, int], Span]:
    """Return some spans with these stored fields, by kind and start, in one round trip. One without
    entries is left out. Raises StorageError."""
    ids = [span_id(account, kind, start) for kind, start in spans]
    projection = {"_id": 0, "kind": 1, "start": 1, "rest": 1, **dict.fromkeys(fields, 1)}
    with mongo.time_limit(READ_SECONDS):
        found = mongo.counters().find({"_id": {"$in": ids}}, projection, batch_size=len(ids) + 1)
        return {(each["kind"], to_ms(each["start"])): span_of(each) for each in found}


def counts_of(
    account: str, spans: Iterable[tuple[Kind, int]], fields: Iterable[str]
) -> dict[tuple[str, int], Mapping[str, Mapping[str | None, ValueCount]]]:
    """Return the counts in some spans, by kind and start: by stored field, then by value, where
    None has the values that are not counted one by one. A span without entries is left out.
    Raises StorageError."""
    found = spans_of(account, spans, fields)
    return {place: _by_value(span, fields) for place, span in found.items()}


def progress() -> Progress | None:
    """Return how far counting has come; None before it has begun, or while the counters are those
    of another version. Raises StorageError."""
    with mongo.time_limit(READ_SECONDS):
        return progress_in(mongo.counters().find_one({"_id": LEASE_ID}))


def counted_at() -> datetime | None:
    """Return when everything visible had last been counted, or None. Raises StorageError."""
    found = progress()
    return found.counted_at if found else None


def is_stale(counted_at: datetime | None, moment: datetime) -> bool:
    """Tell whether counting has stood still, so that a worker is probably down."""
    return counted_at is not None and moment - counted_at > STALE


def progress_in(lease: Document | None) -> Progress | None:
    """Return the progress that a lease document holds, if it is one of this version."""
    if lease is None or lease.get("format") != FORMAT:
        return None
    first = lease.get("first") or {}
    return Progress(
        lease["at"], lease["id"], lease["countedAt"], first.get("account", ""), first.get("until")
    )


def span_id(account: str, kind: Kind, start: int) -> str:
    """Return the `_id` of a span's document."""
    return SEPARATOR.join((account, kind, f"{start:015}", str(FORMAT)))


def start_of(kind: Kind, ms: int) -> int:
    """Return the start, in ms, of the quarter, hour or day (UTC) that contains this millisecond."""
    return ms // LENGTHS_MS[kind] * LENGTHS_MS[kind]


def longest(start: int, end: int) -> Iterator[tuple[Kind, int]]:
    """Yield the longest spans that make up a range of whole quarters, in ms."""
    while start < end:
        kind = next(
            each
            for each in KINDS
            if start == start_of(each, start) and start + LENGTHS_MS[each] <= end
        )
        yield kind, start
        start += LENGTHS_MS[kind]


def _read(
    account: str, kind: Kind, start: int, end: int | None, fields: Iterable[str]
) -> Iterator[Span]:
    bounds = {"$gte": from_ms(start)} | ({} if end is None else {"$lt": from_ms(end)})
    condition = {"account": account, "kind": kind, "start": bounds}
    projection = {"_id": 0, "start": 1, "format": 1, "rest": 1, **dict.fromkeys(fields, 1)}
    with mongo.time_limit(READ_SECONDS):
        found = mongo.counters().find(condition, projection, batch_size=10_000)
        documents = list(found.sort("start", 1))
    # Compared here, because SecantusDB reads the whole collection where the index lacks a field.
    return (span_of(each) for each in documents if each.get("format") == FORMAT)


def span_of(document: Document) -> Span:
    """Return the span of a stored document, with the fields that were read."""
    return Span(
        to_ms(document["start"]),
        _tallies.decode(document.get("bots", "[]")),
        {
            field: _counts.decode(document[field])
            for field in DIMENSIONS.values()
            if field != "bots" and field in document
        },
        {field: ValueCount("", *numbers) for field, numbers in document["rest"].items()},
        _failures.decode(document.get("failures", "[]")),
        _incidents.decode(document.get("incidents", "[]")),
        _seen.decode(document.get("seen", "[]")),
        _uses.decode(document.get("uses", "[]")),
    )


def _by_value(span: Span, fields: Iterable[str]) -> Mapping[str, Mapping[str | None, ValueCount]]:
    counts = {**span.counts, "bots": [tally.count for tally in span.tallies]}
    return {
        field: {
            **{count.value: count for count in counts[field]},
            None: span.rest.get(field, ValueCount("")),
        }
        for field in fields
    }
