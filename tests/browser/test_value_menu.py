"""The menu of a value: what it leads to from a row and from an entry, by mouse, keys and touch."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from auditlogs.query.values import Values, escape
from tests.browser.logs import Logs
from tests.browser.test_accessibility import has_no_violation
from tests.factories import ORDER, USER

pytestmark = pytest.mark.browser

# Names that look like the syntax of a filter.
LIKE_SYNTAX = ["a,b", "-a", "a\\", "\\-a", "\\,-\\\\,", "a b+c&d=e~é"]


def item(page: Page, name: str) -> Locator:
    return page.locator("#value-menu").get_by_role("menuitem", name=name)


def open_at(page: Page, value: Locator) -> None:
    """Point at a value of a row and press the chevron that appears beside it."""
    value.hover()
    page.locator("#value-frame button").click()


def test_a_value_of_a_row_is_kept_alone_joined_by_another_or_excluded(
    logs: Logs, page: Page
) -> None:
    order, refused, mine = logs.record(
        {"action": "order.created", "target": ORDER}, {"result": "failure"}, {"actor": USER}
    )
    logs.open("?sort=timestamp")
    open_at(page, logs.row(order).get_by_text("Momentum Scout"))
    expect(item(page, "Also this none chosen yet")).to_be_disabled()
    # It says how many entries it would leave.
    expect(item(page, "Only this 2")).to_be_visible()
    has_no_violation(page)
    item(page, "Only this").click()
    logs.shows(refused, order)
    logs.has_query("?sort=timestamp&actor=agent-7")
    logs.link(refused).focus()
    page.keyboard.press("m")
    item(page, "Result Failure").press("Enter")
    item(page, "Only this").press("x")
    logs.shows(order)
    logs.has_query("?sort=timestamp&actor=agent-7&result=-failure")
    page.go_back()
    page.go_back()
    logs.shows(mine, refused, order)
    open_at(page, logs.row(mine).get_by_text("Ada Lovelace"))
    page.keyboard.press("o")
    logs.shows(mine)
    logs.open("?actor=user-1&action=-config")
    open_at(page, logs.row(mine).locator(".type"))
    page.keyboard.press("o")
    logs.has_query("?actor=user-1&action=mcp")


def test_the_chevron_leaves_the_link_of_a_row_alone_whatever_the_drawer_does(
    logs: Logs, page: Page
) -> None:
    (entry,) = logs.record({})
    logs.open()
    logs.link(entry).click()
    logs.wait_for_drawer(entry)
    # The value is enclosed where it is beside the drawer.
    logs.link(entry).hover()
    expect(page.locator("#value-frame")).to_be_visible()
    page.keyboard.press("Escape")
    expect(logs.drawer).to_be_hidden()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    chevron = page.locator("#value-frame button").bounding_box()
    cell = logs.row(entry).locator(".column-action").bounding_box()
    assert chevron
    assert cell
    assert chevron["x"] + chevron["width"] == pytest.approx(cell["x"] + cell["width"], abs=1)
    logs.link(entry).click()
    logs.wait_for_drawer(entry)


def test_the_menu_writes_values_as_the_server_reads_them(logs: Logs, page: Page) -> None:
    ids = logs.record(*({"actor": {"type": "user", "id": each}} for each in LIKE_SYNTAX))
    given = Values(("user-1", "-x,y"), ("z\\", "-z"))
    logs.open()
    page.locator("#results").evaluate(
        "(results, text) => { results.dataset.url += `?actor=${encodeURIComponent(text)}` }",
        str(given),
    )
    for entry, value in zip(ids, LIKE_SYNTAX, strict=True):
        open_at(page, logs.row(entry).locator("[data-filter=actor]"))
        found = [
            parse_qs(urlsplit(item(page, name).get_attribute("href") or "").query)["actor"]
            for name in ("Only this", "Also this", "Exclude")
        ]
        wanted, unwanted = (
            tuple(each for each in side if each != value) for side in (given.wanted, given.unwanted)
        )
        also, without = Values((*wanted, value), unwanted), Values(wanted, (*unwanted, value))
        assert found == [[escape(value)], [str(also)], [str(without)]]
        page.keyboard.press("Escape")
    logs.open()
    open_at(page, logs.row(ids[4]).locator("[data-filter=actor]"))
    page.keyboard.press("o")
    logs.shows(ids[4])


def test_the_values_of_an_entry_have_a_menu_that_gives_the_focus_back(
    logs: Logs, page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    entry, other = logs.record(
        {"session_id": "s-1", "bot_id": "bot-7", "payload": {"tool": "quote_get"}}, {}
    )
    logs.open(f"?entry={entry}")
    session = page.get_by_role("button", name="Filter by Session ID: s-1")
    session.press("Enter")
    expect(item(page, "Only this")).to_be_focused()
    expect(item(page, "Open the agent")).to_be_hidden()
    page.keyboard.press("ArrowUp")
    expect(item(page, "Copy s-1")).to_be_focused()
    page.keyboard.press("Escape")
    expect(session).to_be_focused()
    expect(logs.drawer).to_be_visible()
    session.press("Enter")
    page.keyboard.press("c")
    expect(page.locator("#announcer")).to_have_text("Session ID copied")
    assert page.evaluate("navigator.clipboard.readText()") == "s-1"
    page.get_by_role("button", name="Filter by Bot ID: bot-7").press("Enter")
    expect(item(page, "Open the agent")).to_have_attribute("href", "/hub/agents/bot-7")
    page.keyboard.press("Escape")
    page.get_by_role("button", name='Filter by tool: "quote_get"').press("Enter")
    page.keyboard.press("x")
    logs.shows(other)
    logs.has_query(f"?tool=-quote_get&entry={entry}")
    page.goto(f"/hub/logs/{entry}")
    page.get_by_role("button", name="Filter by Session ID: s-1").press("Enter")
    item(page, "Only this").press("Enter")
    logs.has_query("?dateRange=all&sessionId=s-1")


@pytest.mark.browser_context_args(
    has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}
)
def test_on_a_phone_cards_and_entries_have_buttons_of_a_fingers_size(
    logs: Logs, page: Page
) -> None:
    entry, other = logs.record({"result": "failure"}, {"actor": USER})
    logs.open()
    more = logs.row(entry).get_by_role("button", name="Filter by a value of this entry")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = more.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44
    more.tap()
    item(page, "Actor Momentum Scout").tap()
    item(page, "Exclude").tap()
    logs.shows(other)
    logs.link(other).tap()
    logs.wait_for_drawer(other)
    page.get_by_role("button", name="Filter by Actor: Ada Lovelace").tap()
    has_no_violation(page)
    page.keyboard.press("Escape")
    expect(logs.drawer).to_be_visible()
    page.get_by_role("button", name="Filter by Actor: Ada Lovelace").tap()
    item(page, "Only this").tap()
    logs.has_query("?actor=user-1")
    logs.shows(other)
    expect(logs.drawer).to_be_hidden()
