"""Where a request comes from, when proxies stand in front of the Hub."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse


class ProxyMiddleware:
    """Puts the client's address, as the outermost of the known proxies saw it, in the place of the
    connection's, so that limits, locks and entries all speak of the same."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.PROXY_HOPS:
            raise MiddlewareNotUsed
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as if the client had connected by itself."""
        header = request.META.get("HTTP_X_FORWARDED_FOR", "")
        if address := client_address(header, settings.PROXY_HOPS):
            request.META["REMOTE_ADDR"] = address
        return self._get_response(request)


def client_address(forwarded_for: str, hops: int) -> str | None:
    """Return the address that so many proxies tell of, counted from the right, or None.

    Each proxy adds at the right whom it was called by; what stands further left is the client's
    own, and may be a lie.
    """
    told = [part.strip() for part in forwarded_for.split(",")]
    if len(told) < hops:
        return None
    try:
        address = ipaddress.ip_address(told[-hops])
    except ValueError:
        return None
    # A zone, as in fe80::1%eth0, is any text, and means something on one host alone.
    return None if "%" in told[-hops] else str(address)
