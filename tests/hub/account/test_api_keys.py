"""The API Keys page: keys made, shown once, listed, and revoked, each step in the log."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from auditlogs.accounts import keys
from auditlogs.entry.times import now
from auditlogs.models import Account, ApiKey
from auditlogs.storage import dictionary
from hub.account import api_keys
from hub.account.examples import call_with
from tests.api import LIST, Api
from tests.factories import make_entry, unique
from tests.hub.forms import form_at, page_of, said, send, told
from tests.hub.markup import Element
from tests.hub.pages import rows
from tests.people import member, signed_in

PAGE = "/hub/api-keys"


@pytest.fixture
def client(admin: User) -> Client:
    return signed_in(admin)


def make(client: Client, **fields: Any) -> Element:
    """Make a key and return the answer to its form."""
    asked = {"name": unique("gateway"), "scopes": ["logs:read"], "expires": "90", **fields}
    return said(send(client, PAGE, PAGE, **asked))


def text_of(page: Element) -> str:
    return page.one("#secret").text


def only_key(account: Account) -> ApiKey:
    return account.api_keys.get()


def card(page: Element, name: str) -> Element:
    """Return the part of the list that shows a key."""
    (found,) = [each for each in page.all(".record") if each.one("strong").text == name]
    return found


def link_of(part: Element, word: str) -> str:
    (found,) = [each["href"] for each in part.all("a") if each.text.startswith(word)]
    return found


def messages_of(page: Element) -> list[str]:
    return [each.text for each in page.all(".field-message")]


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/key_1/revoke"])
def test_it_is_for_admins_alone(user: User, staff: User, account: Account, path: str) -> None:
    visitor = signed_in(staff)
    visitor.post("/hub/accounts", {"to": account.id})
    for person in (signed_in(user), visitor):
        assert person.get(path).status_code == 403
        assert person.post(path, {"name": "a", "scopes": ["logs:read"]}).status_code == 403
        assert "API Keys" not in {each.text for each in page_of(person, "/hub/logs").all("a")}
    assert not account.api_keys.exists()


def test_admins_are_led_to_it(client: Client) -> None:
    links = {each.text: each["href"] for each in page_of(client, "/hub/logs").all("nav", "a")}
    assert links["API Keys"] == PAGE
    assert client.get(PAGE)["Cache-Control"] == "no-store"


def test_a_key_is_shown_once_and_works(client: Client, account: Account) -> None:
    entry = make_entry(account.id)
    page = make(client, name="billing", scopes=["logs:read", "logs:write"])
    text = text_of(page)
    assert Api(text).ids() == [entry.id] or entry.id in Api(text).ids()
    assert page.one("[data-copy=#secret]")["data-copied"] == "API key copied"
    example = page.one("#example").text
    assert f'"http://testserver{LIST}?limit=100"' in example
    assert f"Authorization: Bearer {text}" in example
    again = page_of(client, PAGE)
    assert not again.all("#secret")
    assert text not in again.text
    assert f"{text[:8]}…{text[-4:]}" in card(again, "billing").text


@pytest.mark.parametrize("bot", ["bot-7", "'; rm -rf ~; '", 'a"b\\c', "$(id)`id`"])
def test_what_an_agent_calls_itself_is_no_command_in_the_example(bot: str) -> None:
    example = call_with(RequestFactory().get(PAGE), "aud_x", ["logs:write"], bot)
    command, *options = shlex.split(example.replace("\\\n", ""))
    assert command == "curl"
    assert options[1::2] == ["-H", "-H", "-d"]
    assert len(options) == 7
    assert json.loads(options[-1])["actor"] == {"type": "agent", "id": bot}


def test_a_form_that_is_sent_twice_makes_one_key(client: Client, account: Account) -> None:
    sent = {**form_at(page_of(client, PAGE), PAGE), "name": "twice", "scopes": ["logs:read"]}
    text = text_of(said(client.post(PAGE, sent)))
    page = said(client.post(PAGE, sent))
    assert "An active key already has this name" in messages_of(page)[0]
    assert page.one("[role=alert]")
    assert page.one("#id_name")["value"] == "twice"
    assert page.one("#id_name")["aria-invalid"] == "true"
    assert text not in page.text
    assert only_key(account).name == "twice"


def test_a_name_is_free_again_once_its_key_has_ended(client: Client, account: Account) -> None:
    make(client, name="again")
    keys.revoke(only_key(account))
    assert text_of(make(client, name="again"))


def test_making_one_is_recorded_with_the_person(
    client: Client, admin: User, account: Account
) -> None:
    text = text_of(make(client, name="told", bot="bot-1"))
    (entry,) = told(account.id, "api_key.created")
    key = only_key(account)
    assert (entry.actor.type, entry.actor.id) == ("user", f"user_{admin.pk}")
    assert entry.target
    assert (entry.target.type, entry.target.id) == ("api_key", key.public_id)
    assert entry.payload
    assert entry.payload["keyName"] == "told"
    assert entry.payload["scopes"] == ["logs:read"]
    assert entry.payload["bot"] == "bot-1"
    assert text not in str(entry)
    assert key.created_by == admin.username


def test_a_key_that_cannot_be_recorded_is_not_made_nor_revoked(
    client: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditlogs.write.store import CannotStore

    def fail(*_: object, **__: object) -> None:
        raise CannotStore("Nothing keeps it.")

    make(client, name="stays")
    key = only_key(account)
    with monkeypatch.context() as patch:
        patch.setattr("auditlogs.recording.recorder.write", fail)
        assert send(client, PAGE, PAGE, name="new", scopes=["logs:read"]).status_code == 503
        assert send(client, f"{PAGE}/{key.public_id}/revoke").status_code == 503
    assert keys.state(only_key(account)) == "active"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": "hid\u200bden"}, "name"),
        ({"name": "aud_" + "a" * 36}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["logs:delete"]}, "scopes"),
        ({"expires": "4000"}, "expires"),
        ({"expires": "date"}, "expires_on"),
        ({"expires": "date", "expires_on": "soon"}, "expires_on"),
        ({"expires": "date", "expires_on": "2001-01-01"}, "expires_on"),
        ({"expires": "date", "expires_on": "9999-12-31"}, "expires_on"),
        ({"bot": "b" * 257}, "bot"),
        ({"bot": "b\u202eb"}, "bot"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(
    client: Client, account: Account, fields: dict[str, Any], field: str
) -> None:
    page = make(client, **fields)
    assert page.one(f"#id_{field}_error").text
    assert page.one("[role=alert]")
    assert not page.all("#secret")
    assert not account.api_keys.exists()
    # What was typed stays.
    if "name" not in fields:
        assert page.one("#id_name")["value"].startswith("gateway")


def test_it_expires_when_it_was_asked_to(client: Client, account: Account) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    make(client, name="days", expires="30")
    make(client, name="day", expires="date", expires_on=tomorrow.isoformat())
    make(client, name="never", expires="never")
    make(client, name="unsaid", expires="")
    until = dict(account.api_keys.values_list("name", "expires_at"))
    assert until["days"]
    assert until["day"]
    assert timedelta(days=29) < until["days"] - now() <= timedelta(days=30)
    assert until["day"].isoformat() == f"{tomorrow + timedelta(days=1)}T00:00:00+00:00"
    assert until["never"] is until["unsaid"] is None
    page = page_of(client, PAGE)
    assert "Never expires" in card(page, "never").text
    assert card(page, "days").one(".tag").text == "Active"
    assert card(page, "day").one(".tag").text == "Expires in 1 day"


def test_bots_that_the_log_knows_are_suggested_and_their_agent_is_kept(
    client: Client, account: Account
) -> None:
    scout = {"type": "agent", "id": "agent-7", "name": "Momentum Scout"}
    make_entry(account.id, actor=scout, bot_id="bot-7")
    make_entry(unique("acc"), actor=scout, bot_id="bot-other")
    options = page_of(client, PAGE).all("datalist", "option")
    assert [(each["value"], each.text) for each in options] == [("bot-7", "Momentum Scout")]
    make(client, name="bound", bot="bot-7", scopes=["logs:read", "logs:write"])
    key = only_key(account)
    assert (key.bot, key.agent) == ("bot-7", "agent-7")
    assert "Limited to agent Momentum Scout" in card(page_of(client, PAGE), "bound").text


def test_such_a_key_reads_that_agent_alone(client: Client, account: Account) -> None:
    ours = make_entry(account.id, bot_id="bot-7")
    make_entry(account.id, bot_id="bot-8")
    text = text_of(make(client, bot="bot-7"))
    assert Api(text).ids() == [ours.id]


def test_no_more_bots_are_suggested_than_a_list_can_hold(account: Account) -> None:
    for number in range(4):
        make_entry(account.id, bot_id=f"bot-{number}")
    assert [bot.id for bot in dictionary.bots(account.id, 3)] == ["bot-0", "bot-1", "bot-2"]


def test_the_list_can_be_read_and_a_key_revoked_while_the_log_is_away(
    client: Client, account: Account, unreachable: list[str]
) -> None:
    text = keys.create(account, "lost", ["logs:read"])
    page = page_of(client, PAGE)
    assert page.all("datalist", "option") == []
    assert send(client, link_of(card(page, "lost"), "Revoke")).status_code == 302
    assert keys.find(text) is None


def test_revoking_is_asked_first_and_holds_from_the_next_request_on(
    client: Client, account: Account, admin: User
) -> None:
    text = text_of(make(client, name="old"))
    assert Api(text).get().status_code == 200
    path = link_of(card(page_of(client, PAGE), "old"), "Revoke")
    page = page_of(client, path)
    assert page.one("h1").text == "Revoke old?"
    assert page.one(".buttons", "a")["href"] == PAGE
    assert keys.find(text)
    assert send(client, path)["Location"] == PAGE
    assert Api(text).get().status_code == 401
    page = page_of(client, PAGE)
    assert "Key old was revoked." in page.one("[role=status].banner").text
    assert card(page, "old").one(".tag").text == "Revoked"
    assert not [each for each in card(page, "old").all("a") if each.text.startswith("Revoke")]
    (entry,) = told(account.id, "api_key.revoked")
    assert entry.actor.id == f"user_{admin.pk}"
    assert not page_of(client, PAGE).all("[role=status].banner")


def test_what_has_ended_is_not_revoked_again(client: Client, account: Account) -> None:
    make(client, name="old")
    key = only_key(account)
    path = f"{PAGE}/{key.public_id}/revoke"
    sent = form_at(page_of(client, path))
    client.post(path, sent)
    page = said(client.post(path, sent))
    assert page.one("[role=alert]").text == "This key is already revoked."
    assert len(told(account.id, "api_key.revoked")) == 1


def test_a_key_of_another_account_or_of_a_person_is_not_there(
    client: Client, account: Account, admin: User
) -> None:
    other = Account.objects.create(name=unique("other"))
    foreign = keys.look_up(keys.create(other, "foreign", ["logs:read"]))
    token = keys.look_up(keys.create_session_token(admin, account))
    assert foreign
    assert token
    page = page_of(client, PAGE)
    assert page.all(".record") == []
    for id in (
        foreign.public_id,
        token.public_id,
        "key_0",
        "key_",
        "7",
        f"key_{10**18}",
        f"key_{10**19 - 1}",
    ):
        path = f"{PAGE}/{id}/revoke"
        assert client.get(path).status_code == 404
        assert client.post(path, {"account": account.id}).status_code == 404
    assert keys.is_valid(foreign)
    assert keys.is_valid(token)


def test_it_tells_what_became_of_each_key(client: Client, account: Account) -> None:
    def a_key(name: str, **fields: Any) -> None:
        keys.create(account, name, ["logs:read"])
        ApiKey.objects.filter(account=account, name=name).update(**fields)

    a_key("soon", expires_at=now() + timedelta(days=3, hours=1))
    a_key("today", expires_at=now() + timedelta(hours=2))
    a_key("late", expires_at=now() - timedelta(days=1))
    a_key("seen", exposed_at=now())
    a_key("used", last_used_at=now() - timedelta(minutes=5))
    page = page_of(client, PAGE)
    words = {each.one("strong").text: each.one(".tag").text for each in page.all(".record")}
    assert words == {
        "soon": "Expires in 3 days",
        "today": "Expires in less than a day",
        "seen": "Exposed in an entry: replace it",
        "used": "Active",
        "late": "Expired",
    }
    assert "Last used 5 minutes ago" in card(page, "used").text
    assert "Never used" in card(page, "soon").text
    assert [each.one("strong").text for each in page.all(".records-quiet", ".record")] == ["late"]


def test_what_a_key_did_is_one_link_away(client: Client, account: Account) -> None:
    text = text_of(make(client, name="writer", scopes=["logs:write"]))
    new = {"action": "order.created", "result": "success", "actor": {"type": "agent", "id": "a"}}
    (written,) = Api(text).post(new).json()
    make_entry(account.id)
    url = link_of(card(page_of(client, PAGE), "writer"), "What did this key do")
    (created,) = told(account.id, "api_key.created")
    listed = [str(id) for id in rows(page_of(client, url))]
    assert listed == [written["id"], created.id]


def test_an_account_has_no_more_active_keys_than_it_may(
    client: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MAX_ACTIVE", 2)
    for name in ("one", "two"):
        make(client, name=name)
    page = make(client, name="three")
    assert "The account already has the maximum of 2 active keys." in page.one("[role=alert]").text
    keys.revoke(account.api_keys.get(name="one"))
    assert text_of(make(client, name="three"))


def test_a_form_of_the_account_before_makes_nothing(
    client: Client, account: Account, admin: User
) -> None:
    sent = {**form_at(page_of(client, PAGE), PAGE), "name": "astray", "scopes": ["logs:read"]}
    other = member(Account.objects.create(name=unique("other")), "admin").memberships.get().account
    other.memberships.create(user=admin, role="admin")
    client.post("/hub/accounts", {"to": other.id})
    assert client.post(PAGE, sent).status_code == 409
    assert not ApiKey.objects.filter(account__in=[account, other]).exists()


def test_nothing_hostile_is_unescaped(client: Client, account: Account) -> None:
    hostile = "\"><script>alert(1)</script>'"
    make_entry(account.id, bot_id=hostile, actor={"type": "agent", "id": "a", "name": hostile})
    make(client, name=hostile, bot=hostile)
    for path in (PAGE, f"{PAGE}/{only_key(account).public_id}/revoke"):
        response = client.get(path)
        assert b"<script>alert" not in response.content
        assert b"&lt;script&gt;alert" in response.content
