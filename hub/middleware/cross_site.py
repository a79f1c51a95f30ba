"""Requests that a browser makes for another site: a link may lead to a page, and that is all."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from hub.errors import cross_site

PAGES = "/hub"
OTHER_SITES = {"cross-site", "same-site"}


class CrossSiteMiddleware:
    """Refuses what another site's page asks for behind its reader's back, in a frame, or as a
    fragment. A browser that does not say who asks is believed: it sends no cookie either."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Refuse, or leave it to the view."""
        is_from_elsewhere = request.headers.get("Sec-Fetch-Site") in OTHER_SITES
        if is_from_elsewhere and request.path.startswith(PAGES) and not _follows_a_link(request):
            return cross_site(request)
        return None


def _follows_a_link(request: HttpRequest) -> bool:
    """Tell whether the browser itself is to show the answer, as a whole page."""
    told = request.headers
    is_navigation = told.get("Sec-Fetch-Mode") == "navigate" and "HX-Request" not in told
    is_safe = request.method in {"GET", "HEAD"}
    return is_navigation and is_safe and told.get("Sec-Fetch-Dest", "document") == "document"
