"""The drawer of a refused call or sign-in: its key, then and now, and the page that mends it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from auditlogs.accounts import agent_keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.times import now
from auditlogs.models import Account, AgentKey
from tests.factories import make_entry
from tests.hub.markup import Element, read
from tests.hub.pages import link

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from auditlogs.entry.schema import Entry


@pytest.fixture
def key(account: Account) -> AgentKey:
    given: dict[str, Any] = {"name": "scout-read", "agent": "agent_7f3a21", "scopes": ["read"]}
    return agent_keys.create(account, COMMAND_LINE, **given)[0]


def refused(account: Account, **fields: Any) -> "Entry":
    payload = {"tool": "trade_execute", "status": 403, "requiredScope": "trade",
               "keyName": "scout-read", "keyScopes": ["read"]}  # fmt: skip
    return make_entry(account.id, **{"result": "failure", "payload": payload, **fields})


def drawer(client: Client, entry: "Entry") -> Element:
    return read(client.get(f"/hub/logs/{entry.id}").content.decode())


def said(page: Element) -> list[str]:
    return [each.text for each in page.one(".key-state").all("dd")]


def test_a_refused_call_names_its_key_and_leads_to_the_form_that_adds_the_scope(
    account: Account, admin: "User", client: Client, key: AgentKey
) -> None:
    client.force_login(admin)
    entry = refused(account)
    page = drawer(client, entry)
    assert said(page) == ["scout-read", "Active", "Active", "read", "read"]
    form = client.get(link(page, "Add trade")["href"])
    assert form.status_code == 200
    assert client.get(link(page, "Key scout-read")["href"]).status_code == 200
    agent_keys.change_scopes(key, COMMAND_LINE, ["read", "trade"])
    agent_keys.rotate(key, COMMAND_LINE)
    page = drawer(client, entry)
    assert said(page) == ["scout-read", "Active, rotated just now", "Active", "read, trade", "read"]
    assert "Add trade" not in page.text
    agent_keys.revoke(key, COMMAND_LINE)
    later = refused(account, timestamp=now() + timedelta(seconds=1))
    assert said(drawer(client, later))[1:3] == ["Revoked just now", "Revoked"]


def test_a_viewer_sees_the_state_and_no_link_to_a_page_that_is_not_theirs(
    account: Account, user: "User", client: Client, key: AgentKey
) -> None:
    client.force_login(user)
    page = drawer(client, refused(account))
    assert said(page)[0] == "scout-read"
    assert not page.one(".key-state").all("a")


def test_a_refused_sign_in_names_its_key_by_its_target(
    account: Account, user: "User", client: Client, key: AgentKey
) -> None:
    client.force_login(user)
    target = {"type": "api_key", "id": key.public_id, "name": "scout-read"}
    page = drawer(client, refused(account, action="auth.sign_in_failed", target=target, payload={}))
    assert said(page) == ["scout-read", "Active", "Active", "read", "not recorded"]


def test_a_key_that_was_not_made_here_is_said_to_be_so(
    account: Account, admin: "User", client: Client
) -> None:
    client.force_login(admin)
    page = drawer(client, refused(account))
    assert said(page)[1] == "not made in this Hub"
    assert client.get(link(page, "Key scout-read")["href"]).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"result": "success"},
        {"payload": {"keyName": "scout-read", "error": "The data is stale"}},
        {"payload": {"tool": "trade_execute", "requiredScope": "trade"}},
        {"payload": None},
    ],
)
def test_other_entries_say_nothing_of_a_key(
    account: Account, user: "User", client: Client, key: AgentKey, fields: dict[str, Any]
) -> None:
    client.force_login(user)
    assert not drawer(client, refused(account, **fields)).all(".key-state")
