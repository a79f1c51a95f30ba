"""A signed-in browser in front of the Hub, whose console stays silent."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    WebError,
    expect,
)
from pytest_django.live_server_helper import LiveServer

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from auditlogs.models import Account
    from tests.browser.logs import Logs

# Nothing takes this long but on a machine that is busy with something else.
PATIENCE_MS = 10_000
expect.set_options(timeout=PATIENCE_MS)

# For a test that installs a clock.
with_own_clock = pytest.mark.browser_context_args()

# What htmx says about a request that a newer one has replaced.
REPLACED = re.compile(r"^htmx:(afterRequest|sendAbort)\b")


class Console:
    """What the browser complains about; a test names what it provokes."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._expected = [REPLACED]

    def expect(self, pattern: str) -> None:
        self._expected.append(re.compile(pattern))

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def hear_error(self, error: WebError) -> None:
        self.complaints.append(str(error.error))

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not any(p.search(text) for p in self._expected)]


@pytest.fixture(scope="session")
def browser_context_args(
    browser_context_args: dict[str, Any], live_server: LiveServer
) -> dict[str, Any]:
    """A laptop's window, in a zone that says whether times are told in it."""
    return {
        **browser_context_args,
        "base_url": live_server.url,
        "viewport": {"width": 1440, "height": 900},
        "locale": "en-US",
        "timezone_id": "UTC",
    }


@pytest.fixture(scope="session")
def shared_context(
    browser: Browser, browser_context_args: dict[str, Any]
) -> Iterator[BrowserContext]:
    """A context whose cache of scripts and styles serves one test after another."""
    context = browser.new_context(**browser_context_args)
    # It would stay, and once it was paused no timer of a later page would run.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context.clock, "install", refuse_clock)
        yield context
    context.close()


def refuse_clock(**_: object) -> None:
    pytest.fail("A clock is that of the whole context: mark the test `with_own_clock`.")


@pytest.fixture
def context(request: pytest.FixtureRequest, live_server: LiveServer) -> Iterator[BrowserContext]:
    """The context that tests share, emptied after each of them.

    A test marked with `browser_context_args` has one of its own.
    """
    if request.node.get_closest_marker("browser_context_args"):
        yield request.getfixturevalue("new_context")()
        return
    context = request.getfixturevalue("shared_context")
    yield context
    for number, page in enumerate(context.pages):
        if number == 0:
            # Only a page can empty what its browser has stored.
            context.new_cdp_session(page).send(
                "Storage.clearDataForOrigin",
                {"origin": live_server.url, "storageTypes": "local_storage"},
            )
        page.close()
    context.clear_cookies()
    context.clear_permissions()
    context.unroute_all()


@pytest.fixture(autouse=True)
def console(context: BrowserContext) -> Iterator[Console]:
    """Fail a test in which the browser complains: a script's error, a violation of the policy."""
    listener = Console()
    context.on("console", listener.hear)
    context.on("weberror", listener.hear_error)
    context.set_default_timeout(PATIENCE_MS)
    yield listener
    context.remove_listener("console", listener.hear)
    context.remove_listener("weberror", listener.hear_error)
    assert listener.unexpected == []


@pytest.fixture
def signed_in(context: BrowserContext, live_server: LiveServer, user: "User") -> None:
    """Sign in without the form, which has tests of its own."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    value = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])


@pytest.fixture
def logs(page: Page, account: "Account", signed_in: None) -> "Logs":
    """The Logs page of an account of its own, before it is opened."""
    from tests.browser.logs import Logs

    return Logs(page, account.id)
