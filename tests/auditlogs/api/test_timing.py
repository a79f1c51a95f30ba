"""The header `Server-Timing`: what a response has waited for."""

import re
import threading

import pytest
from django.test import Client

from auditlogs.models import Account
from auditlogs.storage import mongo, timing
from tests.api import LIST, Api
from tests.factories import make_entry
from tests.hub.pages import HTMX, LOGS
from tests.watching import watcher

FORM = re.compile(r'db;dur=(\d+\.\d);desc="(\d+) round trips?"')

pytestmark = pytest.mark.django_db


def test_a_list_and_an_entry_tell_the_round_trips_and_their_time(
    account: Account, api_key: str
) -> None:
    api, entry = Api(api_key), make_entry(account.id)
    for path in (LIST, f"{LIST}/{entry.id}"):
        with watcher.watch() as commands:
            response = api.get(path)
        milliseconds, trips = measured(response.headers["Server-Timing"])
        assert trips == len(commands) > 0
        assert milliseconds > 0


@pytest.mark.parametrize("path", [LOGS, f"{LOGS}/count", f"{LOGS}/actors"])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_the_page_and_its_fragments_tell_it_too(
    signed_in_client: Client, path: str, headers: dict[str, str]
) -> None:
    with watcher.watch() as commands:
        response = signed_in_client.get(path, headers=headers)
    assert measured(response.headers["Server-Timing"])[1] == len(commands)


def test_a_response_that_needed_no_database_says_so(client: Client) -> None:
    response = client.get("/hub/sign-in")
    assert response.headers["Server-Timing"] == 'db;dur=0.0;desc="0 round trips"'


@pytest.mark.parametrize("path", [LIST, "/nothing"])
def test_a_refusal_does_not_tell_by_its_time_why_it_is_one(client: Client, path: str) -> None:
    assert "Server-Timing" not in client.get(path).headers


def test_what_another_thread_asks_is_not_counted() -> None:
    with timing.measure() as measured_here:
        thread = threading.Thread(target=mongo.ping, args=[5.0])
        thread.start()
        thread.join()
        mongo.ping(5.0)
    assert measured_here.round_trips == 1


def measured(header: str) -> tuple[float, int]:
    match = FORM.fullmatch(header)
    assert match
    return float(match[1]), int(match[2])
