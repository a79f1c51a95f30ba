"""Idempotency keys: a request that is sent again stands for the same entries.

What a key was first sent with, and when, is kept for 24 hours: in the database, for every host, and
in the spool, for this one while the database is away.
"""

import contextlib
import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from auditlogs.entry.schema import NewEntry
from auditlogs.entry.times import from_ms, to_ms
from auditlogs.storage import mongo
from auditlogs.storage.mongo import Document, StorageError
from auditlogs.write.spool import ClaimedKey, Spool
from auditlogs.write.spool_file import SpoolError
from auditlogs.write.store import CannotStore

SECONDS = 2.0
MOVED_AT_ONCE = 500


class KeyReused(Exception):
    """The key was sent before, with other entries."""


def claim(
    spool: Spool, account: str, key: str, entries: Sequence[NewEntry], received: datetime
) -> datetime:
    """Return when these entries of an account first came under a key.

    Their content is compared without secrets, which were taken out before. Raises KeyReused, and
    CannotStore when the key cannot be kept.
    """
    digest = hashlib.sha256(msgspec.json.encode(entries, order="sorted")).hexdigest()
    id = hashlib.sha256(f"{len(account)}:{account}{key}".encode()).hexdigest()
    new = ClaimedKey(id, digest, to_ms(received))
    first = _claim(spool, new)
    if first.digest != digest:
        raise KeyReused
    return from_ms(first.first_ms)


def with_ids(entries: Sequence[NewEntry], key: str, first: datetime) -> list[NewEntry]:
    """Return the entries with what they lack: the key and their place stand for an id, the first
    arrival for a time."""
    return [
        msgspec.structs.replace(entry, id=f"{key}#{place}", timestamp=entry.timestamp or first)
        if entry.id is None
        else entry
        for place, entry in enumerate(entries)
    ]


def move_claims(spool: Spool) -> None:
    """Make the keys that the spool keeps known to the database. Raises StorageError."""
    keys = spool.unmoved_keys(MOVED_AT_ONCE)
    if keys:
        with mongo.time_limit(SECONDS):
            mongo.insert_missing(mongo.idempotency(), [_document(key) for key in keys])
        spool.mark_moved(keys)


def _claim(spool: Spool, new: ClaimedKey) -> ClaimedKey:
    """Keep a key here and in the database: when that goes away, a retry has to find it still."""
    here: ClaimedKey | None = None
    failure: Exception | None = None
    try:
        here = spool.claim(new)
    except SpoolError as error:
        failure = error
    if spool.breaker.state == "closed":
        try:
            first = _claim_in_database(here or new)
        except StorageError:
            spool.breaker.record_failure()
        else:
            if here and here != first:
                # It came to another host before.
                with contextlib.suppress(SpoolError):
                    spool.correct(first)
            return first
    if here is None:
        raise CannotStore(f"The idempotency key cannot be kept. {failure}") from failure
    return here


def _claim_in_database(new: ClaimedKey) -> ClaimedKey:
    with mongo.time_limit(SECONDS):
        there, _ = mongo.insert_missing(mongo.idempotency(), [_document(new)])
        if not there:
            return new
        found = mongo.find_durable(mongo.idempotency(), [new.id])
    if not found:
        raise mongo.Unavailable("The idempotency key has just been removed.")
    return ClaimedKey(new.id, found[0]["digest"], to_ms(found[0]["firstAt"]))


def _document(key: ClaimedKey) -> Document:
    return {"_id": key.id, "digest": key.digest, "firstAt": from_ms(key.first_ms)}
