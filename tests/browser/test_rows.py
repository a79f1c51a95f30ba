"""The rows of the list: what a click anywhere does, and what is said when the list changes."""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.logs import Held, Logs, resize
from tests.factories import ORDER

pytestmark = pytest.mark.browser


def test_the_text_of_a_row_is_selected_and_a_click_beside_it_opens_the_entry(
    logs: Logs, page: Page
) -> None:
    (entry,) = logs.record({"target": ORDER})
    logs.open()
    # Whatever is loaded after the rows has its place by then.
    page.wait_for_load_state("networkidle")
    box = logs.row(entry).get_by_text("Momentum Scout").bounding_box()
    assert box
    page.mouse.move(box["x"] + 1, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 8, steps=4)
    page.mouse.up()
    assert page.evaluate("getSelection().toString()").startswith("Momentum")
    expect(logs.drawer).to_be_hidden()
    logs.row(entry).locator(".column-result").click()
    logs.wait_for_drawer(entry)


def test_a_middle_click_anywhere_in_a_row_opens_a_tab(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({})
    logs.open()
    for column in ("timestamp", "result", "action"):
        with page.context.expect_page() as opened:
            logs.row(entry).locator(f".column-{column}").click(button="middle")
        opened.value.wait_for_url(f"**/hub/logs?entry={entry}")
        opened.value.close()
        expect(logs.drawer).to_be_hidden()


def test_the_drawer_opens_at_once_and_esc_gives_the_entry_up(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({})
    held = Held()
    page.route(f"**/hub/logs/{entry}*", held.hold)
    logs.open()
    logs.link(entry).click()
    expect(logs.drawer).to_be_visible()
    expect(logs.drawer).to_contain_text("Loading…")
    expect(logs.row(entry)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")
    expect(logs.drawer).to_be_hidden()
    held.let_go()
    logs.has_query("")
    logs.link(entry).click()
    logs.wait_for_drawer(entry)


def test_a_row_that_is_clicked_while_a_list_loads_opens_beside_the_new_list(
    logs: Logs, page: Page
) -> None:
    kept, _ = logs.record({}, {"result": "failure"})
    lists, entries = Held(), Held()
    page.route("**/hub/logs?result=success", lists.hold)
    page.route(f"**/hub/logs/{kept}*", entries.hold)
    logs.open()
    logs.result.select_option("success")
    expect(page.locator("#results[aria-busy]")).to_be_visible()
    logs.link(kept).click()
    lists.let_go()
    logs.shows(kept)
    entries.let_go()
    logs.wait_for_drawer(kept)
    logs.has_query(f"?result=success&entry={kept}")


def wait_until(page: Page, condition: str) -> None:
    # Playwright's own wait evaluates a text within the page, which the page's policy forbids.
    deadline = time.monotonic() + 10
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def test_forward_after_esc_and_back_keeps_the_scroll(logs: Logs, page: Page) -> None:
    ids = logs.record(*[{}] * 50, *[{"result": "failure"}] * 2)
    logs.open("?result=failure")
    logs.result.select_option("success")
    expect(logs.rows).to_have_count(50)
    page.mouse.move(400, 500)
    page.mouse.wheel(0, 900)
    wait_until(page, "scrollY >= 700 && history.state.scroll === scrollY")
    before = page.evaluate("scrollY")
    logs.row(ids[25]).locator(".column-result").click()
    logs.wait_for_drawer(ids[25])
    page.keyboard.press("Escape")
    logs.has_query("?result=success")
    page.go_back()
    expect(logs.rows).to_have_count(2)
    page.go_forward()
    expect(logs.rows).to_have_count(50)
    wait_until(page, f"Math.abs(scrollY - {before}) < 2")


def test_changes_of_the_list_and_steps_of_the_drawer_are_announced(logs: Logs, page: Page) -> None:
    first, second = logs.record({}, {"action": "order.created"})
    logs.open()
    status = page.locator("#announcer")
    logs.sort_by("Actor")
    expect(status).to_have_text("Entries 1 to 2. Actor A–Z.")
    logs.search.fill("nothing like it")
    expect(status).to_have_text("No entry matches.")
    logs.search.fill("")
    expect(status).to_have_text("Entries 1 to 2. Actor A–Z.")
    logs.link(first).click()
    logs.wait_for_drawer(first)
    page.keyboard.press("j")
    logs.wait_for_drawer(second)
    expect(status).to_contain_text("order.created, success, Momentum Scout")
    page.keyboard.press("j")
    expect(status).to_have_text("This is the last entry on this page")


def test_shortcuts_of_one_key_can_be_switched_off(logs: Logs, page: Page) -> None:
    first, second = logs.record({}, {})
    logs.open()
    page.get_by_role("button", name="Turn shortcuts off").click()
    page.reload()
    page.keyboard.press("/")
    expect(logs.search).not_to_be_focused()
    logs.link(first).click()
    logs.wait_for_drawer(first)
    page.keyboard.press("j")
    logs.wait_for_drawer(first)
    page.get_by_role("button", name="Turn shortcuts on").click()
    page.keyboard.press("j")
    logs.wait_for_drawer(second)


def test_the_target_stays_visible_beside_the_drawer(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({"target": ORDER})
    logs.open(f"?entry={entry}")
    for width in (1280, 1440, 1639):
        resize(page, width)
        expect(logs.row(entry).get_by_text("Buy SOL").filter(visible=True)).to_have_count(1)


@pytest.mark.browser_context_args(forced_colors="active")
def test_forced_colours_show_which_row_is_open(logs: Logs, page: Page) -> None:
    first, second = logs.record({}, {})
    logs.open(f"?entry={first}")
    width = "element => getComputedStyle(element).outlineWidth"
    style = "element => getComputedStyle(element).outlineStyle"
    assert logs.row(first).evaluate(width) == "3px"
    assert logs.row(first).evaluate(style) == "solid"
    assert logs.row(second).evaluate(style) == "none"
