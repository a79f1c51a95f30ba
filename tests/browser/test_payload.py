"""The payload as a tree that folds."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.logs import Logs

pytestmark = pytest.mark.browser

LONG = "insufficient scope " * 20
PAYLOAD = {
    "tool": "trade_execute",
    "status": 403,
    "isError": True,
    "error": LONG,
    "arguments": {"pair": "SOL/USDC", "apiKey": "sk_live_1", "route": {"hops": ["a", "b"]}},
    "client": {},
}


def fold(tree: Locator, name: str) -> Locator:
    """Return the line that folds the value of a key."""
    key = tree.page.locator(".key").get_by_text(name, exact=True)
    return tree.locator("summary").filter(has=key)


def test_the_payload_unfolds_by_keyboard(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({"payload": PAYLOAD})
    logs.open(f"?entry={entry}")
    tree = logs.drawer.locator(".payload")
    expect(tree).to_contain_text('tool "trade_execute"')
    expect(tree).to_contain_text("status 403")
    expect(tree).to_contain_text("isError true")
    expect(tree.get_by_text("redacted · key-name")).to_be_visible()
    expect(tree.locator(".string", has_text="SOL/USDC")).to_be_visible()

    # Objects within objects are folded, and say how much they hold and what it begins with.
    route = fold(tree, "route")
    expect(route).to_contain_text("{1 key}")
    expect(route).to_contain_text("hops: […]")
    hops = fold(tree, "hops")
    expect(hops).to_be_hidden()
    route.focus()
    page.keyboard.press("Enter")
    expect(hops).to_contain_text("[2 values]")
    page.keyboard.press("Tab")
    expect(hops).to_be_focused()
    page.keyboard.press("Space")
    expect(tree.locator(".string", has_text='"b"')).to_be_visible()
    route.press("Enter")
    expect(hops).to_be_hidden()
    beginning = fold(tree, "error")
    whole = tree.locator(".string", has_text=LONG.strip())
    expect(beginning).to_contain_text(f"{LONG[:80]}…")
    expect(whole).to_be_hidden()
    beginning.press("Enter")
    expect(whole).to_be_visible()


def test_the_payload_is_searched_expanded_and_folded(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({"payload": PAYLOAD})
    # From the list, so that its script and its styles are loaded with the drawer.
    logs.open()
    logs.link(entry).click()
    section = logs.drawer.get_by_role("region", name="Event Payload")
    tree = section.locator(".payload")
    search = section.get_by_role("searchbox", name="Search the payload")
    second = tree.locator(".string", has_text='"b"')
    search.fill('"B"')
    expect(second).to_be_visible()
    expect(section.get_by_role("status")).to_have_text("1 match")
    expect(fold(tree, "hops")).to_be_visible()
    expect(tree).to_have_css("overflow-x", "auto")
    expect(tree.get_by_text("trade_execute")).to_be_hidden()
    search.fill("nowhere")
    expect(section.get_by_role("status")).to_have_text("No matches")
    # A key brings what is inside of it.
    search.fill("route")
    expect(section.get_by_role("status")).to_have_text("1 match")
    expect(fold(tree, "route")).to_be_visible()
    fold(tree, "route").click()
    expect(fold(tree, "hops")).to_be_visible()
    # Esc empties the search, the folds are as they were before, and the drawer stays.
    search.press("Escape")
    expect(search).to_have_value("")
    expect(tree.get_by_text("trade_execute")).to_be_visible()
    expect(fold(tree, "hops")).to_be_hidden()

    section.get_by_role("button", name="Expand all").click()
    expect(second).to_be_visible()
    expect(tree.locator(".string", has_text=LONG.strip())).to_be_visible()
    section.get_by_role("button", name="Fold all").click()
    expect(tree.locator(".string", has_text="SOL/USDC")).to_be_hidden()
    expect(section.get_by_role("button", name="Expand all")).to_be_visible()

    section.locator("summary", has_text="Event Payload").press("Enter")
    expect(tree).to_be_hidden()
    expect(section.get_by_role("button", name="Copy JSON")).to_be_visible()
