"""The Members page: people added, changed, reset and removed by an account's admins."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from auditlogs.accounts import keys
from auditlogs.accounts.self_audit import Caller
from auditlogs.models import Account
from hub.account import membership
from hub.models import Membership, Role
from hub.ui.confirmation import ChangeRefused
from tests.factories import unique
from tests.hub.forms import form_at, page_of, said, send, told
from tests.hub.markup import Element
from tests.people import PASSWORD, member, signed_in

PAGE = "/hub/members"
NEW_PASSWORD = "an entirely different horse"


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


@pytest.fixture
def other(db: None) -> Account:
    return Account.objects.create(name=unique("other"))


def add(client: Client, name: str, role: str = "viewer") -> Element:
    return said(send(client, PAGE, PAGE, username=name, role=role))


def path_of(person: User, step: str) -> str:
    return f"{PAGE}/{person.pk}/{step}"


def make_staff(person: User) -> None:
    person.is_staff = True
    person.save()


def names(page: Element) -> list[str]:
    return [each.text for each in page.all(".record", "strong")]


def signs_in_with(person: User, password: str) -> bool:
    """Tell whether a person's password is this one."""
    person.refresh_from_db()
    return person.check_password(password)


def choose_password(link: str) -> None:
    """Open a link as whoever it is for, and choose a password."""
    client = Client()
    form = client.get(link.removeprefix("http://testserver"), follow=True)
    assert form.status_code == 200
    path = form.redirect_chain[-1][0]
    chosen = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post(path, chosen).status_code == 302


@pytest.mark.parametrize("step", ["", "/1/role", "/1/reset", "/1/remove"])
def test_it_is_for_admins_alone(user: User, staff: User, account: Account, step: str) -> None:
    visitor = signed_in(staff)
    visitor.post("/hub/accounts", {"to": account.id})
    for person in (signed_in(user), visitor):
        assert person.get(f"{PAGE}{step}").status_code == 403
        assert person.post(f"{PAGE}{step}", {"username": "eve"}).status_code == 403
    assert not User.objects.filter(username="eve").exists()


def test_it_lists_this_accounts_members_and_nobody_else(
    client: Client, admin: User, user: User, other: Account
) -> None:
    stranger = member(other)
    page = page_of(client, PAGE)
    assert names(page) == [admin.username, user.username]
    assert [each.text for each in page.all(".tag")] == ["Admin", "Viewer"]
    assert stranger.username not in page.text
    assert user.email not in page.text or not user.email
    assert "Has not signed in yet" in page.text


def test_somebody_new_chooses_a_password_by_a_link_that_is_shown_once(
    client: Client, account: Account, admin: User
) -> None:
    name = unique("grace")
    page = add(client, name, "admin")
    link = page.one("#secret").text
    person = User.objects.get(username=name)
    assert person.memberships.get().account == account
    assert person.memberships.get().role == Role.ADMIN
    assert not person.has_usable_password()
    assert link not in page_of(client, PAGE).text
    choose_password(link)
    assert signs_in_with(person, NEW_PASSWORD)
    # The link has worked once, and does no more.
    again = Client().get(link.removeprefix("http://testserver"), follow=True)
    assert b"new_password1" not in again.content
    (entry,) = told(account.id, "member.added")
    assert entry.actor.id == f"user_{admin.pk}"
    assert entry.target
    assert (entry.target.type, entry.target.id) == ("user", f"user_{person.pk}")
    assert entry.payload == {"changes": [{"field": "role", "from": None, "to": "admin"}]}


def test_somebody_known_joins_and_nobody_else_gets_a_way_in(
    client: Client, account: Account, other: Account
) -> None:
    for is_known_by_password in (True, False):
        person = member(other)
        if not is_known_by_password:
            person.set_unusable_password()
            person.save()
        response = send(client, PAGE, PAGE, username=person.username, role="viewer")
        assert response["Location"] == PAGE
        page = page_of(client, PAGE)
        assert not page.all("#secret")
        assert f"{person.username} was added" in page.one(".banner").text
        assert account in {each.account for each in person.memberships.all()}


def test_staff_cannot_be_made_members(client: Client, account: Account, staff: User) -> None:
    page = add(client, staff.username, "admin")
    refusal = f"{staff.username} cannot be a member of an account."
    assert page.one("#id_username_error").text == refusal
    assert staff.username not in names(page)
    assert not staff.memberships.exists()
    assert told(account.id, "member.added") == []


