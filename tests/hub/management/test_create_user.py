"""The command that makes people, and lets them into accounts."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from auditlogs.accounts import keys
from auditlogs.models import Account
from hub.models import Role
from tests.away import connected_to, nowhere
from tests.factories import unique
from tests.hub.forms import told
from tests.people import PASSWORD, member


@pytest.fixture
def other(db: None) -> Account:
    return Account.objects.create(name=unique("other"))


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Type a password that nobody may read."""
    source = io.StringIO(f"{PASSWORD}\n")
    monkeypatch.setattr("sys.stdin", source)
    yield
    assert source.tell() == 0


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Type a password."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))


def create(*arguments: str) -> str:
    """Run the command and return what it said on standard error."""
    err = io.StringIO()
    call_command("create_user", *arguments, stderr=err)
    return err.getvalue()


@pytest.mark.usefixtures("typed")
def test_somebody_new_is_a_member_and_signs_in_with_the_password_that_was_read(
    account: Account,
) -> None:
    name = unique("vera")
    assert create(name, "--account", account.id, "--role", "admin") == ""
    person = User.objects.get(username=name)
    assert person.check_password(PASSWORD)
    (membership,) = person.memberships.all()
    assert (membership.account, membership.role) == (account, Role.ADMIN)
    (entry,) = told(account.id, "member.added")
    assert (entry.actor.type, entry.actor.id) == ("system", "command-line")
    assert entry.target
    assert entry.target.id == f"user_{person.pk}"


@pytest.mark.usefixtures("typed", "db")
def test_staff_belong_to_no_account() -> None:
    name = unique("vera")
    create(name, "--staff")
    person = User.objects.get(username=name)
    assert person.is_staff
    assert not person.memberships.exists()


@pytest.mark.usefixtures("unread")
def test_somebody_known_becomes_a_member_of_one_more_account(
    account: Account, other: Account
) -> None:
    person = member(account)
    said = create(person.username, "--account", other.name, "--role", "admin")
    assert said == f"{person.username} existed already and keeps their password.\n"
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    assert set(person.memberships.values_list("account", "role")) == {
        (account.id, "viewer"),
        (other.id, "admin"),
    }
    assert len(told(other.id, "member.added")) == 1
    assert told(account.id, "member.added") == []


@pytest.mark.usefixtures("unread")
def test_a_member_is_not_added_again(account: Account) -> None:
    person = member(account)
    with pytest.raises(CommandError, match=f"{person.username} is already a member"):
        create(person.username, "--account", account.name, "--role", "admin")
    assert person.memberships.get().role == Role.VIEWER


@pytest.mark.usefixtures("typed")
def test_somebody_known_does_not_become_staff(account: Account) -> None:
    person = member(account)
    with pytest.raises(CommandError, match="already exists"):
        create(person.username, "--staff")
    person.refresh_from_db()
    assert not person.is_staff


@pytest.mark.parametrize("place", ["--account", "--staff"])
@pytest.mark.usefixtures("unread")
def test_a_name_that_only_capital_letters_tell_from_another_is_refused(
    account: Account, other: Account, place: str
) -> None:
    person = member(other)
    name = person.username.upper()
    with pytest.raises(CommandError, match=f"User {re.escape(person.username)} exists"):
        create(name, *((place, account.name) if place == "--account" else (place,)))
    assert not User.objects.filter(username=name).exists()


@pytest.mark.parametrize("place", ["--account", "--staff"])
@pytest.mark.usefixtures("unread")
def test_a_user_name_cannot_be_a_secret(account: Account, place: str) -> None:
    key = keys.create(account, "leaked", ["logs:read"])
    with pytest.raises(CommandError, match=r"The user name must not .* a secret"):
        create(key, *((place, account.name) if place == "--account" else (place,)))
    assert not User.objects.filter(username=key).exists()


@pytest.mark.usefixtures("typed")
def test_whoever_cannot_be_recorded_is_not_made(
    account: Account, settings: Settings, tmp_path: Path
) -> None:
    name = unique("vera")
    no_folder = tmp_path / "a file"
    no_folder.touch()
    with (
        connected_to(nowhere(), settings, no_folder),
        pytest.raises(CommandError, match="The spool cannot be used"),
    ):
        create(name, "--account", account.name)
    assert not User.objects.filter(username=name).exists()
