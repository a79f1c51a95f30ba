"""Errors in the Hub's own words: no trace, and a way on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client

from hub.logs.listing import Listing
from tests.api import Api, problem_of
from tests.hub.markup import Element, read
from tests.hub.pages import Hub, link


def main_of(content: bytes) -> Element:
    return read(content.decode()).one("main")


def test_an_unknown_address_leads_back_to_the_logs(hub: Hub) -> None:
    for path in ("/nowhere", "/hub/nowhere", "/hub/logs/", "/hub/logs/a/b"):
        response = hub.get(path)
        assert response.status_code == 404
        page = main_of(response.content)
        assert page.one("h1").text == "Not found"
        assert link(page, "Go to Logs")["href"] == "/hub/logs"


def test_pages_of_errors_keep_the_navigation(hub: Hub) -> None:
    paths = {"/hub/nowhere": 404, "/hub/agents/nobody": 404, "/hub/members": 403}
    for path, status in {**paths, "/hub/sign-out": 405}.items():
        response = hub.get(path)
        assert response.status_code == status
        page = read(response.content.decode())
        assert link(page.one("header.navigation"), "Agents")["href"] == "/hub/agents"
        assert page.one(".who")["href"] == "/hub/profile"


@pytest.mark.django_db
def test_a_stranger_sees_no_navigation_on_them(client: Client) -> None:
    response = client.get("/hub/nowhere")
    assert response.status_code == 404
    assert read(response.content.decode()).all("header.navigation") == []


def test_what_does_not_exist_is_an_entry_only_where_one_was_asked_for(hub: Hub) -> None:
    for path in ("/hub/nowhere", "/hub/agents/nobody"):
        assert "entry" not in main_of(hub.get(path).content).text
    account = hub.client.post("/hub/accounts", {"to": "acc_none"})
    assert account.status_code == 404
    assert "entry" not in main_of(account.content).text
    entry = hub.get("/hub/logs/01a20950-b9be-826b-b349-98920bde1351")
    assert "Entry not found. It may have expired." in main_of(entry.content).text


def test_a_form_that_cannot_be_read_is_no_bad_address(hub: Hub) -> None:
    hub.client.raise_request_exception = False
    kind = "multipart/form-data; boundary="
    response = hub.client.generic("POST", "/hub/accounts", b"nothing of the kind", kind)
    assert response.status_code == 400
    assert "The Hub could not read this request." in main_of(response.content).text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/hub/sign-out", "POST, OPTIONS"),
        ("GET", "/hub/profile/session-tokens", "POST"),
        ("POST", "/hub/logs", "GET, HEAD"),
        ("DELETE", "/hub/accounts", "GET, HEAD, POST"),
    ],
)
def test_a_page_that_takes_another_method_says_so(
    hub: Hub, method: str, path: str, allowed: str
) -> None:
    response = hub.client.generic(method, path)
    assert (response.status_code, response["Allow"]) == (405, allowed)
    page = main_of(response.content)
    assert page.one("h1").text == "Cannot be opened"
    assert link(page, "Go to Logs")["href"] == "/hub/logs"


@pytest.mark.django_db
def test_a_host_that_is_not_ours_is_a_bad_request(client: Client) -> None:
    response = client.get("/hub/logs", headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    assert main_of(response.content).one("h1").text == "Bad request"


def test_what_fails_unforeseen_says_nothing_of_why(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Listing) -> Never:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(Listing, "read", fail)
    hub.client.raise_request_exception = False
    response = hub.get("/hub/logs")
    assert response.status_code == 500
    page = main_of(response.content)
    assert page.one("h1").text == "Something went wrong"
    for word in (b"secret", b"RuntimeError", b"Traceback"):
        assert word not in response.content


@contextmanager
def accounts_away() -> Iterator[None]:
    """Let every question to the database of people and keys fail as a lost connection does."""

    def fail(*_: object, **__: object) -> Never:
        raise OperationalError("server closed the connection: host=10.0.0.7 password=hunter2")

    with mock.patch("django.db.backends.utils.CursorWrapper.execute", fail):
        yield


def test_without_the_database_of_people_a_page_says_when_to_come_back(hub: Hub) -> None:
    hub.client.raise_request_exception = False
    with accounts_away():
        response = hub.get("/hub/logs?result=failure")
    assert response.status_code == 503
    page = main_of(response.content)
    assert "database of users and API keys is not available" in page.text
    assert link(page, "Try again")["href"] == "/hub/logs?result=failure"
    assert b"hunter2" not in response.content


def test_without_the_database_of_keys_the_api_says_when_to_come_back(api_key: str) -> None:
    caller = Api(api_key)
    caller.client.raise_request_exception = False
    with accounts_away():
        response = caller.get()
    problem = problem_of(response, 503, "accounts-unavailable")
    assert "hunter2" not in str(problem)


@pytest.mark.usefixtures("unreachable")
def test_an_entry_that_cannot_be_read_offers_to_try_again(hub: Hub) -> None:
    path = "/hub/logs/01a20950-b9be-826b-b349-98920bde1351"
    page = hub.read(path, status=503).one("main")
    assert page.one("h1").text == "Not available"
    assert link(page, "Try again")["href"] == path


@pytest.mark.parametrize(
    "query",
    [
        "?entry=%00",
        "?entry=../../x",
        "?cursor=%00%ff",
        "?search=%ff%fe",
        "?actor[$ne]=1&search=$where",
        "?startDate=9999-12-31T23:59:59.999999-23:59",
        "?endDate=0001-01-01T00:00:00%2B14:00",
        f"?{'&'.join(f'p{n}=1' for n in range(900))}",
        "?actor=%F0%9F%98%80&search=%E2%80%8F",
    ],
)
def test_no_address_makes_it_fail(hub: Hub, query: str) -> None:
    hub.record({})
    for path in ("/hub/logs", "/hub/logs/count", "/hub/logs/actors"):
        assert hub.get(f"{path}{query}").status_code == 200
        assert hub.get(f"{path}{query}", htmx=True).status_code == 200
