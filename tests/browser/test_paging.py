"""Pages of the list, the count beside them, and reading anew."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Console
from tests.browser.logs import Held, Logs

pytestmark = pytest.mark.browser


def test_older_and_newer_lead_through_the_list_as_it_was(logs: Logs, page: Page) -> None:
    ids = logs.record_many(101)
    logs.open("?result=success")
    expect(logs.rows).to_have_count(50)
    expect(page.get_by_text("1–50 of 101")).to_be_visible()
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Newer")).to_be_disabled()
    pages.get_by_role("link", name="Older").scroll_into_view_if_needed()
    pages.get_by_role("link", name="Older").press("Enter")
    expect(page.get_by_text("51–100 of 101")).to_be_visible()
    expect(logs.rows.first).to_have_id(f"entry-{ids[50]}")
    assert "result=success&cursor=" in page.url
    assert page.evaluate("scrollY") == 0
    expect(page.locator("#results")).to_be_focused()

    logs.record({})
    pages.get_by_role("link", name="Older").click()
    expect(page.get_by_text("101–101")).to_be_visible()
    logs.shows(ids[100])
    page.reload()
    logs.shows(ids[100])
    pages.get_by_role("link", name="Newer").click()
    expect(logs.rows.first).to_have_id(f"entry-{ids[50]}")
    pages.get_by_role("link", name="Newer").click()
    logs.shows(*ids[:50])
    expect(page.get_by_text("1–50", exact=True)).to_be_visible()

    page.go_back()
    expect(logs.rows.first).to_have_id(f"entry-{ids[50]}")
    # A filter leads to the first page of its own list.
    logs.result.select_option("")
    logs.has_query("")
    expect(page.get_by_text("1–50 of 102")).to_be_visible()


def test_under_another_sort_pages_are_next_and_previous(logs: Logs, page: Page) -> None:
    ids = logs.record_many(51)
    logs.open("?sort=timestamp")
    expect(page.get_by_role("link", name="Previous")).to_be_disabled()
    page.get_by_role("link", name="Next").click()
    logs.shows(ids[0])
    page.get_by_role("link", name="Previous").click()
    expect(logs.rows).to_have_count(50)
    expect(logs.rows.first).to_have_id(f"entry-{ids[50]}")


def test_refresh_reads_anew_without_a_step_in_the_history(logs: Logs, page: Page) -> None:
    (old,) = logs.record({})
    logs.open()
    as_of = page.locator(".toolbar-as-of time")
    before = as_of.get_attribute("datetime") or ""
    steps = page.evaluate("history.length")
    (young,) = logs.record({})
    refresh = page.get_by_role("link", name="Refresh")
    refresh.press("Enter")
    logs.shows(*sorted([old, young], reverse=True))
    assert (as_of.get_attribute("datetime") or "") > before
    assert page.evaluate("history.length") == steps
    expect(refresh).to_be_focused()


def test_the_count_arrives_apart_and_never_delays_the_rows(logs: Logs, page: Page) -> None:
    logs.record_many(3)
    held = Held()
    page.route("**/hub/logs/count*", held.hold)
    logs.open()
    expect(logs.rows).to_have_count(3)
    expect(logs.count).to_have_text("", use_inner_text=True)
    logs.sort_by("Actor")
    logs.has_query("?sort=actor")
    expect(logs.rows).to_have_count(3)
    held.let_go()
    expect(logs.count).to_have_text("of 3")


def test_a_count_that_fails_says_so_in_its_place(logs: Logs, page: Page, console: Console) -> None:
    console.expect("ERR_FAILED|htmx:sendError")
    logs.record_many(3)
    page.route("**/hub/logs/count*", lambda route: route.abort())
    logs.open()
    expect(logs.count).to_have_text("of more than could be counted")
    expect(logs.rows).to_have_count(3)
    expect(logs.failure).to_be_hidden()
