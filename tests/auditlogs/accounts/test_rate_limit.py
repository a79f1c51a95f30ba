"""Rate limits of the API: requests of a key, and invalid keys of an address."""

import time
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django.fixtures import Settings

from auditlogs.accounts import keys, rate_limit
from auditlogs.models import Account, ApiKey
from tests.api import LIST, Api, problem_of
from tests.factories import AGENT, unique

VALID: dict[str, Any] = {"action": "order.created", "actor": AGENT, "result": "success"}


@pytest.fixture
def key(account: Account) -> ApiKey:
    return ApiKey.objects.create(account=account, name="busy", digest=unique("digest"))


def call(header: str, address: str = "192.0.2.1") -> Any:
    client = Client(REMOTE_ADDR=address)
    return client.get(LIST, headers={"Authorization": header})


def test_a_minute_holds_so_many_calls_and_ten_seconds_a_burst_of_them(key: ApiKey) -> None:
    taken, start = 0, time.time()
    for second in range(0, 61, 2):
        with time_machine.travel(start + second, tick=False):
            calls = [rate_limit.count_call(key) for _ in range(300)]
        passed = calls.count(None)
        assert calls == [None] * passed + calls[passed:]
        assert passed == (200 if second % 10 == 0 else 0)
        if second < 60:
            taken += passed
    assert taken == 1_200


def test_what_the_short_window_refuses_does_not_count_for_the_long_one(
    key: ApiKey, settings: Settings
) -> None:
    settings.AUDITLOGS_API_RATE = "5/minute;2/second"
    start = time.time()
    passed = []
    for second in (0, 2, 4):
        with time_machine.travel(start + second, tick=False):
            reached = [rate_limit.count_call(key) for _ in range(50)]
        passed.append(reached.count(None))
    assert passed == [2, 2, 1]
    assert reached[-1]
    assert reached[-1].rate.get_expiry() in (1, 60)


def test_every_method_counts_for_the_rate_of_a_key(account: Account, settings: Settings) -> None:
    settings.AUDITLOGS_API_RATE = "4/minute"
    api = Api(keys.create(account, "both", ["logs:read", "logs:write"]))
    head = api.client.head(LIST, headers=api.headers)
    calls = [api.get(), api.post(VALID), head, api.get(f"{LIST}/x")]
    assert [each.status_code for each in calls] == [200, 201, 200, 404]
    for refused in (api.get(), api.post(VALID), api.get(f"{LIST}/x")):
        problem = problem_of(refused, 429, "rate-limited")
        assert problem["detail"].startswith("This key has sent too many requests. Try again in ")
        assert 1 <= int(refused["Retry-After"]) <= 60


def test_a_key_is_refused_before_its_scope_is_looked_at(
    account: Account, settings: Settings
) -> None:
    settings.AUDITLOGS_API_RATE = "1/minute"
    weak = Api(keys.create(account, "weak", []))
    assert [weak.get().status_code for _ in range(3)] == [403, 429, 429]


def test_one_key_does_not_use_up_anothers_share(account: Account, settings: Settings) -> None:
    settings.AUDITLOGS_API_RATE = "1/minute"
    one, other = (Api(keys.create(account, name, ["logs:read"])) for name in ("one", "other"))
    assert [one.get().status_code, one.get().status_code] == [200, 429]
    assert other.get().status_code == 200


def test_an_address_may_send_ten_invalid_keys_a_minute(db: None) -> None:
    assert [call(f"Bearer {n}").status_code for n in range(10)] == [401] * 10
    refused = call("Bearer 10")
    problem = problem_of(refused, 429, "rate-limited")
    assert problem["detail"].startswith(
        "Too many requests with invalid keys came from this address."
    )
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert call("Bearer 10", "192.0.2.2").status_code == 401
    with time_machine.travel(time.time() + 61, tick=False):
        assert call("Bearer 10").status_code == 401


def test_a_valid_key_is_not_held_up_by_others_at_its_address(api_key: str) -> None:
    statuses = [call("Bearer nonsense").status_code for _ in range(12)]
    assert statuses[-1] == 429
    assert call(f"Bearer {api_key}").status_code == 200


def test_requests_without_a_key_are_not_limited(db: None) -> None:
    client = Client()
    assert {client.get(LIST).status_code for _ in range(15)} == {401}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("unix:", None, True),
    ],
)
def test_a_client_is_its_address_or_its_network(one: str, other: str | None, is_same: bool) -> None:
    assert (rate_limit.network_of(one) == rate_limit.network_of(other)) == is_same
