"""Requests that another site makes through a reader's browser (Fetch Metadata).

See https://www.w3.org/TR/fetch-metadata/. Another site may link to a page, and nothing else. The
session cookie is sent along with such a link (SameSite=Lax), so an export is not begun by one.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from hub.errors import cross_site, cross_site_export

PAGES = "/hub"
OTHER_SITES = {"cross-site", "same-site"}
EXPORT = "export"


class CrossSiteMiddleware:
    """Rejects requests by scripts, frames and forms of another site.

    A browser without Fetch Metadata is let through; SameSite cookies and the CSRF token remain.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        is_from_elsewhere = request.headers.get("Sec-Fetch-Site") in OTHER_SITES
        if not is_from_elsewhere or not request.path.startswith(PAGES):
            return None
        if request.resolver_match and request.resolver_match.url_name == EXPORT:
            return cross_site_export(request)
        return None if _follows_a_link(request) else cross_site(request)


def _follows_a_link(request: HttpRequest) -> bool:
    """Tell whether the request opens a whole page in a tab."""
    headers = request.headers
    is_navigation = headers.get("Sec-Fetch-Mode") == "navigate" and "HX-Request" not in headers
    is_safe = request.method in {"GET", "HEAD"}
    return is_navigation and is_safe and headers.get("Sec-Fetch-Dest", "document") == "document"
