"""Requests that say they are in a charset of which nothing good can come, or hold a NUL."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DataError, connection
from django.test import Client

from auditlogs.models import Account
from hub.startup import start
from hub.startup.charset import Application
from tests.api import LIST, Api, problem_of

# Of no text; of lone surrogates; of anything but what browsers send.
CHARSETS = ["rot13", "base64", "idna", "undefined", "unicode_escape", "utf-7", "utf-16"]
TYPED = "\\ud800+2AA-é"
NAMES = ("username", "password", "next", "account", "to", "state")


@pytest.fixture(autouse=True)
def _as_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client make the requests that a server's are."""
    monkeypatch.setattr("django.test.client.WSGIRequest", Application.request_class)


def test_every_server_makes_such_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    # It would take over this process's warnings and errors.
    monkeypatch.setattr(start, "begin", lambda: None)
    from hub import wsgi

    assert isinstance(wsgi.application, Application)


@pytest.mark.parametrize("charset", CHARSETS)
def test_an_address_is_read_as_utf_8(signed_in_client: Client, api_key: str, charset: str) -> None:
    kind = f"text/plain; charset={charset}"
    path = "/hub/logs?search=%C3%A9\\ud800%2B2AA-"
    page = signed_in_client.get(path, CONTENT_TYPE=kind)
    assert page.status_code == 200
    assert 'value="é\\ud800+2AA-"' in page.content.decode()
    caller = Api(api_key)
    answer = caller.client.get(f"{LIST}?actor=%C3%A9", headers=caller.headers, CONTENT_TYPE=kind)
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("path", ["/hub/sign-in", "/hub/accounts", "/hub/password"])
def test_a_form_is_read_as_utf_8(signed_in_client: Client, path: str, charset: str) -> None:
    client = Client() if path == "/hub/sign-in" else signed_in_client
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = "".join(part.format(name, TYPED) for name in NAMES)
    answer = client.generic("POST", path, f"{body}--x--\r\n".encode(), kind)
    assert answer.status_code == (404 if path == "/hub/accounts" else 200)
    if path == "/hub/sign-in":
        assert f'value="{TYPED}"' in answer.content.decode()


def test_a_body_in_another_charset_is_refused_still(account: Account, write_key: str) -> None:
    answer = Api(write_key).post(b"{}", "application/json; charset=utf-7")
    problem_of(answer, 415, "unsupported-media-type")


@pytest.fixture
def as_postgresql(db: None) -> Iterator[None]:
    """Refuse a NUL within a parameter of a query, as PostgreSQL does and SQLite does not."""

    def execute(run: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if any(isinstance(each, str) and "\0" in each for each in parameters or ()):
            raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        return run(sql, parameters, many, context)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.parametrize("cookie", ['"\\000abcdefghij"', "\0abcdefghij"])
def test_a_session_key_with_a_nul_is_none(as_postgresql: None, cookie: str) -> None:
    client = Client(HTTP_COOKIE=f"sessionid={cookie}")
    assert client.get("/hub/logs").status_code == 302
    form = {"username": "ada", "password": "x"}
    assert client.post("/hub/sign-in", form).status_code == 200


def test_no_account_is_called_by_a_nul(signed_in_client: Client, as_postgresql: None) -> None:
    assert signed_in_client.get("/hub/accounts?search=%00").status_code == 200
    assert signed_in_client.post("/hub/accounts", {"to": "\0"}).status_code == 404
