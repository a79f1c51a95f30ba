"""Requests that another site makes through a reader's browser (Fetch Metadata).

See https://www.w3.org/TR/fetch-metadata/. Another site may link to a page, and nothing else.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from hub.errors import cross_site

PAGES = "/hub"
OTHER_SITES = {"cross-site", "same-site"}


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
        if is_from_elsewhere and request.path.startswith(PAGES) and not _follows_a_link(request):
            return cross_site(request)
        return None


def _follows_a_link(request: HttpRequest) -> bool:
    """Tell whether the request opens a whole page in a tab."""
    headers = request.headers
    is_navigation = headers.get("Sec-Fetch-Mode") == "navigate" and "HX-Request" not in headers
    is_safe = request.method in {"GET", "HEAD"}
    return is_navigation and is_safe and headers.get("Sec-Fetch-Dest", "document") == "document"
