"""The write path while the database is away: what waits, what is said of it, and how it arrives."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

import auditlogs
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.models import Account, new_account_id
from auditlogs.query.entries import Entries
from auditlogs.recording import losses, outbox
from auditlogs.recording.recorder import InvalidEntry, prepare, record_many
from auditlogs.storage import mongo
from auditlogs.storage.documents import to_document
from auditlogs.storage.indexes import ensure_indexes
from auditlogs.worker import drain_now, drain_until
from auditlogs.write import breaker
from auditlogs.write.draining import MAX_TRIES, drain
from auditlogs.write.spool import Spool, spool
from auditlogs.write.store import CannotStore, Receipt, write
from tests import away
from tests.api import Api, problem_of
from tests.away import connected_to, forget_client, impatience
from tests.demo_process import ROOT
from tests.factories import AGENT, new, unique
from tests.server import Server

VALID: dict[str, Any] = {"action": "order.created", "actor": AGENT, "result": "success"}


@pytest.fixture
def detached(settings: Settings, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """A log whose database is away, with a spool of its own; call it and the database is back."""
    own = settings.MONGODB_URI
    with connected_to(away.nowhere(), settings, tmp_path / "spool"), ExitStack() as away_for:
        away_for.enter_context(impatience(0.2))

        def back() -> None:
            away_for.close()
            forget_client()
            settings.MONGODB_URI = own
            # As if the time in which nobody tries had passed.
            (tmp_path / "spool" / "breaker").unlink(missing_ok=True)
            spool().breaker.record_success()

        yield back


@pytest.fixture
def unusable(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """A log whose database is away, and whose spool has no folder either."""
    no_folder = tmp_path / "a file"
    no_folder.touch()
    with connected_to(away.nowhere(), settings, no_folder), impatience(0.2):
        yield


def count(account: str) -> int:
    return Entries.of(account).count().value


def drain_all() -> int:
    return drain_now(spool(), 30)


# Away and back


def test_an_entry_waits_while_the_database_is_away_and_then_arrives(
    detached: Callable[[], None],
) -> None:
    account = new_account_id()
    entry_id = auditlogs.record("order.created", account=account, actor=AGENT, result="success")
    assert spool().depth().waiting == spool().depth(account).waiting == 1
    assert spool().depth("another").waiting == 0
    detached()
    assert drain_all() == 1
    entry = Entries.of(account).get(entry_id)
    assert entry is not None
    assert entry.recorded_at > entry.timestamp
    assert spool().depth().waiting == 0


def test_the_api_says_that_an_entry_is_spooled_and_a_retry_finds_it_again(
    detached: Callable[[], None], write_key: str, account: Account
) -> None:
    api = Api(write_key)
    body = [{**VALID, "id": f"w-{n}", "timestamp": format_rfc3339(now())} for n in range(3)]
    first = api.post(body)
    assert first.status_code == 202
    assert {each["status"] for each in first.json()} == {"spooled"}
    again = api.post(body)
    assert (again.status_code, again.json()) == (202, first.json())
    detached()
    early = api.post(body[:1])
    assert (early.status_code, early.json()[0]["status"]) == (201, "created")
    assert drain_all() == 3
    assert [entry["status"] for entry in api.post(body).json()] == ["duplicate"] * 3
    assert count(account.id) == 3


def test_other_content_of_an_id_that_waits_is_a_conflict_whether_or_not_the_database_is_back(
    detached: Callable[[], None], write_key: str, account: Account
) -> None:
    api = Api(write_key)
    mine = {**VALID, "id": "w-1", "timestamp": format_rfc3339(now())}
    api.post(mine)
    other = {**mine, "result": "failure"}
    for is_back in (False, True):
        if is_back:
            detached()
        problem = problem_of(api.post([other, VALID]), 409, "id-conflict")
        assert problem["entries"][0]["status"] == "conflict"
    drain_all()
    kept = Entries.of(account.id).where("action", "order.created").page(10).entries
    assert [entry.result for entry in kept] == ["success"] * 3


def test_an_idempotency_key_holds_through_an_outage(
    detached: Callable[[], None], write_key: str, account: Account
) -> None:
    api = Api(write_key)
    first = api.post([VALID, VALID], **{"idempotency-key": "k"})
    assert first.status_code == 202
    again = api.post([VALID, VALID], **{"idempotency-key": "k"})
    assert again.json() == first.json()
    detached()
    drain_all()
    assert spool().unmoved_keys(10) == []
    late = api.post([VALID, VALID], **{"idempotency-key": "k"})
    assert [each["id"] for each in late.json()] == [each["id"] for each in first.json()]
    assert {each["status"] for each in late.json()} == {"duplicate"}
    problem_of(api.post(VALID, **{"idempotency-key": "k"}), 422, "idempotency-key-reused")
    assert count(account.id) == 2


def test_an_idempotency_key_that_the_database_knows_holds_when_that_goes_away(
    settings: Settings, tmp_path: Path, write_key: str, account: Account
) -> None:
    api, own = Api(write_key), settings.MONGODB_URI
    with connected_to(own, settings, tmp_path / "spool"):
        first = api.post([VALID, VALID], **{"idempotency-key": "k"})
        assert first.status_code == 201
        forget_client()
        settings.MONGODB_URI = away.nowhere()
        with impatience(0.2):
            again = api.post([VALID, VALID], **{"idempotency-key": "k"})
            assert again.status_code == 202
            assert [each["id"] for each in again.json()] == [each["id"] for each in first.json()]
            problem_of(api.post(VALID, **{"idempotency-key": "k"}), 422, "idempotency-key-reused")
        forget_client()
        settings.MONGODB_URI = own
        drain_all()
    assert count(account.id) == 2


def test_a_key_that_came_to_another_host_first_holds_here_as_it_came_there(
    settings: Settings, tmp_path: Path, write_key: str
) -> None:
    api, answers = Api(write_key), []
    for host in ("one", "other", "one"):
        with connected_to(settings.MONGODB_URI, settings, tmp_path / host):
            answers.append(api.post(VALID, **{"idempotency-key": "k"}).json()[0])
    with connected_to(away.nowhere(), settings, tmp_path / "other"), impatience(0.2):
        answers.append(api.post(VALID, **{"idempotency-key": "k"}).json()[0])
    assert [each["status"] for each in answers] == ["created", "duplicate", "duplicate", "spooled"]
    assert len({each["id"] for each in answers}) == 1


def test_after_three_failures_the_database_is_left_alone(detached: Callable[[], None]) -> None:
    from tests.watching import watcher

    account = new_account_id()
    for _ in range(breaker.FAILURES):
        record_many([new()], account=account)
    assert spool().breaker.state == "open"
    with watcher.watch() as commands:
        record_many([new()], account=account)
    assert commands == []
    assert spool().depth().waiting == breaker.FAILURES + 1


def test_the_worker_moves_what_waits_and_closes_the_breaker_by_itself(
    detached: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = new_account_id()
    for _ in range(breaker.FAILURES):
        record_many([new(), new()], account=account)
    detached()
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.0)
    spool().breaker._open()
    stop = threading.Event()
    worker = threading.Thread(target=drain_until, args=(spool(), stop))
    worker.start()
    try:
        for _ in range(100):
            if not spool().depth().waiting and spool().breaker.state == "closed":
                break
            stop.wait(0.1)
    finally:
        stop.set()
        worker.join(10)
    assert count(account) == 2 * breaker.FAILURES
    assert spool().breaker.state == "closed"


# What the database will not take


def test_an_entry_whose_id_the_log_has_for_another_becomes_a_dead_letter(
    settings: Settings, tmp_path: Path
) -> None:
    account, at = new_account_id(), now()
    record_many([new(id="w-1", timestamp=at)], account=account)
    here = Spool(tmp_path, 1 << 20)
    same, _ = prepare(
        "mcp.tool.call", result="success", account=account, actor=AGENT, id="w-1", timestamp=at
    )
    other, _ = prepare(
        "mcp.tool.call", result="failure", account=account, actor=AGENT, id="w-1", timestamp=at
    )
    here.put([(account, other)])
    assert drain(here) == 1
    (letter,) = here.dead_letters()
    assert (letter.id, letter.account) == (same.id, account)
    assert "another entry with the same id" in letter.reason
    assert count(account) == 1


def test_an_entry_that_the_database_refuses_ten_times_becomes_a_dead_letter_and_no_other_does(
    settings: Settings, tmp_path: Path
) -> None:
    account = new_account_id()
    here = Spool(tmp_path, 1 << 20)
    good, _ = prepare("order.created", result="success", account=account, actor=AGENT)
    bad, _ = prepare(
        "order.filled", result="success", account=account, actor={**AGENT, "id": unique("bad")}
    )
    mongo.database().command(
        "collMod", mongo.ENTRIES, validator={"actor.id": {"$ne": bad.actor.id}}
    )
    try:
        here.put([(account, bad), (account, good)])
        assert drain(here) == 1
        for _ in range(MAX_TRIES - 2):
            assert drain(here) == 0
        assert here.dead_letters() == []
        assert drain(here) == 1
    finally:
        mongo.database().command("collMod", mongo.ENTRIES, validator={})
    assert [letter.id for letter in here.dead_letters()] == [bad.id]
    assert count(account) == 1


def test_a_body_that_cannot_be_read_becomes_a_dead_letter(tmp_path: Path) -> None:
    here = Spool(tmp_path, 1 << 20)
    entry, account = prepare("order.created", result="success", account="a", actor=AGENT)
    here.put([(account, entry)])
    here.file.write(lambda db: db.execute("UPDATE waiting SET body = 'x'").rowcount, 1)
    assert drain(here) == 1
    assert [letter.reason for letter in here.dead_letters()] == ["It cannot be read."]


# Nothing takes it


def test_durable_goes_on_and_counts_and_writes_what_is_lost(
    unusable: None, capfd: pytest.CaptureFixture[str]
) -> None:
    before = losses.count()
    auditlogs.record(
        "order.created",
        account="acc_x",
        actor=AGENT,
        result="success",
        payload={"password": "hunter2", "note": "a\u2028b\x85\nc"},
    )
    assert losses.count() == before + 1
    (line,) = capfd.readouterr().err.splitlines()
    said = json.loads(line)
    assert "hunter2" not in line
    assert line.isascii()
    assert said["account"] == "acc_x"
    assert said["entry"]["payload"]["note"] == "a\u2028b\x85\nc"


def test_strict_raises_and_nothing_is_written(
    unusable: None, capfd: pytest.CaptureFixture[str]
) -> None:
    before = losses.count()
    with pytest.raises(CannotStore, match="The spool cannot be used"):
        auditlogs.record("order.created", account="a", actor=AGENT, result="success", mode="strict")
    assert (losses.count(), capfd.readouterr().err) == (before, "")


def test_the_api_says_that_it_cannot_store_and_when_to_try_again(
    unusable: None, write_key: str, staff_client: Client
) -> None:
    response = Api(write_key).post(VALID)
    problem_of(response, 503, "cannot-store")
    assert response["Retry-After"].isdigit()
    with_key = Api(write_key).post(VALID, **{"idempotency-key": "k"})
    problem_of(with_key, 503, "cannot-store")
    ready = staff_client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "unready")
    assert ready.json()["spool"]["error"].startswith("The spool cannot be used")


def test_a_batch_is_not_half_spooled_when_the_spool_is_full(
    settings: Settings, tmp_path: Path
) -> None:
    settings.AUDITLOGS_SPOOL_MAX_BYTES = 200_000
    with connected_to(away.nowhere(), settings, tmp_path / "spool"), impatience(0.2):
        large = [new(payload={"text": "x" * 50_000}) for _ in range(2)]
        record_many(large, account="acc_x")
        with pytest.raises(CannotStore, match="full"):
            record_many([new(), *large], account="acc_x")
        assert spool().depth().waiting == 2


# Memory


def test_async_entries_are_stored_within_a_moment(db: None) -> None:
    account = new_account_id()
    ids = {
        auditlogs.record("order.created", account=account, actor=AGENT, result=r, mode="async")
        for r in ("success", "failure")
    }
    assert outbox.outbox().flush(10)
    assert {entry.id for entry in Entries.of(account).page(10).entries} == {str(i) for i in ids}


def test_async_entries_of_a_full_memory_are_lost_and_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(outbox, "MAX_WAITING", 0)
    before = losses.count()
    auditlogs.record("order.created", account="a", actor=AGENT, result="success", mode="async")
    assert losses.count() == before + 1
    assert "0 entries are already waiting to be stored" in capfd.readouterr().err


def test_an_entry_is_lost_without_an_error_where_nothing_can_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Busy(StringIO):
        """Standard error in a handler of a signal that has interrupted a write to it."""

        def write(self, text: str) -> int:
            raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

    entry, account = prepare("order.created", result="success", actor=AGENT, account="a")
    before = losses.count()
    monkeypatch.setattr(sys, "stderr", Busy())
    losses.lose(entry, account, "no place")
    assert losses.count() == before + 1


def test_other_content_under_an_identity_is_said_in_the_mode_async_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    account, at, before = new_account_id(), now(), losses.count()
    record_many([new(id="w-1", timestamp=at)], account=account)
    box = outbox.Outbox()
    other, _ = prepare(
        "order.filled", result="failure", actor=AGENT, account=account, id="w-1", timestamp=at
    )
    box.put(other, account)
    assert box.flush(10)
    assert losses.count() == before + 1
    assert "another entry with the same id" in capfd.readouterr().err


def test_what_is_being_stored_when_the_process_ends_is_lost_and_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def slow(entries: list[Entry], account: str) -> list[Receipt]:
        begun.set()
        ended.wait(10)
        return write(entries, account)

    monkeypatch.setattr(outbox, "write", slow)
    box, before = outbox.Outbox(), losses.count()
    box.put(prepare("order.created", result="success", actor=AGENT, account="a")[0], "a")
    try:
        assert not box.flush(0)
        assert begun.wait(10)
        box.close(0.1)
        assert losses.count() == before + 1
        assert "ended before the entry was known to be stored" in capfd.readouterr().err
    finally:
        ended.set()
        # The next test must not change the database while a thread still writes into this one.
        box.flush(10)


def test_what_is_recorded_after_the_last_batch_is_stored_at_once() -> None:
    account, box = new_account_id(), outbox.Outbox()
    box.close(1)
    entry, _ = prepare("order.created", result="success", actor=AGENT, account=account)
    box.put(entry, account)
    assert [each.id for each in Entries.of(account).page(10).entries] == [entry.id]


def test_strict_does_not_wait_long_for_a_spool_that_another_process_writes(
    detached: Callable[[], None],
) -> None:
    spool().check()  # makes the file, where no earlier test has
    with closing(sqlite3.connect(spool().file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(CannotStore):
            auditlogs.record(
                "order.created", account="a", actor=AGENT, result="success", mode="strict"
            )
        assert time.monotonic() - began < 1.5


# Recording in process


def test_other_content_under_the_same_identity_is_refused_in_process_too() -> None:
    account, at = new_account_id(), now()
    record_many([new(id="w-1", timestamp=at)], account=account)
    with pytest.raises(InvalidEntry, match="another entry with this id"):
        record_many([new(id="w-1", timestamp=at, result="failure")], account=account)
    with pytest.raises(InvalidEntry, match="/id"):
        auditlogs.record(
            "order.created", account=account, actor=AGENT, result="success", id="w-1", timestamp=at
        )
    assert count(account) == 1


def test_a_write_whose_outcome_is_unknown_is_spooled_and_stored_once(
    settings: Settings, tmp_path: Path
) -> None:
    server = Server()
    try:
        with connected_to(server.uri, settings, tmp_path / "spool"):
            ensure_indexes()
            account = new_account_id()
            record_many([new()], account=account)
            entry, _ = prepare("order.created", result="success", account=account, actor=AGENT)
            server.pause()
            (receipt,) = write([entry], account, seconds=0.5)
            assert receipt.status == "spooled"
            server.resume()
            # What the paused database had received may be stored by now, or not.
            assert drain_all() == 1
            assert count(account) == 2
            assert write([entry], account)[0].status == "duplicate"
    finally:
        server.stop()


def test_what_a_document_says_is_what_its_entry_says() -> None:
    entry, account = prepare("order.created", result="success", account="a", actor=AGENT)
    assert to_document(entry, account)["account"] == "a"


# On the command line


def command(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_what_waits_and_stores_it(detached: Callable[[], None]) -> None:
    account = new_account_id()
    record_many([new(timestamp=now() - timedelta(days=1))], account=account)
    said = command("spool", "status").splitlines()
    assert said[0] == "Waiting: 1"
    assert [line.split(":")[0] for line in said] == [
        *("Waiting", "Oldest", "Dead letters", "Size", "Breaker"),
    ]
    with pytest.raises(CommandError, match="cannot be reached"):
        command("spool", "drain")
    detached()
    assert command("spool", "drain").splitlines()[0] == "Left the spool: 1"
    assert count(account) == 1


def test_two_never_drain_at_once(tmp_path: Path) -> None:
    with spool().drain_lock() as first:
        assert first
        with pytest.raises(CommandError, match="A worker is already draining the spool"):
            command("spool", "drain")


AT_EXIT = """
import django, sys
django.setup()
import auditlogs
for _ in range(3):
    auditlogs.record(
        "order.created", account=sys.argv[1], actor={"type": "agent", "id": "a"},
        result="success", mode="async",
    )
"""


def test_async_entries_are_stored_when_the_process_ends() -> None:
    account = new_account_id()
    subprocess.run([sys.executable, "-c", AT_EXIT, account], cwd=ROOT, check=True)
    assert count(account) == 3
