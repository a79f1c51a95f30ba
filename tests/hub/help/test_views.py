"""The help: its pages, for whoever is signed in, and the ways that lead there."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from auditlogs.accounts import keys
from auditlogs.explain.codes import PROBLEMS
from auditlogs.explain.orders import STATES, TRANSITIONS
from auditlogs.explain.scopes import tool_scopes
from auditlogs.models import Account
from hub.help.codes import KNOWN_CODES
from tests.api import Api
from tests.factories import ORDER
from tests.hub.markup import Element
from tests.hub.pages import Hub, link, rows
from tests.people import signed_in

PAGES = {
    "Scopes and Access Control": "/hub/help/scopes",
    "Order Lifecycle": "/hub/help/order-lifecycle",
    "Error Codes": "/hub/help/error-codes",
}
REFUSED = {
    "tool": "trade_execute",
    "status": 403,
    "code": "insufficient_scope",
    "requiredScope": "trade",
    "keyName": "scout-read",
    "keyScopes": ["read"],
}


def facts(page: Element) -> dict[str, str]:
    """Return what the page says of each name."""
    return {part.one("dt").text: part.one("dd").text for part in page.all("dl", "div")}


@pytest.mark.parametrize("title", PAGES)
def test_each_page_leads_to_the_others_and_is_of_the_navigations_help(hub: Hub, title: str) -> None:
    page = hub.read(PAGES[title])
    assert page.one("h1").text == title
    tabs = page.all(".tabs", "a")
    assert {each.text: each["href"] for each in tabs} == PAGES
    assert [each.text for each in tabs if each.get("aria-current")] == [title]
    current = page.one("[aria-label=Hub]", "a[aria-current=page]")
    assert (current.text, current["href"]) == ("Help", "/hub/help")
    assert hub.get("/hub/help")["Location"] == PAGES["Scopes and Access Control"]


@pytest.mark.parametrize("path", PAGES.values())
def test_whoever_is_signed_in_may_read_it(
    path: str, user: User, admin: User, staff: User, account: Account
) -> None:
    client = signed_in(staff)
    for person in (user, admin, staff, User.objects.create_user("stray")):
        assert signed_in(person).get(path).status_code == 200
    client.post("/hub/accounts", {"to": account.id})
    assert client.get(path).status_code == 200
    assert Client().get(path)["Location"] == f"/hub/sign-in?next={path}"
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", PAGES.values())
def test_every_anchor_that_a_page_names_is_on_it_once(hub: Hub, path: str) -> None:
    page = hub.read(path)
    ids = [each["id"] for each in page.walk() if each.get("id")]
    assert len(ids) == len(set(ids))
    inner = {each["href"][1:] for each in page.all("a") if each["href"].startswith("#")}
    assert inner <= set(ids)
    for each in page.one("main").all("a"):
        if each["href"].startswith("/"):
            assert hub.get(each["href"]).status_code == 200, each["href"]


def test_every_tool_stands_under_its_scope(hub: Hub) -> None:
    page = hub.read(PAGES["Scopes and Access Control"])
    for name, scope in tool_scopes().items():
        section = page.one(f"#{name}")
        assert section.one("h3").text == name
        assert facts(section) == dict(scope.tools)
    said = facts(page)
    for name, sentence in keys.SCOPES.items():
        assert said[name].startswith(sentence)
    assert "POST /api/audit-logs" in said["logs:write"]


def test_every_state_names_what_may_follow_and_leads_to_its_entries(hub: Hub) -> None:
    filled, part, created = hub.record(
        {"action": "order.filled", "target": ORDER},
        {"action": "order.filled", "target": ORDER, "result": "partial"},
        {"action": "order.created", "target": ORDER},
    )
    page = hub.read(PAGES["Order Lifecycle"])
    found = {}
    for name, state in STATES.items():
        row = page.one(f"#{name}")
        following = {each["href"] for each in row.one("dd").all("a")}
        assert following == {f"#{after}" for after in TRANSITIONS[name]}
        found[name] = rows(hub.read(link(row, state.action)["href"]))
    assert (found["created"], found["filled"], found["filled-in-part"]) == (
        [created],
        [filled],
        [part],
    )
    assert link(page.one("#created"), "order.created")["href"] == "/hub/logs?action=order.created"


def test_the_picture_shows_every_state_and_every_step(hub: Hub) -> None:
    picture = hub.read(PAGES["Order Lifecycle"]).one("figure", "svg")
    assert {each.text for each in picture.all("text")} == {each.label for each in STATES.values()}
    assert len(picture.all("path.arrow")) == sum(map(len, TRANSITIONS.values()))


def test_every_code_and_problem_has_its_place(hub: Hub) -> None:
    page = hub.read(PAGES["Error Codes"])
    for name, code in KNOWN_CODES.items():
        said = page.one(f"#{name}").text
        assert said.startswith(f"{name} {code.meaning} {code.advice}")
    for name, problem in PROBLEMS.items():
        assert page.one(f"#problem-{name}").text == f"{name} {problem.status}{problem.meaning}"


def test_the_drawer_and_the_entrys_page_say_which_scope_was_lacking(hub: Hub) -> None:
    (entry,) = hub.record({"result": "failure", "payload": REFUSED})
    for page in (
        hub.logs(f"?entry={entry}"),
        hub.read(f"/hub/logs/{entry}"),
        hub.read(f"/hub/logs/{entry}", htmx=True),
    ):
        said = page.one(".why")
        assert "The key scout-read lacked the scope trade, which" in said.text
        assert link(said, "Scopes and Access Control")["href"] == "/hub/help/scopes"
        url = link(said, "About this error")["href"]
        assert url == "/hub/help/error-codes#insufficient_scope"


def test_the_drawer_says_the_scope_that_the_error_of_an_unknown_tool_names(hub: Hub) -> None:
    payload = {"tool": "wallet_transfer", "status": 403, "error": "Insufficient scope: trade"}
    call = {"action": "mcp.tool.call", "result": "failure"}
    (entry,) = hub.record({**call, "payload": payload})
    said = hub.logs(f"?entry={entry}").one(".why")
    assert "The key lacked the scope trade, which wallet_transfer needs." in said.text
    assert link(said, "Scopes and Access Control")["href"] == "/hub/help/scopes"


def test_a_request_that_the_api_refused_is_explained_where_it_is_recorded(
    hub: Hub, api_key: str
) -> None:
    assert Api(api_key).post({}).status_code == 403
    (entry,) = rows(hub.logs("?action=access.denied"))
    said = hub.read(f"/hub/logs/{entry}").one(".why")
    assert "The key reader lacked the scope logs:write, which the request needs." in said.text
    assert link(said, "About this error")["href"] == "/hub/help/error-codes#insufficient-scope"


def test_an_entry_with_nothing_to_explain_has_no_explanation(hub: Hub) -> None:
    (entry,) = hub.record({"payload": {"tool": "market_quote"}})
    assert hub.read(f"/hub/logs/{entry}").all(".explanation") == []
    assert hub.read(f"/hub/logs/{entry}").all(".why") == []


def test_a_hostile_payload_is_explained_as_text(hub: Hub) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e"
    payload = {**REFUSED, "keyName": hostile, "tool": hostile}
    (entry,) = hub.record({"result": "failure", "payload": payload})
    page = hub.read(f"/hub/logs/{entry}")
    assert page.all("img") == []
    assert hostile in [each.text for each in page.all(".why", "bdi")]
