"""The chart in a browser: a range is chosen by a drag or by keys, and Back undoes it."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from auditlogs.entry.times import now
from tests.browser.conftest import Console
from tests.browser.logs import Logs
from tests.browser.test_failures import PROVOKED, refuse

pytestmark = pytest.mark.browser


def test_a_drag_and_the_keys_zoom_and_back_undoes_it(logs: Logs, page: Page) -> None:
    old, recent = (now() - timedelta(hours=hours) for hours in (20, 3))
    early, late = logs.record({"timestamp": old}, {"timestamp": recent, "result": "failure"})
    logs.open("?dateRange=24h")
    bars = page.locator("[data-chart-bar]")
    expect(bars).to_have_count(49)
    drawing = page.locator("[data-chart-drawing]").bounding_box()
    assert drawing
    x, y, width = drawing["x"], drawing["y"] + 50, drawing["width"]
    page.mouse.move(x + 0.7 * width, y)
    page.mouse.down()
    page.mouse.move(x + 0.99 * width, y, steps=3)
    expect(page.locator(".chart-chosen")).to_contain_text("1 entry, 1 failure")
    page.keyboard.press("Escape")
    page.mouse.up()
    logs.shows(late, early)
    page.mouse.move(x + 0.7 * width, y)
    page.mouse.down()
    page.mouse.move(x + 0.99 * width, y, steps=3)
    page.mouse.up()
    logs.shows(late)
    expect(page.locator(".chart-hint")).to_contain_text("back to")
    page.go_back()
    logs.shows(late, early)
    expect(bars).to_have_count(49)
    bars.last.focus()
    for _ in range(10):
        page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("#announcer")).to_contain_text("1 entry, 1 failure")
    page.keyboard.press("Enter")
    logs.shows(late)


def test_a_chart_that_fails_leaves_the_rows_alone_and_can_be_retried(
    logs: Logs, page: Page, console: Console
) -> None:
    console.expect(PROVOKED)
    (entry,) = logs.record({})
    page.route("**/hub/logs/chart*", refuse)
    logs.open()
    logs.shows(entry)
    expect(page.locator("#chart")).to_contain_text("The entries below are complete.")
    expect(logs.failure).to_be_hidden()
    page.unroute("**/hub/logs/chart*")
    page.locator("#chart").get_by_role("button", name="Retry").click()
    expect(page.locator("[data-chart-bar]").first).to_be_visible()
