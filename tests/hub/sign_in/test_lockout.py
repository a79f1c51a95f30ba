"""Guessing passwords: bounded for a user name, for an address, and nothing of it is kept."""

import http.client
import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.test import Client, override_settings
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from auditlogs.entry.schema import Entry
from auditlogs.entry.times import parse_rfc3339
from auditlogs.models import PLATFORM_ACCOUNT, Account
from auditlogs.query.entries import Entries
from hub import settings as own
from hub.sign_in import lockout
from tests.factories import unique
from tests.hub.markup import Element, read
from tests.people import PASSWORD, member

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
SIGN_IN = "/hub/sign-in"
_addresses = (f"203.0.{a}.{b}" for a, b in itertools.product(range(1, 100), range(1, 255)))


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon of today, until the test moves on."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def visitor(db: None) -> Client:
    """A browser at an address that no other test calls from."""
    return Client(REMOTE_ADDR=next(_addresses))


def try_as(visitor: Client, name: str, password: str = "wrong", **fields: str) -> "Response":
    return visitor.post(SIGN_IN, {"username": name, "password": password, **fields})


def fail(visitor: Client, name: str, times: int) -> "Response":
    for _ in range(times):
        response = try_as(visitor, name)
    return response


def alert(response: "Response") -> Element:
    return read(response.content.decode()).one("[role=alert]")


def entries_of(account: str, address: str) -> list[Entry]:
    found = Entries.of(account).page(1_000, payloads=True).entries
    return [entry for entry in reversed(found) if entry.source_ip == address]


@pytest.mark.parametrize("is_known", [True, False])
def test_the_fifth_failure_locks_out_and_says_until_when(
    visitor: Client, account: Account, clock: time_machine.Traveller, is_known: bool
) -> None:
    name = member(account).username if is_known else unique("nobody")
    for _ in range(4):
        response = try_as(visitor, name)
        assert response.status_code == 200
        assert alert(response).text == "The user name and password do not match."
    response = try_as(visitor, name)
    assert response.status_code == 429
    told = alert(response)
    assert told.text == ("Too many failed sign-ins with this user name. Try again at 12:15:01 UTC.")
    until = parse_rfc3339(told.one("time")["datetime"])
    assert until == NOON + timedelta(minutes=15, seconds=1)
    assert told.one("time")["data-time"] == "clock"
    assert response["Retry-After"] == "901"
    assert read(response.content.decode()).one("#username")["value"] == name


def test_while_it_is_locked_the_right_password_is_refused_and_the_end_stays(
    visitor: Client, user: User, clock: time_machine.Traveller
) -> None:
    fail(visitor, user.username, 5)
    clock.shift(timedelta(minutes=14))
    for password in ("wrong", PASSWORD):
        response = try_as(visitor, user.username, password)
        assert response.status_code == 429
        assert response["Retry-After"] == "61"
        assert "12:15:01 UTC" in alert(response).text
    clock.shift(timedelta(seconds=61))
    assert try_as(visitor, user.username, PASSWORD).status_code == 302


def test_a_lock_holds_for_a_user_name_and_an_address_together(
    visitor: Client, user: User, account: Account
) -> None:
    fail(visitor, user.username, 5)
    assert try_as(visitor, member(account).username, PASSWORD).status_code == 302
    elsewhere = Client(REMOTE_ADDR=next(_addresses))
    assert try_as(elsewhere, user.username, PASSWORD).status_code == 302
    visitor.logout()
    assert try_as(visitor, user.username, PASSWORD).status_code == 429


def test_another_browser_at_the_address_counts_on(visitor: Client, user: User) -> None:
    for number in range(4):
        visitor.post(
            SIGN_IN,
            {"username": user.username, "password": "wrong"},
            headers={"User-Agent": f"browser {number}"},
        )
    assert try_as(visitor, user.username).status_code == 429


@pytest.mark.django_db
def test_a_client_of_ipv6_cannot_step_aside_within_its_network() -> None:
    name = unique("ada")
    for number in range(1, 5):
        assert try_as(Client(REMOTE_ADDR=f"2001:db8:7:7::{number}"), name).status_code == 200
    assert try_as(Client(REMOTE_ADDR="2001:db8:7:7::ffff"), name).status_code == 429
    assert try_as(Client(REMOTE_ADDR="2001:db8:7:8::1"), name).status_code == 200


def test_success_forgets_the_failures_before(visitor: Client, user: User) -> None:
    for _ in range(3):
        assert fail(visitor, user.username, 4).status_code == 200
        assert try_as(visitor, user.username, PASSWORD).status_code == 302
        visitor.logout()


def test_failures_that_lie_apart_are_forgotten(
    visitor: Client, user: User, clock: time_machine.Traveller
) -> None:
    for _ in range(3):
        assert fail(visitor, user.username, 4).status_code == 200
        clock.shift(timedelta(minutes=16))


def test_the_lock_is_recorded_once_and_what_it_refuses_is_sampled(
    visitor: Client, user: User, account: Account, clock: time_machine.Traveller
) -> None:
    fail(visitor, user.username, 20)
    found = entries_of(account.id, visitor.defaults["REMOTE_ADDR"])
    until = "12:15:01.000Z"
    failures: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for entry in found:
        assert (entry.actor.name, entry.result) == (user.username, "failure")
        payload = entry.payload or {}
        if entry.action == "auth.locked_out":
            assert payload["code"] == "locked-out"
            assert payload["until"].endswith(until)
        else:
            assert entry.action == "auth.sign_in_failed"
            (refused if payload["code"] == "locked-out" else failures).append(payload)
    assert [entry.action for entry in found].count("auth.locked_out") == 1
    assert failures == [{"method": "password", "code": "invalid-credentials"}] * 5
    assert len(refused) == 10
    assert all(payload["until"].endswith(until) for payload in refused)
    assert sum("sampled" in payload for payload in refused) == 1


