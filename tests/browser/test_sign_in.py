"""Signing in and out in a real browser, with the policy that it enforces."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from playwright.sync_api import BrowserContext, Page, expect

from hub.sign_in.passwords import password_links
from tests.browser.conftest import Console
from tests.browser.logs import Logs
from tests.people import PASSWORD

pytestmark = pytest.mark.browser

NEW = "a new battery, and a stable horse"


def sign_in(page: Page, name: str, password: str) -> None:
    """Fill in the form that is shown and send it."""
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_signing_in_leads_to_the_logs_and_signing_out_away(page: Page, user: User) -> None:
    page.goto("/hub/logs?result=failure")
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(user.username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Logs")).to_be_visible()
    assert page.url.endswith("/hub/logs?result=failure")
    expect(page.get_by_role("group").get_by_text(user.username)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_lock_says_until_when_in_the_readers_zone_and_ends(
    page: Page, context: BrowserContext, user: User, console: Console
) -> None:
    console.expect("429")
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    with time_machine.travel(noon, tick=False) as clock:
        page.goto("/hub/sign-in")
        for _ in range(4):
            sign_in(page, user.username, "wrong")
            expect(page.get_by_role("alert")).to_have_text(
                "The user name and password do not match."
            )
        sign_in(page, user.username, "wrong")
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Too many failed sign-ins with this user name.")
        # The script has told it: without a word of the zone, as it is the reader's own.
        expect(alert).to_have_text(re.compile(r"Try again at 12:15:01\.\s*$"))
        sign_in(page, user.username, PASSWORD)
        expect(alert).to_have_text(re.compile(r"Try again at 12:15:01\.\s*$"))
        clock.shift(timedelta(minutes=15, seconds=2))
        sign_in(page, user.username, PASSWORD)
        expect(page.get_by_role("heading", name="Logs")).to_be_visible()


def test_an_idle_list_leads_to_sign_in_with_a_word_and_back(
    logs: Logs, page: Page, user: User
) -> None:
    logs.record({})
    logs.open()
    expect(logs.count).to_have_text("of 1")
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=3), tick=True):
        page.get_by_label("Result").select_option("failure")
        expect(page.get_by_role("status").first).to_contain_text("You were signed out")
        sign_in(page, user.username, PASSWORD)
        expect(page.get_by_role("heading", name="Logs")).to_be_visible()


def test_a_person_changes_their_password(page: Page, signed_in: None, user: User) -> None:
    page.goto("/hub/password")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("Repeat new password").fill("another")
    page.get_by_role("button", name="Change password").click()
    repeated = page.get_by_label("Repeat new password")
    expect(repeated).to_have_attribute("aria-invalid", "true")
    expect(repeated).to_have_accessible_description(re.compile("didn’t match"))
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW)
    repeated.fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password was changed.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, user.username, NEW)
    expect(page.get_by_role("heading", name="Logs")).to_be_visible()


def test_a_link_leads_to_a_password_and_in(page: Page, user: User, console: Console) -> None:
    console.expect("404")
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    link = reverse("set_password", args=[uid, password_links.make_token(user)])
    page.goto(link)
    expect(page.get_by_label("New password", exact=True)).to_be_focused()
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("Repeat new password").fill(NEW)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your password is set.")).to_be_visible()
    sign_in(page, user.username, NEW)
    expect(page.get_by_role("heading", name="Logs")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("heading", name="This link is not valid")).to_be_visible()


def test_no_text_becomes_a_script(page: Page, console: Console) -> None:
    console.expect("Trusted")
    page.goto("/hub/sign-in")
    made = page.evaluate("""() => {
        const tried = {};
        const attempt = (name, act) => {
            try { act(); tried[name] = "done"; } catch (error) { tried[name] = error.name; }
        };
        const script = document.createElement("script");
        attempt("text", () => { script.text = "1"; });
        attempt("address", () => { script.src = "/static/x.js"; });
        attempt("policy", () => trustedTypes.createPolicy("other", {}));
        attempt("second", () => trustedTypes.createPolicy("default", {}));
        attempt("markup", () => { document.createElement("p").innerHTML = "<b>x</b>"; });
        return tried;
    }""")
    assert made == {
        "text": "TypeError",
        "address": "TypeError",
        "policy": "TypeError",
        "second": "TypeError",
        "markup": "done",
    }
