"""What is shown around an entry, apart from it: facts that lead to what was counted, the remedy."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.test import Client

from auditlogs.accounts import agent_keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.facts import FACT_LENGTH
from auditlogs.models import Account, AgentKey
from hub.logs import findings
from tests.factories import make_entry
from tests.hub.markup import Element, read
from tests.hub.pages import HTMX, Hub, link, rows

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from auditlogs.entry.schema import Entry

UNKNOWN = "01a20950-b9be-826b-b349-98920bde1351"


@pytest.fixture
def key(account: Account) -> AgentKey:
    given: dict[str, Any] = {"name": "scout-read", "agent": "agent_7f3a21", "scopes": ["read"]}
    return agent_keys.create(account, COMMAND_LINE, **given)[0]


def refused(account: Account, **fields: Any) -> "Entry":
    payload = {"tool": "trade_execute", "status": 403, "requiredScope": "trade",
               "keyName": "scout-read", "keyScopes": ["read"]}  # fmt: skip
    return make_entry(account.id, **{"result": "failure", "payload": payload, **fields})


def around(client: Client, entry: "Entry", *, htmx: bool = False) -> Element:
    answer = client.get(f"/hub/logs/findings/{entry.id}", headers=HTMX if htmx else {})
    assert answer.status_code == 200
    return read(answer.content.decode())


def facts(page: Element) -> dict[str, str]:
    return {each.one("dt").text: each.one("dd").text for each in page.all(".facts", "div")}


def test_an_entry_says_at_once_why_it_failed_and_asks_for_the_rest(hub: Hub) -> None:
    payload = {"tool": "trade_execute", "requiredScope": "trade", "error": "<b>no</b>"}
    (entry,) = hub.record({"result": "failure", "payload": payload})
    page = hub.read(f"/hub/logs/{entry}")
    why = page.one(".why")
    assert why.text.startswith(
        "Refused: the key lacks a scope The key lacked the scope trade, which trade_execute needs."
    )
    rest = page.one("#findings")["hx-get"]
    assert link(page, "Facts and what to do")["href"] == rest
    part = hub.read(rest, htmx=True)
    assert part.one("#why-facts")["hx-swap-oob"] == "true"
    assert not hub.read(f"/hub/logs/{entry}").all(".facts")


def test_each_figure_leads_to_the_entries_that_were_counted(hub: Hub) -> None:
    failed = {"result": "failure", "payload": {"isError": True, "tool": "quote"}}
    first, second, _ = hub.record(failed, failed, {"result": "success"})
    page = hub.read(f"/hub/logs/findings/{first}")
    assert facts(page) == {"2": "of this kind in 24 h, this one included"}
    assert rows(hub.read(page.one(".facts", "a")["href"])) == [first, second]


def test_a_missing_scope_leads_an_admin_to_the_form_that_adds_it(
    account: Account, admin: "User", client: Client, key: AgentKey
) -> None:
    client.force_login(admin)
    entry = refused(account)
    page = around(client, entry, htmx=True)
    assert facts(page)["now"] == "the key is active and carries read"
    assert client.get(link(page, "Change scopes of scout-read")["href"]).status_code == 200
    agent_keys.change_scopes(key, COMMAND_LINE, ["read", "trade"])
    agent_keys.rotate(key, COMMAND_LINE)
    page = around(client, entry)
    assert "was rotated" in facts(page)["now"]
    assert client.get(link(page, "Open scout-read")["href"]).status_code == 200


def test_a_key_that_was_not_made_here_has_a_page_too(
    account: Account, admin: "User", client: Client
) -> None:
    client.force_login(admin)
    page = around(client, refused(account))
    assert "now" not in facts(page)
    assert client.get(link(page, "Open scout-read")["href"]).status_code == 200


@pytest.mark.parametrize("name", ["..", "a\nb", "a/b c"])
def test_a_key_has_a_link_that_can_be_followed_whatever_its_name(
    account: Account, admin: "User", client: Client, name: str
) -> None:
    client.force_login(admin)
    entry = refused(account, payload={"requiredScope": "trade", "keyName": name})
    (remedy,) = around(client, entry).all(".remedy", "a")
    # As a browser does, without dot segments.
    page = client.get(urljoin("http://testserver", remedy["href"]))
    assert page.status_code == 200
    assert "trade" in page.content.decode()


def test_a_viewer_gets_no_link_to_a_page_that_is_not_theirs(
    account: Account, user: "User", client: Client, key: AgentKey
) -> None:
    client.force_login(user)
    page = around(client, refused(account))
    assert "An admin of this account can change the key." in page.text
    assert not page.all(".remedy")


def test_an_entry_that_is_unknown_or_of_another_account_is_not_found(hub: Hub) -> None:
    for id in (UNKNOWN, make_entry().id, "x"):
        assert hub.get(f"/hub/logs/findings/{id}").status_code == 404


def test_an_entry_that_did_not_fail_has_no_reason(hub: Hub) -> None:
    (entry,) = hub.record({"result": "success", "payload": {"code": "stale_data"}})
    assert not hub.read(f"/hub/logs/{entry}").all(".why")
    assert not hub.read(f"/hub/logs/findings/{entry}").all(".facts")


def test_the_lists_around_an_entry_have_their_counts(hub: Hub) -> None:
    given = {"session_id": "s-1", "payload": {"orderId": "o,1"}}
    first, entry, third = hub.record(given, {**given, "run_id": "r-1"}, {"session_id": "s-2"})
    lists = hub.read(f"/hub/logs/findings/{entry}", htmx=True).one("#nearby")
    counts = {each.one("a").text: each.text.removeprefix(each.one("a").text).strip()
              for each in lists.all("span")}  # fmt: skip
    assert counts == {
        "Around this": "", "Session": "2", "Run": "1", "Order": "2", "Agent ±30 min": "3",
    }  # fmt: skip
    around = hub.read(link(lists, "Around this")["href"])
    assert rows(around) == [first, entry, third]
    assert around.one(f"#entry-{entry}")["aria-current"] == "true"
    assert rows(hub.read(link(lists, "Order")["href"])) == [first, entry]
    # Nothing is off for who did not come from a list.
    assert not around.all(".chip-off")
    # Before they are counted, the lists are links all the same.
    shown = hub.read(f"/hub/logs/{entry}").one("#nearby")
    assert rows(hub.read(link(shown, "Session")["href"])) == [first, entry]


def test_the_list_around_an_entry_shows_the_filters_that_it_leaves_off(hub: Hub) -> None:
    mine = {"actor": {"type": "agent", "id": "a,1", "name": "Scout"}, "result": "failure"}
    before, entry, after = hub.record({"target": None}, mine, {"result": "success"})
    origin = "?actor=a%5C%2C1&result=failure&search=quote&dateRange=24h&sort=actor"
    drawer = hub.read(f"/hub/logs/{entry}{origin}", htmx=True)
    findings = hub.read(drawer.one("#findings")["hx-get"], htmx=True)
    url = link(findings.one("#nearby"), "Around this")["href"]
    around = hub.read(url)
    assert rows(around) == [before, entry, after]
    assert off(around) == [
        *("Actor: Scout", "Result: failure", "Search: quote", "Date Range: Last 24h")
    ]

    # Each turns itself on, and only itself.
    on = hub.read(link(around, "Turn on Result: failure")["href"])
    assert rows(on) == [entry]
    assert off(on) == ["Actor: Scout", "Search: quote", "Date Range: Last 24h"]
    on = hub.read(link(on, "Turn on Date Range: Last 24h")["href"])
    assert off(on) == ["Actor: Scout", "Search: quote"]
    # Together they are the list that led here, its order too.
    assert link(around, "Turn all on")["href"] == (
        "/hub/logs?actor=a%5C%2C1&result=failure&search=quote&dateRange=24h&sort=actor"
    )
    assert not hub.read(link(around, "Clear All")["href"]).all(".chip-off")

    # What is added there is off around the next entry, with the rest.
    query = urlsplit(url).query
    further = f"/hub/logs/{after}?{query}&result=success"
    findings = hub.read(hub.read(further, htmx=True).one("#findings")["hx-get"], htmx=True)
    around = hub.read(link(findings.one("#nearby"), "Around this")["href"])
    assert off(around) == [
        *("Actor: Scout", "Result: success", "Search: quote", "Date Range: Last 24h")
    ]


def test_only_valid_filters_are_shown_as_off(hub: Hub) -> None:
    usual = "Date Range: Last 7 days"
    for given, shown in {
        "": [],
        f"search={'x' * 1_000}": [],
        "dateRange=7d": [usual],
        "nosuch=1&actor=a,,b&result=x&cursor=1&%00=%FF": [usual],
        "result=failure&result=success": [usual],
        "off=result%3Dfailure": [usual],
        "tool=quote&startDate=2026-01-01T00:00:00Z": ["Tool: quote", "Date Range: Custom"],
    }.items():
        query = urlencode({"startDate": "2026-01-02T00:00:00Z", "off": given})
        assert off(hub.logs(f"?{query}")) == shown, given


def off(page: Element) -> list[str]:
    """Return the filters of a list that are off."""
    return [each.text.removeprefix("Turn on ") for each in page.all(".chip-off")]


def test_a_failure_shows_what_changed_before_it(hub: Hub) -> None:
    payload = {"changes": [{"field": "slippageBps", "from": 50, "to": 30}]}
    changed = {"action": "bot.config.updated", "bot_id": "agent-7", "payload": payload}
    failure, change, _ = hub.record({"result": "failure"}, changed, {"result": "success"})
    part = hub.read(f"/hub/logs/findings/{failure}", htmx=True).one("#since")
    assert part.one(".changes").text == "slippageBps 50 → 30"
    assert "because" not in part.text
    assert hub.read(f"/hub/logs/{change}").one(".changes").text == "slippageBps 50 → 30"


def test_the_story_of_an_order_stands_in_its_entries_and_above_their_list(hub: Hub) -> None:
    terms = {"orderId": "ord,1", "amount": 3}
    approved = {"action": "order.approved", "payload": terms}
    created = {"action": "order.created", "payload": terms}
    filled = {"action": "order.filled", "payload": {**terms, "amount": 4}}
    last, _, first = hub.record(filled, approved, created)
    part = hub.read(f"/hub/logs/findings/{first}", htmx=True).one("#story")
    assert [each.text for each in part.all("a")] == ["Approved", "Filled"]
    assert part.one("strong")["aria-current"] == "true"
    assert part.one(".story-flaw").text.startswith("Other arguments than were approved: amount 3")
    listed = hub.read(link(hub.read(f"/hub/logs/{last}").one("#nearby"), "Order")["href"])
    above = link(listed, "The story of this order")["href"]
    assert "1 of 3 steps impossible" in hub.read(above).text
    assert hub.read(above, htmx=True).one(".story").text == part.one(".story").text
    assert "The story of this order" not in hub.logs("?orderId=a,b").text
    hub.record({"action": "order.created", "payload": {"orderId": "ord_12345"}})
    searched = link(hub.logs("?search=ord_12345"), "The story of this order")
    assert searched["href"].endswith("?orderId=ord_12345")
    # The longest that a filter takes.
    order = "o" * FACT_LENGTH
    hub.record({"action": "order.created", "payload": {"orderId": order}})
    listed = link(hub.logs(f"?orderId={order}"), "The story of this order")
    assert hub.read(listed["href"]).all(".story")


@pytest.mark.parametrize("is_part", [True, False])
def test_what_the_log_does_not_tell_in_time_is_named_and_can_be_asked_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, *, is_part: bool
) -> None:
    payload = {"orderId": "ord_1"}
    failure, _ = hub.record({"result": "failure", "payload": payload}, {"payload": payload})
    url = f"/hub/logs/findings/{failure}"
    with monkeypatch.context() as patch:
        patch.setattr(findings, "SECONDS", 1e-9)
        part = hub.read(url, htmx=is_part)
    assert [each.text for each in part.all(".absent")] == [
        "The log did not answer in time, so what changed before is missing. Try again",
        "The log did not answer in time, so the story of the order is missing. Try again",
    ]
    for again in part.all(".absent", "a"):
        part = hub.read(again["hx-get" if is_part else "href"], htmx=is_part)
    assert not part.all(".absent")
    assert part.one(".since")
    assert part.one(".story")
