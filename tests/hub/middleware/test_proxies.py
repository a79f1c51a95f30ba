"""Whose address a request has, behind as many proxies as the settings say."""

from typing import Any

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs.models import PLATFORM_ACCOUNT
from auditlogs.query.entries import Entries
from hub.middleware.proxies import ProxyMiddleware, client_address
from tests.factories import unique

PROXY = "10.0.0.9"


@pytest.mark.parametrize(
    ("told", "hops", "address"),
    [
        ("203.0.113.7", 1, "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", 1, "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7 ,10.0.0.1", 2, "203.0.113.7"),
        ("2001:DB8::0:7", 1, "2001:db8::7"),
        ("203.0.113.7", 2, None),
        ("", 1, None),
        ("unknown", 1, None),
        ("203.0.113.7, _hidden", 1, None),
        ("203.0.113.7:4711", 1, None),
        ("[2001:db8::7]", 1, None),
        ("fe80::1%eth0", 1, None),
        ("203.0.113.7,", 1, None),
        ("<script>", 1, None),
        ("1" * 9_000, 1, None),
    ],
)
def test_the_address_is_counted_from_the_right(told: str, hops: int, address: str | None) -> None:
    assert client_address(told, hops) == address


def address_behind(hops: int, settings: Settings, **told: Any) -> str:
    """Return the address that a view would see."""
    settings.PROXY_HOPS = hops
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    request = HttpRequest()
    request.META = {"REMOTE_ADDR": PROXY, **told}
    ProxyMiddleware(view)(request)
    return seen[0]


def test_without_proxies_nobody_is_believed(settings: Settings) -> None:
    def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse()

    settings.PROXY_HOPS = 0
    with pytest.raises(MiddlewareNotUsed):
        ProxyMiddleware(view)


def test_what_is_no_address_leaves_the_connections_own(settings: Settings) -> None:
    assert address_behind(1, settings, HTTP_X_FORWARDED_FOR="203.0.113.7") == "203.0.113.7"
    assert address_behind(1, settings, HTTP_X_FORWARDED_FOR="nonsense") == PROXY
    assert address_behind(2, settings, HTTP_X_FORWARDED_FOR="203.0.113.7") == PROXY
    assert address_behind(1, settings) == PROXY


@pytest.mark.django_db
def test_locks_limits_and_entries_speak_of_the_same_address(settings: Settings) -> None:
    settings.PROXY_HOPS = 1
    name = unique("ada")

    def sign_in(address: str) -> int:
        client = Client(REMOTE_ADDR=PROXY)
        told = {"X-Forwarded-For": f"6.6.6.6, {address}"}
        return client.post(
            "/hub/sign-in", {"username": name, "password": "x"}, headers=told
        ).status_code

    assert [sign_in("203.0.113.77") for _ in range(5)] == [200, 200, 200, 200, 429]
    assert sign_in("203.0.113.78") == 200
    entries = Entries.of(PLATFORM_ACCOUNT).page(1_000).entries
    counts = [sum(e.source_ip == each for e in entries) for each in ("203.0.113.77", PROXY)]
    assert counts == [6, 0]
    settings.SIGN_IN_RATE = "1/minute"
    assert sign_in("203.0.113.79") == 200
    assert sign_in("203.0.113.79") == 429
    assert sign_in("203.0.113.80") == 200


@pytest.mark.django_db
@pytest.mark.parametrize(("is_behind", "status"), [(True, 200), (False, 301)])
def test_only_a_known_proxy_says_that_a_request_came_by_https(
    settings: Settings, is_behind: bool, status: int
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    header = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_PROXY_SSL_HEADER = header if is_behind else None
    response = Client().get("/hub/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert response.status_code == status
    assert Client().get("/readyz").status_code == 200
