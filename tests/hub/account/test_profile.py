"""The Profile page: where one belongs, and one's session tokens."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from auditlogs.accounts import keys
from auditlogs.models import Account
from hub.models import Membership
from tests.api import LIST, Api
from tests.factories import make_entry, unique
from tests.hub.forms import form_at, page_of, said, send, told
from tests.people import member, signed_in

PAGE = "/hub/profile"
TOKENS = f"{PAGE}/session-tokens"


@pytest.fixture
def client(user: User) -> Client:
    return signed_in(user)


def test_it_is_reached_from_ones_name(client: Client, user: User) -> None:
    assert page_of(client, "/hub/logs").one("a.who")["href"] == PAGE
    page = page_of(client, PAGE)
    assert page.one("a.who")["aria-current"] == "page"
    assert page.one("#you-title").text == user.username


def test_it_shows_where_one_belongs_and_as_what(client: Client, user: User) -> None:
    second = Account.objects.create(name=unique("second"))
    Membership.objects.create(user=user, account=second, role="admin")
    shown = {
        each.one("strong").text: each.one(".tag").text
        for each in page_of(client, PAGE).all(".record")
    }
    assert shown[second.name] == "Admin"
    assert sorted(shown.values()) == ["Admin", "Viewer"]
    assert [each["href"] for each in page_of(client, PAGE).all("main", "a.button")] == [
        "/hub/password"
    ]


def test_a_session_token_is_shown_once_and_reads_the_account(
    client: Client, user: User, account: Account
) -> None:
    entry = make_entry(account.id)
    page = said(send(client, PAGE, TOKENS))
    text = page.one("#secret").text
    assert text.startswith("auds_")
    assert entry.id in Api(text).ids()
    example = page.one("#example").text
    assert f'curl "http://testserver{LIST}?limit=100"' in example
    assert f'-H "Authorization: Bearer {text}"' in example
    again = page_of(client, PAGE)
    assert text not in again.text
    assert f"{text[:8]}…{text[-4:]}" in again.text
    (made,) = told(account.id, "auth.token.created")
    assert made.actor.id == f"user_{user.pk}"
    assert text not in str(made)


def test_a_form_that_is_sent_twice_makes_one_token(client: Client, user: User) -> None:
    sent = form_at(page_of(client, PAGE), TOKENS)
    said(client.post(TOKENS, sent)).one("#secret")
    page = said(client.post(TOKENS, sent))
    assert "You created a session token after this page was loaded" in page.one("[role=alert]").text
    assert not page.all("#secret")
    assert user.session_tokens.count() == 1
    said(send(client, PAGE, TOKENS)).one("#secret")


def test_a_form_that_does_not_say_what_was_there_makes_a_token(
    client: Client, account: Account
) -> None:
    for _ in range(2):
        said(client.post(TOKENS, {"account": account.id})).one("#secret")


def test_no_more_tokens_are_made_than_one_may_have(client: Client, account: Account) -> None:
    for _ in range(keys.MAX_SESSION_TOKENS):
        said(send(client, PAGE, TOKENS)).one("#secret")
    page = said(send(client, PAGE, TOKENS))
    assert "There are 10 session tokens already; revoke one first." in page.one("[role=alert]").text


def test_ending_a_token_holds_from_the_next_request_on(
    client: Client, user: User, account: Account
) -> None:
    text = said(send(client, PAGE, TOKENS)).one("#secret").text
    page = page_of(client, PAGE)
    (end,) = [each["action"] for each in page.all("form") if "/end" in (each.get("action") or "")]
    for _ in range(2):
        assert client.post(end, {"account": account.id})["Location"] == PAGE
    assert Api(text).get().status_code == 401
    assert len(told(account.id, "auth.token.revoked")) == 1


def test_nobody_ends_what_is_not_theirs(client: Client, account: Account, user: User) -> None:
    other = Account.objects.create(name=unique("other"))
    key = keys.look_up(keys.create(account, "key", ["logs:read"]))
    theirs = keys.look_up(keys.create_session_token(member(account), account))
    elsewhere = keys.look_up(keys.create_session_token(user, other))
    for each in (key, theirs):
        assert each
        assert client.post(f"{TOKENS}/{each.public_id}/end").status_code == 404
        assert keys.is_valid(each)
    assert elsewhere
    assert client.post(f"{TOKENS}/{elsewhere.public_id}/end").status_code == 404
    assert client.post(f"{TOKENS}/nothing/end").status_code == 404
    assert client.get(TOKENS).status_code == 405


def test_a_token_that_cannot_be_recorded_is_not_made(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditlogs.write.store import CannotStore

    def fail(*_: object, **__: object) -> None:
        raise CannotStore("Nothing keeps it.")

    with monkeypatch.context() as patch:
        patch.setattr("auditlogs.recording.recorder.write", fail)
        assert send(client, PAGE, TOKENS).status_code == 503
    assert not user.session_tokens.exists()


def test_staff_choose_an_account_first_and_then_may_have_a_token_too(
    staff: User, account: Account
) -> None:
    client = signed_in(staff)
    page = page_of(client, PAGE)
    assert "Choose an account first" in page.one("main").text
    assert not page.all("main", "form")
    client.post("/hub/accounts", {"to": account.id})
    entry = make_entry(account.id)
    text = said(send(client, PAGE, TOKENS)).one("#secret").text
    assert entry.id in Api(text).ids()


def test_whoever_was_removed_from_their_last_account_still_has_it(user: User) -> None:
    user.memberships.all().delete()
    client = signed_in(user)
    page = page_of(client, PAGE)
    assert page.one("#you-title").text == user.username
    assert "you are not a member of any yet" in page.one("main").text
    assert not page.all("main", "form")
    assert [each["href"] for each in page.all("main", "a")] == ["/hub/password"]
    accounts = page_of(client, "/hub/accounts").one("main").text
    assert "You do not have access to any account yet." in accounts
    assert "You belong to these" not in accounts
    assert client.post(TOKENS).status_code == 403


@pytest.mark.django_db
def test_it_is_for_whoever_is_signed_in() -> None:
    for response in (Client().get(PAGE), Client().post(TOKENS)):
        assert response.status_code == 302
        assert response["Location"].startswith("/hub/sign-in")
