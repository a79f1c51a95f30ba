"""Error codes: each one that is recorded or answered is declared, and explained.

The code that records or answers one takes it as a `LogCode` or a `ProblemSlug`, so mypy rejects
any other; here the declarations are compared with the explanations and with what is answered.
"""

from datetime import date, timedelta
from typing import Any, get_args

import mcp.types
import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import resolve

from auditlogs.accounts import keys
from auditlogs.api import problems, self_audit
from auditlogs.explain.codes import (
    LOG_CODES,
    MCP_CODES,
    PLATFORM_CODES,
    PROBLEMS,
    LogCode,
    ProblemSlug,
    code_of,
)
from auditlogs.intake import validation
from auditlogs.mcp.keys import UNAVAILABLE
from auditlogs.models import PLATFORM_ACCOUNT, Account, ApiKey
from auditlogs.query.entries import Entries
from hub.demo import history
from tests.api import LIST

ANY_ENTRY = "01a2090d-c8fc-8f2b-adc6-8547600a3833"


def test_every_declared_code_is_explained_and_no_other() -> None:
    assert LOG_CODES.keys() == set(get_args(LogCode))
    assert PROBLEMS.keys() == set(get_args(ProblemSlug))


def test_every_code_of_the_log_is_recorded_by_a_denied_request(account: Account) -> None:
    key = ApiKey.objects.get(pk=_key(account))
    request = _request()
    self_audit.id_conflict(request, key, [ANY_ENTRY])
    self_audit.key_in_address(request)
    self_audit.actor_refused(request, key)
    self_audit.note_other_bot(request, key, ["bot-2"])
    self_audit.scope_refused(request, key, "logs:read")
    self_audit.key_refused(request, None)
    self_audit.key_refused(request, key)
    key.expires_at = key.created_at
    self_audit.key_refused(request, key)
    key.revoked_at = key.created_at
    self_audit.key_refused(request, key)
    assert _recorded(account.id) | _recorded(PLATFORM_ACCOUNT) >= LOG_CODES.keys()


def test_every_fault_of_an_entry_is_a_problem_of_status_422() -> None:
    # A conflict is no fault of an entry: only the log can tell.
    faults = set(get_args(validation.Code)) - {"id-conflict"}
    assert faults <= {slug for slug, problem in PROBLEMS.items() if problem.status == 422}


def test_a_problem_that_is_not_declared_cannot_be_answered() -> None:
    with pytest.raises(KeyError):
        problems.problem("no-such-problem", "", "")  # type: ignore[arg-type]


def test_a_problem_has_the_status_that_is_declared_for_it() -> None:
    for slug in get_args(ProblemSlug):
        assert problems.problem(slug, "", "").status_code == PROBLEMS[slug].status


def test_the_demos_entries_have_every_code_of_the_platform_and_no_unknown_one() -> None:
    from hub.help.codes import HUB_CODES

    days = [date(2026, 3, 2) + timedelta(n) for n in range(14)]
    payloads = [entry.payload or {} for day in days for entry in history.entries_of_day(day)]
    codes = {payload.get("code") for payload in payloads} - {None}
    assert codes - LOG_CODES.keys() - HUB_CODES.keys() == PLATFORM_CODES.keys()


def test_the_codes_of_mcp_are_those_of_its_sdk_and_of_the_verifier_of_keys() -> None:
    sdk = vars(mcp.types)
    of_sdk = {str(sdk[name]) for name in sdk if name.isupper() and isinstance(sdk[name], int)}
    assert {*of_sdk, UNAVAILABLE} == MCP_CODES.keys()


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"code": "circuit_breaker_open"}, "circuit_breaker_open"),
        ({"code": -32602}, "-32602"),
        ({"code": "unheard_of"}, "unheard_of"),
        ({}, None),
        (None, None),
        ({"code": True}, None),
        ({"code": 4.5}, None),
        ({"code": ["csrf"]}, None),
    ],
)
def test_a_payloads_code_is_a_text_or_an_integer(
    payload: dict[str, Any] | None, code: str | None
) -> None:
    assert code_of(payload) == code


def _key(account: Account) -> int:
    keys.create(account, "scout", ["logs:write"], bot="bot-1")
    return account.api_keys.get().pk


def _request() -> HttpRequest:
    request = RequestFactory().get(LIST, REMOTE_ADDR="198.51.100.7")
    request.resolver_match = resolve(LIST)
    return request


def _recorded(account: str) -> set[str]:
    """Return the codes of an account's newest entries."""
    page = Entries.of(account).where("action", "access.denied").page(50, payloads=True)
    return {(entry.payload or {}).get("code", "") for entry in page.entries}