@pytest.mark.parametrize("role", Role.values)
def test_a_member_who_became_staff_only_reads_and_gets_no_other_role(
    client: Client, account: Account, role: str
) -> None:
    person = member(account, role)
    make_staff(person)
    theirs = signed_in(person)
    assert theirs.get("/hub/logs")["Location"].startswith("/hub/accounts?next=")
    theirs.post("/hub/accounts", {"to": account.id})
    assert f"{account.name} · staff, read only" in page_of(theirs, "/hub/logs").one(".who").text
    assert theirs.get(PAGE).status_code == 403
    assert not page_of(theirs, "/hub/profile").all(".record .tag")
    (row,) = [each for each in page_of(client, PAGE).all(".record") if person.username in each.text]
    assert path_of(person, "role") not in [each["href"] for each in row.all("a")]
    for page in (
        page_of(client, path_of(person, "role")),
        said(client.post(path_of(person, "role"), {"account": account.id, "role": "admin"})),
    ):
        assert "can only read, in every account" in page.one("[role=alert]").text
    stored, (wanted,) = account.memberships.get(user=person), {*Role.values} - {role}
    with pytest.raises(ChangeRefused, match="can only read"):
        membership.give_role(Caller(), stored, wanted)
    assert account.memberships.get(user=person).role == role
    assert send(client, path_of(person, "remove"))["Location"] == PAGE
    assert not person.memberships.exists()


def test_an_admin_who_became_staff_is_none_that_an_account_could_be_left_with(
    client: Client, account: Account, admin: User
) -> None:
    make_staff(member(account, "admin"))
    page = page_of(client, path_of(admin, "remove"))
    assert page.one("[role=alert]").text == membership.LAST_ADMIN


@pytest.mark.parametrize("is_staff", [True, False])
def test_whoever_is_elsewhere_too_does_not_show_when_they_were_there(
    client: Client, account: Account, other: Account, is_staff: bool
) -> None:
    person = member(account if is_staff else other)
    if is_staff:
        make_staff(person)
    else:
        send(client, PAGE, PAGE, username=person.username, role="viewer")
    for last_login in (None, datetime(2026, 1, 2, tzinfo=UTC)):
        person.last_login = last_login
        person.save()
        (row,) = [
            each for each in page_of(client, PAGE).all(".record") if person.username in each.text
        ]
        assert "Member since" in row.text
        assert "Last sign-in" not in row.text
        assert "signed in" not in row.text


def test_a_form_that_is_sent_twice_adds_once(client: Client, account: Account) -> None:
    name = unique("grace")
    sent = {**form_at(page_of(client, PAGE), PAGE), "username": name, "role": "viewer"}
    client.post(PAGE, sent)
    page = said(client.post(PAGE, sent))
    assert page.one("#id_username_error").text == f"{name} is already a member."
    assert not page.all("#secret")
    assert len(told(account.id, "member.added")) == 1


def test_a_name_that_only_capital_letters_tell_from_a_members_is_refused(
    client: Client, account: Account, user: User
) -> None:
    page = add(client, user.username.upper())
    told_why = (
        f"The member {user.username} has the same name with other capitals. Choose another one."
    )
    assert page.one("#id_username_error").text == told_why
    assert not User.objects.filter(username=user.username.upper()).exists()


def test_a_user_name_cannot_be_a_secret(client: Client, account: Account) -> None:
    for secret in (
        keys.create(account, "leaked", ["logs:read"]),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ):
        page = add(client, secret)
        assert "The user name must not" in page.one("#id_username_error").text
        assert not page.all("#secret")
        assert not User.objects.filter(username=secret).exists()
    assert told(account.id, "member.added") == []


def test_what_people_of_other_accounts_are_called_is_not_told(
    client: Client, account: Account, other: Account
) -> None:
    stranger = member(other)
    page = add(client, stranger.username.upper())
    assert page.one("#id_username_error").text == "This user name is taken. Choose another one."
    assert stranger.username not in page.text
    assert not User.objects.filter(username=stranger.username.upper()).exists()


