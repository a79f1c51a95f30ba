"""What the page says while entries of the account wait."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs.models import Account
from auditlogs.recording.recorder import prepare
from auditlogs.write.spool import spool
from tests.factories import AGENT
from tests.hub.markup import read

Put = Callable[[str], None]


@pytest.fixture
def put(settings: Settings, tmp_path: Path) -> Iterator[Put]:
    """A spool of this test's own; call it with an account and an entry of it waits."""
    settings.AUDITLOGS_SPOOL_DIR = str(tmp_path / "spool")
    spool.cache_clear()

    def wait(account: str) -> None:
        entry, _ = prepare("order.created", result="success", account=account, actor=AGENT)
        spool().put([(account, entry)])

    yield wait
    spool.cache_clear()


def backlog(client: Client) -> list[str]:
    page = read(client.get("/hub/logs").content.decode())
    return [each.text for each in page.all("#backlog", "li")]


def test_nothing_is_said_when_nothing_waits(signed_in_client: Client, put: Put) -> None:
    assert backlog(signed_in_client) == []


def test_the_page_says_how_many_entries_of_the_account_wait_and_of_no_other(
    signed_in_client: Client, account: Account, put: Put
) -> None:
    put("acc_another")
    assert backlog(signed_in_client) == []
    put(account.id)
    assert backlog(signed_in_client) == ["1 entry waits to be stored; the oldest came just now."]
    put(account.id)
    assert backlog(signed_in_client)[0].startswith("2 entries wait to be stored; the oldest came ")


def test_the_page_says_that_the_database_is_away(signed_in_client: Client, put: Put) -> None:
    put("acc_another")
    for _ in range(3):
        spool().breaker.record_failure()
    assert backlog(signed_in_client) == [
        "The log’s database cannot be reached. New entries are kept and appear later."
    ]


def test_a_dead_letter_is_a_failure_that_needs_a_person(
    signed_in_client: Client, account: Account, put: Put
) -> None:
    put(account.id)
    spool().move_to_dead_letters(spool().oldest(1)[0].id, "no reason")
    assert backlog(signed_in_client) == [
        "1 entry could not be stored; an administrator can look at it."
    ]


def test_a_spool_that_cannot_be_read_is_said_and_the_list_shown(
    signed_in_client: Client, settings: Settings, put: Put
) -> None:
    folder = Path(settings.AUDITLOGS_SPOOL_DIR)
    (folder / "spool.sqlite3").mkdir(parents=True)
    assert backlog(signed_in_client) == ["New entries may be missing: the spool cannot be read."]
