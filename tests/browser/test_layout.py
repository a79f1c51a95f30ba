"""The layout at every width: nothing hides, nothing overflows, nothing jumps."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.logs import Held, Logs, resize
from tests.factories import AGENT, ORDER

pytestmark = pytest.mark.browser

CORRELATION = "0f8b2c64-9d1e-4a57-b3c0-6e2f1d7a9b58"
ARABIC = "وكيل التداول الآلي " * 8
HARD: tuple[dict[str, Any], ...] = (
    {
        "actor": {"type": "agent", "id": "a" * 128, "name": "N" * 256},
        "action": "order." + "x" * 58,
        "action_type": "trade",
        "target": {"type": "t" * 64, "id": "i" * 256, "name": "T" * 256},
        "correlation_id": "c" * 128,
        "request_id": "r" * 128,
        "session_id": "s" * 128,
        "source_ip": "f" * 128,
        "result": "partial",
        "payload": {"k" * 200: "v" * 900, "list": [["deep" * 50]]},
    },
    {
        "actor": {"type": "user", "id": "用户-1", "name": "取引エージェント" * 20},
        "target": {"type": "مفتاح", "id": "مفتاح-1", "name": ARABIC.strip()},
        "result": "failure",
    },
)
# Adds up what moved, also what moved soon after a key or a click.
WATCH_SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""


def test_long_values_never_make_the_page_wider(logs: Logs, page: Page) -> None:
    def fits(element: str = "document.documentElement") -> None:
        for width in (390, 768, 1024, 1280, 1440):
            resize(page, width)
            assert page.evaluate(f"{element}.scrollWidth <= {element}.clientWidth"), width

    long, foreign = logs.record(*HARD)
    logs.open(f"?target={'i' * 256}&correlationId={'c' * 128}")
    expect(logs.rows).to_have_count(1)
    fits()
    logs.open(f"?entry={long}")
    logs.shows(long, foreign)
    fits()
    fits("document.getElementById('drawer')")
    page.goto(f"/hub/logs/{long}")
    fits()


@pytest.mark.browser_context_args(viewport={"width": 390, "height": 844})
def test_on_a_phone_the_same_rows_are_cards(logs: Logs, page: Page) -> None:
    first, second = logs.record(
        {
            "action": "order.created",
            "target": ORDER,
            "correlation_id": CORRELATION,
            "authentication": "declared",
        },
        {},
    )
    logs.open()
    card = logs.row(first)
    for text in ("order.created", "Success", "Momentum Scout", "Buy SOL", "0f8b2c64…9b58"):
        expect(card.get_by_text(text, exact=True).filter(visible=True)).to_be_visible()
    # That the actor named itself is said beside the name; its id is in the entry.
    actor = card.locator(".column-actor .name").bounding_box()
    declared = card.locator(".declared").bounding_box()
    assert actor
    assert declared
    assert declared["x"] >= actor["x"] + actor["width"]
    expect(card.locator(".declared span")).to_be_hidden()
    expect(card.get_by_text("1 minute ago")).to_be_visible()
    expect(card.locator(".icon-success")).to_be_visible()
    expect(page.get_by_role("table", name="Entries", exact=True)).to_have_count(1)
    expect(page.locator("thead")).to_be_hidden()
    above, below = card.bounding_box(), logs.row(second).bounding_box()
    assert above
    assert below
    assert above["width"] == below["width"] > 340
    assert below["y"] >= above["y"] + above["height"]
    page.mouse.click(above["x"] + above["width"] / 2, above["y"] + above["height"] - 8)
    logs.wait_for_drawer(first)


@pytest.mark.browser_context_args(viewport={"width": 390, "height": 844}, has_touch=True)
def test_on_a_phone_every_control_is_large_enough_to_touch(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({"actor": AGENT, "target": ORDER, "correlation_id": CORRELATION})
    logs.open(f"?target=ord-42&entry={entry}")
    for place in (logs.drawer, page.locator("#filters"), page.locator("#results .toolbar")):
        controls = place.locator("a:visible, button:visible, select:visible, input:visible")
        assert controls.count() > 0
        for control in controls.all():
            box = control.bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 44, control
        if place is logs.drawer:
            page.keyboard.press("Escape")
            page.get_by_role("button", name="Filters").click()


def test_the_bar_and_the_headings_stay_in_sight(logs: Logs, page: Page) -> None:
    logs.record_many(40)
    logs.open()
    page.evaluate("scrollTo(0, 900)")
    expect(logs.search).to_be_in_viewport(ratio=1)
    expect(logs.heading("Result").get_by_role("link")).to_be_in_viewport(ratio=1)
    bar, heading = page.locator("#filters").bounding_box(), logs.heading("Result").bounding_box()
    assert bar
    assert heading
    assert bar["y"] == 0
    assert heading["y"] == pytest.approx(bar["height"], abs=1)
    # Two lines in each row, and twelve rows on the screen of a laptop.
    row = logs.rows.nth(20).bounding_box()
    assert row
    assert row["height"] == pytest.approx(49, abs=1)


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_jumps(logs: Logs, page: Page, context: BrowserContext, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.add_init_script(WATCH_SHIFTS)
    held = Held()
    page.route("**/hub/logs/count*", held.hold)
    logs.record_many(51)
    logs.open()
    logs.sort_by("Actor") if width > 390 else logs.open("?sort=actor")
    logs.has_query("?sort=actor")
    held.let_go()
    expect(logs.count).to_have_text("of 51")
    logs.search.fill("mcp")
    logs.has_query("?sort=actor&search=mcp")
    page.go_back()
    logs.has_query("?sort=actor")
    expect(logs.count).to_have_text("of 51")
    assert page.evaluate("shifted") < 0.02


@pytest.mark.parametrize("query", ["", "?startDate=2026-03-01T00:00:00Z"])
def test_nothing_jumps_when_scripts_arrive_late(
    logs: Logs, page: Page, context: BrowserContext, query: str
) -> None:
    page.add_init_script(WATCH_SHIFTS)
    held = Held()
    page.route("**/js/actors.js", held.hold)
    logs.record_many(20)
    page.goto(f"/hub/logs{query}", wait_until="commit")
    expect(logs.rows).to_have_count(20)
    page.evaluate("new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)))")
    held.let_go()
    expect(logs.actor).to_be_visible()
    expect(logs.count).to_have_text("of 20")
    assert page.evaluate("shifted") < 0.02


@pytest.mark.browser_context_args(reduced_motion="reduce")
def test_nothing_moves_for_whoever_asked_for_that(logs: Logs, page: Page) -> None:
    (entry,) = logs.record({})
    logs.open(f"?entry={entry}")
    longest = page.evaluate(
        """() => Math.max(...[...document.querySelectorAll("*")].flatMap((element) => {
          const { transitionDuration, animationDuration } = getComputedStyle(element);
          return [transitionDuration, animationDuration].map(parseFloat);
        }))"""
    )
    assert longest == 0
