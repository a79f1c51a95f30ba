"""Times: how long ago, or the date in the reader's zone, and always the full time in UTC."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from auditlogs.entry.times import format_rfc3339
from hub.ui.times import short_time
from tests.browser.conftest import with_own_clock
from tests.browser.logs import Logs, resize

pytestmark = pytest.mark.browser

# Each side of every boundary between one way of telling a time and the next.
AGES = [
    timedelta(0),
    timedelta(milliseconds=999),
    *(timedelta(seconds=number) for number in (1, 2, 59.999, 60, 119, 120, 3599, 3600, 7199.9)),
    *(timedelta(hours=number) for number in (2, 23.99, 24, 25, 47, 24 * 30, 24 * 300, 24 * 400)),
    *(timedelta(seconds=-number) for number in (0.001, 1, 3600, 86_400, 40 * 86_400)),
]
TELL = """instants => {
  for (const instant of instants) {
    const element = document.createElement("time");
    element.dateTime = instant;
    element.dataset.time = "short";
    element.className = "told";
    document.body.append(element);
  }
}"""
TOKYO = ZoneInfo("Asia/Tokyo")
in_tokyo = pytest.mark.browser_context_args(timezone_id="Asia/Tokyo")


@with_own_clock
def test_how_long_ago_is_kept_fresh(logs: Logs, page: Page) -> None:
    asked_at = datetime.now(UTC)
    recent, nearly = logs.record(
        {"timestamp": asked_at - timedelta(minutes=3, seconds=10)},
        {"timestamp": asked_at - timedelta(hours=23, minutes=50)},
    )
    page.clock.install(time=asked_at)
    logs.open()
    expect(logs.row(recent).locator("time.ago")).to_have_text("3 minutes ago")
    expect(logs.row(nearly).locator("time.ago")).to_have_text("23 hours ago")
    page.clock.fast_forward("01:00")
    expect(logs.row(recent).locator("time.ago")).to_have_text("4 minutes ago")
    page.clock.fast_forward("15:00")
    told = asked_at - timedelta(hours=23, minutes=50)
    expect(logs.row(nearly).locator("time.ago")).to_have_text(f"{told:%b} {told.day}, {told:%H:%M}")


@in_tokyo
def test_older_times_are_in_the_readers_zone_and_future_ones_absolute(
    logs: Logs, page: Page
) -> None:
    asked_at = datetime.now(UTC)
    future, old = logs.record(
        {"timestamp": asked_at + timedelta(hours=2)}, {"timestamp": asked_at - timedelta(days=5)}
    )
    page.clock.install(time=asked_at)
    logs.open(f"?entry={old}")
    instants = {future: asked_at + timedelta(hours=2), old: asked_at - timedelta(days=5)}
    for entry, instant in instants.items():
        local = instant.astimezone(TOKYO)
        year = "" if local.year == asked_at.astimezone(TOKYO).year else f", {local.year}"
        text = f"{local:%b} {local.day}{year}, {local:%H:%M}"
        expect(logs.row(entry).locator("time.ago")).to_have_text(text)
    as_of = page.locator(".toolbar-as-of time").inner_text()
    assert as_of[:5] in {
        f"{(asked_at + timedelta(minutes=late)).astimezone(TOKYO):%H:%M}" for late in (0, 1)
    }
    expect(logs.field("Timestamp")).to_have_text(format_rfc3339(instants[old]))


@with_own_clock
def test_the_year_is_told_when_it_is_not_this_one(logs: Logs, page: Page) -> None:
    told = datetime.now(UTC) - timedelta(days=2)
    (entry,) = logs.record({"timestamp": told})
    page.clock.install(time=datetime(told.year + 1, 6, 1, tzinfo=UTC))
    logs.open()
    expect(logs.row(entry).locator("time.ago")).to_have_text(
        f"{told:%b} {told.day}, {told.year}, {told:%H:%M}"
    )


@with_own_clock
def test_the_browser_tells_times_as_the_server_does(logs: Logs, page: Page) -> None:
    now = datetime(2026, 3, 1, 0, 30, 10, 500_000, tzinfo=UTC)
    page.clock.install(time=now)
    logs.open()
    page.clock.pause_at(now + timedelta(minutes=1))
    page.evaluate(TELL, [format_rfc3339(now + timedelta(minutes=1) - age) for age in AGES])
    page.clock.run_for(10_000)
    passed = timedelta(seconds=10)
    then = now + timedelta(minutes=1) + passed
    expected = [short_time(then - passed - age, then).removesuffix(" UTC") for age in AGES]
    expect(page.locator("time.told")).to_have_text(expected)


def test_hover_and_focus_show_the_full_time_in_utc(logs: Logs, page: Page) -> None:
    moment = datetime.now(UTC).replace(microsecond=384_000) - timedelta(minutes=3)
    (entry,) = logs.record({"timestamp": moment})
    logs.open()
    full = logs.row(entry).get_by_text(moment.strftime("%Y-%m-%d %H:%M:%S.384 UTC"))
    for width in (1440, 390):
        resize(page, width)
        logs.search.focus()
        expect(full).to_have_css("opacity", "0")
        logs.row(entry).locator("time.ago").hover()
        expect(full).to_have_css("opacity", "1")
        page.mouse.move(0, 0)
        expect(full).to_have_css("opacity", "0")
        logs.search.focus()
        while not logs.link(entry).evaluate("link => link === document.activeElement"):
            page.keyboard.press("Tab")
        expect(full).to_have_css("opacity", "1")
        expect(full).to_be_in_viewport(ratio=1)
        expect(logs.link(entry)).to_have_accessible_description(full.inner_text())


@in_tokyo
def test_list_range_and_chart_follow_the_zone_that_is_chosen(logs: Logs, page: Page) -> None:
    told = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    (entry,) = logs.record({"timestamp": told})
    start = told - timedelta(hours=1)
    logs.open(f"?startDate={start:%Y-%m-%dT%H:%M:%SZ}")
    clock = logs.row(entry).locator("time.clock")
    expect(clock).to_have_text(f"{told.astimezone(TOKYO):%H:%M:%S}")
    expect(page.locator(".chart-caption")).to_contain_text("Asia/Tokyo")
    page.get_by_role("button", name="UTC", exact=True).click()
    expect(page.locator(".zone-name")).to_have_text("Times in UTC")
    expect(clock).to_have_text(f"{told:%H:%M:%S}")
    expect(page.locator(".chart-caption")).to_contain_text("UTC")
    expect(page.locator("#startDate")).to_have_value(re.compile(f"{start:%Y-%m-%dT%H:%M}"))
    page.reload()
    expect(clock).to_have_text(f"{told:%H:%M:%S}")
