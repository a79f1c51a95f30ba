"""Idempotency keys: a repeated request with the same key represents the same entries.

For 24 hours a key is kept with a digest of its first content and the time of its first arrival: in
the database, for all hosts, and in the spool, for this host while the database is unavailable. The
behaviour follows the IETF draft "The Idempotency-Key HTTP Header Field".
"""

import contextlib
import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from auditlogs.entry import numbers
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
    """The key was used before, with different entries."""


def claim(
    spool: Spool, account: str, key: str, entries: Sequence[NewEntry], received: datetime
) -> datetime:
    """Return the time at which an account first sent these entries with this key.

    The entries are compared as redacted, so that no digest of a secret is kept. Raises KeyReused,
    and CannotStore when the key can be kept nowhere.
    """
    digest = hashlib.sha256(numbers.canonical(entries)).hexdigest()
    # The length keeps (account, key) pairs apart whose concatenations are equal.
    id = hashlib.sha256(f"{len(account)}:{account}{key}".encode()).hexdigest()
    new = ClaimedKey(id, digest, to_ms(received))
    first = _claim(spool, new)
    if first.digest != digest:
        raise KeyReused
    return from_ms(first.first_ms)


def with_ids(entries: Sequence[NewEntry], key: str, first: datetime) -> list[NewEntry]:
    """Fill in missing ids and timestamps, equally for every repetition of a request: the id from
    the key and the entry's index, the timestamp from the first arrival."""
    return [
        msgspec.structs.replace(entry, id=f"{key}#{index}", timestamp=entry.timestamp or first)
        if entry.id is None
        else entry
        for index, entry in enumerate(entries)
    ]


def move_claims(spool: Spool) -> None:
    """Copy keys that were claimed in the spool alone into the database. Raises StorageError."""
    keys = spool.unmoved_keys(MOVED_AT_ONCE)
    if keys:
        with mongo.time_limit(SECONDS):
            mongo.insert_missing(mongo.idempotency(), [_document(key) for key in keys])
        spool.mark_moved(keys)


def _claim(spool: Spool, new: ClaimedKey) -> ClaimedKey:
    """Claim a key in the spool and in the database. Both, always: a retry that comes after the
    database became unavailable has to find the key too."""
    spooled: ClaimedKey | None = None
    failure: Exception | None = None
    try:
        spooled = spool.claim(new)
    except SpoolError as error:
        failure = error
    if spool.breaker.state == "closed":
        try:
            first = _claim_in_database(spooled or new)
        except StorageError:
            spool.breaker.record_failure()
        else:
            if spooled and spooled != first:
                # Another host claimed it earlier; the database's version is the one that counts.
                with contextlib.suppress(SpoolError):
                    spool.correct(first)
            return first
    if spooled is None:
        raise CannotStore(f"The idempotency key cannot be kept. {failure}") from failure
    return spooled


def _claim_in_database(new: ClaimedKey) -> ClaimedKey:
    with mongo.time_limit(SECONDS):
        existing, _ = mongo.insert_missing(mongo.idempotency(), [_document(new)])
        if not existing:
            return new
        documents = mongo.find_durable(mongo.idempotency(), [new.id])
    if not documents:
        raise mongo.Unavailable("The idempotency key expired during the request.")
    return ClaimedKey(new.id, documents[0]["digest"], to_ms(documents[0]["firstAt"]))


def _document(key: ClaimedKey) -> Document:
    return {"_id": key.id, "digest": key.digest, "firstAt": from_ms(key.first_ms)}
