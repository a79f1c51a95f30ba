"""Sorting by the headings: three clicks around, and the list visibly changes."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.logs import Logs
from tests.factories import AGENT, USER

pytestmark = pytest.mark.browser

# Heading, what the first and the second click ask for, and the order of entries 0, 1, 2 by each.
CYCLES = [
    ("Timestamp", "timestamp", "ascending", [2, 1, 0], "-timestamp", "descending", [0, 1, 2]),
    ("Actor", "actor", "ascending", [2, 0, 1], "-actor", "descending", [0, 1, 2]),
    ("Action", "action", "ascending", [1, 0, 2], "-action", "descending", [2, 0, 1]),
    ("Result", "result", "ascending", [2, 1, 0], "-result", "descending", [0, 1, 2]),
]


def test_each_heading_sorts_reverses_and_gives_up(logs: Logs, page: Page) -> None:
    ids = logs.record(
        {"actor": AGENT, "action": "mcp.tool.call", "result": "success"},
        {"actor": AGENT, "action": "auth.signed_in", "result": "partial"},
        {"actor": USER, "action": "order.created", "result": "failure"},
    )
    logs.open("?search=a")
    for heading, first, state, order, second, reverse, reversed_order in CYCLES:
        column = logs.heading(heading)
        default = "descending" if heading == "Timestamp" else "none"
        expect(column).to_have_attribute("aria-sort", default)

        logs.sort_by(heading)
        logs.shows(*(ids[number] for number in order))
        logs.has_query(f"?search=a&sort={first}")
        expect(column).to_have_attribute("aria-sort", state)
        expect(column.locator(".icon-ascending")).to_be_visible()
        expect(column.get_by_role("link")).to_be_focused()
        expect(page.locator("[aria-sort]:not([aria-sort=none])")).to_have_count(1)

        page.keyboard.press("Enter")
        logs.shows(*(ids[number] for number in reversed_order))
        logs.has_query(f"?search=a&sort={second}")
        expect(column).to_have_attribute("aria-sort", reverse)
        expect(column.locator(".icon-descending")).to_be_visible()

        page.keyboard.press("Enter")
        logs.shows(*ids)
        logs.has_query("?search=a")
        expect(column).to_have_attribute("aria-sort", default)
        expect(logs.search).to_have_value("a")

        page.go_back()
        logs.has_query(f"?search=a&sort={second}")
        expect(column).to_have_attribute("aria-sort", reverse)
        page.go_forward()
        logs.has_query("?search=a")
