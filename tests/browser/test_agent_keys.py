"""Agents' keys in a real browser: the specification's step 5 and its monitoring tips, and axe."""

import re
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from auditlogs.entry.times import now
from auditlogs.recording.recorder import record_many
from tests.browser.logs import Logs
from tests.browser.people import sign_in
from tests.browser.test_accessibility import has_no_violation_either_way
from tests.counting import count_account

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from auditlogs.models import Account

pytestmark = pytest.mark.browser

KEYS = "/hub/api-keys"


@pytest.fixture
def as_admin(context: BrowserContext, live_server: LiveServer, admin: "User") -> "User":
    sign_in(context, live_server.url, admin)
    return admin


@pytest.fixture
def fleet(account: "Account") -> "Account":
    """An account with the demo's keys, and its stories of a missing scope and a rotated key."""
    from hub.demo import seed
    from hub.demo.people import key_for_a_trial, key_rotated
    from hub.demo.stories import scope_refused

    begin = now() - timedelta(hours=5)
    stories = (scope_refused, key_rotated, key_for_a_trial)
    told = [entry for story in stories for entry in story(Random(5), begin)]
    past = [entry for entry in told if entry.timestamp and entry.timestamp < now()]
    record_many(past, account=account.id)
    seed.agent_keys(account)
    count_account(account.id)
    return account


def test_a_scope_failure_is_followed_to_its_key_and_mended(
    page: Page, as_admin: "User", fleet: "Account"
) -> None:
    """Step 5: the failure of Momentum Scout names its key; the scope is added where it leads."""
    logs = Logs(page, fleet.id)
    page.goto("/hub/logs?actor=agent_7f3a21&result=failure")
    logs.rows.first.get_by_role("link").first.click()
    expect(logs.drawer).to_contain_text("The key scout-read lacked the scope trade")
    expect(logs.drawer.locator(".facts")).to_contain_text("the key is active and carries read")
    logs.drawer.get_by_role("link", name="Change scopes of scout-read").click()
    expect(page.get_by_label("read", exact=True)).to_be_checked()
    expect(page.get_by_label("trade", exact=True)).to_be_checked()
    page.get_by_role("button", name="Change scopes").click()
    expect(page.locator("p.banner")).to_have_text("Key scout-read now has read, trade.")
    page.get_by_role("link", name="Scopes changed").click()
    expect(logs.title).to_contain_text("api_key.scopes.updated")


def test_failed_sign_ins_are_followed_to_a_rotated_key(
    page: Page, as_admin: "User", fleet: "Account"
) -> None:
    """The tip on authentication failures: confirm on API Keys that the key is active."""
    page.goto(KEYS)
    row = page.get_by_role("table", name="Agent keys", exact=True).get_by_role(
        "row", name=re.compile("sweep-trade")
    )
    expect(row).to_contain_text("Active")
    row.get_by_role("link", name="sweep-trade").click()
    figures = page.get_by_role("table", name="Figures of the key")
    refused = figures.get_by_role("row", name=re.compile("Refused: the key itself"))
    expect(refused.get_by_role("cell").first).to_have_text("0")
    count = int(refused.get_by_role("link").inner_text())
    assert count >= 8
    refused.get_by_role("link").click()
    expect(page.locator("table.entries tbody tr")).to_have_count(count)
    page.locator("table.entries tbody tr").first.get_by_role("link").first.click()
    expect(page.locator("#drawer .facts")).to_contain_text("the key is active and carries")
    page.goto(KEYS)
    page.get_by_text("Seen in the log, not made here").click()
    trial = page.get_by_role("table", name="Keys seen in the log")
    trial.get_by_role("link", name=re.compile("^trial-")).click()
    expect(page.get_by_text("This key was not made here")).to_be_visible()


def test_a_key_is_rotated_and_its_new_secret_is_shown_once(
    page: Page, as_admin: "User", fleet: "Account"
) -> None:
    page.goto(f"{KEYS}/agent/key/key_c41d88")
    page.get_by_role("link", name="Rotate").first.click()
    page.get_by_label("The former secret stays valid for").select_option("1 hour")
    page.get_by_role("button", name="Rotate key").click()
    expect(page.locator("#secret")).to_have_text(re.compile("auda_[0-9A-Za-z]{36}"))
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("This key was rotated meanwhile.")
    expect(page.locator("#secret")).to_have_count(0)


def test_no_page_has_a_violation_or_is_wider_than_the_window(
    page: Page, as_admin: "User", fleet: "Account"
) -> None:
    page.goto(KEYS)
    page.get_by_text("Seen in the log, not made here").click()
    has_no_violation_either_way(page)
    paths = ("agent/key/key_7f3a21", "agent/key/key_c41d88", "agent/new", "agent/rotate/key_7f3a21")
    for path in (*paths, "agent/scopes/key_7f3a21", "agent/revoke/key_7f3a21"):
        page.goto(f"{KEYS}/{path}")
        has_no_violation_either_way(page)
    page.goto(f"{KEYS}/agent/new")
    page.get_by_label("Name").fill("x")
    page.get_by_role("button", name="Create key").click()
    has_no_violation_either_way(page)