def test_whoever_has_exactly_the_name_joins_whoever_else_has_one_like_it(
    client: Client, account: Account, other: Account
) -> None:
    person = member(other)
    # As two could be called before such names were refused.
    User.objects.create_user(person.username.upper())
    assert send(client, PAGE, PAGE, username=person.username, role="viewer")["Location"] == PAGE
    assert account.memberships.filter(user=person).exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "g" * 151}, "username"),
        ({"username": "grace hopper"}, "username"),
        ({"username": "<b>"}, "username"),
        ({"role": "owner"}, "role"),
        ({"role": ""}, "role"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(
    client: Client, account: Account, fields: dict[str, Any], field: str
) -> None:
    page = said(send(client, PAGE, PAGE, **{"username": "grace", "role": "viewer", **fields}))
    assert page.one(f"#id_{field}_error").text
    assert page.one("[role=alert]")
    assert account.memberships.count() == 1


def test_an_account_has_no_more_members_than_it_may(
    client: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "MAX_MEMBERS", 1)
    page = add(client, unique("grace"))
    assert "the maximum of 1 members" in page.one("[role=alert]").text
    assert account.memberships.count() == 1


def test_whoever_cannot_be_recorded_is_not_added(
    client: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditlogs.write.store import CannotStore

    def fail(*_: object, **__: object) -> None:
        raise CannotStore("Nothing keeps it.")

    user = member(account)
    name = unique("grace")
    with monkeypatch.context() as patch:
        patch.setattr("auditlogs.recording.recorder.write", fail)
        assert send(client, PAGE, PAGE, username=name, role="viewer").status_code == 503
        for step in ("role", "reset", "remove"):
            assert send(client, path_of(user, step)).status_code == 503, step
    assert not User.objects.filter(username=name).exists()
    assert account.memberships.get(user=user).role == Role.VIEWER
    assert signs_in_with(user, PASSWORD)


def test_a_role_changes_once_it_is_confirmed(
    client: Client, account: Account, user: User, admin: User
) -> None:
    path = path_of(user, "role")
    assert page_of(client, path).one("h1").text == f"Make {user.username} an admin?"
    assert account.memberships.get(user=user).role == Role.VIEWER
    sent = form_at(page_of(client, path))
    for _ in range(2):
        assert client.post(path, sent)["Location"] == PAGE
    assert account.memberships.get(user=user).role == Role.ADMIN
    (entry,) = told(account.id, "member.role.updated")
    assert entry.payload == {"changes": [{"field": "role", "from": "viewer", "to": "admin"}]}
    assert signed_in(user).get(PAGE).status_code == 200


@pytest.mark.parametrize("role", ["", "owner", "ADMIN"])
def test_a_role_that_there_is_not_is_refused(
    client: Client, account: Account, user: User, role: str
) -> None:
    sent = {"account": account.id, "role": role}
    assert client.post(path_of(user, "role"), sent).status_code == 400
    assert account.memberships.get(user=user).role == Role.VIEWER
    assert told(account.id, "member.role.updated") == []


@pytest.mark.parametrize("step", ["role", "remove"])
def test_the_last_admin_stays(client: Client, account: Account, admin: User, step: str) -> None:
    inactive = member(account, "admin")
    inactive.is_active = False
    inactive.save()
    path = path_of(admin, step)
    page = page_of(client, path)
    assert page.one("[role=alert]").text == membership.LAST_ADMIN
    assert not page.all("main", "form")
    page = said(client.post(path, {"account": account.id, "role": "viewer"}))
    assert page.one("[role=alert]").text == membership.LAST_ADMIN
    assert account.memberships.get(user=admin).role == Role.ADMIN


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_remove_each_other_at_once_one_stays(
    account: Account, admin: User
) -> None:
    import threading

    from django.db import connections

    second = member(account, "admin")
    start = threading.Barrier(2)
    statuses: list[int] = []

    def remove(by: User, whom: User) -> None:
        client = signed_in(by)
        sent = form_at(page_of(client, path_of(whom, "remove")))
        start.wait()
        statuses.append(client.post(path_of(whom, "remove"), sent).status_code)
        connections.close_all()

    threads = [
        threading.Thread(target=remove, args=each) for each in ((admin, second), (second, admin))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert account.memberships.filter(role=Role.ADMIN).count() == 1
    assert 302 in statuses
    assert max(statuses) < 500


def test_an_admin_may_leave_another(client: Client, account: Account, admin: User) -> None:
    member(account, "admin")
    path = path_of(admin, "remove")
    assert page_of(client, path).one("h1").text == "Leave this account?"
    assert send(client, path)["Location"] == "/hub/logs"
    assert client.get("/hub/logs").status_code == 403


def test_whoever_is_removed_sees_the_account_no_more_and_loses_their_tokens(
    client: Client, account: Account, user: User
) -> None:
    token = keys.create_session_token(user, account)
    theirs = signed_in(user)
    assert theirs.get("/hub/logs").status_code == 200
    assert send(client, path_of(user, "remove"))["Location"] == PAGE
    assert theirs.get("/hub/logs").status_code == 403
    assert keys.find(token) is None
    # Not if they come back, either.
    Membership.objects.create(user=user, account=account)
    assert keys.find(token) is None
    (entry,) = told(account.id, "member.removed")
    assert entry.payload == {"changes": [{"field": "role", "from": "viewer", "to": None}]}
    assert len(told(account.id, "auth.token.revoked")) == 1


def test_a_reset_ends_everything_and_shows_a_way_in_once(
    client: Client, account: Account, user: User
) -> None:
    token = keys.create_session_token(user, account)
    theirs = signed_in(user)
    path = path_of(user, "reset")
    sent = form_at(page_of(client, path))
    link = said(client.post(path, sent)).one("#secret").text
    assert theirs.get("/hub/logs").status_code == 302
    assert keys.find(token) is None
    assert not signs_in_with(user, PASSWORD)
    (entry,) = told(account.id, "member.reset")
    assert entry.target
    assert entry.target.id == f"user_{user.pk}"
    assert link not in str(entry)
    page = said(client.post(path, sent))
    assert "already reset" in page.one("[role=alert]").text
    assert not page.all("#secret")
    choose_password(link)
    assert signs_in_with(user, NEW_PASSWORD)


def test_a_reset_that_does_not_say_what_the_password_was_is_none_sent_already(
    client: Client, account: Account, user: User
) -> None:
    said(client.post(path_of(user, "reset"), {"account": account.id})).one("#secret")
    assert not signs_in_with(user, PASSWORD)


def test_only_who_belongs_to_this_account_alone_is_reset(
    client: Client, account: Account, other: Account, admin: User
) -> None:
    shared, ours = member(account), member(account)
    Membership.objects.create(user=shared, account=other)
    make_staff(ours)
    for person in (shared, ours, admin):
        path = path_of(person, "reset")
        page = page_of(client, path)
        told_why = page.one("[role=alert]").text
        assert ("manage.py changepassword" in told_why) == (person != admin)
        assert other.name not in page.text
        state = membership.password_state(account.memberships.get(user=person))
        client.post(path, {"account": account.id, "state": state})
        assert signs_in_with(person, PASSWORD)


@pytest.mark.parametrize("step", ["role", "reset", "remove"])
def test_whoever_is_removed_meanwhile_is_not_changed_any_more(
    account: Account, other: Account, user: User, step: str
) -> None:
    member_as_read = account.memberships.select_related("user").get(user=user)
    state = membership.password_state(member_as_read)
    account.memberships.get(user=user).delete()
    # They are another account's alone by now, and nobody here may let themself in as them.
    Membership.objects.create(user=user, account=other)
    change = {
        "role": lambda: membership.give_role(Caller(), member_as_read, "admin"),
        "reset": lambda: membership.reset(Caller(), member_as_read, state),
        "remove": lambda: membership.remove(Caller(), member_as_read),
    }
    with pytest.raises(ChangeRefused, match="no longer a member"):
        change[step]()
    assert signs_in_with(user, PASSWORD)
    assert user.memberships.get().account == other


@pytest.mark.parametrize("step", ["role", "reset", "remove"])
def test_people_of_other_accounts_are_not_there(
    client: Client, account: Account, other: Account, step: str
) -> None:
    stranger = member(other)
    for person in (stranger.pk, 0, 10**30):
        path = f"{PAGE}/{person}/{step}"
        assert client.get(path).status_code == 404
        assert client.post(path, {"account": account.id, "role": "admin"}).status_code == 404
    assert stranger.memberships.get().role == Role.VIEWER
