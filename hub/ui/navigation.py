"""The navigation: its pages, each declared once."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from hub.access.visits import Visit


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the navigation: the name of its URL, its label and icon, and whether only admins
    see it."""

    name: str
    label: str
    icon: str
    for_admins: bool = False


PAGES = (
    Page("logs", "Logs", "logs"),
    Page("review", "Review", "review"),
    Page("agents", "Agents", "agent"),
    Page("api_keys", "API Keys", "key", for_admins=True),
    Page("emitters", "Emitters", "emitter", for_admins=True),
    Page("members", "Members", "members", for_admins=True),
    Page("settings", "Settings", "settings", for_admins=True),
    Page("help", "Help", "help"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the navigation, for one request."""

    page: Page
    url: str
    is_current: bool


def links(request: HttpRequest) -> list[Link]:
    """Return links to the pages that the user has access to; none without an account."""
    visit: Visit | None = getattr(request, "visit", None)
    if visit is None:
        return []
    shown = [page for page in PAGES if visit.may_administer or not page.for_admins]
    return [_link(page, request.path) for page in shown]


def _link(page: Page, here: str) -> Link:
    url = reverse(page.name)
    # The Logs page begins with the person's default view, which the home address knows.
    leads_to = reverse("home") if page.name == "logs" else url
    return Link(page, leads_to, here == url or here.startswith(f"{url}/"))
