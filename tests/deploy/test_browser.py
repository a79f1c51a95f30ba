"""A real browser signs in through nginx: cookies, policies and addresses fit together."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page, Playwright, expect

from tests.chromium import SWITCHES, executable
from tests.deploy.host import NAME, PASSWORD, Host

pytestmark = pytest.mark.deploy


@pytest.fixture
def page(host: Host, playwright: Playwright) -> Iterator[Page]:
    """A page of a browser that finds the host's nginx at the public name."""
    reach = [
        f"--host-resolver-rules=MAP {NAME}:443 127.0.0.1:{host.https}",
        "--ignore-certificate-errors",
    ]
    browser = playwright.chromium.launch(executable_path=executable(), args=[*SWITCHES, *reach])
    yield browser.new_page()
    browser.close()


def test_a_person_signs_in_and_reads_the_log_without_a_complaint_of_the_browser(page: Page) -> None:
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    page.on("console", hear)
    page.goto(f"https://{NAME}/hub/logs")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"https://{NAME}/hub/logs")
    page.get_by_role("link", name="Result").first.click()
    expect(page).to_have_url(f"https://{NAME}/hub/logs?sort=result")
    cookies = page.context.cookies()
    assert {cookie["name"] for cookie in cookies} == {"__Host-sessionid", "__Host-csrftoken"}
    assert all(cookie["secure"] for cookie in cookies)
    assert complaints == []
