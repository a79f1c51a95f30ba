"""The write path: entries go into the database or, while it is unavailable, into the spool.

An entry's `_id` is derived from what its writer sends, so a write can be repeated: whatever
happened to the first attempt, the entry is stored once.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from auditlogs import metrics
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.storage import dictionary, mongo, vocabulary
from auditlogs.storage.documents import says_the_same, to_document, to_entry
from auditlogs.storage.mongo import Document, DocumentRejected, StorageError, Unavailable
from auditlogs.write.names import within_cap
from auditlogs.write.spool import BUSY_SECONDS, Spool, spool
from auditlogs.write.spool_file import SpoolError

Status = Literal["created", "duplicate", "conflict", "spooled"]
# `rejected`: the database will never accept this document, for its content.
Outcome = Literal["created", "duplicate", "conflict", "rejected"]

WRITE_SECONDS = 5.0

CONFLICT = "The log has another entry with the same id, which stays."


class CannotStore(StorageError):
    """Neither the database nor the spool could take the entries."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one entry: `created` and `duplicate` are in the log, `spooled` will be; at a
    `conflict` the log has another entry with the same id, which stays."""

    id: str
    status: Status


def write(entries: Sequence[Entry], account: str, *, seconds: float | None = None) -> list[Receipt]:
    """Store entries of an account durably and return a receipt for each, in order.

    `seconds` (5 if None) bounds the database; each of the spool's two operations, finding and
    adding, takes as many at most, and never more than 2. Raises CannotStore.
    """
    queue, seconds = spool(), seconds or WRITE_SECONDS
    statuses = _try_database(queue, entries, account, seconds)
    missing = [index for index, status in enumerate(statuses) if status is None]
    if missing:
        spooled = _try_spool(queue, [entries[index] for index in missing], account, seconds)
        for index, status in zip(missing, spooled, strict=True):
            statuses[index] = status
    receipts = [
        Receipt(id=entry.id, status=status)
        for entry, status in zip(entries, statuses, strict=True)
        if status is not None
    ]
    for outcome, number in Counter(receipt.status for receipt in receipts).items():
        metrics.ENTRIES.labels(outcome).inc(number)
    return receipts


def store(documents: list[Document], seconds: float) -> list[Outcome]:
    """Insert documents into the log and return the outcome for each, in order.

    Raises StorageError when any outcome is uncertain, which the breaker counts as a failure, and
    DocumentRejected when the driver cannot encode the documents, which it does not.
    """
    breaker = spool().breaker
    try:
        with mongo.time_limit(seconds):
            documents, notes = within_cap(documents)
            # Before the entries: a note without an entry is harmless, an entry without its notes
            # would be missing from searches and from sorted lists. The vocabulary comes first, as
            # it tells by the other notes whether the account is new.
            vocabulary.add(documents)
            dictionary.add(notes)
            existing, rejected = mongo.insert_missing(mongo.entries(), documents)
            ids = [documents[index]["_id"] for index in existing]
            # A duplicate key error proves nothing yet: a failover could still roll that write back.
            found = mongo.find_durable(mongo.entries(), ids) if ids else []
            durable = {document["_id"]: document for document in found}
            if durable.keys() != set(ids):
                raise Unavailable("The log's database did not confirm existing entries.")
    except DocumentRejected:
        raise
    except StorageError:
        breaker.record_failure()
        raise
    breaker.record_success()
    outcomes: list[Outcome] = ["created"] * len(documents)
    for index in rejected:
        outcomes[index] = "rejected"
    for index in existing:
        sent = documents[index]
        is_same = says_the_same(to_entry(sent), to_entry(durable[sent["_id"]]))
        outcomes[index] = "duplicate" if is_same else "conflict"
    return outcomes


def arriving(entry: Entry, account: str) -> Document:
    """Return the document of an entry that is about to be stored: `recordedAt` is now.

    Validation, a queue or the spool may have held the entry back. Readers of the log in the
    order of arrival rely on a write following at once.
    """
    return to_document(msgspec.structs.replace(entry, recorded_at=format_rfc3339(now())), account)


def _try_database(
    queue: Spool, entries: Sequence[Entry], account: str, seconds: float
) -> list[Status | None]:
    """Return each entry's status; None where the database does not certainly have the entry."""
    statuses: list[Status | None] = [
        "conflict" if is_conflict else None for is_conflict in _conflicts(queue, entries, seconds)
    ]
    state = queue.breaker.state
    undecided = [index for index, status in enumerate(statuses) if status is None]
    if not undecided or not queue.breaker.allows_call():
        return statuses
    limit = min(seconds, queue.breaker.probe_seconds) if state == "half-open" else seconds
    try:
        outcomes = store([arriving(entries[index], account) for index in undecided], limit)
    except StorageError:
        return statuses
    for index, outcome in zip(undecided, outcomes, strict=True):
        # What the database rejects is spooled, and becomes a dead letter that a person sees.
        statuses[index] = None if outcome == "rejected" else outcome
    return statuses


def _conflicts(queue: Spool, entries: Sequence[Entry], seconds: float) -> list[bool]:
    """Tell of each entry whether the spool has a different one with its id, which came first."""
    try:
        spooled = queue.find((entry.id for entry in entries), min(seconds, BUSY_SECONDS))
    except SpoolError:
        # The conflict is then found when the spool is drained.
        spooled = {}
    return [
        entry.id in spooled and not says_the_same(entry, spooled[entry.id]) for entry in entries
    ]


def _try_spool(
    queue: Spool, entries: Sequence[Entry], account: str, seconds: float
) -> list[Status]:
    try:
        kept = queue.put([(account, entry) for entry in entries], min(seconds, BUSY_SECONDS))
    except SpoolError as error:
        raise CannotStore(f"The log's database cannot be reached. {error}") from error
    return [
        "spooled" if says_the_same(entry, other) else "conflict"
        for entry, other in zip(entries, kept, strict=True)
    ]
