"""The filter bar: a change applies at once, and the address follows."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.logs import Held, Logs
from tests.factories import AGENT, ORDER, USER

pytestmark = pytest.mark.browser

in_new_york = pytest.mark.browser_context_args(timezone_id="America/New_York")


def test_typing_applies_after_a_pause_with_focus_and_caret_kept(logs: Logs, page: Page) -> None:
    order, call = logs.record({"action": "order.created"}, {"action": "mcp.tool.call"})
    logs.open()
    logs.shows(order, call)
    page.keyboard.press("/")
    page.keyboard.type("order", delay=20)
    logs.shows(order)
    logs.has_query("?search=order")
    expect(logs.search).to_be_focused()

    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    expect(logs.search).to_be_focused()
    assert logs.search.evaluate("field => field.selectionStart") == 1
    page.keyboard.type("r")
    logs.shows(order)


def test_typing_is_one_step_in_the_history(logs: Logs, page: Page) -> None:
    order, call = logs.record({"action": "order.created"}, {"action": "mcp.tool.call"})
    logs.open()
    steps = page.evaluate("history.length")

    logs.search.fill("or")
    logs.has_query("?search=or")
    logs.search.fill("order.c")
    logs.has_query("?search=order.c")
    logs.search.fill("order.created")
    logs.has_query("?search=order.created")
    page.keyboard.press("Enter")
    assert page.evaluate("history.length") == steps + 1

    page.go_back()
    logs.has_query("")
    logs.shows(order, call)
    expect(logs.search).to_have_value("")
    page.go_forward()
    logs.shows(order)
    expect(logs.search).to_have_value("order.created")


def test_filters_combine_and_back_restores_all_of_them(logs: Logs, page: Page) -> None:
    refused, allowed, order = logs.record(
        {"action": "mcp.tool.call", "result": "failure"},
        {"action": "mcp.tool.call"},
        {"action": "order.created", "result": "failure", "actor": USER},
    )
    logs.open()
    expect(logs.clear_all).to_have_count(0)
    logs.type.select_option("mcp")
    logs.shows(refused, allowed)
    logs.has_query("?action=mcp")
    logs.result.focus()
    logs.result.select_option("failure")
    logs.shows(refused)
    logs.has_query("?action=mcp&result=failure")
    expect(logs.result).to_be_focused()
    logs.range.select_option("24h")
    logs.has_query("?action=mcp&result=failure&dateRange=24h")
    expect(logs.clear_all).to_be_visible()

    page.go_back()
    logs.has_query("?action=mcp&result=failure")
    expect(logs.range).to_have_value("7d")
    page.go_back()
    logs.shows(refused, allowed)
    expect(logs.result).to_have_value("")
    expect(logs.clear_all).to_be_visible()
    page.go_back()
    logs.shows(refused, allowed, order)
    expect(logs.type).to_have_value("")
    expect(logs.clear_all).to_have_count(0)
    page.go_forward()
    logs.shows(refused, allowed)
    expect(logs.type).to_have_value("mcp")


def test_clear_all_stands_at_the_right_end_and_keeps_the_sort(logs: Logs, page: Page) -> None:
    first, second = logs.record({"result": "failure"}, {})
    logs.open("?sort=timestamp&result=failure&dateRange=30d&search=mcp&target=ord-42")
    bar = page.locator("#filters").bounding_box()
    link = logs.clear_all.bounding_box()
    assert bar
    assert link
    padding = 24
    assert link["x"] + link["width"] == pytest.approx(bar["x"] + bar["width"] - padding, abs=1)

    logs.clear_all.click()
    logs.has_query("?sort=timestamp")
    logs.shows(second, first)
    expect(logs.clear_all).to_have_count(0)
    expect(logs.chips).to_have_count(0)
    expect(logs.search).to_have_value("")
    expect(logs.range).to_have_value("7d")
    expect(logs.result).to_have_value("")
    # The link is gone; the focus has gone to the list that came.
    expect(page.locator("#results")).to_be_focused()

    page.go_back()
    expect(logs.chips).to_have_count(1)
    expect(logs.search).to_have_value("mcp")
    expect(logs.range).to_have_value("30d")
    expect(logs.clear_all).to_be_visible()


def test_a_chip_is_taken_away_alone_and_comes_back_with_back(logs: Logs, page: Page) -> None:
    scout, other = logs.record({"target": ORDER}, {"actor": USER, "target": ORDER})
    logs.open("?botId=agent-7&target=ord-42&result=success")
    logs.shows(scout)
    expect(logs.chips).to_have_text(["Agent: Momentum Scout", "Target: ord-42"])

    page.get_by_role("link", name="Remove Agent: Momentum Scout").click()
    logs.shows(scout, other)
    logs.has_query("?target=ord-42&result=success")
    expect(logs.chips).to_have_text(["Target: ord-42"])
    expect(logs.result).to_have_value("success")

    page.go_back()
    logs.shows(scout)
    expect(logs.chips).to_have_text(["Agent: Momentum Scout", "Target: ord-42"])


def test_an_exact_action_stays_until_a_type_takes_its_place(logs: Logs) -> None:
    created, filled = logs.record({"action": "order.created"}, {"action": "order.filled"})
    logs.open("?action=order.created")
    expect(logs.type).to_have_value("")
    expect(logs.chips).to_have_text(["Action: order.created"])
    logs.result.select_option("success")
    logs.has_query("?action=order.created&result=success")
    logs.shows(created)
    logs.type.select_option("trade")
    logs.has_query("?action=trade&result=success")
    logs.shows(created, filled)
    expect(logs.chips).to_have_count(0)


def test_a_message_stands_at_its_control_and_follows_the_address(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({"result": "failure"})
    logs.open("?result=lost")
    message = page.locator("#result-message")
    expect(message).to_have_text("“lost” is not a result. Showing all results.")
    expect(logs.result).to_have_accessible_description(message.inner_text())
    logs.shows(entry)

    logs.result.select_option("failure")
    expect(message).to_be_empty()
    logs.shows(entry)
    page.go_back()
    expect(message).to_have_text("“lost” is not a result. Showing all results.")
    expect(logs.result).to_have_value("")

    logs.search.fill("a b c d e f g h i")
    expect(page.locator("#search-message")).to_have_text(
        "A search can have at most 8 words. Showing entries without a search."
    )
    logs.shows(entry)


@in_new_york
def test_a_custom_range_is_in_the_readers_zone(logs: Logs, page: Page) -> None:
    old, new = "2026-03-01T05:30:00Z", "2026-03-01T06:00:00.250Z"
    logs.open()
    start, end = page.get_by_label("Start"), page.get_by_label("End")
    expect(start).to_be_hidden()
    logs.range.select_option("custom")
    expect(page.locator("#filters").get_by_text("America/New_York")).to_have_count(2)
    # It starts as the range that was shown.
    expect(start).not_to_have_value("")
    start.fill("2026-03-01T00:30")
    end.fill("2026-03-01T01:00:00.250")
    page.wait_for_url("**/logs?*endDate*")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked == {"startDate": [old.replace("Z", ".000Z")], "endDate": [new]}
    expect(page.get_by_role("heading", name="Older than the retention")).to_be_visible()

    end.fill("2026-02-28T00:00")
    message = page.locator("#startDate-message")
    expect(message).to_have_text("The start is after the end. Showing the last 7 days.")
    expect(start).to_have_value("2026-03-01T00:30")
    expect(end).to_have_value("2026-02-28T00:00")
    # A digit too many.
    end.fill("20266-02-28T00:00")
    expect(page.locator("#endDate-message")).to_contain_text("is not a date and time.")
    logs.range.select_option("7d")
    logs.has_query("")
    expect(message).to_be_empty()
    expect(start).to_be_hidden()


@in_new_york
def test_no_other_filter_alters_a_range(logs: Logs, page: Page) -> None:
    # The later of two instants that a clock in New York showed as 01:30, and a time finer than
    # the clock of a browser.
    query = "?startDate=2026-11-01T06%3A30%3A00Z&endDate=2026-11-08T00%3A00%3A00.123456Z"
    logs.open(query)
    expect(page.get_by_label("Start")).to_have_value("2026-11-01T01:30")
    logs.result.select_option("failure")
    logs.has_query(f"{query}&result=failure")
    logs.search.fill("order")
    logs.has_query(f"{query}&result=failure&search=order")
    page.reload()
    logs.result.select_option("")
    logs.has_query(f"{query}&search=order")


def test_a_range_that_is_being_typed_stays_open_and_is_one_step(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({})
    logs.open()
    logs.range.select_option("custom")
    page.wait_for_url("**/logs?startDate=*")
    steps = page.evaluate("history.length")
    start = page.get_by_label("Start")
    start.fill("")
    logs.has_query("?dateRange=all")
    expect(start).to_be_visible()
    start.fill("2026-01-01T00:00")
    page.wait_for_url("**/logs?startDate=2026-01-01*")
    logs.shows(entry)
    expect(page.get_by_text("Entries are kept for 30 days")).to_be_visible()
    assert page.evaluate("history.length") == steps + 1


def test_an_answer_that_comes_late_replaces_nothing_newer(logs: Logs, page: Page) -> None:
    failed, order = logs.record({"result": "failure"}, {"action": "order.created"})
    held = Held()
    page.route("**/hub/logs?search=order", held.hold)
    logs.open()
    logs.search.fill("order")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "true")
    logs.search.fill("")
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")
    logs.search.fill("order")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "true")
    logs.sort_by("Result")
    logs.has_query("?sort=result")
    held.let_go()
    page.wait_for_load_state("networkidle")
    logs.shows(failed, order)
    logs.has_query("?sort=result")
    expect(logs.clear_all).to_have_count(0)


def test_back_twice_shows_the_list_of_the_address(logs: Logs, page: Page) -> None:
    failed, passed = logs.record({"result": "failure"}, {})
    logs.open()
    logs.result.select_option("failure")
    logs.shows(failed)
    logs.sort_by("Actor")
    logs.has_query("?result=failure&sort=actor")
    logs.result.select_option("")
    logs.has_query("?sort=actor")
    logs.shows(failed, passed)

    held = Held()
    page.route("**/hub/logs?result=failure&sort=actor", held.hold)
    page.go_back()
    expect(page.locator("#results")).to_have_attribute("aria-busy", "true")
    page.go_forward()
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")
    held.let_go()
    page.wait_for_load_state("networkidle")
    logs.has_query("?sort=actor")
    logs.shows(failed, passed)
    expect(logs.result).to_have_value("")


def test_back_leads_past_a_skip_link_to_the_list_before(logs: Logs, page: Page) -> None:
    failed, passed = logs.record({"result": "failure"}, {})
    logs.open()
    page.get_by_role("link", name="Skip to content").press("Enter")
    expect(page.locator("#main")).to_be_focused()
    logs.result.select_option("failure")
    logs.shows(failed)
    page.go_back()
    logs.shows(failed, passed)


@pytest.mark.browser_context_args(viewport={"width": 390, "height": 844})
def test_on_a_phone_the_filters_fold(logs: Logs, page: Page) -> None:
    failed, _ = logs.record({"result": "failure", "actor": AGENT}, {})
    logs.open("?dateRange=24h")
    expect(logs.search).to_be_visible()
    expect(logs.result).to_be_hidden()
    button = page.get_by_role("button", name="Filters (1)")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(logs.range).to_be_focused()
    logs.result.select_option("failure")
    logs.shows(failed)
    expect(page.get_by_role("button", name="Filters (2)")).to_be_visible()
    page.get_by_label("Sort").select_option("timestamp")
    logs.has_query("?dateRange=24h&result=failure&sort=timestamp")
    logs.clear_all.click()
    logs.has_query("?sort=timestamp")
    expect(page.get_by_role("button", name="Filters (0)")).to_be_visible()

    # What is wrong at a control is seen without unfolding it.
    logs.open("?result=lost")
    expect(page.get_by_text("“lost” is not a result. Showing all results.")).to_be_visible()
