"""The Hub as a signed-in person's browser without scripts sees it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pymongo
import pymongo.database
import pytest

if TYPE_CHECKING:
    from django.test import Client

    from auditlogs.models import Account
    from tests.hub.pages import Hub


@pytest.fixture
def hub(signed_in_client: "Client", account: "Account") -> "Hub":
    """The Hub of an account of its own."""
    from tests.hub.pages import Hub

    return Hub(signed_in_client, account.id)


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Point the log at a port that nothing listens on; note each query that waits for it."""
    from auditlogs.query import slices
    from auditlogs.storage import dictionary, mongo

    waits: list[str] = []
    with pymongo.MongoClient[dict[str, Any]]("mongodb://127.0.0.1:9/none", connect=False) as nobody:

        def wait_for(name: str) -> pymongo.database.Database[dict[str, Any]]:
            waits.append(name)
            return nobody[name]

        monkeypatch.setattr(mongo, "client", lambda: nobody)
        monkeypatch.setattr(mongo, "database", lambda: wait_for("log"))
        monkeypatch.setattr(slices, "QUERY_SECONDS", 0.1)
        monkeypatch.setattr(dictionary, "READ_SECONDS", 0.1)
        yield waits
