"""The Logs page as tests speak of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from playwright.sync_api import Locator, Page, Route, expect

from auditlogs.recording.recorder import record_many
from tests.factories import new

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Held:
    """Requests that wait until a test lets them go; those that come later do not wait."""

    def __init__(self) -> None:
        self._routes: list[Route] = []
        self._is_open = False

    def hold(self, route: Route) -> None:
        if self._is_open:
            route.continue_()
        else:
            self._routes.append(route)

    @property
    def waiting(self) -> int:
        return len(self._routes)

    def let_go(self) -> None:
        self._is_open = True
        while self._routes:
            self._routes.pop().continue_()


def resize(page: Page, width: int, height: int = 800) -> None:
    """Give the window a size, and wait until the page has it."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("width => innerWidth === width", arg=width)


class Logs:
    """The page, and the account whose entries it shows."""

    def __init__(self, page: Page, account: str) -> None:
        self.page = page
        self.account = account
        self.rows = page.locator("table.entries tbody tr")
        self.drawer = page.locator("#drawer")
        self.title = page.locator("#drawer-title")
        self.search = page.get_by_role("searchbox", name="Search")
        self.actor = page.get_by_role("combobox", name="Actor")
        self.range = page.get_by_label("Date Range")
        self.type = page.get_by_label("Action Type")
        self.result = page.locator("#result")
        self.clear_all = page.get_by_role("link", name="Clear All")
        self.chips = page.get_by_role("list", name="More filters").get_by_role("listitem")
        self.count = page.locator("#count")
        self.failure = page.locator("#list-failure")

    def record(self, *entries: dict[str, Any]) -> list[UUID]:
        """Record entries, the first one the newest, and return their ids in that order."""
        asked_at = datetime.now(UTC)
        written = [
            new(**{"timestamp": asked_at - timedelta(minutes=number + 1), **entry})
            for number, entry in enumerate(entries)
        ]
        return record_many(written, account=self.account)

    def record_many(self, number: int, **fields: Any) -> list[UUID]:
        return self.record(*[fields] * number)

    def open(self, query: str = "") -> None:
        self.page.goto(f"/hub/logs{query}")

    def row(self, entry_id: UUID) -> Locator:
        return self.page.locator(f"#entry-{entry_id}")

    def link(self, entry_id: UUID) -> Locator:
        return self.row(entry_id).locator(".open-entry")

    def heading(self, name: str) -> Locator:
        return self.page.get_by_role("columnheader", name=name)

    def sort_by(self, name: str) -> None:
        self.heading(name).get_by_role("link").click()

    def shows(self, *ids: UUID) -> None:
        """Wait until the list shows exactly these entries, in this order."""
        expect(self.rows).to_have_count(len(ids))
        in_order = " + ".join(f"#entry-{entry_id}" for entry_id in ids)
        expect(self.page.locator(in_order)).to_have_count(1)

    def has_query(self, query: str) -> None:
        expect(self.page).to_have_url(f"{self.page.url.split('/hub/')[0]}/hub/logs{query}")

    def field(self, label: str) -> Locator:
        """Return what the drawer, or the entry's page, shows under a label."""
        terms = self.page.locator("dl.fields > div").filter(
            has=self.page.locator("dt", has_text=label).and_(
                self.page.get_by_text(label, exact=True)
            )
        )
        return terms.locator("dd")

    def wait_for_drawer(self, entry_id: UUID) -> None:
        expect(self.drawer.locator("[data-entry]")).to_have_attribute("data-entry", str(entry_id))
        expect(self.drawer).to_be_visible()
