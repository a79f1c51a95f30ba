"""Signing in and out in a real browser, with the policy that it enforces."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_signing_in_leads_to_the_logs_and_signing_out_away(page: Page, user: User) -> None:
    page.goto("/hub/logs?result=failure")
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(user.username)
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery staple")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Logs")).to_be_visible()
    assert page.url.endswith("/hub/logs?result=failure")
    expect(page.get_by_role("group").get_by_text(user.username)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
