"""The pages of the Hub as tests speak of them."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.test import Client

from auditlogs.recording.recorder import record_many
from tests.factories import new
from tests.hub.markup import Element, read

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

LOGS = "/hub/logs"
HTMX = {"HX-Request": "true"}


class Hub:
    """A signed-in client, and the account whose entries it sees."""

    def __init__(self, client: Client, account: str) -> None:
        self.client = client
        self.account = account

    def record(self, *entries: dict[str, Any]) -> list[UUID]:
        """Record entries, the first one the newest, and return their ids in that order."""
        asked_at = datetime.now(UTC)
        written = [
            new(**{"timestamp": asked_at - timedelta(minutes=number + 1), **entry})
            for number, entry in enumerate(entries)
        ]
        return record_many(written, account=self.account)

    def get(self, path: str, *, htmx: bool = False) -> "Response":
        return self.client.get(path, headers=HTMX if htmx else {})

    def logs(self, query: str = "", *, htmx: bool = False, status: int = 200) -> Element:
        """Return the Logs page, or the fragment of it."""
        return self.read(f"{LOGS}{query}", htmx=htmx, status=status)

    def read(self, path: str, *, htmx: bool = False, status: int = 200) -> Element:
        response = self.get(path, htmx=htmx)
        assert response.status_code == status, response.content
        return read(response.content.decode())


def without_token(content: bytes) -> bytes:
    """Return a page without its CSRF token, which is masked anew in each response."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", content)


def rows(page: Element) -> list[UUID]:
    """Return the ids of the entries that a page lists, in its order."""
    return [UUID(row["id"].removeprefix("entry-")) for row in page.all("tbody", "tr")]


def link(page: Element, text: str) -> Element:
    """Return the one link that says this, or is labelled so."""
    found = [each for each in page.all("a") if text in (each.text, each.get("aria-label"))]
    assert len(found) == 1, f"{len(found)} links say {text}"
    return found[0]


def links(page: Element) -> list[str]:
    """Return what the links of a page say, but for those that a script gives their address."""
    return [
        each.get("aria-label") or each.text for each in page.all("a") if each.get("href") != "#"
    ]
