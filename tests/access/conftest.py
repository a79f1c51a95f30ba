"""Fixtures of the access tests: two accounts of one Hub."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from cachetools import TTLCache
from django.db import transaction
from pytest_django import DjangoDbBlocker, Settings

if TYPE_CHECKING:
    from tests.access.world import World


@pytest.fixture(scope="module")
def made_once(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    log_database: None,
) -> Iterator["World"]:
    """Two accounts, created once; each test's changes are rolled back."""
    from tests.access.world import make_world

    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(
    made_once: "World", db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> "World":
    """Two accounts without rate limits, of which nothing is remembered from request to request: an
    answer says how many round trips it took."""
    from auditlogs.query import known

    settings.AUDITLOGS_API_RATE = "1000000/second"
    monkeypatch.setattr(known, "_estimates", TTLCache(1, 0))
    return made_once
