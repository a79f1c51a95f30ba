"""Draining: moving entries from the spool into the database, in one process of a host at a time."""

from collections.abc import Sequence
from itertools import accumulate

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry
from auditlogs.storage import mongo
from auditlogs.storage.mongo import Document, DocumentRejected, TookTooLong
from auditlogs.write import idempotency
from auditlogs.write.spool import Spool, SpooledEntry
from auditlogs.write.store import CONFLICT, Outcome, arriving, store

BATCH = 500
BATCH_BYTES = 256 * 1024
STORE_SECONDS = 10.0
PING_SECONDS = 2.0
# After this many rejections by the database an entry becomes a dead letter, for a person to see.
MAX_TRIES = 10

REJECTED = f"The database rejected it {MAX_TRIES} times."
UNREADABLE = "It cannot be read."


def drain(spool: Spool) -> int:
    """Move one batch into the database and return how many entries have left the queue.

    Safe to interrupt at any moment: an entry is removed from the spool only after the database has
    confirmed it. Raises StorageError when the database is unavailable, and SpoolError.
    """
    # A ping is cheaper than a batch that times out, so it is what tries a half-open breaker.
    if spool.breaker.state == "half-open":
        mongo.ping(max(PING_SECONDS, spool.breaker.probe_seconds))
        spool.breaker.record_success()
    idempotency.move_claims(spool)
    batch = _bounded(spool.oldest(spool.pace.of(BATCH)), spool.pace.of(BATCH_BYTES))
    if not batch:
        spool.file.shrink()
    documents: list[tuple[SpooledEntry, Document]] = []
    for spooled in batch:
        try:
            documents.append((spooled, _document(spooled)))
        except ValueError:
            # Not JSON, not UTF-8, not an entry, or an entry with an invalid id or timestamp.
            spool.move_to_dead_letters(spooled.id, UNREADABLE)
    try:
        outcomes = _store([document for _, document in documents])
    except TookTooLong:
        spool.pace.slower()
        raise
    spool.pace.faster()
    stored: list[str] = []
    rejected: list[str] = []
    for (spooled, _), outcome in zip(documents, outcomes, strict=True):
        if outcome == "conflict":
            spool.move_to_dead_letters(spooled.id, CONFLICT)
        elif outcome == "rejected" and spooled.tries + 1 >= MAX_TRIES:
            spool.move_to_dead_letters(spooled.id, REJECTED)
        else:
            (rejected if outcome == "rejected" else stored).append(spooled.id)
    spool.count_rejection(rejected)
    spool.remove(stored)
    return len(batch) - len(rejected)


def _bounded(entries: list[SpooledEntry], max_bytes: int) -> list[SpooledEntry]:
    """Return the first entries up to so many bytes in total, and at least one.

    The time to store an entry grows with its length, as one index has a key for each of its words;
    a batch bounded by number alone could time out again and again.
    """
    sizes = accumulate(len(entry.body) for entry in entries)
    within = [entry for entry, size in zip(entries, sizes, strict=True) if size <= max_bytes]
    return within or entries[:1]


def _document(spooled: SpooledEntry) -> Document:
    return arriving(numbers.decode_as(spooled.body, Entry), spooled.account)


def _store(documents: Sequence[Document]) -> list[Outcome]:
    """Store documents. If the driver cannot even encode the batch, each is sent alone, so that one
    bad document does not hold up the others."""
    if not documents:
        return []
    try:
        return store(list(documents), STORE_SECONDS)
    except DocumentRejected:
        if len(documents) == 1:
            return ["rejected"]
        return [outcome for document in documents for outcome in _store([document])]
