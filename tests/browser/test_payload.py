"""The payload as a tree that folds."""

import pytest
from playwright.sync_api import Page, expect

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


def test_the_payload_unfolds_by_keyboard(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({"payload": PAYLOAD})
    logs.open(f"?entry={entry}")
    tree = logs.drawer.locator(".payload")
    expect(tree).to_contain_text('tool "trade_execute"')
    expect(tree).to_contain_text("status 403")
    expect(tree).to_contain_text("isError true")
    expect(tree.get_by_text("redacted · key-name")).to_be_visible()
    expect(tree.get_by_text("SOL/USDC")).to_be_visible()

    # Objects within objects are folded, and say how much they hold.
    route = tree.locator("summary", has_text="route")
    expect(route).to_contain_text("{1 key}")
    hops = tree.locator("summary", has_text="hops")
    expect(hops).to_be_hidden()
    route.focus()
    page.keyboard.press("Enter")
    expect(hops).to_contain_text("[2 values]")
    page.keyboard.press("Tab")
    expect(hops).to_be_focused()
    page.keyboard.press("Space")
    expect(tree.get_by_text('"b"')).to_be_visible()
    route.press("Enter")
    expect(hops).to_be_hidden()


def test_a_long_string_is_folded_behind_its_beginning(logs: Logs) -> None:
    (entry,) = logs.record({"payload": PAYLOAD})
    logs.open(f"?entry={entry}")
    beginning = logs.drawer.locator(".payload summary", has_text="error")
    whole = logs.drawer.locator(".payload .string", has_text=LONG.strip())
    expect(beginning).to_contain_text(f"{LONG[:80]}…")
    expect(whole).to_be_hidden()
    beginning.press("Enter")
    expect(whole).to_be_visible()
