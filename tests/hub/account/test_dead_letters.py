"""Dead letters on the page and by command: seen, sent again, dropped, and each of it recorded."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs.entry.schema import Entry
from auditlogs.models import Account
from auditlogs.query.entries import Entries
from auditlogs.recording.recorder import prepare
from auditlogs.write.draining import drain
from auditlogs.write.spool import Spool, spool
from tests.factories import AGENT
from tests.people import member, signed_in, staff

PAGE = "/hub/dead-letters"


@pytest.fixture(autouse=True)
def here(settings: Settings, tmp_path: Path) -> Iterator[Spool]:
    settings.AUDITLOGS_SPOOL_DIR = str(tmp_path)
    spool.cache_clear()
    yield spool()
    spool.cache_clear()


def dead_letter(account: Account, reason: str = "The database rejected it.") -> Entry:
    payload = {"note": "<b>bold</b>", "password": "hunter2 hunter2"}
    entry, _ = prepare(
        "order.created", result="success", account=account.id, actor=AGENT, payload=payload
    )
    spool().put([(account.id, entry)])
    spool().move_to_dead_letters(entry.id, reason)
    return entry


def recorded(account: Account, action: str) -> list[dict[str, Any]]:
    """Return the payloads of the entries about what was done, the oldest first."""
    entries = Entries.of(account.id).where("action", action).page(9, payloads=True).entries
    return [entry.payload or {} for entry in reversed(entries)]


def test_an_admin_sees_the_letters_of_the_account_redacted(account: Account, admin: User) -> None:
    entry = dead_letter(account)
    other = dead_letter(Account.objects.create(name="another account"))
    page = signed_in(admin).get(PAGE).content.decode()
    assert entry.id in page
    assert "The database rejected it." in page
    assert "hunter2" not in page
    assert "&lt;b&gt;" in page
    assert other.id not in page
    assert "Dead letters" in signed_in(admin).get("/hub/logs").content.decode()


def test_a_letter_that_is_sent_again_is_stored_by_the_worker(account: Account, admin: User) -> None:
    entry = dead_letter(account)
    client = signed_in(admin)
    assert "Send this entry again?" in client.get(f"{PAGE}/{entry.id}/resend").content.decode()
    assert spool().dead_letter(entry.id)
    assert client.post(f"{PAGE}/{entry.id}/resend").status_code == 302
    assert spool().depth().dead == 0
    assert drain(spool()) == 1
    assert [
        each.id for each in Entries.of(account.id).where("action", entry.action).page(9).entries
    ]
    phases = recorded(account, "dead_letter.resent")
    assert [each["phase"] for each in phases] == ["intent", "outcome"]
    assert phases[0]["entry"]["action"] == "order.created"


def test_a_letter_that_is_dropped_is_gone_and_told_of(account: Account, admin: User) -> None:
    entry = dead_letter(account)
    signed_in(admin).post(f"{PAGE}/{entry.id}/drop")
    assert spool().depth().dead == 0
    assert spool().file.losses.total() == 0
    (_, outcome) = recorded(account, "dead_letter.dropped")
    assert outcome["reason"] == "The database rejected it."
    assert len(outcome["sha256"]) == 64


def test_nobody_else_sends_or_drops_one(account: Account, user: User) -> None:
    entry = dead_letter(account)
    stranger = member(Account.objects.create(name="strangers"), "admin")
    for person, status in ((user, 403), (staff(), 302), (stranger, 404)):
        for action in ("resend", "drop"):
            answer = signed_in(person).post(f"{PAGE}/{entry.id}/{action}")
            assert answer.status_code == status
    assert Client().post(f"{PAGE}/{entry.id}/drop")["Location"].startswith("/hub/sign-in")
    assert spool().dead_letter(entry.id)


def test_it_waits_while_another_entry_of_its_id_is_in_the_queue(
    account: Account, admin: User
) -> None:
    entry = dead_letter(account)
    spool().put([(account.id, entry)])
    page = signed_in(admin).post(f"{PAGE}/{entry.id}/resend").content.decode()
    assert "Another entry with its id waits in the spool." in page
    assert spool().depth().dead == 1
    assert recorded(account, "dead_letter.resent")[1]["errorType"] == "LetterRefused"


def test_one_that_cannot_be_read_is_not_sent_again(account: Account, admin: User) -> None:
    entry = dead_letter(account)
    spool().file.write(lambda db: db.execute("UPDATE dead SET body = x'ff00'"), 1.0)
    page = signed_in(admin).post(f"{PAGE}/{entry.id}/resend").content.decode()
    assert "It cannot be read, so sending it again would change nothing." in page
    assert "Unreadable entry" in signed_in(admin).get(PAGE).content.decode()


def test_the_command_shows_resends_and_drops(account: Account) -> None:
    def run(*args: str) -> str:
        out = StringIO()
        call_command("spool", *args, stdout=out)
        return out.getvalue()

    first, second = dead_letter(account), dead_letter(account)
    assert '"order.created"' in run("show", first.id)
    assert "waits to be stored again" in run("resend", first.id)
    assert "was deleted" in run("drop", second.id, "--yes")
    assert spool().depth().waiting == 1
    assert recorded(account, "dead_letter.dropped")[1]["phase"] == "outcome"
    for bad in (("show",), ("status", first.id), ("drop", second.id, "--yes")):
        with pytest.raises(CommandError):
            run(*bad)
