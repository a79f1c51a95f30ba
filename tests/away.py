"""A log whose database is another one, or nowhere, with a spool of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from pytest_django.fixtures import Settings

from auditlogs.api import readiness
from auditlogs.query import slices
from auditlogs.storage import dictionary, mongo, vocabulary
from auditlogs.write import draining, idempotency, store
from auditlogs.write.spool import spool


@contextmanager
def connected_to(uri: str, settings: Settings, folder: Path) -> Iterator[None]:
    """Let the log use another database, and a spool in this folder."""
    own = settings.MONGODB_URI, settings.AUDITLOGS_SPOOL_DIR
    _use(uri, str(folder), settings)
    try:
        yield
    finally:
        _use(*own, settings)


def nowhere() -> str:
    """Return the address of a database that nobody runs, at a port that no other test is given."""
    return "mongodb://127.0.0.1:1/test"


@contextmanager
def impatience(seconds: float = 1.0) -> Iterator[None]:
    """Give up on the database soon, whatever is asked of it."""
    with (
        mock.patch.object(mongo, "SELECTION_SECONDS", seconds),
        mock.patch.object(slices, "QUERY_SECONDS", seconds),
        mock.patch.object(store, "WRITE_SECONDS", seconds),
        mock.patch.object(draining, "STORE_SECONDS", seconds),
        mock.patch.object(idempotency, "SECONDS", seconds),
        mock.patch.object(readiness, "PING_SECONDS", seconds),
    ):
        yield


def forget_client() -> None:
    """Close the client; the next one is made from what the settings say by then."""
    with mongo._creation:
        mongo._client().close()
        mongo._client.cache_clear()


def _use(uri: str, folder: str, settings: Settings) -> None:
    forget_client()
    of_words = vocabulary._stored_ids, vocabulary._added, vocabulary._begun
    for remembered in (dictionary._stored_ids, *of_words):
        remembered.cache_clear()
    spool().file.close()
    spool.cache_clear()
    settings.MONGODB_URI, settings.AUDITLOGS_SPOOL_DIR = uri, folder
