"""The write path: into the database, or while that is away into the spool.

An entry's `_id` comes of what its writer says, so trying again is harmless: whatever became of
the first try, the entry is stored once.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from auditlogs.entry.schema import Entry
from auditlogs.storage import dictionary, mongo
from auditlogs.storage.documents import says_the_same, to_document, to_entry
from auditlogs.storage.mongo import Document, DocumentRejected, StorageError, Unavailable
from auditlogs.write.spool import BUSY_SECONDS, Spool, spool
from auditlogs.write.spool_file import SpoolError

Status = Literal["created", "duplicate", "conflict", "spooled"]
# `refused` is an entry that the database will never take, for what it is.
Stored = Literal["created", "duplicate", "conflict", "refused"]

WRITE_SECONDS = 5.0
# The one caller that tries whether the database is back waits no longer than this.
PROBE_SECONDS = 1.0

CONFLICT = "The log has another entry of the same id; that one stays."


class CannotStore(StorageError):
    """Neither the database nor the spool has taken the entries."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an entry: `created` and `duplicate` are in the log, `spooled` will be; for a
    `conflict` the log has another entry of the same id, which stays."""

    id: str
    status: Status


def write(entries: Sequence[Entry], account: str, *, seconds: float | None = None) -> list[Receipt]:
    """Store entries of an account durably and return what became of each, in order.

    The database gets so many seconds (5), the spool as many, but two at most, to be looked into and
    to be written. Raises CannotStore.
    """
    here, seconds = spool(), seconds or WRITE_SECONDS
    statuses = _try_database(here, entries, account, seconds)
    missing = [place for place, status in enumerate(statuses) if status is None]
    if missing:
        spooled = _try_spool(here, [entries[place] for place in missing], account, seconds)
        for place, status in zip(missing, spooled, strict=True):
            statuses[place] = status
    return [
        Receipt(id=entry.id, status=status)
        for entry, status in zip(entries, statuses, strict=True)
        if status is not None
    ]


def store(documents: list[Document], seconds: float) -> list[Stored]:
    """Insert documents into the log and return what became of each, in order.

    Raises StorageError when that is not certain for each of them, and the breaker counts it.
    """
    breaker = spool().breaker
    try:
        with mongo.time_limit(seconds):
            dictionary.add(note for document in documents for note in dictionary.notes_of(document))
            there, refused = mongo.insert_missing(mongo.entries(), documents)
            ids = [documents[place]["_id"] for place in there]
            # That a key is there proves nothing yet: it could be undone by a failover.
            found = mongo.find_durable(mongo.entries(), ids) if ids else []
            durable = {document["_id"]: document for document in found}
            if durable.keys() != set(ids):
                raise Unavailable("The log's database has not confirmed what it has.")
    except DocumentRejected:
        raise
    except StorageError:
        breaker.failed()
        raise
    breaker.succeeded()
    outcome: list[Stored] = ["created"] * len(documents)
    for place in refused:
        outcome[place] = "refused"
    for place in there:
        sent = documents[place]
        same = says_the_same(to_entry(sent), to_entry(durable[sent["_id"]]))
        outcome[place] = "duplicate" if same else "conflict"
    return outcome


def _try_database(
    here: Spool, entries: Sequence[Entry], account: str, seconds: float
) -> list[Status | None]:
    """Return what became of each entry; None for what the database does not certainly have."""
    statuses: list[Status | None] = [
        "conflict" if c else None for c in _waits(here, entries, seconds)
    ]
    state = here.breaker.state
    open_ = [place for place, status in enumerate(statuses) if status is None]
    if not open_ or not here.breaker.lets_through():
        return statuses
    limit = min(seconds, PROBE_SECONDS) if state == "half-open" else seconds
    try:
        outcome = store([to_document(entries[place], account) for place in open_], limit)
    except StorageError:
        return statuses
    for place, became in zip(open_, outcome, strict=True):
        statuses[place] = None if became == "refused" else became
    return statuses


def _waits(here: Spool, entries: Sequence[Entry], seconds: float) -> list[bool]:
    """Tell of each entry whether another one with its id waits in the spool, and so came first."""
    try:
        held = here.held((entry.id for entry in entries), min(seconds, BUSY_SECONDS))
    except SpoolError:
        # What cannot be read cannot be compared; the drainer will find it.
        held = {}
    return [entry.id in held and not says_the_same(entry, held[entry.id]) for entry in entries]


def _try_spool(here: Spool, entries: Sequence[Entry], account: str, seconds: float) -> list[Status]:
    try:
        kept = here.put([(account, entry) for entry in entries], min(seconds, BUSY_SECONDS))
    except SpoolError as error:
        raise CannotStore(f"The log's database cannot be reached. {error}") from error
    return [
        "spooled" if says_the_same(entry, other) else "conflict"
        for entry, other in zip(entries, kept, strict=True)
    ]
