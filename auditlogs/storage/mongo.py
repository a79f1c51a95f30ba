"""MongoDB: the process's client, the collections, and the exceptions for their failures.

Nothing else in the project creates a client. Nothing in it updates or deletes an entry; documents
are replaced in the collections of counters and of actors alone.
"""

import functools
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bson
import pymongo
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from django.conf import settings
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import split_options
from pymongo.write_concern import WriteConcern

from auditlogs.storage import timing

Document = dict[str, Any]

ENTRIES = "audit_logs"
DICTIONARY = "audit_dictionary"
IDEMPOTENCY = "audit_idempotency"
COUNTERS = "audit_counters"
ACTORS = "audit_actors"
DEFAULT_DATABASE = "auditlogs"
SCHEMES = ("mongodb://", "mongodb+srv://")
DUPLICATE_KEY = 11000
# Error codes for a document that can never be stored: bad value, failed validation, too large.
# Any other error may be temporary (an outage, a full disk, a missing privilege), so the same
# document is tried again.
REJECTED = frozenset({2, 121, 10334, 17280})

NOT_ALLOWED = frozenset({13, 18})
# The answer to a hint that names no index, among others.
BAD_VALUE = 2
# When each index was missed last. A minute later it is tried again, for it may have been made.
MISSING_SECONDS = 60.0
_missing_since: dict[str, float] = {}
# How long a server is looked for where none is known, and for how long afterwards nobody else
# looks: what reads several things for one answer waits once.
SELECTION_SECONDS = 2.0
LEFT_ALONE_SECONDS = 1.0
_left_alone: dict[str, float] = {}
UNREACHABLE = "The log's database cannot be reached."

_creation = threading.Lock()

# An acknowledged entry must survive a crash of the primary, so a majority has to have it on disk.
DURABLE = WriteConcern(w="majority", j=True)


class StorageError(Exception):
    """An operation on the database failed. The message names no host, so it may be shown."""


class Unavailable(StorageError):
    """The database cannot be reached, or returned an error."""


class TookTooLong(StorageError):
    """The database did not answer within the time limit."""


class DocumentRejected(StorageError):
    """The content of a document cannot be stored, however often it is tried."""


@dataclass(slots=True)
class Room:
    """The bytes that documents may take, as they are stored. `is_full` tells that a document was
    left out; the first one never is, whatever its size."""

    left: int
    is_empty: bool = True
    is_full: bool = False

    def take(self, size: int) -> bool:
        """Take up the room for one more document, if it fits."""
        self.is_full = size > self.left and not self.is_empty
        if not self.is_full:
            self.left -= size
            self.is_empty = False
        return not self.is_full


def is_uri(text: str) -> bool:
    """Tell whether a text is a valid MongoDB URI, without any network or DNS access."""
    _, _, options = text.partition("?")
    try:
        if options:
            # The client only warns of an unknown option and would connect without it. If that is
            # a misspelt `tls=true`, entries would travel in the clear.
            split_options(options)
        pymongo.MongoClient[Document](text, connect=False).close()
    except (ConfigurationError, ValueError, TypeError, OSError):
        return False
    return text.startswith(SCHEMES)


def client() -> pymongo.MongoClient[Document]:
    """Return the process's client. It connects on first use, so a fork before that is safe."""
    # `functools.cache` would let two threads each create one, and the loser would never be closed.
    with _creation:
        return _client()


@functools.cache
def _client() -> pymongo.MongoClient[Document]:
    return pymongo.MongoClient(
        settings.MONGODB_URI,
        appname="auditlogs",
        connect=False,
        timeoutMS=5_000,
        event_listeners=[timing.Listener()],
    )


def database() -> Database[Document]:
    """Return the database named by the URI, or `auditlogs`."""
    options: CodecOptions[Document] = CodecOptions(
        tz_aware=True, uuid_representation=UuidRepresentation.STANDARD
    )
    return client().get_default_database(DEFAULT_DATABASE).with_options(codec_options=options)


