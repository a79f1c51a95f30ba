"""The Actor control: searchable, by keyboard and by pointer, and always by name."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from tests.browser.conftest import Console
from tests.browser.logs import Held, Logs
from tests.factories import AGENT, SYSTEM, USER

pytestmark = pytest.mark.browser

GRID = {"type": "agent", "id": "agent-9", "name": "Grid Keeper"}
GRIND = {"type": "agent", "id": "agent-10", "name": "Grinder"}
NAMELESS = {"type": "agent", "id": "agent-without-a-name"}


def test_an_actor_is_found_and_chosen_by_keyboard(logs: Logs, page: Page) -> None:
    grid, grinder, _ = logs.record({"actor": GRID}, {"actor": GRIND}, {"actor": USER})
    logs.open()
    options = page.get_by_role("option")
    logs.actor.focus()
    page.keyboard.type("gri")
    # While something is looked for, the first find is the one that Enter takes.
    expect(options.filter(has_text="Grid Keeper")).to_have_attribute("aria-selected", "true")
    expect(logs.actor).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    chosen = options.filter(has_text="Grinder")
    expect(chosen).to_have_attribute("aria-selected", "true")
    expect(logs.actor).to_have_attribute(
        "aria-activedescendant", chosen.get_attribute("id") or "none"
    )
    page.keyboard.press("Enter")
    logs.shows(grinder)
    logs.has_query("?actor=agent-10")
    expect(logs.actor).to_have_value("Grinder")
    expect(logs.actor).to_be_focused()
    expect(logs.actor).to_have_attribute("aria-expanded", "false")

    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("agent-9")
    page.keyboard.press("Enter")
    logs.shows(grid)
    expect(logs.actor).to_have_value("Grid Keeper")

    page.go_back()
    logs.shows(grinder)
    expect(logs.actor).to_have_value("Grinder")


def test_an_actor_is_chosen_by_pointer_among_agents_users_and_the_system(
    logs: Logs, page: Page
) -> None:
    scout, person, platform, nameless = logs.record(
        {"actor": AGENT}, {"actor": USER}, {"actor": SYSTEM}, {"actor": NAMELESS}
    )
    logs.open()
    logs.actor.click()
    listbox = page.get_by_role("listbox", name="Matches")
    expect(listbox).to_contain_text("Agents")
    expect(listbox).to_contain_text("Users")
    expect(listbox).to_contain_text("System")
    listbox.get_by_role("option", name="Ada Lovelace").click()
    logs.shows(person)
    logs.has_query("?actor=user-1")
    expect(listbox).to_be_hidden()

    logs.actor.click()
    listbox.get_by_role("option", name="agent-without-a-name").click()
    logs.shows(nameless)
    expect(logs.actor).to_have_value("agent-without-a-name")

    logs.actor.click()
    listbox.get_by_role("option", name="All actors").click()
    logs.shows(scout, person, platform, nameless)
    logs.has_query("")
    expect(logs.actor).to_have_value("")


def test_the_combobox_groups_its_options_announces_them_and_has_home_and_end(
    logs: Logs, page: Page
) -> None:
    logs.record({"actor": GRID}, {"actor": GRIND}, {"actor": USER})
    logs.open()
    logs.actor.click()
    agents = page.get_by_role("group", name="Agents").get_by_role("option")
    expect(agents).to_have_count(2)
    expect(page.get_by_role("group", name="Users").get_by_role("option")).to_have_count(1)
    status = page.locator("#announcer")
    expect(status).to_have_text("3 actors found")
    options = page.get_by_role("listbox", name="Matches").get_by_role("option")
    page.keyboard.press("End")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Home")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.type("grid")
    expect(status).to_have_text("1 actor found")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("nobody")
    expect(status).to_have_text("No actor matches")


def test_a_chosen_actor_is_cleared_by_a_button_or_by_emptying_the_field(
    logs: Logs, page: Page
) -> None:
    scout, person = logs.record({}, {"actor": USER})
    logs.open()
    clear = page.get_by_role("button", name="Clear this choice")
    expect(clear).to_be_hidden()
    logs.open("?actor=agent-7")
    logs.shows(scout)
    clear.click()
    logs.shows(scout, person)
    logs.has_query("")
    expect(clear).to_be_hidden()
    expect(logs.actor).to_be_focused()
    page.go_back()
    logs.shows(scout)
    expect(logs.actor).to_have_value("Momentum Scout")
    logs.search.focus()
    logs.actor.focus()
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    logs.shows(scout, person)
    logs.has_query("")


def test_escape_and_leaving_give_the_choice_up(logs: Logs, page: Page) -> None:
    scout, _ = logs.record({}, {"actor": USER})
    logs.open("?actor=agent-7")
    listbox = page.get_by_role("listbox", name="Matches")
    logs.actor.focus()
    page.keyboard.type("ada")
    expect(listbox).to_be_visible()
    page.keyboard.press("Escape")
    expect(listbox).to_be_hidden()
    expect(logs.actor).to_have_value("Momentum Scout")
    expect(logs.actor).to_be_focused()

    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("nobody at all")
    expect(listbox).to_contain_text("No actor has “nobody at all” in its name or id.")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(listbox).to_be_hidden()
    expect(logs.actor).to_have_value("Momentum Scout")
    logs.shows(scout)
    logs.has_query("?actor=agent-7")


def test_what_is_being_looked_for_stays_when_a_list_arrives(logs: Logs, page: Page) -> None:
    logs.record({}, {"actor": USER})
    held = Held()
    page.route("**/hub/logs?result=success", held.hold)
    logs.open()
    logs.result.select_option("success")
    logs.actor.focus()
    page.route("**/hub/logs/actors?search=a", Held().hold)
    # What is looked for no more is not waited for: it would hold a connection of the page.
    with page.expect_event("requestfailed", lambda request: request.url.endswith("search=a")):
        with page.expect_request("**/hub/logs/actors?search=a"):
            page.keyboard.type("a")
        page.keyboard.type("da")
    expect(page.get_by_role("option", name="Ada Lovelace")).to_be_visible()
    held.let_go()
    logs.has_query("?result=success")
    expect(logs.actor).to_have_value("ada")


def test_actors_that_cannot_be_listed_are_told(logs: Logs, page: Page, console: Console) -> None:
    console.expect("status of 503")
    page.route("**/hub/logs/actors*", lambda route: route.fulfill(status=503))
    logs.open()
    logs.actor.click()
    # In the list; a screen reader hears it, too.
    matches = page.get_by_role("listbox", name="Matches")
    expect(matches.get_by_text("The actors cannot be listed now.")).to_be_visible()


def test_a_session_that_is_over_leads_to_the_sign_in_page(logs: Logs, page: Page) -> None:
    logs.record({})
    logs.open("?result=success")
    expect(logs.count).to_have_text("of 1")
    # What is read after the page would lead to sign-in, too.
    page.wait_for_load_state("networkidle")
    Session.objects.all().delete()
    logs.actor.click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.url.endswith("/hub/sign-in?because=ended&next=/hub/logs%3Fresult%3Dsuccess")