def test_a_lock_of_a_name_that_nobody_has_belongs_to_no_account(visitor: Client) -> None:
    fail(visitor, "Tr0ub4dor&3", 6)
    found = entries_of(PLATFORM_ACCOUNT, visitor.defaults["REMOTE_ADDR"])
    assert sorted(entry.action for entry in found) == [
        "auth.locked_out",
        *["auth.sign_in_failed"] * 6,
    ]
    assert {entry.actor.id for entry in found} == {"anonymous"}


def test_nothing_that_was_typed_is_kept_in_clear(
    visitor: Client, user: User, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = ["Tr0ub4dor", "hunter2", "s3cret-path", "s3cret-agent"]
    for name in (secrets[0], user.username):
        for _ in range(6):
            visitor.post(
                f"{SIGN_IN}?q={secrets[2]}",
                {"username": name, "password": secrets[1], "next": f"/hub/logs?a={secrets[2]}"},
                headers={"User-Agent": secrets[3], "Accept": secrets[3]},
            )
    attempts = list(AccessAttempt.objects.values())
    assert len(attempts) == 2
    kept = repr(attempts)
    for secret in (*secrets, user.username, "csrfmiddlewaretoken"):
        assert secret not in kept
    assert all(len(attempt["username"]) == 64 for attempt in attempts)
    assert not AccessLog.objects.exists()
    assert not AccessFailureLog.objects.exists()
    said = capfd.readouterr().err
    assert "axes" not in said.casefold()
    assert not [secret for secret in secrets if secret in said]


def test_what_is_kept_of_a_name_cannot_be_guessed_without_the_secret_key(
    settings: Settings,
) -> None:
    request = lockout.stripped_request(Client().get(SIGN_IN, REMOTE_ADDR="192.0.2.1").wsgi_request)
    kept = lockout.username_digest(request, {"username": "ada"})
    settings.SECRET_KEY = "another" * 10
    assert lockout.username_digest(request, {"username": "ada"}) != kept


def test_an_address_that_tries_too_often_waits_and_no_password_is_looked_at(
    visitor: Client, user: User, settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.SIGN_IN_RATE = "3/minute"
    for _ in range(3):
        assert try_as(visitor, unique("ada")).status_code == 200
    # A hasher that is not there fails whoever asks for it.
    with override_settings(PASSWORD_HASHERS=["no.such.Hasher"]):
        response = try_as(visitor, user.username, PASSWORD)
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    assert alert(response).text.startswith(
        "Too many sign-in attempts from your network. Try again at 12:0"
    )
    assert visitor.get(SIGN_IN).status_code == 200
    clock.shift(timedelta(seconds=61))
    assert try_as(visitor, user.username, PASSWORD).status_code == 302


def test_too_many_sign_ins_are_recorded_without_a_name_and_sampled(
    visitor: Client, user: User, account: Account, settings: Settings
) -> None:
    settings.SIGN_IN_RATE = "1/minute"
    for _ in range(14):
        try_as(visitor, user.username, PASSWORD)
        visitor.logout()
    address = visitor.defaults["REMOTE_ADDR"]
    hits = [e for e in entries_of(PLATFORM_ACCOUNT, address) if e.action == "rate_limit.hit"]
    assert len(hits) == 10
    assert hits[0].payload == {"limit": 1, "window": "60s"}
    assert hits[0].target
    assert hits[0].target.id == SIGN_IN
    assert {entry.actor.id for entry in hits} == {"anonymous"}


@pytest.mark.django_db
def test_an_ipv6_network_shares_its_rate(settings: Settings) -> None:
    settings.SIGN_IN_RATE = "2/minute"
    statuses = [
        try_as(Client(REMOTE_ADDR=f"2001:db8:9:9::{number}"), unique("ada")).status_code
        for number in range(1, 4)
    ]
    assert statuses == [200, 200, 429]


def test_passwords_are_hashed_by_argon2_and_older_hashes_renewed(
    visitor: Client, account: Account, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = own.PASSWORD_HASHERS
    person = User.objects.create_user(unique("ada"), password=PASSWORD)
    assert person.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    person.password = hashers.make_password(PASSWORD, hasher="pbkdf2_sha256")
    person.save()
    assert try_as(visitor, person.username, PASSWORD).status_code == 302
    person.refresh_from_db()
    assert person.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_key_of_a_session_is_a_new_one_after_signing_in(visitor: Client, user: User) -> None:
    visitor.get("/hub/set-password/MQ/nothing")
    session = visitor.session
    session["planted"] = True
    session.save()
    before = session.session_key
    try_as(visitor, user.username, PASSWORD)
    assert visitor.session.session_key != before


@pytest.mark.slow
def test_many_at_once_get_an_answer_each_and_are_locked_out(
    live_server: LiveServer, user: User
) -> None:
    """A database that one writes to at a time makes the others wait and refuses nobody."""
    statuses: list[int] = []
    body = f"username={user.username}&password=wrong"

    def send() -> None:
        connection = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        token = "a" * 32
        headers |= {"Cookie": f"csrftoken={token}", "X-CSRFToken": token}
        connection.request("POST", SIGN_IN, body, headers)
        statuses.append(connection.getresponse().status)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(statuses) == 12
    assert set(statuses) <= {200, 429}
    assert try_as(Client(), user.username, PASSWORD).status_code == 429
