"""What `/readyz` says: to everyone whether entries are taken, to staff what waits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs.counters.leader import LeaderLease
from auditlogs.entry.times import to_ms
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.recording import losses
from auditlogs.recording.recorder import prepare, record_many
from auditlogs.storage import mongo
from auditlogs.storage.counts import LEASE_ID, LOWEST_ID, Progress
from auditlogs.storage.indexes import LEADING_FILTERS, ensure_indexes
from auditlogs.write.spool import spool
from tests import away
from tests.away import connected_to, impatience
from tests.factories import AGENT, make_entries, new
from tests.people import signed_in


@pytest.fixture(autouse=True)
def _own_spool(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr(losses, "_count", 0)
    mongo.counters().delete_one({"_id": LEASE_ID})
    settings.AUDITLOGS_SPOOL_DIR = str(tmp_path)
    spool.cache_clear()
    yield
    spool.cache_clear()


def test_a_log_that_stores_at_once_is_ready(staff_client: Client) -> None:
    response = staff_client.get("/readyz")
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    said = response.json()
    assert said.pop("spool").keys() == {
        *("depth", "oldestSeconds", "deadLetters", "bytes", "maxBytes", "lost", "error"),
    }
    assert said == {
        "status": "ready",
        "database": "up",
        "breaker": "closed",
        "lost": 0,
        "counting": None,
        "missingIndexes": [],
    }


def test_it_says_how_far_the_first_count_of_the_log_is(staff_client: Client) -> None:
    at = datetime(2026, 11, 3, tzinfo=UTC)
    lease = LeaderLease()
    assert lease.acquire()
    lease.release(Progress(at, LOWEST_ID, None, "acc_x", to_ms(at)))
    assert staff_client.get("/readyz").json()["counting"] == {
        "countedAt": None,
        "firstAccount": "acc_x",
        "firstUntil": "2026-11-03T00:00:00.000Z",
    }


def test_it_names_an_index_that_lists_have_missed(
    staff_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo, "is_secantus", lambda: False)
    account = new_account_id()
    ids = make_entries(account, 2, session_id="s-1")
    session = next(each for each in LEADING_FILTERS if each.path == "sessionId")
    mongo.entries().drop_index(session.index)
    try:
        page = Entries.of(account).where("sessionId", "s-1").page(5)
        assert [entry.id for entry in page.entries] == [str(each) for each in ids]
        assert staff_client.get("/readyz").json()["missingIndexes"] == ["by_sessionId"]
    finally:
        mongo._missing_since.clear()
        ensure_indexes()


def test_a_log_whose_database_is_away_is_degraded_and_says_what_waits(
    staff_client: Client, settings: Settings, tmp_path: Path
) -> None:
    with connected_to(away.nowhere(), settings, tmp_path / "s"), impatience(0.2):
        for _ in range(3):
            record_many([new()], account="acc_x")
        response = staff_client.get("/readyz")
    assert response.status_code == 200
    said = response.json()
    assert (said["status"], said["database"], said["breaker"]) == ("degraded", "down", "open")
    assert said["spool"]["depth"] == 3
    assert said["spool"]["bytes"] > 0


def test_a_dead_letter_is_seen(staff_client: Client) -> None:
    entry, account = prepare("order.created", result="success", account="a", actor=AGENT)
    spool().put([(account, entry)])
    spool().move_to_dead_letters(spool().oldest(1)[0].id, "no reason")
    said = staff_client.get("/readyz").json()
    assert (said["status"], said["spool"]["deadLetters"]) == ("degraded", 1)


def test_a_spool_without_room_is_seen_before_it_is_needed(
    staff_client: Client, settings: Settings
) -> None:
    settings.AUDITLOGS_SPOOL_MAX_BYTES = 100_000
    said = staff_client.get("/readyz").json()
    assert (said["status"], said["spool"]["error"]) == ("degraded", "The spool is full.")


@pytest.fixture(params=["anonymous", "viewer", "admin", "read key", "staff who left"])
def caller(
    request: pytest.FixtureRequest, user: User, admin: User, staff: User, api_key: str
) -> Client:
    """Everyone who is told nothing but ready or not."""
    left = signed_in(staff)
    User.objects.filter(pk=staff.pk).update(is_active=False)
    return {
        "anonymous": Client(),
        "viewer": signed_in(user),
        "admin": signed_in(admin),
        "read key": Client(headers={"authorization": f"Bearer {api_key}"}),
        "staff who left": left,
    }[request.param]


def test_who_is_not_staff_learns_nothing_but_ready_or_not(
    caller: Client, settings: Settings, tmp_path: Path
) -> None:
    def said() -> tuple[int, bytes]:
        response = caller.get("/readyz")
        assert response["Cache-Control"] == "no-store"
        assert "Cookie" in response["Vary"]
        return response.status_code, response.content

    ready = (200, b'{"status":"ready"}')
    assert said() == ready
    with connected_to(away.nowhere(), settings, tmp_path / "s"), impatience(0.2):
        record_many([new()], account="acc_x")
        assert spool().depth().waiting == 1
        assert said() == ready, "entries are taken while the database is away"
        settings.AUDITLOGS_SPOOL_MAX_BYTES = 1
        spool.cache_clear()
        assert said() == (503, b'{"status":"unready"}')


def test_it_answers_in_short_where_people_cannot_be_looked_up(
    staff_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("the database of people is away")

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", fail)
    assert staff_client.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_only_read(client: Client, method: str) -> None:
    assert getattr(client, method)("/readyz").status_code == 405
