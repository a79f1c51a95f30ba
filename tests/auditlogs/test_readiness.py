"""What `/readyz` says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs import losses
from auditlogs.recording import prepare, record_many
from auditlogs.spool import spool
from tests import away
from tests.away import connected_to, impatience
from tests.factories import AGENT, new


@pytest.fixture(autouse=True)
def _own_spool(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr(losses, "_count", 0)
    settings.AUDITLOGS_SPOOL_DIR = str(tmp_path)
    spool.cache_clear()
    yield
    spool.cache_clear()


def test_a_log_that_stores_at_once_is_ready(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    said = response.json()
    assert said.pop("spool").keys() == {
        *("depth", "oldestSeconds", "deadLetters", "bytes", "maxBytes", "error"),
    }
    assert said == {"status": "ready", "database": "up", "breaker": "closed", "lost": 0}


def test_a_log_whose_database_is_away_is_degraded_and_says_what_waits(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    with connected_to(away.nowhere(), settings, tmp_path / "s"), impatience(0.2):
        for _ in range(3):
            record_many([new()], account="acc_x")
        response = client.get("/readyz")
    assert response.status_code == 200
    said = response.json()
    assert (said["status"], said["database"], said["breaker"]) == ("degraded", "down", "open")
    assert said["spool"]["depth"] == 3
    assert said["spool"]["bytes"] > 0


def test_a_dead_letter_is_seen(client: Client) -> None:
    entry, account = prepare("order.created", result="success", account="a", actor=AGENT)
    spool().put([(account, entry)])
    spool().bury(spool().oldest(1)[0].id, "no reason")
    said = client.get("/readyz").json()
    assert (said["status"], said["spool"]["deadLetters"]) == ("degraded", 1)


def test_a_spool_without_room_is_seen_before_it_is_needed(
    client: Client, settings: Settings
) -> None:
    settings.AUDITLOGS_SPOOL_MAX_BYTES = 100_000
    said = client.get("/readyz").json()
    assert (said["status"], said["spool"]["error"]) == ("degraded", "The spool is full.")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_only_read(client: Client, method: str) -> None:
    assert getattr(client, method)("/readyz").status_code == 405
