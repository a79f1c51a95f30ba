"""Saved views: names for lists, which of them comes first, and what of it is recorded."""

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from auditlogs.models import Account
from auditlogs.query.entries import Entries
from hub.logs import saved_views
from hub.models import SavedView
from tests.people import member, signed_in

LIST = "action=trade&result=failure&sort=actor"


def save(client: Client, name: str, query: str = LIST, **more: Any) -> SavedView:
    response = client.post(f"/hub/views/new?list={quote(query)}", {"name": name, **more})
    assert response.status_code == 302, response.content
    return SavedView.objects.get(name=name)


def menu(client: Client, query: str = "") -> str:
    page = client.get(f"/hub/logs{query}").content.decode()
    return page.partition('id="view-menu"')[2].partition("</details>")[0]


def recorded(account: Account) -> list[tuple[str, Any]]:
    entries = Entries.of(account.id).where("target.type", "x").whole().page(20, payloads=True)
    return [
        (entry.action, (entry.payload or {})["changes"])
        for entry in reversed(entries.entries)
        if entry.action.startswith("saved_view.")
    ]


def test_a_view_is_a_name_for_the_query_of_a_list(user: User) -> None:
    view = save(signed_in(user), "Failed trades", f"{LIST}&cursor=x&entry=y&unknown=z&limit=5")
    assert parse_qs(view.query) == parse_qs(LIST)
    shown = menu(signed_in(user), f"?{LIST}")
    assert "Failed trades" in shown.partition("</summary>")[0]
    assert "Failed trades" not in menu(signed_in(user)).partition("</summary>")[0]


def test_a_default_is_only_where_no_list_is_named(user: User) -> None:
    client = signed_in(user)
    view = save(client, "Failed trades")
    assert client.get("/hub")["Location"] == "/hub/logs"
    assert client.post("/hub/views/default", {"view": view.pk}).status_code == 302
    assert client.get("/")["Location"] == f"/hub/logs?{view.query}"
    assert signed_in(member(view.account)).get("/hub")["Location"] == "/hub/logs"
    # An address shows what it says: no filter of the default is added to it.
    page = client.get("/hub/logs").content.decode()
    assert '<option value="trade" selected>' not in page
    for text in ("x", "٣", "0" * 5_000):
        assert client.post("/hub/views/default", {"view": text}).status_code == 404
    client.post("/hub/views/default", {"view": ""})
    assert client.get("/hub")["Location"] == "/hub/logs"


def test_a_default_that_is_deleted_leaves_everything(user: User) -> None:
    client = signed_in(user)
    view = save(client, "Failed trades")
    client.post("/hub/views/default", {"view": view.pk})
    assert client.post(f"/hub/views/{view.pk}/delete").status_code == 302
    assert client.get("/hub")["Location"] == "/hub/logs"


def test_what_an_admin_shares_is_seen_by_all_and_recorded(
    account: Account, user: User, admin: User
) -> None:
    view = save(signed_in(admin), "Desk", is_shared="on")
    assert "Desk" in menu(signed_in(user))
    assert signed_in(user).get(f"/hub/views/{view.pk}/edit").status_code == 404
    edit = f"/hub/views/{view.pk}/edit?list={quote('result=failure')}"
    signed_in(admin).post(edit, {"name": "Desk 2", "is_shared": "on", "follows": "on"})
    signed_in(admin).post(f"/hub/views/{view.pk}/delete")
    created, updated, deleted = recorded(account)
    assert created[0] == "saved_view.created"
    changed = {each["field"]: (each["from"], each["to"]) for each in updated[1]}
    assert changed["name"] == ("Desk", "Desk 2")
    assert changed["query"][1] == "result=failure"
    assert {each["field"]: each["to"] for each in deleted[1]}["name"] is None


def test_what_is_ones_own_is_seen_by_nobody_else_and_not_recorded(
    account: Account, user: User, admin: User
) -> None:
    view = save(signed_in(user), "Mine", is_shared="on")
    assert view.owner == user, "a viewer cannot share"
    assert "Mine" not in menu(signed_in(admin))
    for path in (f"/hub/views/{view.pk}/edit", f"/hub/views/{view.pk}/delete"):
        assert signed_in(admin).post(path, {"name": "x"}).status_code == 404
    assert signed_in(admin).post("/hub/views/default", {"view": view.pk}).status_code == 404
    assert recorded(account) == []


def test_a_name_is_used_once_and_views_are_bounded(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(user)
    save(client, "Mine")
    answer = client.post("/hub/views/new", {"name": "Mine"}).content.decode()
    assert "Another view has this name." in answer
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 1)
    answer = client.post("/hub/views/new", {"name": "Another"}).content.decode()
    assert "There are 1 views already." in answer
    assert SavedView.objects.filter(owner=user).count() == 1


def test_views_of_another_account_do_not_exist(user: User, admin: User) -> None:
    stranger = member(Account.objects.create(name="strangers"), "admin")
    view = save(signed_in(stranger), "Theirs", is_shared="on")
    assert "Theirs" not in menu(signed_in(admin))
    assert signed_in(admin).post(f"/hub/views/{view.pk}/delete").status_code == 404
    assert signed_in(user).post("/hub/views/default", {"view": view.pk}).status_code == 404


def test_the_page_of_views_says_what_each_filters(user: User) -> None:
    client = signed_in(user)
    save(client, "Failed <trades>")
    page = client.get("/hub/views").content.decode()
    assert "Failed &lt;trades&gt;" in page
    assert "The last 7 days" in page
    assert urlsplit("/hub/logs?" + LIST).path in page
