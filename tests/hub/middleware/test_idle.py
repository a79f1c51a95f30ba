"""Sessions that nobody uses end after a while, and say so."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from auditlogs.models import Account
from auditlogs.query.entries import Entries
from tests.hub.markup import read
from tests.hub.pages import HTMX
from tests.people import PASSWORD, signed_in

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
PAGE = "/hub/logs?result=failure"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon of today, until the test moves on."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def client(clock: time_machine.Traveller, user: User) -> Client:
    """A browser in which a member has signed in at noon."""
    return signed_in(user)


def test_a_session_that_is_used_goes_on(client: Client, clock: time_machine.Traveller) -> None:
    for _ in range(5):
        clock.shift(timedelta(minutes=119))
        assert client.get(PAGE).status_code == 200


def test_an_idle_session_ends_and_leads_to_sign_in_with_a_word(
    client: Client, user: User, clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(minutes=120, seconds=1))
    response = client.get(PAGE)
    assert response["Location"] == "/hub/sign-in?because=idle&next=/hub/logs%3Fresult%3Dfailure"
    page = read(client.get(response["Location"]).content.decode())
    assert page.one("[role=status].banner").text.startswith("You were signed out because")
    assert page.one("[name=next]")["value"] == PAGE
    assert not Session.objects.exists()
    form = {"username": user.username, "password": PASSWORD, "next": PAGE}
    assert client.post(response["Location"], form)["Location"] == PAGE
    assert client.get(PAGE).status_code == 200


def test_the_page_of_a_fragment_is_led_there_too(
    client: Client, clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(hours=3))
    here = {"HX-Current-URL": f"http://testserver{PAGE}"}
    response = client.get("/hub/logs/count", headers={**HTMX, **here})
    to = "/hub/sign-in?because=idle&next=/hub/logs%3Fresult%3Dfailure"
    assert response["HX-Redirect"] == to
    assert response.content == b""


def test_nobody_else_is_told_of_idleness(db: None) -> None:
    assert Client().get(PAGE)["Location"] == "/hub/sign-in?next=/hub/logs%3Fresult%3Dfailure"


@pytest.mark.parametrize(("minutes", "limit"), [(120, 30), (10, 10)])
def test_staff_have_half_an_hour_at_most(
    staff: User,
    account: Account,
    clock: time_machine.Traveller,
    settings: Settings,
    minutes: int,
    limit: int,
) -> None:
    settings.SESSION_IDLE_MINUTES = minutes
    client = signed_in(staff)
    clock.shift(timedelta(minutes=limit))
    assert client.get("/hub/accounts").status_code == 200
    clock.shift(timedelta(minutes=limit, seconds=1))
    assert "because=idle" in client.get("/hub/accounts")["Location"]


def test_the_limit_is_a_setting(
    client: Client, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.SESSION_IDLE_MINUTES = 5
    clock.shift(timedelta(minutes=6))
    assert client.get(PAGE).status_code == 302


def test_a_session_is_written_once_a_minute_at_most(
    client: Client,
    clock: time_machine.Traveller,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    # The session, the person, their account and their preferences for the list.
    only_read = 5
    with django_assert_max_num_queries(only_read):
        client.get(PAGE)
    clock.shift(timedelta(seconds=59))
    with django_assert_max_num_queries(only_read):
        client.get(PAGE)
    clock.shift(timedelta(seconds=2))
    client.get(PAGE)
    assert client.session["seen"] == NOON.timestamp() + 61


def test_what_is_no_page_of_the_hub_keeps_no_session_alive(
    client: Client, clock: time_machine.Traveller
) -> None:
    for _ in range(3):
        clock.shift(timedelta(minutes=50))
        client.get("/readyz")
        client.get("/api/audit-logs")
    assert client.get(PAGE).status_code == 302


def test_an_end_by_idleness_is_recorded_as_a_sign_out(
    client: Client, user: User, account: Account, clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(hours=3))
    client.get(PAGE)
    client.get(PAGE)
    (entry,) = Entries.of(account.id).page(10, payloads=True).entries
    assert (entry.action, entry.actor.name) == ("auth.signed_out", user.username)
    assert entry.payload == {"code": "idle"}
    assert entry.session_id
