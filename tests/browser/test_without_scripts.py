"""Without JavaScript every control is still a link or a form."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.logs import Logs
from tests.factories import ORDER

pytestmark = [
    pytest.mark.browser,
    pytest.mark.browser_context_args(java_script_enabled=False, timezone_id="Asia/Tokyo"),
]


def test_filters_apply_with_a_button_and_keep_what_has_no_control(logs: Logs, page: Page) -> None:
    failed, passed, _ = logs.record({"result": "failure", "target": ORDER}, {"target": ORDER}, {})
    logs.open("?target=ord-42&sort=timestamp")
    logs.shows(passed, failed)
    logs.result.select_option("failure")
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("link", name="Choose an actor").click()
    page.get_by_role("link", name="Momentum Scout").click()
    logs.shows(failed)
    expect(logs.result).to_have_value("failure")
    expect(page.get_by_label("Actor")).to_have_value("agent-7")
    expect(logs.chips).to_have_text(["Target: ord-42"])
    page.get_by_role("link", name="Clear All").click()
    logs.has_query("?sort=timestamp")
    logs.heading("Actor").get_by_role("link").click()
    logs.has_query("?sort=actor")


def test_a_type_takes_the_place_of_an_exact_action(logs: Logs, page: Page) -> None:
    created, filled, _ = logs.record(
        {"action": "order.created"}, {"action": "order.filled"}, {"action": "auth.signed_in"}
    )
    logs.open("?action=order.created")
    page.get_by_role("button", name="Apply").click()
    logs.shows(created)
    logs.type.select_option("trade")
    page.get_by_role("button", name="Apply").click()
    logs.shows(created, filled)
    expect(logs.type).to_have_value("trade")
    expect(logs.chips).to_have_count(0)


def test_a_custom_range_is_in_utc_and_marked_so(logs: Logs, page: Page) -> None:
    moment = datetime.now(UTC) - timedelta(days=2)
    inside, before = logs.record(
        {"timestamp": moment}, {"timestamp": moment - timedelta(minutes=2)}
    )
    logs.open()
    logs.shows(inside, before)
    logs.range.select_option("custom")
    page.get_by_label("Start UTC").fill(f"{moment - timedelta(minutes=1):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Apply").click()
    logs.shows(inside)
    expect(logs.range).to_have_value("custom")
    told = logs.row(inside).locator("time.ago")
    expect(told).to_have_text(f"{moment:%b} {moment.day}, {moment:%H:%M} UTC")


def test_entries_open_step_and_close_as_links(logs: Logs, page: Page) -> None:
    first, second = logs.record({}, {"correlation_id": "c-1"})
    logs.open("?result=success")
    # A click anywhere, on the time too.
    cell = logs.row(first).locator("td.column-timestamp").bounding_box()
    assert cell
    page.mouse.click(cell["x"] + 20, cell["y"] + 20)
    logs.has_query(f"?result=success&entry={first}")
    logs.wait_for_drawer(first)
    page.get_by_role("link", name="Next entry").click()
    logs.wait_for_drawer(second)
    expect(page.get_by_role("button", name="Copy Correlation ID")).to_have_count(0)
    page.get_by_role("link", name="Close").click()
    logs.has_query("?result=success")
    expect(logs.drawer).to_be_hidden()


def test_pages_and_the_count_are_links(logs: Logs, page: Page) -> None:
    ids = logs.record_many(51)
    logs.open()
    page.get_by_role("link", name="Older").click()
    logs.shows(ids[50])
    page.get_by_role("link", name="of how many?").click()
    expect(page.get_by_text("51 entries match.")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    logs.shows(ids[50])
    page.get_by_role("link", name="Refresh").click()
    expect(logs.rows).to_have_count(50)
    expect(page.get_by_text("UTC").first).to_be_visible()
    expect(page.get_by_role("button", name="Dark theme")).to_have_count(0)


@pytest.mark.browser_context_args(java_script_enabled=False, viewport={"width": 390, "height": 844})
def test_on_a_phone_the_filters_are_unfolded(logs: Logs, page: Page) -> None:
    failed, _ = logs.record({"result": "failure"}, {})
    logs.open()
    logs.result.select_option("failure")
    page.get_by_label("Sort").select_option("result")
    page.get_by_role("button", name="Apply").click()
    logs.shows(failed)
    expect(page.get_by_role("button", name="Filters")).to_have_count(0)
