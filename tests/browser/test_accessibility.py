"""Every state of the page by axe, in both themes; and the page by keyboard alone."""

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from auditlogs.entry.schema import RESULTS
from hub.logs import arrivals
from tests.browser.conftest import Console, with_own_clock
from tests.browser.logs import Logs, resize
from tests.counting import count_account
from tests.factories import ORDER, SYSTEM, USER

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from auditlogs.models import Account

pytestmark = pytest.mark.browser

# Each theme and each width is seen once: the rules are about one of them or of neither. The way in
# which a page is operated comes last.
WAYS = (("dark", 390), ("light", 1440))
in_two_ways = pytest.mark.parametrize(("theme", "width"), WAYS)


# What is fading in has its colours only when it has arrived; it begins with the second frame. A
# motion whose element is replaced meanwhile may never say that it has ended, and an evaluation has
# no time limit of its own.
MOTIONS_END = """new Promise((done) => {
  const end = () => Promise.allSettled(document.getAnimations().map((each) => each.finished));
  requestAnimationFrame(() => requestAnimationFrame(() => end().then(done)));
  setTimeout(done, 2000);
})"""


def wear(page: Page, theme: str, width: int) -> None:
    """Show the page in a theme and a window of a width."""
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    resize(page, width, 900)


# Its styles are not fetched and parsed once more: only an experimental rule, which is off, asks for
# that.
OPTIONS = {"resultTypes": ["violations"], "preload": {"assets": ["media"]}}


def has_no_violation(page: Page, part: str | None = None) -> None:
    page.evaluate(MOTIONS_END)
    axe = Axe("null" if page.evaluate("'axe' in window") else AXE_SCRIPT)
    report = axe.run(page, part, OPTIONS)
    assert report.violations_count == 0, report.generate_report()


def has_no_violation_either_way(page: Page) -> None:
    """Look at the page as it stands, without loading it again for each theme and width."""
    for theme, width in WAYS:
        wear(page, theme, width)
        has_no_violation(page)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), page.url


def test_the_list_and_the_drawer_have_no_violation(logs: Logs, page: Page) -> None:
    fields = {"target": ORDER, "correlation_id": "c-1", "payload": {"a": {"apiKey": 1, "b": [1]}}}
    entry, *_ = logs.record(
        {**fields, "result": "failure"},
        {**fields, "actor": USER, "result": "partial"},
        {**fields, "actor": SYSTEM},
    )
    logs.open("?target=ord-42&action=lost&unknown=1&sort=actor")
    expect(logs.rows).to_have_count(3)
    expect(logs.count).to_have_text("of 3")
    has_no_violation_either_way(page)
    logs.actor.click()
    expect(page.get_by_role("option", name="Ada Lovelace")).to_be_visible()
    has_no_violation_either_way(page)
    page.keyboard.press("Escape")
    logs.link(entry).click()
    logs.wait_for_drawer(entry)
    has_no_violation_either_way(page)


