"""Dark and light: as the reader's system says, until the reader says otherwise."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.logs import Logs

pytestmark = pytest.mark.browser

# Notes the theme at the moment when there is a body that could be painted.
NOTE_THEME = """
  new MutationObserver(() => {
    if (document.body) window.themeAtFirst ??= document.documentElement.dataset.theme ?? "none";
  }).observe(document, { childList: true, subtree: true });
"""
LIGHT, DARK = "rgb(246, 248, 248)", "rgb(15, 19, 21)"


def test_the_switch_lasts_and_shows_before_the_first_paint(
    logs: Logs, page: Page, context: BrowserContext
) -> None:
    page.add_init_script(NOTE_THEME)
    logs.open()
    body = page.locator("body")
    expect(body).to_have_css("background-color", LIGHT)
    page.get_by_role("button", name="Dark theme").click()
    expect(body).to_have_css("background-color", DARK)
    page.reload()
    expect(body).to_have_css("background-color", DARK)
    assert page.evaluate("themeAtFirst") == "dark"
    page.get_by_role("button", name="Light theme").press("Enter")
    expect(body).to_have_css("background-color", LIGHT)
    page.goto("/hub/logs/count")
    assert page.evaluate("themeAtFirst") == "light"


@pytest.mark.browser_context_args(color_scheme="dark")
def test_the_system_decides_until_the_reader_does(logs: Logs, page: Page) -> None:
    logs.open()
    expect(page.locator("body")).to_have_css("background-color", DARK)
    page.emulate_media(color_scheme="light")
    expect(page.locator("body")).to_have_css("background-color", LIGHT)
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
