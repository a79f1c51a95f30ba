"""Copying: what is copied, the confirmation in its place, and the word to screen readers."""

import json

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Console
from tests.browser.logs import Logs

pytestmark = pytest.mark.browser

CORRELATION = "0f8b2c64-9d1e-4a57-b3c0-6e2f1d7a9b58"
REQUEST = "req_01JD2MZ7K3V9"
FIELDS = {"correlation_id": CORRELATION, "request_id": REQUEST, "payload": {"tool": "quote_get"}}
WITHOUT_CLIPBOARD = "Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined })"


def copied(page: Page) -> str:
    """Return what the clipboard holds, as a reader's own tools see it."""
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


at_width = pytest.mark.parametrize("width", [1440, 1024], ids=["beside", "modal"])


@at_width
def test_copying_confirms_in_place_and_is_announced(
    logs: Logs, page: Page, context: BrowserContext, console: Console, width: int
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.set_viewport_size({"width": width, "height": 800})
    (entry,) = logs.record(FIELDS)
    logs.open(f"?entry={entry}")
    announcer = page.locator("#drawer [data-announcer]" if width == 1024 else "#announcer")
    for name, text in (("Correlation ID", CORRELATION), ("Request ID", REQUEST)):
        button = page.get_by_role("button", name=f"Copy {name}")
        button.press("Enter")
        expect(button.locator(".icon-done")).to_be_visible()
        expect(button.locator(".icon-copy")).to_be_hidden()
        expect(announcer).to_have_text(f"{name} copied")
        assert copied(page) == text
    page.get_by_role("button", name="Copy JSON").click()
    expect(announcer).to_have_text("Event Payload copied")
    assert copied(page) == '{\n  "tool": "quote_get"\n}'
    page.get_by_role("link", name="Copy as JSON").click()
    expect(announcer).to_have_text("Entry copied as JSON")
    assert json.loads(copied(page))["id"] == str(entry)
    page.get_by_role("button", name="Copy as curl").click()
    expect(announcer).to_have_text("Command copied, without a key")
    assert f"/api/audit-logs/{entry}" in copied(page)
    console.expect("ERR_FAILED")
    page.route("**/json/*", lambda route: route.abort())
    page.get_by_role("link", name="Copy as JSON").click()
    expect(announcer).to_contain_text("Not copied: it cannot be read now.")
    assert f"/api/audit-logs/{entry}" in copied(page)


@at_width
def test_copying_works_without_the_clipboard_api(
    logs: Logs, page: Page, context: BrowserContext, width: int
) -> None:
    page.add_init_script(WITHOUT_CLIPBOARD)
    page.set_viewport_size({"width": width, "height": 800})
    (entry,) = logs.record(FIELDS)
    logs.open(f"?entry={entry}")
    button = page.get_by_role("button", name="Copy Request ID")
    button.press("Enter")
    expect(button.locator(".icon-done")).to_be_visible()
    expect(button).to_be_focused()
    announcer = page.locator("#drawer [data-announcer]" if width == 1024 else "#announcer")
    expect(announcer).to_have_text("Request ID copied")
    expect(page.locator("textarea")).to_have_count(0)

    page.keyboard.press("Escape")
    logs.search.focus()
    page.keyboard.press("ControlOrMeta+v")
    expect(logs.search).to_have_value(REQUEST)


def test_copying_that_fails_is_told(logs: Logs, page: Page, context: BrowserContext) -> None:
    page.add_init_script(f"{WITHOUT_CLIPBOARD}; document.execCommand = () => false")
    (entry,) = logs.record(FIELDS)
    logs.open(f"?entry={entry}")
    button = page.get_by_role("button", name="Copy Correlation ID")
    button.click()
    expect(page.locator("#announcer")).to_have_text(
        "Not copied. Select the text and copy it by hand."
    )
    expect(button.locator(".icon-done")).to_be_hidden()
    expect(button).to_have_attribute("title", "Not copied")


def test_the_page_of_an_entry_copies_too(logs: Logs, page: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    (entry,) = logs.record(FIELDS)
    page.goto(f"/hub/logs/{entry}")
    page.get_by_role("button", name="Copy Correlation ID").click()
    expect(page.locator("#announcer")).to_have_text("Correlation ID copied")
    assert copied(page) == CORRELATION
