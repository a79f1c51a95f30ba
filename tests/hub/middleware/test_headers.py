"""The headers that every answer of the program has, whoever asks for whatever."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.fixtures import Settings

from hub.middleware.headers import OF_DOCUMENTS, PERMISSIONS
from tests.api import whole
from tests.people import signed_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

ALWAYS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types default",
}
CORS = "Access-Control-"


def paths(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    """Yield an address for each that the program knows."""
    for pattern in patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, here)
        else:
            for part in pattern.pattern.converters:
                kinds = ("<str:{}>", "<path:{}>", "<slug:{}>", "<int:{}>", "<{}>")
                for kind in kinds:
                    here = here.replace(kind.format(part), "1")
            assert "<" not in here
            yield here


SAME_FOR_ALL = ("/api/openapi.json", "/api/schemas/")
PATHS = [*paths(get_resolver("hub.urls").url_patterns), "/nowhere", "/hub/nowhere", "/static/no"]


def check(response: "Response") -> None:
    """Assert the whole set."""
    for name, value in ALWAYS.items():
        assert response.headers.get(name) == value, name
    assert set(response["Content-Security-Policy"].split("; ")) == POLICY
    assert not [name for name in response.headers if name.startswith(CORS)]


def test_there_is_something_to_look_at() -> None:
    assert {"/", "/hub/logs", "/hub/sign-in", "/api/audit-logs", "/readyz"} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_them_whoever_asks(path: str, user: User) -> None:
    htmx = {"HX-Request": "true"}
    for client in (Client(), signed_in(user)):
        answers = (
            client.get(path),
            client.get(path, headers=htmx),
            client.post(path),
            client.options(path),
        )
        # An export that nobody reads would go on, and keep others from beginning.
        for response in map(whole, answers):
            check(response)
            # What is the same for everybody may be kept, if it is asked for again each time.
            kept = {"no-store"} | ({"no-cache"} if path.startswith(SAME_FOR_ALL) else set())
            assert kept & set(response["Cache-Control"].split(", "))
            assert "public" not in response["Cache-Control"]
            assert response.status_code < 500


@pytest.mark.django_db
def test_what_a_middleware_answers_has_them_too(settings: Settings) -> None:
    bad_host = Client().get("/hub/logs", headers={"Host": "elsewhere.example"})
    assert bad_host.status_code == 400
    settings.SECURE_SSL_REDIRECT = True
    redirected = Client().get("/hub/logs")
    assert redirected["Location"] == "https://testserver/hub/logs"
    refused = Client(enforce_csrf_checks=True).post("/hub/sign-in")
    for response in (bad_host, redirected, refused):
        check(response)
        assert "no-store" in response["Cache-Control"]


def test_a_failure_has_them_too(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.logs.listing.Listing.read", lambda _: 1 // 0)
    client = signed_in(user)
    client.raise_request_exception = False
    response = client.get("/hub/logs")
    assert response.status_code == 500
    check(response)
    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_static_files_have_them_and_may_be_kept(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    for name in ("icon.svg", "theme.js", "theme.css"):
        (tmp_path / name).write_text("1")
        response = Client().get(f"/static/{name}")
        assert response.status_code == 200
        if name == "icon.svg":
            check(response)
        else:
            # No document: it needs no rules for one, and is allowed nothing by itself.
            assert response["Content-Security-Policy"] == "default-src 'none'"
            for header, value in ALWAYS.items():
                assert response.get(header) == (None if header in OF_DOCUMENTS else value)
        assert response["Cache-Control"] == "max-age=60, public"
        response.close()


@pytest.mark.django_db
@pytest.mark.parametrize("is_secure", [True, False])
def test_only_an_answer_over_https_binds_the_browser_to_it(
    settings: Settings, is_secure: bool
) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    told = Client().get("/hub/sign-in", secure=is_secure).headers.get("Strict-Transport-Security")
    assert told == ("max-age=31536000; includeSubDomains" if is_secure else None)


def test_the_headers_stand_outside_of_whatever_answers_by_itself(settings: Settings) -> None:
    names = [path.rpartition(".")[2] for path in settings.MIDDLEWARE]
    assert names[:2] == ["ProxyMiddleware", "HeadersMiddleware"]
