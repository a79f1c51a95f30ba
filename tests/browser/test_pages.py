"""The pages by which people manage access, in a real browser: by mouse, by keyboard, and by axe."""

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.people import sign_in
from tests.browser.test_accessibility import has_no_violation_either_way
from tests.factories import make_entry, unique

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from auditlogs.models import Account

pytestmark = pytest.mark.browser

KEYS = "/hub/api-keys"


@pytest.fixture
def as_admin(context: BrowserContext, live_server: LiveServer, admin: "User") -> "User":
    sign_in(context, live_server.url, admin)
    return admin


def status_with(page: Page, key: str) -> int:
    """Call the API of the running server with a key."""
    headers = {"Authorization": f"Bearer {key}"}
    return page.request.get("/api/audit-logs?limit=1", headers=headers).status


def pasted(page: Page) -> str:
    """Return what was copied, as a field gets it."""
    field = page.get_by_label("Name")
    field.focus()
    page.keyboard.press("ControlOrMeta+v")
    return field.input_value()


def test_the_life_of_a_key(page: Page, as_admin: "User", account: "Account") -> None:
    make_entry(account.id)
    page.goto("/hub/logs")
    page.get_by_role("link", name="API Keys").click()
    page.get_by_label("Name").fill("billing")
    page.get_by_label("logs:read").check()
    expect(page.get_by_label("Last day (UTC)")).to_be_hidden()
    page.get_by_label("Expires").select_option("On a date")
    expect(page.get_by_label("Last day (UTC)")).to_be_visible()
    page.get_by_label("Expires").select_option("In 30 days")
    page.get_by_role("button", name="Create key").click()
    copy = page.get_by_role("button", name="Copy", exact=True)
    expect(copy).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#announcer")).to_have_text("API key copied")
    key = pasted(page)
    assert re.fullmatch(r"aud_[0-9A-Za-z]{36}", key)
    page.get_by_role("button", name="Copy example").click()
    expect(page.locator("#announcer")).to_have_text("Example copied")
    assert status_with(page, key) == 200

    page.goto(KEYS)
    expect(page.get_by_text(key)).to_have_count(0)
    expect(page.get_by_text(f"{key[:8]}…{key[-4:]}")).to_be_visible()
    page.get_by_role("link", name="What did this key do").click()
    expect(page.get_by_role("link", name="api_key.created")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Revoke billing").click()
    expect(page.get_by_role("heading", name="Revoke billing?")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    assert status_with(page, key) == 200
    page.get_by_role("link", name="Revoke billing").click()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("Key billing was revoked.")).to_be_visible()
    assert status_with(page, key) == 401


def test_reloading_the_answer_makes_no_second_key(
    page: Page, as_admin: "User", account: "Account"
) -> None:
    page.goto(KEYS)
    page.get_by_label("Name").fill("once")
    page.get_by_label("logs:write").check()
    page.get_by_label("Name").press("Enter")
    expect(page.locator("#secret")).to_be_visible()
    page.reload()
    expect(page.get_by_text("An active key already has this name.")).to_be_visible()
    expect(page.locator("#secret")).to_have_count(0)
    assert account.api_keys.count() == 1


def test_whoever_is_new_sets_a_password_and_signs_in(
    page: Page, as_admin: "User", account: "Account", context: BrowserContext
) -> None:
    name = unique("grace")
    page.goto("/hub/members")
    page.get_by_label("User name").fill(name)
    page.get_by_role("button", name="Add member").click()
    link = page.locator("#secret").inner_text()
    context.clear_cookies()
    page.goto(link)
    page.get_by_label("New password", exact=True).fill("an entirely different horse")
    page.get_by_label("Repeat new password").fill("an entirely different horse")
    page.get_by_role("button", name="Set password").click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill("an entirely different horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Logs")).to_be_visible()
    page.get_by_role("link", name=f"Profile: {name}").click()
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        text = page.evaluate("document.activeElement.textContent")
        if name in text:
            return
    pytest.fail(f"{name} cannot be reached")


def test_the_account_is_switched_by_keyboard(
    page: Page, as_admin: "User", account: "Account"
) -> None:
    from auditlogs.models import Account
    from hub.models import Membership

    other = Account.objects.create(name=unique("other"))
    Membership.objects.create(user=as_admin, account=other)
    theirs = make_entry(other.id, action="order.created")
    page.goto("/hub/logs")
    tab_to(page, "Switch account")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    tab_to(page, other.name)
    page.keyboard.press("Enter")
    expect(page.locator(f"#entry-{theirs.id}")).to_be_visible()
    expect(page.get_by_role("link", name=f"Profile: {as_admin.username}")).to_contain_text(
        other.name
    )
    # A viewer there.
    expect(page.get_by_role("link", name="API Keys")).to_have_count(0)


def test_no_page_has_a_violation_or_is_wider_than_the_window(
    page: Page, as_admin: "User", user: "User", account: "Account"
) -> None:
    from auditlogs.accounts import keys

    keys.create(account, "n" * 100, list(keys.SCOPES), bot="b" * 128, created_by="c" * 150)
    ended = keys.look_up(keys.create(account, "ended", ["logs:read"]))
    assert ended
    keys.revoke(ended)

    page.goto(KEYS)
    page.get_by_text("Ended").first.click()
    has_no_violation_either_way(page)
    page.get_by_role("button", name="Create key").evaluate("(button) => button.form.noValidate = 1")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("alert")).to_be_in_viewport()
    has_no_violation_either_way(page)
    page.get_by_label("Name").fill("k" * 100)
    page.get_by_label("logs:write").check()
    page.get_by_role("button", name="Create key").click()
    expect(page.locator("#secret")).to_be_visible()
    has_no_violation_either_way(page)
    page.get_by_role("link", name="Revoke").first.click()
    expect(page.get_by_role("button", name="Revoke key")).to_be_visible()
    has_no_violation_either_way(page)
    page.goto("/hub/members")
    page.get_by_label("User name").fill("g" * 150)
    page.get_by_role("button", name="Add member").click()
    expect(page.locator("#secret")).to_be_visible()
    has_no_violation_either_way(page)
    for path in (f"{user.pk}/role", f"{as_admin.pk}/remove", f"{user.pk}/reset"):
        page.goto(f"/hub/members/{path}")
        has_no_violation_either_way(page)
    page.goto("/hub/emitters")
    expect(page.get_by_role("row", name="n" * 100)).to_be_visible()
    has_no_violation_either_way(page)
    page.goto("/hub/settings")
    has_no_violation_either_way(page)
    page.goto("/hub/profile")
    page.get_by_role("button", name="Create session token").click()
    expect(page.locator("#secret")).to_be_visible()
    has_no_violation_either_way(page)
    page.goto("/hub/accounts")
    has_no_violation_either_way(page)
