"""What happens when the database is away, or too slow."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs.entry.times import now
from auditlogs.models import Account, new_account_id
from auditlogs.query import parts, slices
from auditlogs.query.entries import Entries, Page
from auditlogs.query.order import SORTS
from auditlogs.recording.recorder import record_many
from auditlogs.storage.indexes import ensure_indexes
from auditlogs.storage.mongo import TookTooLong
from tests import away
from tests.away import connected_to, impatience
from tests.factories import make_entries, make_entry, new
from tests.server import Server
from tests.watching import watcher

NAMES = ("agent", "user", "system")


@pytest.fixture
def nowhere(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """A database that nobody runs."""
    with connected_to(away.nowhere(), settings, tmp_path), impatience(0.2):
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def fragile(server: Server, settings: Settings, tmp_path: Path) -> Iterator[Server]:
    """A database that can be paused."""
    with connected_to(server.uri, settings, tmp_path):
        ensure_indexes()
        yield server
        server.resume()


# Away


def problem(response: Any, slug: str) -> dict[str, Any]:
    assert response.status_code == 503
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert response["Retry-After"].isdigit()
    document: dict[str, Any] = response.json()
    assert document["type"] == f"urn:auditlogs:problem:{slug}"
    return document


@pytest.mark.usefixtures("nowhere")
def test_the_api_says_so_and_when_to_try_again(client: Client, api_key: str) -> None:
    headers = {"authorization": f"Bearer {api_key}"}
    with impatience():
        listed = client.get("/api/audit-logs", headers=headers)
        alone = client.get(f"/api/audit-logs/{uuid.UUID(int=8 << 76)}", headers=headers)
    document = problem(listed, "database-unavailable")
    assert document["detail"] == "The log's database cannot be reached."
    assert problem(alone, "database-unavailable") == document


@pytest.mark.usefixtures("nowhere")
def test_what_needs_no_database_is_answered_without_it(client: Client, api_key: str) -> None:
    headers = {"authorization": f"Bearer {api_key}"}
    start = time.monotonic()
    assert client.get("/api/audit-logs").status_code == 401
    assert client.get("/api/audit-logs?limit=0", headers=headers).status_code == 400
    assert client.get("/api/audit-logs/nonsense", headers=headers).status_code == 404
    assert time.monotonic() - start < 1


# Too slow


@contextmanager
def paused_at(server: Server, question: int) -> Iterator[None]:
    """Pause the database when that many questions to the log have been asked."""
    seen = 0

    def hear(command: dict[str, Any]) -> None:
        nonlocal seen
        seen += "aggregate" in command
        if seen == question:
            server.pause()

    with watcher.hear(hear), impatience():
        try:
            yield
        finally:
            server.resume()


def test_a_list_of_which_nothing_can_be_read_in_time_is_a_clear_answer(
    client: Client, api_key: str, account: Account, fragile: Server
) -> None:
    make_entry(account.id)
    with paused_at(fragile, 1):
        response = client.get("/api/audit-logs", headers={"authorization": f"Bearer {api_key}"})
    document = problem(response, "query-timeout")
    assert (
        document["detail"]
        == "The log took too long to answer. Restrict the query, for example to fewer days."
    )


# The second and third queries of the last two are counts. A list by time is read in four.
@pytest.mark.parametrize(
    ("sort", "question"),
    [
        *((sort, 3 if "time" in sort else 5) for sort in SORTS),
        ("-timestamp", 2),
        ("result", 3),
    ],
)
def test_a_page_that_is_cut_short_goes_on_where_it_ended(
    fragile: Server, sort: Any, question: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if there were too many entries to read at once, and no limit but the time.
    monkeypatch.setattr(parts, "FEW", 0)
    monkeypatch.setattr(slices, "MAX_QUERIES", 1_000)
    account, at = new_account_id(), now()
    written = record_many(
        [
            new(
                timestamp=at - timedelta(days=3 * i),
                actor={"type": "user", "id": NAMES[i % 3]},
                action=f"order.{NAMES[i % 3]}",
                action_type="trade",
                result=("success", "failure", "partial")[i % 3],
            )
            for i in range(9)
        ],
        account=account,
    )
    entries = Entries.of(account).order_by(sort)
    whole = ids(entries.page(100))
    assert sorted(whole) == sorted(written)
    with paused_at(fragile, question):
        first = entries.page(100)
    assert first.is_cut_short
    assert first.next is not None
    second = entries.page(100, cursor=first.next)
    assert ids(first) + ids(second) == whole
    assert second.first == len(first.entries) + 1


def test_what_was_to_be_skipped_is_never_shown_instead(fragile: Server) -> None:
    account = new_account_id()
    make_entries(account, 3)
    with paused_at(fragile, 2), pytest.raises(TookTooLong):
        Entries.of(account).page(2, offset=100)


def test_a_count_that_takes_too_long_is_no_count(fragile: Server) -> None:
    account = new_account_id()
    make_entries(account, 3)
    with paused_at(fragile, 1), pytest.raises(TookTooLong):
        Entries.of(account).count()
    assert Entries.of(account).count().value == 3


def test_a_neighbour_that_cannot_be_read_in_time_is_not_said_to_be_missing(
    fragile: Server,
) -> None:
    account = new_account_id()
    newest, middle, _ = (
        record_many([new(timestamp=now() - timedelta(days=days))], account=account)[0]
        for days in (0, 9, 18)
    )
    entries = Entries.of(account)
    entry = entries.get(middle)
    assert entry is not None
    assert entries.neighbours(entry)[0] == newest
    # The look back finds the newest; of the look ahead the first slices are empty.
    for question in (2, 3):
        with paused_at(fragile, question), pytest.raises(TookTooLong):
            entries.neighbours(entry)


def ids(page: Page) -> list[uuid.UUID]:
    return [uuid.UUID(entry.id) for entry in page.entries]
