"""The forms of the Hub as a person without scripts fills them in."""

from typing import TYPE_CHECKING

from django.test import Client

from auditlogs.entry.schema import Entry
from auditlogs.query.entries import Entries
from tests.hub.markup import Element, read

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response


def page_of(client: Client, path: str, status: int = 200) -> Element:
    """Return a page."""
    response = client.get(path)
    assert response.status_code == status, response.content
    return read(response.content.decode())


def said(response: "Response") -> Element:
    """Return the page that answers a form."""
    assert response.status_code == 200, response.content
    return read(response.content.decode())


def form_at(page: Element, action: str | None = None) -> dict[str, str]:
    """Return what the page's one form to an address sends, as the page was shown: hidden fields."""
    forms = [
        form
        for form in page.all("main", "form")
        if form.get("method") == "post" and action in (None, form.get("action"))
    ]
    assert len(forms) == 1, f"{len(forms)} forms"
    return {each["name"]: each["value"] for each in forms[0].all("input[type=hidden]")}


def send(client: Client, path: str, to: str | None = None, **fields: object) -> "Response":
    """Open a page, fill in its form and send it."""
    return client.post(to or path, {**form_at(page_of(client, path), to), **fields})


def told(account: str, prefix: str) -> list[Entry]:
    """Return an account's entries whose action begins so, oldest first."""
    entries = Entries.of(account).page(1_000, payloads=True).entries
    return [entry for entry in reversed(entries) if entry.action.startswith(prefix)]
