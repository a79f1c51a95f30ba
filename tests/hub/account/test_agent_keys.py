"""The pages about agents' keys: the lists, the forms, and the page of one."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from auditlogs.accounts import agent_keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.times import now
from auditlogs.models import Account, AgentKey
from auditlogs.recording.recorder import record_many
from tests.counting import count_account
from tests.factories import new, unique
from tests.hub.markup import Element, read
from tests.hub.pages import link, rows

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

UNKNOWN = "Select a valid choice. admin is not one of the available choices."
LIST, NEW = "/hub/api-keys", "/hub/api-keys/agent/new"
SCOUT = {"type": "agent", "id": "agent_7f3a21", "name": "Momentum Scout"}


@pytest.fixture
def client(admin: "User") -> Client:
    client = Client()
    client.force_login(admin)
    return client


def page_of(client: Client, path: str, status: int = 200) -> Element:
    response = client.get(path)
    assert response.status_code == status, response.content
    return read(response.content.decode())


def make(account: Account, **fields: Any) -> tuple[AgentKey, str]:
    given = {"name": "scout-read", "agent": SCOUT["id"], "scopes": ["read"], **fields}
    return agent_keys.create(account, COMMAND_LINE, **given)


def refused_call(account: Account) -> None:
    payload = {"tool": "trade_execute", "status": 403, "code": "insufficient_scope",
               "error": "Insufficient scope: trade", "requiredScope": "trade",
               "keyName": "scout-read", "keyScopes": ["read"]}  # fmt: skip
    target = {"type": "tool", "id": "trade_execute"}
    record_many(
        [new(actor=SCOUT, target=target, result="failure", payload=payload, bot_id="bot_7f3a21")],
        account=account.id,
    )


def text_of(response: "Response") -> str:
    return read(response.content.decode()).one("#secret").text


def test_a_key_is_made_shown_once_and_listed(client: Client, account: Account) -> None:
    refused_call(account)
    count_account(account.id)
    sent = {"name": "scout-read", "agent": SCOUT["id"], "scopes": ["read"], "expires": "never"}
    response = client.post(NEW, sent)
    text = text_of(response)
    assert re.fullmatch("auda_[0-9A-Za-z]{36}", text)
    key = account.agent_keys.get()
    assert (key.name, key.agent, key.scopes, key.expires_at) == (
        *("scout-read", "agent_7f3a21", ["read"], None),
    )
    page = page_of(client, LIST)
    assert text not in page.text
    (row,) = page.one(".key-table").one("tbody").all("tr")
    cells = [cell.text for cell in row.all("td")]
    assert cells[:4] == ["Momentum Scout", "read", "Active", "Never"]
    assert cells[4:] == ["1", "1"]
    # Each figure leads to its entries.
    assert len(rows(page_of(client, row.all("a")[2]["href"]))) == 1
    assert [o["value"] for o in page_of(client, NEW).one("#agents").all("option")] == [SCOUT["id"]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "This field is required."),
        ({"agent": ""}, "This field is required."),
        ({"scopes": []}, "Choose at least one scope."),
        (
            {"scopes": ["admin"]},
            UNKNOWN,
        ),
        ({"name": "taken"}, "An active agent key has this name."),
        ({"expires": "date"}, "Choose the last day on which the key is valid."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: Client, account: Account, fields: dict[str, Any], message: str
) -> None:
    make(account, name="taken")
    sent = {"name": "new", "agent": "a", "scopes": ["read"], "expires": "never", **fields}
    page = read(client.post(NEW, sent).content.decode())
    assert [each.text for each in page.all(".field-message")] == [message]
    assert account.agent_keys.count() == 1


def test_a_rotation_shows_the_new_secret_and_a_second_click_rotates_no_more(
    client: Client, account: Account
) -> None:
    key, _ = make(account)
    path = f"{LIST}/agent/rotate/{key.public_id}"
    sent = {"overlap": "1", "secret": key.last_four}
    text = text_of(client.post(path, sent))
    key.refresh_from_db()
    assert key.last_four == text[-4:]
    assert key.previous_until
    assert key.previous_until - now() < timedelta(hours=1)
    again = client.post(path, sent).content.decode()
    assert "This key was rotated meanwhile." in again
    key.refresh_from_db()
    assert key.last_four == text[-4:]


def test_scopes_are_changed_and_the_missing_one_is_proposed(
    client: Client, account: Account
) -> None:
    key, _ = make(account)
    refused_call(account)
    page = page_of(client, f"{LIST}/agent/key/{key.public_id}")
    path = link(page, "Add trade")["href"]
    boxes = page_of(client, path).one("fieldset").all("input")
    assert {box["value"] for box in boxes if "checked" in box.attributes} == {"read", "trade"}
    response = client.post(path.partition("?")[0], {"scopes": ["read", "trade"]})
    assert response["Location"] == f"{LIST}/agent/key/{key.public_id}"
    page = page_of(client, response["Location"])
    assert "Key scout-read now has read, trade." in page.one("[role=status].banner").text
    assert "scopes read → read, trade" in page.one(".key-history").text


def test_a_revocation_is_asked_first(client: Client, account: Account) -> None:
    key, _ = make(account)
    path = f"{LIST}/agent/revoke/{key.public_id}"
    page = page_of(client, path)
    assert page.one("h1").text == "Revoke scout-read?"
    assert "The agent agent_7f3a21 has no other active key." in page.text
    assert client.post(path)["Location"] == f"{LIST}/agent/key/{key.public_id}"
    page = page_of(client, f"{LIST}/agent/key/{key.public_id}")
    assert "Revoked" in page.one(".key-head").text
    assert not page.all(".key-buttons")
    assert "already revoked" in client.post(path).content.decode()


def test_the_page_of_a_key_says_what_depends_on_it(client: Client, account: Account) -> None:
    key, _ = make(account)
    refused_call(account)
    page = page_of(client, f"{LIST}/agent/key/{key.public_id}")
    lines = [line.text for line in page.one(".key-lines").all("li")]
    assert lines == [
        "Momentum Scout stops with its next call: no other key of it is active.",
        "Momentum Scout used it in the last 24 hours: 1 entry, 1 tool call, 1 failure.",
        "The log has no order of it.",
        "Nobody else uses it: one agent in all kept time.",
    ]
    for figure in ("1 entry", "1 tool call", "1 failure"):
        assert len(rows(page_of(client, link(page, figure)["href"]))) == 1
    tool = link(page.one("[aria-labelledby=tools-title]"), "1: trade_execute")
    assert len(rows(page_of(client, tool["href"]))) == 1


def test_a_key_that_only_the_log_names_is_listed_and_has_a_page(
    client: Client, account: Account
) -> None:
    target = {"type": "api_key", "id": "key/7f 3a", "name": "trial <b>"}
    record_many(
        [new(action="api_key.created", target=target, payload={"scopes": ["read"]})],
        account=account.id,
    )
    page = page_of(client, LIST)
    row = page.one("details.ended").one("tbody")
    assert "trial <b>" in row.text
    page = page_of(client, row.one("a")["href"])
    assert "This key was not made here" in page.text
    assert not page.all(".key-buttons")


def test_another_accounts_key_does_not_exist(client: Client, account: Account) -> None:
    other, _ = make(Account.objects.create(name=unique("other")))
    paths = [f"{LIST}/agent/{what}/{other.public_id}" for what in ("rotate", "scopes", "revoke")]
    for path in (*paths, f"{LIST}/agent/key/{other.public_id}", f"{LIST}/agent/key/scout-read"):
        assert client.get(path).status_code == 404
        if "/key/" not in path:
            assert client.post(path, {"scopes": ["trade"], "overlap": "0"}).status_code == 404
    assert agent_keys.state(other) == "active"


def test_the_list_can_be_read_while_the_log_is_away(
    client: Client, account: Account, request: pytest.FixtureRequest
) -> None:
    make(account)
    request.getfixturevalue("unreachable")
    page = page_of(client, LIST)
    (row,) = page.one(".key-table").one("tbody").all("tr")
    assert [cell.text for cell in row.all("td")][4:] == ["–", "–"]
    assert "Keys seen only in the log are not shown" in page.text


def test_the_list_has_the_entries_and_failures_that_name_each_key(
    client: Client, account: Account
) -> None:
    agent_keys.create(account, COMMAND_LINE, name="scout,read", agent="agent-1", scopes=["read"])
    said = {"payload": {"keyName": "scout,read", "tool": "quote"}}
    entries = (said, {**said, "result": "failure"}, {"payload": {"keyName": "unknown"}})
    record_many([new(**each) for each in entries], account=account.id)
    count_account(account.id)
    page = page_of(client, LIST)
    (row,) = (row for row in page.all("tbody", "tr") if "scout,read" in row.text)
    used, failed = row.all("a")[1:]
    assert (used.text.strip(), failed.text.strip()) == ("3", "1")
    # One of them is that it was created.
    assert len(rows(page_of(client, used["href"]))) == 3
    assert len(rows(page_of(client, failed["href"]))) == 1