@in_two_ways
@with_own_clock
def test_what_stands_around_the_list_has_no_violation_and_shows_the_focus(
    logs: Logs,
    page: Page,
    account: "Account",
    monkeypatch: pytest.MonkeyPatch,
    theme: str,
    width: int,
) -> None:
    monkeypatch.setattr(arrivals, "PROBE_SECONDS", 0)
    wear(page, theme, width)
    page.clock.install()
    stopped = {"provider": "jupiter"}
    logs.record(
        {"action": "circuit_breaker.opened", "actor": SYSTEM, "payload": stopped},
        {"result": "failure", "payload": {**stopped, "code": "circuit_breaker_open"}},
    )
    logs.open()
    bar = page.locator("[data-chart-bar][tabindex='0']")
    expect(bar).to_have_count(1)
    page.wait_for_load_state("networkidle")
    bar.focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("#announcer")).not_to_be_empty()
    has_no_violation(page, "#chart")
    page.keyboard.press("Escape")
    for menu in ("#view-menu", "#more-menu", "#export-menu"):
        page.locator(f"{menu} > summary").click()
        assert len(walk(page, 2)) == 2
        has_no_violation(page, menu)
        page.keyboard.press("Escape")
        expect(page.locator(f"{menu} > summary")).to_be_focused()
    logs.record({})
    page.clock.run_for(6_000)
    expect(page.locator("#refresh")).to_have_text("↑ 1 new")
    page.locator("#live").click()
    expect(page.locator("#live-status")).to_have_role("status")
    expect(page.locator("#live-status")).not_to_be_empty()
    has_no_violation(page)
    with page.expect_download():
        page.locator("#export-menu > summary").click()
        page.get_by_role("link", name="NDJSON").click()
    page.clock.run_for(2_000)
    expect(page.locator("#export-status")).to_contain_text("Exported 3 entries.")
    expect(page.locator("#announcer")).to_have_text("Exported 3 entries.")
    has_no_violation(page, "#export-status")
    count_account(account.id)
    for path in ("/hub/columns", "/hub/views/new?list=result%3Dfailure", "/hub/views"):
        page.goto(path)
        has_no_violation(page)
    page.goto("/hub/review")
    # The parts of a control for dates are the browser's own.
    page.locator("#zone").focus()
    assert walk(page, 4)[::3] == ["Show", "1: Failures"]
    walk(page, 4)
    assert walk(page, 2) == ["1: Circuit breaker open", "jupiter breaker"]
    has_no_violation(page)


def test_a_selected_row_of_any_result_has_no_violation(logs: Logs, page: Page) -> None:
    ids = logs.record(*({"result": each, "target": ORDER} for each in RESULTS))
    logs.open(f"?entry={ids[0]}")
    for entry in ids:
        logs.wait_for_drawer(entry)
        expect(logs.row(entry)).to_have_attribute("aria-current", "true")
        for theme in ("light", "dark"):
            wear(page, theme, 1440)
            has_no_violation(page, "table.entries")
        page.keyboard.press("j")


def test_the_other_states_have_no_violation(logs: Logs, page: Page, console: Console) -> None:
    console.expect("status of 503|status of 404|Response Status Error")
    logs.open()
    expect(page.get_by_role("heading", name="Nothing recorded yet")).to_be_visible()
    has_no_violation_either_way(page)
    (entry,) = logs.record({})
    logs.open("?search=nothing&entry=unknown")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    has_no_violation_either_way(page)
    logs.open("?endDate=2001-01-01T00:00:00Z")
    expect(page.get_by_role("heading", name="Older than the retention")).to_be_visible()
    has_no_violation_either_way(page)
    page.route("**/hub/logs?*", lambda route: route.fulfill(status=503))
    logs.search.fill("lost")
    expect(logs.failure).to_be_visible()
    has_no_violation_either_way(page)
    for path in (f"/hub/logs/{entry}", "/hub/logs/unknown", "/hub/logs/count", "/hub/password"):
        page.goto(path)
        has_no_violation_either_way(page)
    page.get_by_label("Current password").fill("wrong")
    for each in page.get_by_label("New password").all():
        each.fill("short")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("This password is too short.")).to_be_visible()
    has_no_violation_either_way(page)
    page.context.clear_cookies()
    page.goto("/hub/set-password/nobody/nothing")
    has_no_violation_either_way(page)
    page.goto("/hub/sign-in?because=idle")
    has_no_violation_either_way(page)
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("nothing")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The user name and password do not match.")
    has_no_violation_either_way(page)


# What has the focus: its name as it is read, and whether it can be seen to have it.
FOCUSED = r"""() => {
  const element = document.activeElement;
  const shown = [getComputedStyle(element), getComputedStyle(element, "::after")];
  const name = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label");
  const isOutlined = (style) => style.outlineStyle !== "none" && style.outlineWidth !== "0px";
  return {
    name: (name ?? element.textContent).trim().replace(/\s+/g, " "),
    visible: shown.some(isOutlined),
    box: element.getBoundingClientRect().toJSON(),
  };
}"""


