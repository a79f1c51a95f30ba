"""The whole way through a real provider and back, in a real browser with the policy it enforces."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from auditlogs.models import Account
from hub.models import Membership
from tests.provider.process import running_provider, trust

pytestmark = pytest.mark.browser
BUTTON = "Sign in with single sign-on"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider() as issuer:
        yield issuer


@pytest.fixture
def address(settings: Settings, issuer: str, live_server: LiveServer, account: Account) -> str:
    """Where the Hub is, with one person in it; a provider lets a port vary on the loopback alone,
    which it wants to be called by its number."""
    trust(settings, issuer)
    ada = User.objects.create_user("ada@example.org")
    Membership.objects.create(user=ada, account=account)
    return live_server.url.replace("localhost", "127.0.0.1")


def sign_in_there(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name="The provider's sign-in page")).to_be_visible()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("button", name="Go on").click()


def test_single_sign_on_leads_through_the_provider_to_the_page_that_was_wanted(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/hub/logs?result=failure")
    page.get_by_role("link", name=BUTTON).click()
    sign_in_there(page, "ada")
    expect(page.get_by_role("heading", name="Logs")).to_be_visible()
    assert page.url == f"{address}/hub/logs?result=failure"
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name=BUTTON).click()
    # The provider knows its person still, and asks nothing.
    expect(page.get_by_role("heading", name="Logs")).to_be_visible()


def test_whom_nobody_knows_is_told_so_where_they_came_from(page: Page, address: str) -> None:
    page.goto(f"{address}/hub/sign-in")
    page.get_by_role("link", name=BUTTON).click()
    sign_in_there(page, "mallory")
    expect(page.get_by_role("alert")).to_contain_text(
        "No user of the Hub is linked to this identity."
    )
    expect(page.get_by_label("User name")).to_be_focused()