def entries() -> Collection[Document]:
    """Return the collection of entries (append-only)."""
    return database().get_collection(ENTRIES, write_concern=DURABLE)


def dictionary() -> Collection[Document]:
    """Return the collection of the dictionary's notes."""
    return database().get_collection(DICTIONARY, write_concern=DURABLE)


def idempotency() -> Collection[Document]:
    """Return the collection of idempotency keys."""
    return database().get_collection(IDEMPOTENCY, write_concern=DURABLE)


def counters() -> Collection[Document]:
    """Return the collection of counters."""
    return database().get_collection(COUNTERS, write_concern=DURABLE)


def actors() -> Collection[Document]:
    """Return the collection of actors, one note each."""
    return database().get_collection(ACTORS, write_concern=DURABLE)


def replace_actors(notes: list[Document]) -> None:
    """Put notes of actors in the place of older ones, by their field `since`."""
    _replace_older(actors(), notes, "since")


def replace_older_counters(documents: list[Document], token_field: str) -> None:
    """Put counter documents in the place of those with the same or a lower fencing token."""
    _replace_older(counters(), documents, token_field)


def insert_counters(documents: list[Document], token_field: str) -> None:
    """Insert counter documents of which few exist, which costs less than replacing; those that
    exist are replaced as `replace_older_counters` does."""
    duplicates, rejected = insert_missing(counters(), documents)
    if rejected:
        raise StorageError("The database rejected counters.")
    replace_older_counters([documents[index] for index in duplicates], token_field)


def _replace_older(collection: Collection[Document], documents: list[Document], field: str) -> None:
    changes = [
        pymongo.ReplaceOne({"_id": each["_id"], field: {"$lte": each[field]}}, each, upsert=True)
        for each in documents
    ]
    if not changes:
        return
    try:
        collection.bulk_write(changes, ordered=False)
    except BulkWriteError as error:
        # There is a newer one, so the upsert tried to insert a second.
        if {fault["code"] for fault in error.details["writeErrors"]} - {DUPLICATE_KEY}:
            raise


def replace_counters(document: Document, only_if: Document) -> bool:
    """Compare and swap: replace the counter document with this `_id` if it matches `only_if`, or
    insert it if there is none. Return whether it was written.

    Only this function and `_replace_older` replace documents, in the only two collections where
    that is allowed.
    """
    expected = {**only_if, "_id": document["_id"]}
    try:
        counters().replace_one(expected, document, upsert=True)
    except DuplicateKeyError:
        # The document exists but does not match, so the upsert tried to insert a second one.
        return False
    return True


def insert_missing(
    collection: Collection[Document], documents: list[Document]
) -> tuple[list[int], list[int]]:
    """Insert the documents whose `_id` is not stored yet.

    Returns two lists of indexes into `documents`: those whose `_id` existed already, and those
    whose content was rejected. Raises PyMongoError when the outcome of any document is uncertain.
    """
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if error.details["writeConcernErrors"]:
            raise
        codes: dict[int, int] = {f["index"]: f["code"] for f in error.details["writeErrors"]}
        if not REJECTED.union({DUPLICATE_KEY}).issuperset(codes.values()):
            raise
        duplicates = [index for index, code in codes.items() if code == DUPLICATE_KEY]
        return duplicates, [index for index in codes if index not in duplicates]
    return [], []


def find_durable(collection: Collection[Document], ids: list[Any]) -> list[Document]:
    """Return the documents with these `_id`s that no failover can roll back."""
    durable = collection.with_options(read_concern=ReadConcern("majority"))
    return list(durable.find({"_id": {"$in": ids}}))


def aggregate_entries(
    pipeline: list[Document], index: str | None, room: Room | None = None
) -> list[Document]:
    """Run an aggregation over the entries, by the index of this name if one is given. With a room
    it stops before the first document that does not fit.

    An index that is missing is remembered for a minute and the aggregation run without it: slow is
    better than failing. Raises PyMongoError.
    """
    if index is None or index in missing_indexes():
        return _aggregate(pipeline, room)
    try:
        return _aggregate(pipeline, room, hint=index)
    except OperationFailure as error:
        if error.code != BAD_VALUE:
            raise
        documents = _aggregate(pipeline, room)
    _missing_since[index] = time.monotonic()
    return documents


