"""Retakes the pictures of the README and of docs/pictures, from the demo's data.

Run as `python -m tests.pictures`.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests import demo_process
from tests.chromium import SWITCHES, executable

FOLDER = demo_process.ROOT / "docs" / "pictures"
WIDTHS = {1440: 900, 1024: 768, 390: 844}
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Picture:
    """A page in a state worth a picture: its address, whether an entry is opened in it, and whether
    it is taken at every width, or only on a laptop and a phone."""

    name: str
    path: str = "/hub/logs"
    opens_entry: bool = False
    at_every_width: bool = False

    @property
    def widths(self) -> list[int]:
        return [width for width in WIDTHS if self.at_every_width or width != 1024]

    def name_at(self, width: int, theme: str) -> str:
        name = "cards" if (self.name, width) == ("list", 390) else self.name
        return f"{name}-{width}-{theme}.png"


FAILURES = "/hub/logs?search=trade_execute&result=failure"
PICTURES = (
    Picture("list", at_every_width=True),
    Picture("drawer", FAILURES, opens_entry=True, at_every_width=True),
    Picture("nothing", "/hub/logs?search=nothing+like+it&result=partial", at_every_width=True),
    Picture("agents", "/hub/agents"),
    Picture("agent", "/hub/agents/bot_7f3a21"),
    Picture("api-keys", "/hub/api-keys"),
    Picture("members", "/hub/members"),
    Picture("settings", "/hub/settings"),
    Picture("profile", "/hub/profile"),
    Picture("password", "/hub/password"),
    Picture("accounts", "/hub/accounts"),
    Picture("scopes", "/hub/help/scopes"),
    Picture("order-lifecycle", "/hub/help/order-lifecycle"),
    Picture("error-codes", "/hub/help/error-codes"),
)


def take(page: Page, picture: Picture, url: str, file: Path) -> None:
    """Bring the page into the state and take its picture."""
    page.goto(f"{url}{picture.path}")
    if picture.opens_entry:
        page.locator(".open-entry").nth(1).click()
        page.locator("#drawer [data-entry]").wait_for()
        page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=file, animations="disabled")


def sign_in(page: Page, url: str, file: Path) -> None:
    """Sign in as the demo's user, and take the picture of that page."""
    page.goto(f"{url}/hub/sign-in")
    page.screenshot(path=file, animations="disabled")
    page.get_by_label("User name").fill("demo")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/hub/logs")


def wait_until_counted(page: Page, url: str) -> None:
    """Wait until the worker has gone through the whole history."""
    for _ in range(60):
        page.goto(f"{url}/hub/agents")
        if not page.get_by_text("finished counting").count():
            return
        page.wait_for_timeout(1_000)
    raise TimeoutError("the agents were not counted")


def main() -> None:
    """Take every picture at every width in both themes."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        demo_process.running(Path(folder)) as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=executable(), args=SWITCHES)
        for theme in THEMES:
            for width, height in WIDTHS.items():
                page = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if theme == "dark" else "light",
                    timezone_id="Europe/Berlin",
                )
                sign_in(page, demo.url, FOLDER / f"sign-in-{width}-{theme}.png")
                wait_until_counted(page, demo.url)
                for picture in (each for each in PICTURES if width in each.widths):
                    file = FOLDER / picture.name_at(width, theme)
                    take(page, picture, demo.url, file)
                    sys.stdout.write(f"{file.relative_to(demo_process.ROOT)}\n")
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
