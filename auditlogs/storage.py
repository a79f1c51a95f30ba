"""MongoDB: the one client, the two collections, and what their failures are called.

Nothing else in the project makes a client. No function here, or anywhere, updates or
deletes an entry.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymongo
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from django.conf import settings
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, ExecutionTimeout, PyMongoError
from pymongo.write_concern import WriteConcern

Document = dict[str, Any]

ENTRIES = "audit_logs"
DICTIONARY = "audit_dictionary"
DEFAULT_DATABASE = "auditlogs"
DUPLICATE_KEY = 11000

# An entry that was acknowledged is on the disks of a majority.
DURABLE = WriteConcern(w="majority", j=True)


class StorageError(Exception):
    """The database did not do what was asked; the message is fit to be shown."""


class Unavailable(StorageError):
    """The database cannot be reached or refused to work."""


class TookTooLong(StorageError):
    """The database was still working when the time for it was over."""


@functools.cache
def client() -> pymongo.MongoClient[Document]:
    """Return this process's client; it connects on first use, so it survives a fork before that."""
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


def insert_missing(collection: Collection[Document], documents: list[Document]) -> None:
    """Insert what is not stored yet; a key that is there already is a document sent again."""
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if error.details["writeConcernErrors"] or any(
            fault["code"] != DUPLICATE_KEY for fault in error.details["writeErrors"]
        ):
            raise


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Give the block's operations that long together.

    Raises TookTooLong when the time is over and Unavailable for any other failure.
    """
    try:
        with pymongo.timeout(seconds):
            yield
    except ExecutionTimeout as error:
        raise TookTooLong("The log took too long to answer.") from error
    except PyMongoError as error:
        if error.timeout and client().topology_description.has_writable_server():
            raise TookTooLong("The log took too long to answer.") from error
        raise Unavailable("The log's database cannot be reached.") from error
