"""Draining: what waits in the spool moves into the database, by one process of a host at a time."""

from collections.abc import Sequence
from itertools import accumulate

import msgspec

from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.storage import mongo
from auditlogs.storage.documents import to_document
from auditlogs.storage.mongo import Document, DocumentRejected
from auditlogs.write import idempotency
from auditlogs.write.spool import Spool, Waiting
from auditlogs.write.store import CONFLICT, Stored, store

BATCH = 500
BATCH_BYTES = 256 * 1024
STORE_SECONDS = 10.0
PING_SECONDS = 2.0
# How often the database may refuse an entry for what it is, before a person has to look.
MAX_TRIES = 10

REFUSED = f"The database has refused it {MAX_TRIES} times."
UNREADABLE = "It cannot be read."


def drain(spool: Spool) -> int:
    """Move one batch of what waits and return how many entries have left the queue.

    Raises StorageError when the database is away, and SpoolError. It may be stopped at any moment:
    an entry is taken out only when the database has it.
    """
    if spool.breaker.state == "half-open":
        mongo.ping(PING_SECONDS)
        spool.breaker.succeeded()
    idempotency.move_claims(spool)
    waiting = _bounded(spool.oldest(BATCH))
    documents: list[tuple[Waiting, Document]] = []
    for each in waiting:
        try:
            documents.append((each, _document(each)))
        except ValueError:
            # Not JSON, not UTF-8, not an entry, or one whose id or time is none.
            spool.bury(each.id, UNREADABLE)
    outcome = _store([document for _, document in documents])
    in_the_log: list[str] = []
    refused: list[str] = []
    for (each, _), became in zip(documents, outcome, strict=True):
        if became == "conflict":
            spool.bury(each.id, CONFLICT)
        elif became == "refused" and each.tries + 1 >= MAX_TRIES:
            spool.bury(each.id, REFUSED)
        else:
            (refused if became == "refused" else in_the_log).append(each.id)
    spool.count_try(refused)
    spool.remove(in_the_log)
    return len(waiting) - len(refused)


def _bounded(waiting: list[Waiting]) -> list[Waiting]:
    """Return the first of what waits, as much as can be stored in the time there is: what is long
    has many words, and each is noted in the dictionary."""
    sizes = accumulate(len(each.body) for each in waiting)
    return [each for each, size in zip(waiting, sizes, strict=True) if size <= BATCH_BYTES] or (
        waiting[:1]
    )


def _document(waiting: Waiting) -> Document:
    """Return the document of an entry that waits; it is recorded when it reaches the log."""
    entry = msgspec.json.decode(waiting.body, type=Entry)
    arrived = msgspec.structs.replace(entry, recorded_at=format_rfc3339(now()))
    return to_document(arrived, waiting.account)


def _store(documents: Sequence[Document]) -> list[Stored]:
    """Store documents; one that cannot even be sent is found by sending each alone."""
    if not documents:
        return []
    try:
        return store(list(documents), STORE_SECONDS)
    except DocumentRejected:
        if len(documents) == 1:
            return ["refused"]
        return [became for document in documents for became in _store([document])]
