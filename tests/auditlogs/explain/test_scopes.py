"""Scopes: what each opens, compared with the fleet's calls and with the API."""

import re
from datetime import date, timedelta

import pytest

from auditlogs.accounts import keys
from auditlogs.api.urls import urlpatterns
from auditlogs.entry.schema import NewEntry
from auditlogs.explain.scopes import API_REQUESTS, scope_of, tool_scopes
from auditlogs.models import Account
from hub.demo import history
from hub.demo.cast import AGENTS
from tests.api import Api, problem_of, whole

DAY = date(2026, 3, 2)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def calls() -> list[NewEntry]:
    """A fortnight's tool calls of the demo that say which tool."""
    days = [DAY + timedelta(days=n) for n in range(14)]
    told = [entry for day in days for entry in history.entries_of_day(day)]
    return [entry for entry in told if "tool" in (entry.payload or {})]


def test_every_tool_that_the_demo_calls_is_opened_by_a_scope(calls: list[NewEntry]) -> None:
    called = {(entry.payload or {})["tool"] for entry in calls}
    assert called == {tool for scope in tool_scopes().values() for tool in scope.tools}


def test_a_call_of_the_demo_is_refused_exactly_where_the_key_lacks_the_scope(
    calls: list[NewEntry],
) -> None:
    refused = 0
    # A sub-agent has a token, and no key; a question to a person is no call.
    for payload in (entry.payload or {} for entry in calls):
        if "keyScopes" not in payload:
            continue
        needed = scope_of(payload["tool"])
        is_refused = payload["status"] == 403
        assert is_refused == (needed not in payload["keyScopes"])
        if is_refused:
            assert payload["requiredScope"] == needed
            assert payload["code"] == "insufficient_scope"
            refused += 1
    assert refused > 10


def test_the_demos_keys_have_the_scopes_that_there_are() -> None:
    assert {scope for agent in AGENTS for scope in agent.scopes} == tool_scopes().keys()


def test_a_read_key_opens_no_tool_that_trades() -> None:
    assert scope_of("trade_execute") == scope_of("orders_batch") == "trade"
    assert scope_of("market_quote") == "read"
    assert scope_of("unheard_of") is None


def test_every_request_of_the_api_needs_the_scope_it_is_listed_under(account: Account) -> None:
    """Ask for everything there is with a key that lacks one scope."""
    assert API_REQUESTS.keys() <= keys.SCOPES.keys()
    paths = {"/api/" + re.sub("<.*>", "{id}", str(each.pattern)) for each in urlpatterns}
    paths.add("/metrics")
    found: dict[str, set[str]] = {}
    for scope in keys.SCOPES:
        others = Api(keys.create(account, scope, [each for each in keys.SCOPES if each != scope]))
        for path in paths:
            for method in METHODS:
                # An export that nobody reads would go on, and keep others from beginning.
                response = whole(others.client.generic(method, path, headers=others.headers))
                if response.status_code == 403:
                    assert problem_of(response, 403, "insufficient-scope")["scope"] == scope
                    found.setdefault(scope, set()).add(f"{method} {path}")
    assert found == {scope: set(requests) for scope, requests in API_REQUESTS.items()}
