"""The database fails in the middle of a batch: what is not certain waits, and is stored once."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs.entry.times import format_rfc3339, now
from auditlogs.models import Account
from auditlogs.storage import mongo
from auditlogs.storage.indexes import ensure_indexes
from auditlogs.storage.mongo import StorageError
from auditlogs.worker import drain_now
from auditlogs.write.spool import spool
from tests.api import Api
from tests.away import connected_to, impatience
from tests.factories import AGENT
from tests.server import Server
from tests.watching import watcher

AT = format_rfc3339(now())
BATCH = [
    {"id": f"w-{number}", "timestamp": AT, "action": "order.created", "actor": AGENT}
    | {"result": "success", "payload": {"n": number}}
    for number in range(20)
]
ALWAYS = "alwaysOn"
MAX_TRIES = 20


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server("--enable-test-commands")
    yield server
    server.stop()


@pytest.fixture
def api(server: Server, settings: Settings, tmp_path: Path, write_key: str) -> Iterator[Api]:
    """A caller of a log that runs on a database which can be made to fail."""
    # A real server tells the driver at once that it is the primary again; this one when asked.
    uri = f"{server.uri}&heartbeatFrequencyMS=500"
    with connected_to(uri, settings, tmp_path / "spool"), impatience(0.5):
        ensure_indexes()
        yield Api(write_key)


def numbers(account: Account) -> list[int]:
    found = mongo.entries().find({"account": account.pk})
    return sorted(int(document["payload"].strip('{"n:}')) for document in found)


def store_all() -> None:
    """Drain as the worker does, which tries again when the driver has not found the server yet."""
    for _ in range(MAX_TRIES):
        with contextlib.suppress(StorageError):
            drain_now(spool(), 30)
            break
    assert (spool().depth().waiting, spool().depth().dead) == (0, 0)


@pytest.mark.parametrize(
    "failure",
    [
        {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}},
        {"writeConcernError": {"code": 91, "errmsg": "shutting down"}},
        *({"errorCode": code} for code in (91, 10107, 11600)),
        {"closeConnection": True},
        {"blockConnection": True, "blockTimeMS": 1_500},
    ],
    ids=str,
)
def test_a_batch_of_which_the_outcome_is_unknown_waits_and_is_stored_once(
    api: Api, server: Server, account: Account, failure: dict[str, Any]
) -> None:
    assert api.post(BATCH[:5]).status_code == 201
    server.fail(ALWAYS, "insert", **failure)
    response = api.post(BATCH)
    server.fail("off")
    assert response.status_code == 202
    assert {entry["status"] for entry in response.json()} == {"spooled"}
    store_all()
    assert numbers(account) == list(range(20))
    again = api.post(BATCH)
    assert (again.status_code, {entry["status"] for entry in again.json()}) == (200, {"duplicate"})
    assert numbers(account) == list(range(20))


@pytest.mark.parametrize("code", [91, 10107, 11600])
def test_a_failover_that_is_over_soon_is_not_noticed(
    api: Api, server: Server, account: Account, code: int
) -> None:
    server.fail({"times": 1}, "insert", errorCode=code)
    assert api.post(BATCH).status_code in (201, 202)
    store_all()
    assert numbers(account) == list(range(20))


@pytest.mark.parametrize(
    ("go", "come_back"),
    [(Server.pause, Server.resume), (Server.kill, Server.restart)],
    ids=["black hole", "crash"],
)
def test_a_database_that_goes_in_the_middle_of_a_batch_has_it_once_when_it_is_back(
    api: Api,
    server: Server,
    account: Account,
    staff_client: Client,
    go: Callable[[Server], None],
    come_back: Callable[[Server], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mongo, "LEFT_ALONE_SECONDS", 0)
    inserts = 0

    def hear(command: dict[str, Any]) -> None:
        nonlocal inserts
        inserts += command.get("insert") == mongo.ENTRIES
        if inserts == 2:
            inserts += 1
            go(server)

    with watcher.hear(hear):
        assert api.post(BATCH[:5]).status_code == 201
        assert api.post(BATCH).status_code == 202
    assert staff_client.get("/readyz").json()["status"] == "degraded"
    come_back(server)
    store_all()
    assert numbers(account) == list(range(20))
    ready = staff_client.get("/readyz").json()
    assert (ready["database"], ready["breaker"], ready["spool"]["depth"]) == ("up", "closed", 0)
