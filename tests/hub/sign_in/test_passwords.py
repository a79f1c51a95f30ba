"""A password changed by its person, or set by a link: recorded, and what it opened has ended."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from pytest_django.fixtures import Settings

from auditlogs.accounts import keys
from auditlogs.entry.schema import Entry
from auditlogs.models import Account
from auditlogs.query.entries import Entries
from hub.models import Membership
from hub.sign_in.passwords import password_links
from tests.away import connected_to, nowhere
from tests.factories import unique
from tests.hub.markup import Element, read
from tests.people import PASSWORD, member, signed_in

NEW = "a new battery, and a stable horse"
PAGE = "/hub/password"
CHANGE = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
SET = {"new_password1": NEW, "new_password2": NEW}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


def link_for(person: User) -> str:
    """Return the link that an admin would hand to a person."""
    uid = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("set_password", args=[uid, password_links.make_token(person)])


def opened(client: Client, link: str) -> str:
    """Follow a link and return the address of its form."""
    response = client.get(link)
    assert response.status_code == 302, response.content
    return response["Location"]


def recorded(account: Account) -> list[Entry]:
    return list(Entries.of(account.id).page(100, payloads=True).entries)


def messages(page: Element) -> dict[str, str]:
    return {
        each["id"].removeprefix("id_").removesuffix("-message"): each.text
        for each in page.all(".field-message")
        if each.text
    }


def test_a_person_changes_their_password(client: Client, user: User) -> None:
    client.force_login(user)
    page = read(client.get(PAGE).content.decode())
    fields = page.one(".stacked-form").all("[type=password]")
    assert [each["name"] for each in fields] == list(CHANGE)
    assert [each["autocomplete"] for each in fields] == [
        "current-password",
        "new-password",
        "new-password",
    ]
    response = client.post(PAGE, CHANGE)
    assert response["Location"] == "/hub/password?changed"
    page = read(client.get(response["Location"]).content.decode())
    assert page.one("[role=status].banner").text.startswith("Your password was changed.")
    user.refresh_from_db()
    assert user.check_password(NEW)


def test_whoever_belongs_to_no_account_changes_theirs_too(user: User) -> None:
    user.memberships.all().delete()
    client = signed_in(user)
    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE, CHANGE)["Location"] == f"{PAGE}?changed"
    user.refresh_from_db()
    assert user.check_password(NEW)


def test_other_sessions_end_and_this_one_stays(user: User) -> None:
    here, elsewhere = signed_in(user), signed_in(user)
    before = here.session.session_key
    here.post(PAGE, CHANGE)
    assert here.get("/hub/logs").status_code == 200
    assert here.session.session_key != before
    assert elsewhere.get("/hub/logs").status_code == 302


def test_session_tokens_end_in_every_account_and_keys_and_other_peoples_stay(
    user: User, account: Account, api_key: str
) -> None:
    own = keys.create_session_token(user, account)
    others = keys.create_session_token(member(account), account)
    signed_in(user).post(PAGE, CHANGE)
    assert keys.find(own) is None
    assert keys.find(others)
    assert keys.find(api_key)


def test_a_change_is_recorded_without_a_password(user: User, account: Account) -> None:
    signed_in(user).post(PAGE, CHANGE)
    (entry,) = recorded(account)
    assert (entry.action, entry.result) == ("auth.password.changed", "success")
    assert entry.actor.name == user.username
    assert entry.target
    assert (entry.target.type, entry.target.id) == ("user", f"user_{user.pk}")
    assert entry.payload == {"method": "password"}
    assert entry.session_id


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"old_password": "wrong"}, "old_password", "Your old password was entered incorrectly"),
        ({"new_password2": "other"}, "new_password2", "didn’t match"),
        ({"new_password1": "short", "new_password2": "short"}, "new_password2", "too short"),
        ({"new_password1": "password", "new_password2": "password"}, "new_password2", "common"),
        ({"new_password1": ""}, "new_password1", "required"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    user: User, account: Account, changed: dict[str, str], field: str, message: str
) -> None:
    client = signed_in(user)
    response = client.post(PAGE, CHANGE | changed)
    assert response.status_code == 200
    page = read(response.content.decode())
    assert message in messages(page)[field]
    invalid = page.one(f"#id_{field}")
    assert invalid["aria-invalid"] == "true"
    assert f"id_{field}-message" in invalid["aria-describedby"].split()
    for text in CHANGE.values():
        assert text not in response.content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert recorded(account) == []


def test_nobody_guesses_the_old_one_without_end(
    user: User, account: Account, settings: Settings
) -> None:
    settings.SIGN_IN_RATE = "2/minute"
    client = signed_in(user)
    for _ in range(2):
        assert client.post(PAGE, CHANGE | {"old_password": "wrong"}).status_code == 200
    response = client.post(PAGE, CHANGE)
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    assert "Too many attempts" in read(response.content.decode()).one("[role=alert]").text
    (entry,) = recorded(account)
    assert (entry.action, entry.actor.name) == ("rate_limit.hit", user.username)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_what_cannot_be_recorded_does_not_happen(
    user: User, account: Account, settings: Settings, tmp_path: Path
) -> None:
    no_folder = tmp_path / "a file"
    no_folder.touch()
    token = keys.create_session_token(user, account)
    client, visitor = signed_in(user), Client()
    form = opened(visitor, link_for(user))
    with connected_to(nowhere(), settings, no_folder):
        assert client.post(PAGE, CHANGE).status_code == 503
        assert visitor.post(form, SET).status_code == 503
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert keys.find(token)
    assert client.get("/hub/password").status_code == 200
    assert visitor.post(form, SET).status_code == 302


def test_whoever_is_not_signed_in_is_led_to_sign_in(db: None) -> None:
    for response in (Client().get(PAGE), Client().post(PAGE, CHANGE)):
        assert response["Location"] == "/hub/sign-in?next=/hub/password"


def test_whoever_signs_in_by_single_sign_on_has_no_password_here(
    client: Client, user: User, settings: Settings
) -> None:
    settings.OIDC_ISSUER = "https://id.example.org"
    user.identities.create(issuer=settings.OIDC_ISSUER, subject="ada")
    client.force_login(user, "hub.sign_in.sso.backends.IdentityBackend")
    profile = read(client.get("/hub/profile").content.decode())
    assert PAGE not in [each["href"] for each in profile.all("main", "a")]
    response = client.post(PAGE, CHANGE)
    assert response.status_code == 403
    assert "single sign-on" in read(response.content.decode()).one("main").text
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_link_sets_a_password_once(user: User, account: Account) -> None:
    link, visitor = link_for(user), Client()
    form = opened(visitor, link)
    assert link.rpartition("/")[2] not in form
    page = read(visitor.get(form).content.decode())
    assert user.username in page.one("main").text
    response = visitor.post(form, SET)
    assert response["Location"] == "/hub/sign-in?because=password-set"
    told = read(visitor.get(response["Location"]).content.decode())
    assert told.one("[role=status].banner").text == "Your password is set. Sign in with it."
    user.refresh_from_db()
    assert user.check_password(NEW)
    (entry,) = recorded(account)
    assert (entry.action, entry.payload) == ("auth.password.changed", {"method": "link"})
    assert entry.actor.name == user.username
    for each in (link, form):
        answer = Client().get(each)
        assert answer.status_code == 404
        assert read(answer.content.decode()).one("h1").text == "This link is not valid"
    assert visitor.post(form, SET).status_code == 404


class BothHere:
    """A password validator that lets a form pass once a second one is as far."""

    barrier = threading.Barrier(2, timeout=30)

    def validate(self, password: str, user: User | None = None) -> None:
        self.barrier.wait()

    def get_help_text(self) -> str:
        return ""


@pytest.mark.django_db(transaction=True)
def test_of_two_simultaneous_uses_of_a_link_one_sets_a_password(
    user: User, account: Account, settings: Settings
) -> None:
    link, visitors = link_for(user), (Client(), Client())
    forms = [opened(visitor, link) for visitor in visitors]
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": f"{__name__}.BothHere"}]

    def use(number: int) -> int:
        password = f"{NEW} {number}"
        try:
            data = {"new_password1": password, "new_password2": password}
            return visitors[number].post(forms[number], data).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(use, (0, 1)))
    assert sorted(statuses) == [302, 404]
    user.refresh_from_db()
    assert user.check_password(f"{NEW} {statuses.index(302)}")
    assert [entry.action for entry in recorded(account)] == ["auth.password.changed"]


def test_a_link_ends_the_sessions_and_tokens_before(user: User, account: Account) -> None:
    before, token = signed_in(user), keys.create_session_token(user, account)
    visitor = Client()
    visitor.post(opened(visitor, link_for(user)), SET)
    assert before.get("/hub/logs").status_code == 302
    assert keys.find(token) is None


def test_a_link_lifts_the_lock_of_whoever_forgot_the_old_one(user: User) -> None:
    visitor = Client()
    for _ in range(5):
        response = visitor.post("/hub/sign-in", {"username": user.username, "password": "wrong"})
    assert response.status_code == 429
    visitor.post(opened(visitor, link_for(user)), SET)
    form = {"username": user.username, "password": NEW}
    assert visitor.post("/hub/sign-in", form).status_code == 302


def test_a_link_is_good_for_a_day(user: User, clock: time_machine.Traveller) -> None:
    link = link_for(user)
    clock.shift(timedelta(hours=23, minutes=59))
    opened(Client(), link)
    clock.shift(timedelta(minutes=2))
    assert Client().get(link).status_code == 404


def test_a_form_that_was_opened_in_time_is_refused_after_it(
    user: User, clock: time_machine.Traveller
) -> None:
    visitor = Client()
    form = opened(visitor, link_for(user))
    clock.shift(timedelta(hours=25))
    assert visitor.post(form, SET).status_code == 404
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(
    "path", ["MQ/x", "MQ/set-password", "%00/x", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5/x", "é/é", "-/-"]
)
def test_what_is_no_link_opens_nothing(db: None, path: str) -> None:
    assert Client().get(f"/hub/set-password/{path}").status_code == 404


@pytest.mark.parametrize("opened_before", [False, True])
@pytest.mark.parametrize("change", ["joins", "is moved", "is removed", "is staff"])
def test_a_link_opens_nothing_once_its_person_is_not_its_accounts_alone(
    user: User, account: Account, change: str, opened_before: bool
) -> None:
    link, visitor = link_for(user), Client()
    form = opened(visitor, link) if opened_before else link
    if change in {"is moved", "is removed"}:
        user.memberships.all().delete()
    if change in {"joins", "is moved"}:
        other = Account.objects.create(name=unique("other"))
        Membership.objects.create(user=user, account=other)
    if change == "is staff":
        user.is_staff = True
        user.save()
    assert visitor.get(form).status_code == 404
    assert visitor.post(form, SET).status_code == 404
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_bad_password_leaves_the_link_open(user: User) -> None:
    visitor = Client()
    form = opened(visitor, link_for(user))
    response = visitor.post(form, {"new_password1": "short", "new_password2": "short"})
    assert response.status_code == 200
    assert "too short" in messages(read(response.content.decode()))["new_password2"]
    assert visitor.post(form, SET).status_code == 302
