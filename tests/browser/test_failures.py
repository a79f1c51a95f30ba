"""When a request fails, what was there stays, and there is a way on."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Console
from tests.browser.logs import Held, Logs

pytestmark = pytest.mark.browser


Fail = Callable[[Route], None]


def refuse(route: Route) -> None:
    route.fulfill(status=503, body="<p>not a list</p>")


def cut(route: Route) -> None:
    route.abort()


FAILURES = [
    pytest.param(refuse, "The log cannot be read now.", id="refused"),
    pytest.param(cut, "The Hub cannot be reached.", id="cut"),
]
PROVOKED = r"status of 503|ERR_FAILED|htmx:(sendError|responseError)|Response Status Error"


@pytest.mark.parametrize(("fail", "words"), FAILURES)
def test_a_list_that_fails_keeps_the_rows_and_can_be_retried(
    logs: Logs, page: Page, console: Console, fail: Fail, words: str
) -> None:
    console.expect(PROVOKED)
    failed, passed = logs.record({"result": "failure"}, {})
    logs.open()
    page.route("**/hub/logs?*", fail)
    logs.result.select_option("failure")
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
    logs.shows(failed, passed)
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")
    logs.has_query("")
    page.get_by_role("button", name="Retry").click()
    expect(logs.failure).to_be_visible()

    page.unroute("**/hub/logs?*")
    page.get_by_role("button", name="Retry").click()
    logs.shows(failed)
    expect(logs.failure).to_be_hidden()
    logs.has_query("?result=failure")
    page.go_back()
    logs.shows(failed, passed)


@pytest.mark.parametrize("fail", [refuse, cut])
def test_an_entry_that_fails_keeps_the_list_and_can_be_retried(
    logs: Logs, page: Page, console: Console, fail: Fail
) -> None:
    console.expect(PROVOKED)
    first, second = logs.record({}, {})
    logs.open()
    is_failing = True
    # One route for the whole test: taken away and put back it can miss a request.
    page.route("**/hub/logs/*", lambda route: fail(route) if is_failing else route.continue_())
    logs.link(first).click()
    told = logs.drawer.get_by_role("alert").filter(has_text="The entry cannot be read now.")
    expect(told).to_be_visible()
    logs.shows(first, second)
    logs.drawer.get_by_role("button", name="Close").click()
    expect(logs.drawer).to_be_hidden()

    is_failing = False
    logs.link(first).click()
    logs.wait_for_drawer(first)
    expect(told).to_be_hidden()
    is_failing = True
    page.keyboard.press("j")
    expect(told).to_be_visible()
    # What was read before is still there to read.
    expect(logs.drawer.locator("[data-entry]")).to_have_attribute("data-entry", str(first))
    logs.has_query(f"?entry={first}")
    is_failing = False
    logs.drawer.get_by_role("button", name="Retry").click()
    logs.wait_for_drawer(second)
    expect(told).to_be_hidden()
    logs.has_query(f"?entry={second}")


def test_while_a_list_loads_the_old_one_is_marked_as_busy(logs: Logs, page: Page) -> None:
    failed, passed = logs.record({"result": "failure"}, {})
    logs.open()
    held = Held()
    page.route("**/hub/logs?*", held.hold)
    logs.result.select_option("failure")
    results = page.locator("#results")
    expect(results).to_have_attribute("aria-busy", "true")
    logs.shows(failed, passed)
    held.let_go()
    logs.shows(failed)
    expect(results).not_to_have_attribute("aria-busy", "true")


def test_a_session_that_is_over_leads_to_sign_in_and_back(logs: Logs, page: Page) -> None:
    logs.record({})
    logs.open("?result=success")
    expect(logs.count).to_have_text("of 1")
    # What is read after the page would lead to sign-in, too.
    page.wait_for_load_state("networkidle")
    Session.objects.all().delete()
    logs.type.select_option("mcp")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["because"] == ["ended"]
    # The filter that was just chosen is kept.
    wanted = parse_qs(urlsplit(asked["next"][0]).query)
    assert wanted == {"result": ["success"], "action": ["mcp"]}
