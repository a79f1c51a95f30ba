"""The Settings page: an account's name, its id, and what holds for its entries."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from auditlogs.models import Account
from tests.factories import unique
from tests.hub.forms import page_of, said, send, told
from tests.people import signed_in

PAGE = "/hub/settings"


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def test_it_is_for_admins_alone(user: User, staff: User, account: Account) -> None:
    visitor = signed_in(staff)
    visitor.post("/hub/accounts", {"to": account.id})
    for person in (signed_in(user), visitor):
        assert person.get(PAGE).status_code == 403
        assert person.post(PAGE, {"name": "taken over"}).status_code == 403
    assert not Account.objects.filter(name="taken over").exists()


def test_it_shows_the_id_that_services_need_and_how_long_entries_are_kept(
    client: Client, account: Account
) -> None:
    page = page_of(client, PAGE)
    assert page.one("#account-id").text == account.id
    assert page.one("[data-copy=#account-id]")
    assert "for 30 days" in page.one("main").text
    assert page.one("#id_name")["value"] == account.name


def test_a_new_name_holds_everywhere_and_is_recorded(
    client: Client, account: Account, admin: User
) -> None:
    name = unique("renamed")
    assert send(client, PAGE, name=f" {name} ")["Location"] == PAGE
    page = page_of(client, PAGE)
    assert name in page.one(".who").text
    assert page.one("[role=status].banner").text == f"The account is now called {name}."
    (entry,) = told(account.id, "account.renamed")
    assert entry.actor.id == f"user_{admin.pk}"
    assert entry.target
    assert (entry.target.id, entry.target.name) == (account.id, name)
    changes = [{"field": "name", "from": account.name, "to": name}]
    assert entry.payload == {"changes": changes}


def test_the_name_it_has_already_is_no_change(client: Client, account: Account) -> None:
    assert send(client, PAGE, name=account.name)["Location"] == PAGE
    assert told(account.id, "account.") == []


@pytest.mark.parametrize(
    "name",
    [
        *("", "   ", "n" * 65, "hid\u200bden", "a\x00b", "a\nb"),
        *("acc_0123456789abcdef", "aud_7Gk2Qx9Lm4Tz8Rw3Vb6Np1Sd5Fh0JcXyAeUi"),
    ],
)
def test_what_is_no_name_is_told_at_the_field(client: Client, account: Account, name: str) -> None:
    page = said(send(client, PAGE, name=name))
    assert page.one("#id_name_error").text
    assert page.one("[role=alert]")
    account.refresh_from_db()
    assert page.one(".who", "small").text == account.name


def test_a_name_of_another_account_is_refused(client: Client, account: Account) -> None:
    other = Account.objects.create(name=unique("other"))
    page = said(send(client, PAGE, name=other.name))
    assert (
        page.one("#id_name_error").text
        == "Another account already has this name. Choose another one."
    )
    assert told(account.id, "account.") == []
    assert Account.objects.get(pk=account.pk).name == account.name


def test_a_name_that_cannot_be_recorded_is_not_given(
    client: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditlogs.write.store import CannotStore

    def fail(*_: object, **__: object) -> None:
        raise CannotStore("Nothing keeps it.")

    with monkeypatch.context() as patch:
        patch.setattr("auditlogs.recording.recorder.write", fail)
        assert send(client, PAGE, name=unique("new")).status_code == 503
    assert Account.objects.get(pk=account.pk).name == account.name
