"""From the agents to one of them, and from there to its log."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.logs import Logs, resize
from tests.browser.test_accessibility import has_no_violation_either_way
from tests.browser.test_copying import copied
from tests.counting import begin_anew, count
from tests.factories import ORDER

pytestmark = pytest.mark.browser

SCOUT = {"type": "agent", "id": "agent-1", "name": "Momentum Scout"}
LONG = {"type": "agent", "id": "agent-" + "2" * 120, "name": "取引エージェント" * 30}
WIDTHS = [390, 768, 1024, 1440]


@pytest.fixture
def agents(logs: Logs) -> Logs:
    """An account with two agents, of which one has failed, counted."""
    begin_anew()
    payload = {"error": "Insufficient scope: trade " * 9}
    logs.record(
        {"actor": SCOUT, "bot_id": "bot-1", "result": "failure", "target": ORDER},
        {"actor": LONG, "bot_id": "b" * 128, "result": "failure", "payload": payload},
        {"actor": SCOUT, "bot_id": "bot-1"},
        {"actor": LONG, "bot_id": "b" * 128, "target": {"type": "t", "id": "i" * 256}},
    )
    count()
    return logs


def test_an_id_with_a_way_up_in_it_has_its_own_page(logs: Logs, page: Page) -> None:
    begin_anew()
    for bot in ("x/../y", "y"):
        logs.record({"actor": SCOUT, "bot_id": bot})
    count()
    page.goto("/hub/agents")
    page.get_by_role("row").filter(has_text="x/../y").get_by_role("link").click()
    expect(page.locator(".agent-ids code").first).to_have_text("x/../y")


def test_an_agent_leads_to_its_log_and_an_entry_back_to_it(agents: Logs, page: Page) -> None:
    page.goto("/hub/logs")
    page.get_by_role("link", name="Agents").click()
    expect(page.get_by_role("link", name="Agents")).to_have_attribute("aria-current", "page")
    row = page.get_by_role("row").filter(has_text="Momentum Scout")
    expect(row.get_by_role("img", name="1 failure in 7 days")).to_be_visible()
    # Anywhere on the row, for its link lies over all of it.
    row.get_by_role("cell").nth(3).click(force=True)
    expect(page.get_by_role("heading", name="Momentum Scout")).to_be_visible()
    page.get_by_role("link", name="Activity log").click()
    agents.has_query("?botId=bot-1")
    expect(agents.rows).to_have_count(2)
    expect(agents.chips).to_contain_text("Momentum Scout")
    agents.rows.first.locator(".open-entry").click()
    agents.field("Bot ID").get_by_role("link", name="bot-1").click()
    expect(page.get_by_role("heading", name="Momentum Scout")).to_be_visible()
    page.get_by_role("link", name="Failures", exact=True).click()
    agents.has_query("?botId=bot-1&result=failure")
    expect(agents.rows).to_have_count(1)
    page.go_back()
    page.get_by_role("listitem").get_by_role("link", name="mcp.tool.call").click()
    expect(agents.title).to_contain_text("mcp.tool.call")


def test_the_bots_id_is_copied(agents: Logs, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/hub/agents/bot-1")
    page.get_by_role("button", name="Copy Bot ID").click()
    expect(page.locator("#announcer")).to_have_text("Bot ID copied")
    assert copied(page) == "bot-1"


def test_their_pages_have_no_violation(agents: Logs, page: Page) -> None:
    for path in ("/hub/agents", "/hub/agents?search=nobody", "/hub/agents/bot-1"):
        page.goto(path)
        has_no_violation_either_way(page)
    page.get_by_text("Figures by day").click()
    has_no_violation_either_way(page)


def test_long_names_never_make_their_pages_wider(agents: Logs, page: Page) -> None:
    for path in ("/hub/agents", f"/hub/agents/{'b' * 128}"):
        page.goto(path)
        for width in WIDTHS:
            resize(page, width)
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), width


@pytest.mark.browser_context_args(viewport={"width": 390, "height": 844}, has_touch=True)
def test_on_a_phone_what_leads_on_is_large_enough_to_touch(agents: Logs, page: Page) -> None:
    for path in ("/hub/agents", "/hub/agents/bot-1"):
        page.goto(path)
        places = page.locator("main :is(a:not(.open-entry), button, input, summary):visible")
        places = places.or_(page.locator("main tbody tr:visible, .recent li:visible"))
        assert places.count() > 4
        for place in places.all():
            box = place.bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 44, place.evaluate("each => each.outerHTML")


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_scripts_their_pages_are_whole(agents: Logs, page: Page) -> None:
    page.goto("/hub/agents")
    page.get_by_label("Search").fill("scout")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Momentum Scout").click()
    page.get_by_text("Figures by day").click()
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    expect(page.get_by_role("button", name="Copy Bot ID")).to_be_hidden()
