"""The row of the title: its menus, and what they copy."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.logs import Held, Logs

pytestmark = pytest.mark.browser


def test_menus_follow_the_list_close_and_copy(logs: Logs, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    logs.record({"result": "failure"}, {})
    held = Held()
    page.route("**/js/copy.js", held.hold)
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
    held.let_go()
    expect(page.locator("#announcer")).to_have_text("Frozen link copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "/hub/logs?result=failure&startDate=" in copied
    expect(page).to_have_url(f"{page.url.split('/hub')[0]}/hub/logs?result=failure")
    more.get_by_role("button", name="Dense").click()
    expect(page.locator("#results")).to_have_class("results is-dense")
    logs.has_query("?result=failure")


def test_each_shortcut_is_changed_or_left_without_a_key(logs: Logs, page: Page) -> None:
    logs.record({}, {})
    logs.open()
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    page.keyboard.press("?")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Search").fill("j")
    expect(dialog.get_by_role("status")).to_have_text("J is taken: Next entry, beside an open one.")
    dialog.get_by_label("Search").fill("s")
    dialog.get_by_label("This list of shortcuts").fill("")
    page.keyboard.press("Escape")
    logs.open()
    page.keyboard.press("?")
    expect(dialog).not_to_be_visible()
    page.keyboard.press("/")
    expect(logs.search).not_to_be_focused()
    page.keyboard.press("s")
    expect(logs.search).to_be_focused()
    page.locator("#more-menu > summary").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    dialog.get_by_role("button", name="Reset").click()
    expect(dialog.get_by_label("Search")).to_have_value("/")
