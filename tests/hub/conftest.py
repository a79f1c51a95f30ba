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


class Nobody(pymongo.MongoClient[dict[str, Any]]):
    """The client of a port that nothing listens on."""

    def __init__(self, waits: list[str]) -> None:
        super().__init__("mongodb://127.0.0.1:9/none", connect=False)
        self._waits = waits

    @property
    def admin(self) -> pymongo.database.Database[dict[str, Any]]:
        """The database that is pinged to look for a server."""
        self._waits.append("ping")
        return self["admin"]


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Point the log at a port that nothing listens on; note each time a server is looked for."""
    from auditlogs.storage import mongo

    waits: list[str] = []
    with Nobody(waits) as nobody:
        monkeypatch.setattr(mongo, "client", lambda: nobody)
        monkeypatch.setattr(mongo, "SELECTION_SECONDS", 0.1)
        monkeypatch.setattr(mongo, "_left_alone", {})
        yield waits