def _aggregate(pipeline: list[Document], room: Room | None, **options: Any) -> list[Document]:
    log = entries()
    limit = next((stage["$limit"] for stage in pipeline if "$limit" in stage), None)
    # All of a page in the first answer: the default of 101 documents costs a second round trip, and
    # so does a batch that is exactly full, because the client has to ask whether more follows.
    # Whatever is asked for, an answer has at most 16 MB.
    if limit is not None:
        options["batchSize"] = limit + 1
    if room is None:
        return list(log.aggregate(pipeline, **options))
    # What is not decoded yet tells its size, and what does not fit never is.
    codec: CodecOptions[RawBSONDocument] = log.codec_options.with_options(
        document_class=RawBSONDocument
    )
    with log.with_options(codec_options=codec).aggregate(pipeline, **options) as found:
        kept = itertools.takewhile(lambda document: room.take(len(document.raw)), found)
        return [bson.decode(document.raw, log.codec_options) for document in kept]


def missing_indexes() -> list[str]:
    """Return the names of the indexes that queries have missed within the last minute."""
    now = time.monotonic()
    return sorted(name for name, at in _missing_since.items() if now - at < MISSING_SECONDS)


@functools.cache
def is_secantus() -> bool:
    """Tell whether the server is SecantusDB. It accepts a hint and then reads the whole collection,
    so none is sent. Raises PyMongoError."""
    return "secantusVersion" in _build_info()


@functools.cache
def _build_info() -> Document:
    info: Document = database().command("buildInfo")
    return info


@functools.cache
def is_documentdb() -> bool:
    """Tell whether the server is DocumentDB, or another one that is not MongoDB's own: of these,
    MongoDB alone says from which commit it was built, and FerretDB its name too. Raises
    PyMongoError."""
    said = _build_info()
    return not is_secantus() and ("gitVersion" not in said or "ferretdb" in said)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit the time of all database operations in the block together.

    Raises TookTooLong when the time is up, DocumentRejected for a document that cannot be encoded
    as BSON, and Unavailable for any other failure: where no server can be found, within
    SELECTION_SECONDS.
    """
    try:
        with pymongo.timeout(seconds):
            _find_server(seconds)
            yield
    except (BSONError, OverflowError) as error:
        raise DocumentRejected("The database cannot store this.") from error
    except ExecutionTimeout as error:
        raise TookTooLong("The log took too long to answer.") from error
    except OperationFailure as error:
        if error.code in NOT_ALLOWED:
            raise Unavailable("The log's database does not allow that to this user.") from error
        raise Unavailable("The log's database cannot do that now.") from error
    except PyMongoError as error:
        # The driver reports a slow query and an unreachable server by the same timeout error.
        if error.timeout and client().topology_description.has_writable_server():
            raise TookTooLong("The log took too long to answer.") from error
        raise Unavailable(UNREACHABLE) from error


def _find_server(seconds: float) -> None:
    """Look for a server where none is known. Raises Unavailable while nobody looks for one, and
    PyMongoError.

    With a time limit of its own for each operation, the driver looks for as long as that allows.
    """
    to_ask = client()
    if to_ask.topology_description.has_writable_server():
        return
    if time.monotonic() < _left_alone.get(settings.MONGODB_URI, 0.0):
        raise Unavailable(UNREACHABLE)
    try:
        with pymongo.timeout(min(seconds, SELECTION_SECONDS)):
            to_ask.admin.command("ping")
    except ConnectionFailure:
        _left_alone[settings.MONGODB_URI] = time.monotonic() + LEFT_ALONE_SECONDS
        raise


def ping(seconds: float) -> None:
    """Check that the database answers. Raises StorageError."""
    with time_limit(seconds):
        database().command("ping")