def walk(page: Page, steps: int) -> list[str]:
    """Press Tab that often and return what gets the focus, each time to be seen."""
    names = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        names.append(focused["name"])
        assert focused["visible"], focused
        assert focused["box"]["width"] > 0, focused
    return names


def profile_of(user: "User", account: "Account") -> str:
    """Return what the link to a person's profile says."""
    return f"Profile: {user.username} {account.name}"


def test_the_keyboard_alone_walks_the_page(
    logs: Logs, page: Page, user: "User", account: "Account"
) -> None:
    first, second = logs.record({"correlation_id": "c-1"}, {"action": "order.created"})
    logs.open("?target=&botId=agent-7")
    expect(page.locator("[data-chart-bar][tabindex='0']")).to_have_count(1)
    assert walk(page, 10) == [
        *("Skip to content", "Hub", "Logs", "Review", "Agents", "Help", profile_of(user, account)),
        *("Dark theme", "Turn shortcuts off", "Sign out"),
    ]
    # The zone, and buttons of the title's row beside them.
    row = []
    while (name := walk(page, 1)[0]) != "Date Range":
        row.append(name)
    assert {"Views", "UTC", "Local", "More"} <= set(row)
    assert walk(page, 4) == ["Actor", "Action Type", "Result", "Search"]
    assert walk(page, 1) == ["Clear All"]
    # Arrow keys lead from one bar of the chart to the next.
    assert "0 failure, 0 partial, 2 success" in walk(page, 1)[0]
    assert walk(page, 2) == ["Remove Agent: Momentum Scout", "Refresh"]
    assert walk(page, 4) == ["Timestamp", "Actor", "Action", "Result"]
    assert walk(page, 2) == ["mcp.tool.call", "order.created"]
    page.keyboard.press("Enter")
    logs.wait_for_drawer(second)
    assert walk(page, 3) == ["Previous entry", "Permalink", "Close"]
    page.keyboard.press("Enter")
    expect(logs.link(second)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    logs.wait_for_drawer(first)
    assert walk(page, 3) == ["Next entry", "Permalink", "Close"]
    named = ("Actor: Momentum Scout", "Action: mcp.tool.call", "Action Type: mcp")
    values = (*named, "Result: Success", "Correlation ID: c-1")
    assert walk(page, 5) == [f"Filter by {value}" for value in values]
    assert walk(page, 2) == ["Copy Correlation ID", "All entries of this correlation"]


@pytest.mark.browser_context_args(viewport={"width": 390, "height": 844})
def test_the_keyboard_alone_walks_a_phone(
    logs: Logs, page: Page, user: "User", account: "Account"
) -> None:
    logs.record({})
    logs.open()
    expect(page.locator("[data-chart-bar][tabindex='0']")).to_have_count(1)
    assert walk(page, 3) == ["Skip to content", "Hub", "Menu"]
    page.keyboard.press("Enter")
    profile = profile_of(user, account)
    preferences = ("Dark theme", "Turn shortcuts off")
    assert walk(page, 8) == ["Logs", "Review", "Agents", "Help", profile, *preferences, "Sign out"]
    row = []
    while (name := walk(page, 1)[0]) != "Search":
        row.append(name)
    assert {"View: Everything", "More"} <= set(row)
    assert walk(page, 1) == ["Filters (0)"]
    assert "0 failure, 0 partial, 1 success" in walk(page, 1)[0]
    assert walk(page, 1) == ["Refresh"]


def test_a_modal_drawer_keeps_the_focus(logs: Logs, page: Page) -> None:
    page.set_viewport_size({"width": 1024, "height": 800})
    (entry,) = logs.record({})
    logs.open()
    logs.link(entry).press("Enter")
    logs.wait_for_drawer(entry)
    outside = "document.activeElement.closest('.shell > :not(#drawer)') !== null"
    for _ in range(8):
        page.keyboard.press("Tab")
        assert not page.evaluate(outside)
