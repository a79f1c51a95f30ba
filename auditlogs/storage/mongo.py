"""MongoDB: the one client, the collections, and what their failures are called.

Nothing else in the project makes a client. No function here, or anywhere, updates or
deletes an entry; one replaces documents, in the collection of counters alone.
"""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymongo
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from django.conf import settings
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import split_options
from pymongo.write_concern import WriteConcern

Document = dict[str, Any]

ENTRIES = "audit_logs"
DICTIONARY = "audit_dictionary"
IDEMPOTENCY = "audit_idempotency"
COUNTERS = "audit_counters"
DEFAULT_DATABASE = "auditlogs"
SCHEMES = ("mongodb://", "mongodb+srv://")
DUPLICATE_KEY = 11000
# What the database says of a document that it will never take: bad value, too large, not valid.
# Whatever else it says may pass: an outage, a full disk, a right that a person can give.
REFUSED = frozenset({2, 121, 10334, 17280})

NOT_ALLOWED = frozenset({13, 18})

_making = threading.Lock()

# An entry that was acknowledged is on the disks of a majority.
DURABLE = WriteConcern(w="majority", j=True)


class StorageError(Exception):
    """The database did not do what was asked; the message is fit to be shown."""


class Unavailable(StorageError):
    """The database cannot be reached or refused to work."""


class TookTooLong(StorageError):
    """The database was still working when the time for it was over."""


class Refused(StorageError):
    """The database cannot take a document for what it is."""


def is_uri(text: str) -> bool:
    """Tell whether a text is a URI of MongoDB, as far as that is known without asking anyone, not
    DNS either."""
    _, _, options = text.partition("?")
    try:
        if options:
            # The client would go on without one that is mistyped, such as one that asks for TLS.
            split_options(options)
        pymongo.MongoClient[Document](text, connect=False).close()
    except (ConfigurationError, ValueError, TypeError, OSError):
        return False
    return text.startswith(SCHEMES)


def client() -> pymongo.MongoClient[Document]:
    """Return this process's client; it connects on first use, so it survives a fork before that."""
    # Two threads that ask at once must not make two, of which one is lost.
    with _making:
        return _client()


@functools.cache
def _client() -> pymongo.MongoClient[Document]:
    return pymongo.MongoClient(
        settings.MONGODB_URI,
        appname="auditlogs",
        connect=False,
        serverSelectionTimeoutMS=2_000,
        timeoutMS=5_000,
    )


def database() -> Database[Document]:
    """Return the database that the URI names, else `auditlogs`."""
    options: CodecOptions[Document] = CodecOptions(
        tz_aware=True, uuid_representation=UuidRepresentation.STANDARD
    )
    return client().get_default_database(DEFAULT_DATABASE).with_options(codec_options=options)


def entries() -> Collection[Document]:
    """Return the collection of entries."""
    return database().get_collection(ENTRIES, write_concern=DURABLE)


def dictionary() -> Collection[Document]:
    """Return the collection of the kept dictionary."""
    return database().get_collection(DICTIONARY, write_concern=DURABLE)


def idempotency() -> Collection[Document]:
    """Return the collection of idempotency keys."""
    return database().get_collection(IDEMPOTENCY, write_concern=DURABLE)


def counters() -> Collection[Document]:
    """Return the collection of counters."""
    return database().get_collection(COUNTERS, write_concern=DURABLE)


def replace_counters(document: Document, only_if: Document) -> bool:
    """Put a document into the collection of counters, in the place of the one of its key if that
    one is as said, or if there is none. Tell whether it was put there.

    Nothing else replaces anything, and this reaches no other collection.
    """
    wanted = {**only_if, "_id": document["_id"]}
    try:
        counters().replace_one(wanted, document, upsert=True)
    except DuplicateKeyError:
        return False
    return True


def insert_missing(
    collection: Collection[Document], documents: list[Document]
) -> tuple[list[int], list[int]]:
    """Insert what is not stored yet; return the places of those whose key was there already, and
    of those that the database refuses for what they are.

    Raises PyMongoError when it is not certain what became of each.
    """
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if error.details["writeConcernErrors"]:
            raise
        faults: dict[int, int] = {f["index"]: f["code"] for f in error.details["writeErrors"]}
        if not REFUSED.union({DUPLICATE_KEY}).issuperset(faults.values()):
            raise
        there = [place for place, code in faults.items() if code == DUPLICATE_KEY]
        return there, [place for place in faults if place not in there]
    return [], []


def find_durable(collection: Collection[Document], ids: list[Any]) -> list[Document]:
    """Return the documents of these keys that a majority has: no failover can undo them."""
    durable = collection.with_options(read_concern=ReadConcern("majority"))
    return list(durable.find({"_id": {"$in": ids}}))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Give the block's operations that long together.

    Raises TookTooLong when the time is over, Refused for what cannot be written as BSON, and
    Unavailable for any other failure.
    """
    try:
        with pymongo.timeout(seconds):
            yield
    except (BSONError, OverflowError) as error:
        raise Refused("The database cannot store this.") from error
    except ExecutionTimeout as error:
        raise TookTooLong("The log took too long to answer.") from error
    except OperationFailure as error:
        if error.code in NOT_ALLOWED:
            raise Unavailable("The log's database does not allow that to this user.") from error
        raise Unavailable("The log's database cannot do that now.") from error
    except PyMongoError as error:
        if error.timeout and client().topology_description.has_writable_server():
            raise TookTooLong("The log took too long to answer.") from error
        raise Unavailable("The log's database cannot be reached.") from error


def ping(seconds: float) -> None:
    """Ask the database whether it is there. Raises StorageError."""
    with time_limit(seconds):
        database().command("ping")
