"""The row of the title: its menus, and what they copy."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.logs import Logs

pytestmark = pytest.mark.browser


def test_menus_follow_the_list_close_and_copy(logs: Logs, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    logs.record({"result": "failure"}, {})
    logs.open()
    views, more = page.locator("#view-menu"), page.locator("#more-menu")
    expect(views.locator("summary")).to_have_text("View: Everything")
    views.locator("summary").click()
    more.locator("summary").click()
    expect(views).not_to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(more).not_to_have_attribute("open", "")
    expect(more.locator("summary")).to_be_focused()
    logs.result.select_option("failure")
    expect(views.locator("summary")).to_have_text("Views")
    more.locator("summary").click()
    more.get_by_role("link", name="Copy frozen link").click()
    expect(page.locator("#announcer")).to_have_text("Frozen link copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "/hub/logs?result=failure&startDate=" in copied
    expect(page).to_have_url(f"{page.url.split('/hub')[0]}/hub/logs?result=failure")
    more.get_by_role("button", name="Dense").click()
    expect(page.locator("#results")).to_have_class("results is-dense")
    logs.has_query("?result=failure")
