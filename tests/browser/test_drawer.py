"""The drawer: an entry beside the list, which stays as it is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.logs import Held, Logs, resize
from tests.factories import ORDER, USER

pytestmark = pytest.mark.browser

FULL: dict[str, Any] = {
    "action": "order.created",
    "target": ORDER,
    "result": "partial",
    "duration": 1234.5,
    "correlation_id": "0f8b2c64-9d1e-4a57-b3c0-6e2f1d7a9b58",
    "request_id": "req_01JD2MZ7K3V9",
    "session_id": "sess_a81f33c0",
    "source_ip": "203.0.113.24",
    "payload": {"orderId": "ord-42"},
}


def test_all_twelve_fields_stand_under_the_names_of_the_specification_also_when_absent(
    logs: Logs, page: Page
) -> None:
    moment = datetime.now(UTC).replace(microsecond=384_000) - timedelta(hours=2)
    entry, empty = logs.record(
        {**FULL, "timestamp": moment}, {"timestamp": moment - timedelta(hours=1)}
    )
    logs.open()
    logs.link(entry).click()
    logs.wait_for_drawer(entry)
    expect(logs.title).to_have_text("Entry order.created")
    expect(logs.field("Timestamp")).to_have_text(moment.strftime("%Y-%m-%dT%H:%M:%S.384Z"))
    expect(logs.field("Actor")).to_contain_text("Momentum Scout")
    expect(logs.field("Actor")).to_contain_text("agent · agent-7")
    expect(logs.field("Action")).to_have_text("order.created")
    expect(logs.field("Action Type")).to_have_text("trade")
    expect(logs.field("Target")).to_contain_text("Buy SOL")
    expect(logs.field("Target")).to_contain_text("order · ord-42")
    expect(logs.field("Result")).to_have_text("Partial")
    expect(logs.field("Result").locator(".icon-partial")).to_be_visible()
    expect(logs.field("Duration")).to_have_text("1,234.5 ms")
    expect(logs.field("Correlation ID")).to_have_text("0f8b2c64-9d1e-4a57-b3c0-6e2f1d7a9b58")
    expect(logs.field("Request ID")).to_have_text("req_01JD2MZ7K3V9")
    expect(logs.field("Session ID")).to_have_text("sess_a81f33c0")
    expect(logs.field("Source IP")).to_have_text("203.0.113.24")
    payload = logs.drawer.get_by_role("region", name="Event Payload")
    expect(payload.locator(".node")).to_have_text('orderId "ord-42"')
    page.keyboard.press("j")
    logs.wait_for_drawer(empty)
    names = ["Target", "Duration", "Correlation ID", "Request ID", "Session ID", "Source IP"]
    for name in names:
        expect(logs.field(name)).to_have_text("Not recorded")
    payload = logs.drawer.get_by_role("region", name="Event Payload")
    expect(payload.get_by_text("Not recorded")).to_be_visible()
    expect(payload.get_by_role("button")).to_have_count(0)


def test_an_entry_is_seen_with_its_styles_alone(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({})
    held = Held()
    page.route("**/css/findings.css", held.hold)
    logs.open()
    logs.link(entry).press("Enter")
    logs.wait_for_drawer(entry)
    expect(logs.title).to_be_focused()
    expect(logs.drawer.locator("[data-entry]")).to_have_css("opacity", "0")
    held.let_go()
    expect(logs.drawer.locator("[data-entry]")).to_have_css("opacity", "1")


def test_a_click_anywhere_in_a_row_opens_its_entry(logs: Logs, page: Page) -> None:
    _, entry = logs.record(FULL, FULL)
    logs.open()
    for column in ("timestamp", "actor", "action", "type", "target", "result"):
        cell = logs.row(entry).locator(f"td.column-{column}").bounding_box()
        assert cell
        page.mouse.click(cell["x"] + cell["width"] - 8, cell["y"] + cell["height"] - 6)
        logs.wait_for_drawer(entry)
        logs.has_query(f"?entry={entry}")
        page.keyboard.press("Escape")
        expect(logs.drawer).to_be_hidden()


def test_the_list_is_not_disturbed(logs: Logs, page: Page) -> None:
    ids = logs.record(*[FULL] * 50)
    logs.open()
    expect(logs.rows).to_have_count(50)
    page.evaluate("document.querySelector('table').isTheSame = true")
    for width in (1280, 1440):
        resize(page, width, 900)
        logs.row(ids[30]).scroll_into_view_if_needed()
        page.mouse.move(5, 5)
        scroll, before = page.evaluate("scrollY"), logs.row(ids[30]).bounding_box()
        assert scroll > 0
        logs.link(ids[30]).click()
        logs.wait_for_drawer(ids[30])
        expect(logs.row(ids[30])).to_have_attribute("aria-current", "true")
        expect(page.locator("tr[aria-current]")).to_have_count(1)
        after = logs.row(ids[30]).bounding_box()
        assert page.evaluate("scrollY") == scroll
        assert before
        assert after
        assert after["y"] == before["y"]
        page.keyboard.press("Escape")
        expect(logs.drawer).to_be_hidden()
        assert page.evaluate("scrollY") == scroll
        assert page.evaluate("document.querySelector('table').isTheSame") is True
        expect(page.locator("tr[aria-current]")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_every_way_out_gives_the_focus_back_to_the_row(logs: Logs, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    _, entry, _ = logs.record({}, FULL, {})
    logs.open("?result=partial&sort=timestamp")
    steps = page.evaluate("history.length")
    ways: tuple[Callable[[], object], ...] = (
        lambda: page.keyboard.press("Escape"),
        lambda: page.get_by_role("link", name="Close").click(),
        page.go_back,
    )
    for leave in ways:
        logs.link(entry).press("Enter")
        logs.wait_for_drawer(entry)
        expect(logs.title).to_be_focused()
        logs.has_query(f"?result=partial&sort=timestamp&entry={entry}")
        assert page.evaluate("history.length") == steps + 1
        leave()
        expect(logs.drawer).to_be_hidden()
        expect(logs.link(entry)).to_be_focused()
        logs.has_query("?result=partial&sort=timestamp")
        # The steps are those of a reader who went there and back.
        assert page.evaluate("history.length") == steps + 1
        page.go_forward()
        logs.wait_for_drawer(entry)
        page.go_back()
        expect(logs.drawer).to_be_hidden()


def test_escape_closes_it_as_often_as_it_is_opened(logs: Logs, page: Page) -> None:
    page.set_viewport_size({"width": 1024, "height": 800})
    ids = logs.record({}, {}, {})
    logs.open()
    for entry in ids:
        logs.link(entry).press("Enter")
        logs.wait_for_drawer(entry)
        page.keyboard.press("Escape")
        expect(logs.drawer).to_be_hidden()
        expect(logs.link(entry)).to_be_focused()
        logs.has_query("")


def test_it_stands_beside_the_list_over_it_or_instead_of_it(logs: Logs, page: Page) -> None:
    (entry,) = logs.record(FULL)
    page.set_viewport_size({"width": 1440, "height": 900})
    logs.open(f"?entry={entry}")
    drawer, table = logs.drawer.bounding_box(), page.locator("table").bounding_box()
    assert drawer
    assert table
    assert drawer["x"] + drawer["width"] == 1440
    assert table["x"] + table["width"] <= drawer["x"]
    expect(page.locator("dialog:modal")).to_have_count(0)

    page.set_viewport_size({"width": 1024, "height": 800})
    expect(page.locator("dialog:modal")).to_be_visible()
    drawer, table = logs.drawer.bounding_box(), page.locator("table").bounding_box()
    assert drawer
    assert table
    assert drawer["x"] + drawer["width"] == 1024
    assert table["x"] + table["width"] > drawer["x"] > table["x"]
    page.mouse.click(drawer["x"] - 100, 300)
    expect(logs.drawer).to_be_hidden()

    page.set_viewport_size({"width": 390, "height": 844})
    logs.link(entry).click()
    logs.wait_for_drawer(entry)
    assert logs.drawer.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}


def test_previous_and_next_follow_the_list(logs: Logs, page: Page) -> None:
    failed, partial, passed = logs.record(
        {"result": "failure"}, {"result": "partial"}, {"result": "success"}
    )
    logs.open("?sort=-result")
    logs.shows(passed, partial, failed)
    logs.link(passed).click()
    logs.wait_for_drawer(passed)
    steps = page.evaluate("history.length")
    previous = page.get_by_role("link", name="Previous entry")
    following = page.get_by_role("link", name="Next entry")
    expect(previous).to_be_disabled()
    following.click()
    logs.wait_for_drawer(partial)
    logs.has_query(f"?sort=-result&entry={partial}")
    expect(logs.row(partial)).to_have_attribute("aria-current", "true")
    page.keyboard.press("j")
    logs.wait_for_drawer(failed)
    expect(following).to_be_disabled()
    # The focus is where it was, though there is nothing more to follow.
    expect(following).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("K")
    logs.wait_for_drawer(partial)
    previous.click()
    logs.wait_for_drawer(passed)
    assert page.evaluate("history.length") == steps

    logs.search.click()
    page.keyboard.type("jk")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    expect(logs.drawer.locator("[data-entry]")).to_have_attribute("data-entry", str(passed))
    page.keyboard.press("Escape")
    expect(logs.drawer).to_be_visible()


# The row, the lower edge of the table's head, which sticks, and that of the window.
GEOMETRY = """id => {
  const row = document.getElementById(`entry-${id}`).getBoundingClientRect();
  const head = document.querySelector('thead th').getBoundingClientRect();
  return [head.bottom - 1, row.top, row.bottom, window.innerHeight];
}"""


def test_stepping_keeps_the_row_in_sight(logs: Logs, page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 400})
    ids = logs.record(*[{}] * 30)
    logs.open()
    logs.link(ids[3]).click()
    logs.wait_for_drawer(ids[3])
    page.wait_for_function("innerHeight === 400")
    steps = [("j", number) for number in range(4, 10)]
    steps += [("k", number) for number in range(8, 2, -1)]
    for key, number in steps:
        page.keyboard.press(key)
        logs.wait_for_drawer(ids[number])
        page.wait_for_function("() => !document.querySelector('[aria-busy]')")
        edges = page.evaluate(GEOMETRY, str(ids[number]))
        assert edges == sorted(edges), (key, number)


def test_a_step_as_soon_as_an_entry_is_shown_loads_no_new_page(logs: Logs, page: Page) -> None:
    ids = logs.record(*[{}] * 3)
    logs.open()
    page.evaluate("""() => {
      window.isTheSamePage = true;
      const step = () => document.getElementById("entry-next").click();
      const body = document.getElementById("drawer-body");
      body.addEventListener("htmx:afterSwap", () => setTimeout(step), { once: true });
    }""")
    logs.link(ids[0]).click()
    logs.wait_for_drawer(ids[1])
    assert page.evaluate("window.isTheSamePage")


def test_neighbours_go_on_beyond_the_page(logs: Logs, page: Page) -> None:
    ids = logs.record(*[{}] * 51)
    logs.open()
    logs.link(ids[49]).click()
    logs.wait_for_drawer(ids[49])
    page.keyboard.press("j")
    logs.wait_for_drawer(ids[50])
    expect(page.get_by_text("does not match the filters")).to_have_count(0)
    page.keyboard.press("Escape")
    # It has no row on this page: the focus returns to the last one that had.
    expect(logs.link(ids[49])).to_be_focused()


def test_reload_and_sharing_keep_the_entry(logs: Logs, page: Page) -> None:
    failed, entry = logs.record({"result": "failure"}, FULL)
    logs.open()
    logs.link(entry).click()
    logs.wait_for_drawer(entry)
    page.reload()
    logs.wait_for_drawer(entry)
    logs.shows(failed, entry)
    expect(logs.row(entry)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")
    expect(logs.link(entry)).to_be_focused()
    logs.has_query("")
    page.get_by_role("link", name="order.created").click()
    logs.wait_for_drawer(entry)
    page.get_by_role("link", name="Permalink").click()
    expect(page.get_by_role("heading", level=1, name="order.created")).to_be_visible()
    expect(page.get_by_role("table")).to_have_count(0)
    expect(logs.field("Request ID")).to_have_text("req_01JD2MZ7K3V9")


def test_an_entry_outside_the_list_is_shown_and_said_to_be(logs: Logs, page: Page) -> None:
    failed, entry = logs.record({"result": "failure"}, FULL)
    logs.open(f"?result=failure&entry={entry}")
    logs.shows(failed)
    logs.wait_for_drawer(entry)
    outside = page.get_by_text("This entry does not match the filters or the range of the list.")
    expect(outside).to_be_visible()
    expect(page.get_by_role("link", name="Next entry")).to_be_disabled()

    # The list comes to hold it, and its neighbours with it: they are asked for once.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.split("?")[0]))
    logs.result.select_option("")
    logs.shows(failed, entry)
    expect(outside).to_have_count(0)
    expect(logs.row(entry)).to_have_attribute("aria-current", "true")
    logs.has_query(f"?entry={entry}")
    assert [urlsplit(url).path for url in asked].count(f"/hub/logs/{entry}") == 1
    page.get_by_role("link", name="Previous entry").click()
    logs.wait_for_drawer(failed)

    # The list around it has the filters turned off, and turns them on again one by one.
    logs.result.select_option("failure")
    logs.shows(failed)
    logs.drawer.locator("#nearby [href*='off=result%3Dfailure']").click()
    logs.shows(failed, entry)
    expect(logs.row(failed)).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Turn on Result: failure").click()
    logs.shows(failed)
    expect(page.get_by_role("list", name="Filters that are off")).to_have_text(
        "Turn on Date Range: Last 7 days Turn all on"
    )


def test_an_unknown_entry_leaves_the_list_as_it_is(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({})
    logs.open("?entry=01a20950-b9be-826b-b349-98920bde1351")
    logs.shows(entry)
    expect(page.get_by_text("Entry not found. It may have expired.")).to_be_visible()
    page.get_by_role("link", name="Close").click()
    expect(logs.drawer).to_be_hidden()
    logs.has_query("")


def test_back_through_entries_and_lists_shows_each_as_it_was(logs: Logs, page: Page) -> None:
    failed, passed = logs.record({"result": "failure"}, {})
    logs.open()
    logs.link(passed).click()
    logs.wait_for_drawer(passed)
    logs.result.select_option("failure")
    logs.shows(failed)
    logs.has_query(f"?result=failure&entry={passed}")
    expect(page.get_by_text("This entry does not match")).to_be_visible()
    logs.link(failed).click()
    logs.wait_for_drawer(failed)
    logs.has_query(f"?result=failure&entry={failed}")

    page.go_back()
    logs.shows(failed, passed)
    logs.wait_for_drawer(passed)
    expect(logs.row(passed)).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Previous entry")).to_be_enabled()
    page.go_back()
    expect(logs.drawer).to_be_hidden()
    logs.has_query("")
    page.go_forward()
    page.go_forward()
    logs.shows(failed)
    logs.wait_for_drawer(failed)


def test_an_entry_that_comes_late_does_not_open_what_was_closed(logs: Logs, page: Page) -> None:
    first, second = logs.record({}, {})
    held = Held()
    page.route(f"**/hub/logs/{second}", held.hold)
    logs.open()
    logs.link(first).click()
    logs.wait_for_drawer(first)
    page.keyboard.press("j")
    expect(page.locator("#drawer-body")).to_have_attribute("aria-busy", "true")
    page.keyboard.press("Escape")
    expect(logs.drawer).to_be_hidden()
    held.let_go()
    page.wait_for_load_state("networkidle")
    expect(logs.drawer).to_be_hidden()
    logs.has_query("")


def test_a_click_that_asks_for_a_new_tab_gets_one(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({"actor": USER})
    logs.open()
    for place in (".open-entry", "td.column-timestamp"):
        with page.context.expect_page() as opened:
            logs.row(entry).locator(place).click(modifiers=["ControlOrMeta"])
        opened.value.wait_for_url(f"**?entry={entry}")
        opened.value.close()
        expect(logs.drawer).to_be_hidden()


def test_the_tab_is_named_after_what_is_shown(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({"action": "order.created", "result": "failure"})
    logs.open()
    expect(page).to_have_title("Logs · Hub")
    logs.result.select_option("failure")
    expect(page).to_have_title("failure · Logs · Hub")
    logs.link(entry).click()
    expect(page).to_have_title("order.created failure · Logs · Hub")
    page.keyboard.press("Escape")
    expect(page).to_have_title("failure · Logs · Hub")
    page.go_back()
    expect(page).to_have_title("Logs · Hub")
