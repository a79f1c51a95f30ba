"""A responder's way from the daily review to the remedy, in a number of clicks that is limited."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

MAX_CLICKS = 4
MAX_TRIES = 3


@dataclass
class Investigation:
    """A way that begins at the review of a day, on a page of some width."""

    page: Page
    url: str
    day: str
    clicks: int = 0

    def begin(self) -> None:
        self.page.goto(f"{self.url}/hub/review?day={self.day}")

    def click(self, link: Locator) -> None:
        self.clicks += 1
        assert self.clicks <= MAX_CLICKS, "it takes too many clicks"
        link.click()

    def part(self, title: str) -> Locator:
        """Return a part of the review."""
        return self.page.get_by_role("region", name=title)

    def open_newest(self) -> None:
        self.click(self.page.locator(".open-entry").first)
        expect(self.drawer.locator("[data-entry]")).to_be_visible()

    @property
    def drawer(self) -> Locator:
        return self.page.locator("#drawer")

    @property
    def rows(self) -> Locator:
        return self.page.locator("table.entries tbody tr")

    def reads(self, where: Locator, text: str) -> None:
        """Wait for a text, and see that it can be read without scrolling sideways."""
        found = where.get_by_text(text).first
        # A machine that is busy with other tests may be too slow for a page, which says so.
        again = self.page.get_by_role("link", name="Try again", exact=True)
        for _ in range(MAX_TRIES):
            expect(found.or_(again).first).to_be_visible()
            if not again.is_visible():
                break
            again.click()
        expect(found).to_be_visible()
        found.scroll_into_view_if_needed()
        box, window = found.bounding_box(), self.page.viewport_size
        assert box is not None
        assert window is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= window["width"]
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(wider) == 0
