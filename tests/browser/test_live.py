"""New entries in a browser: counted without moving anything, or put on top while nobody reads."""

import pytest
from playwright.sync_api import Page, expect

from hub.logs import arrivals
from tests.browser.conftest import with_own_clock
from tests.browser.logs import Held, Logs

pytestmark = pytest.mark.browser
# The rows of a list to which Live has added for a long time.
MANY_ROWS = """() => {
  const body = document.querySelector(".entries tbody");
  for (let number = 0; number < 197; number += 1) {
    const row = body.rows[0].cloneNode(true);
    row.id = `entry-0${number}`;
    body.append(row);
  }
}"""


@with_own_clock
def test_new_entries_are_counted_and_live_puts_them_on_top_unless_one_reads(
    logs: Logs, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PROBE_SECONDS", 0)
    (first,) = logs.record({})
    page.clock.install()
    logs.open()
    live = page.locator("#live")
    expect(live).to_have_attribute("aria-pressed", "false")
    page.wait_for_load_state("networkidle")
    newer = logs.record({})
    page.clock.run_for(6_000)
    expect(page.locator("#refresh")).to_have_text("↑ 1 new")
    logs.shows(first)
    page.locator("#refresh").click()
    expect(logs.rows).to_have_count(2)
    expect(page.locator("#refresh")).to_have_text("Refresh")
    logs.link(first).click()
    expect(logs.drawer).to_be_visible()
    live.click()
    latest = logs.record({})
    page.clock.run_for(6_000)
    expect(page.locator("#live-status")).to_contain_text("Paused while you read · 1 waiting")
    expect(logs.rows).to_have_count(2)
    page.keyboard.press("Escape")
    page.clock.run_for(6_000)
    expect(logs.rows).to_have_count(3)
    expect(page.locator("#live-status")).to_have_text("Following new entries")
    expect(logs.row(latest[0])).to_be_visible()
    expect(logs.row(newer[0])).to_be_visible()
    held = Held()
    page.route("**/hub/logs/arrivals*", held.hold)
    with page.expect_request("**/hub/logs/arrivals*"):
        page.clock.run_for(6_000)
    page.clock.run_for(11_000)
    # A Hub that hangs is not asked again and again.
    assert held.waiting == 1
    held.let_go()
    page.wait_for_load_state("networkidle")
    # The list does not grow without end, and leaves none out between itself and the next page.
    page.evaluate(MANY_ROWS)
    expect(logs.rows).to_have_count(200)
    logs.record({})
    page.clock.run_for(6_000)
    expect(logs.rows).to_have_count(4)
