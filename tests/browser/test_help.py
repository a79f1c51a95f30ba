"""From an entry to the help, as a reader goes; and its pages by axe, in both themes."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.logs import Logs
from tests.browser.test_accessibility import has_no_violation_either_way

pytestmark = pytest.mark.browser

PATHS = ("/hub/help/scopes", "/hub/help/order-lifecycle", "/hub/help/error-codes")
REFUSED = {
    "tool": "trade_execute",
    "status": 403,
    "code": "insufficient_scope",
    "requiredScope": "trade",
    "keyName": "scout-read",
    "keyScopes": ["read"],
}
LACKED = "The key scout-read lacked the scope trade, which trade_execute needs."


@pytest.mark.parametrize("width", [1440, 390])
def test_a_scope_failure_leads_to_the_scopes_and_back(logs: Logs, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    (entry,) = logs.record({"result": "failure", "payload": REFUSED})
    logs.open("?result=failure")
    logs.link(entry).click()
    logs.wait_for_drawer(entry)
    expect(logs.drawer.locator(".why")).to_contain_text(LACKED)
    logs.drawer.get_by_role("link", name="Scopes and Access Control").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Scopes and Access Control")
    expect(page.get_by_role("region", name="trade")).to_contain_text("trade_execute")
    page.go_back()
    logs.wait_for_drawer(entry)


def test_an_error_leads_to_its_own_place(logs: Logs, page: Page) -> None:
    rejected = {"action": "order.rejected", "payload": {"code": "circuit_breaker_open"}}
    (entry,) = logs.record({**rejected, "result": "failure"})
    logs.open(f"?entry={entry}")
    logs.drawer.get_by_role("link", name="About this error").click()
    expect(page).to_have_url(re.compile("/hub/help/error-codes#circuit_breaker_open$"))
    expect(page.locator("#circuit_breaker_open")).to_be_in_viewport()
    page.get_by_role("link", name="Order Lifecycle").first.click()
    expect(page.get_by_role("img", name="Diagram of the states of an order")).to_be_visible()


def test_the_help_has_no_violation_and_is_no_wider_than_the_window(logs: Logs, page: Page) -> None:
    for path in PATHS:
        page.goto(path)
        has_no_violation_either_way(page)
    (entry,) = logs.record({"result": "failure", "payload": REFUSED})
    page.goto(f"/hub/logs/{entry}")
    expect(page.locator(".why")).to_contain_text(LACKED)
    has_no_violation_either_way(page)
