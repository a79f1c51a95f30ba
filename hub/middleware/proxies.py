"""The client's address behind trusted proxies."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse


class ProxyMiddleware:
    """Replaces REMOTE_ADDR by the client's address from `X-Forwarded-For`.

    Rate limits, lock-outs and entries then all use the same address. With PROXY_HOPS=0 the header
    is ignored, since any client can send it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.PROXY_HOPS:
            raise MiddlewareNotUsed
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        header = request.META.get("HTTP_X_FORWARDED_FOR", "")
        if address := client_address(header, settings.PROXY_HOPS):
            request.META["REMOTE_ADDR"] = address
        return self._get_response(request)


def client_address(forwarded_for: str, hops: int) -> str | None:
    """Return the address that the outermost of `hops` proxies received the request from, or None.

    Each proxy appends the address of its peer, so what stands further left was sent by the client
    and cannot be trusted.
    """
    addresses = [part.strip() for part in forwarded_for.split(",")]
    if len(addresses) < hops:
        return None
    try:
        address = ipaddress.ip_address(addresses[-hops])
    except ValueError:
        return None
    # The zone of fe80::1%eth0 is arbitrary text, and means something on one host only.
    return None if "%" in addresses[-hops] else str(address)
