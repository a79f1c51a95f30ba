"""`POST /api/keys/introspect`: what it says of agents' keys, and to whom."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from auditlogs.accounts import agent_keys, keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.times import now
from auditlogs.models import PLATFORM_ACCOUNT, Account, AgentKey
from auditlogs.query.entries import Entries
from tests.api import Api, problem_of
from tests.factories import unique

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

PATH = "/api/keys/introspect"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def api(account: Account) -> Api:
    return Api(keys.create(account, "mcp server", ["keys:verify"]))


def ask(
    api: Api, body: str | bytes = "", kind: str = FORM, path: str = PATH, **form: Any
) -> "Response":
    data = body or urlencode(form, doseq=True)
    # Without a body, the client would leave the content type away.
    headers = {**api.headers, "Content-Length": str(len(data))}
    return api.client.generic("POST", path, data, kind, headers=headers, CONTENT_TYPE=kind)


def make(account: Account, **fields: Any) -> tuple[AgentKey, str]:
    given = {"name": "scout-read", "agent": "agent_7f3a21", "scopes": ["read", "trade"], **fields}
    return agent_keys.create(account, COMMAND_LINE, **given)


def test_an_active_key_is_told_with_what_it_allows(account: Account, api: Api) -> None:
    ends = (now() + timedelta(days=3)).replace(microsecond=0)
    key, text = make(account, expires_at=ends)
    response = ask(api, token=text, token_type_hint="access_token")
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {
        "active": True,
        "scope": "read trade",
        "sub": "agent_7f3a21",
        "token_type": "Bearer",
        "key_id": key.public_id,
        "key_name": "scout-read",
        "exp": int(ends.timestamp()),
    }


def test_unknown_revoked_expired_and_foreign_are_the_same_answer(
    account: Account, api: Api
) -> None:
    revoked, revoked_text = make(account, name="revoked")
    assert ask(api, token=revoked_text).json()["active"]
    agent_keys.revoke(revoked, COMMAND_LINE)
    expired, expired_text = make(account, name="expired")
    AgentKey.objects.filter(pk=expired.pk).update(expires_at=now())
    _, foreign = make(Account.objects.create(name=unique("other")))
    log_key = keys.create(account, "reader", ["logs:read"])
    unknown = keys.new_text(keys.AGENT_PREFIX)
    texts = (revoked_text, expired_text, foreign, log_key, unknown, "auda_", "ключ", "x" * 5000)
    answers = {(r.status_code, r.content) for r in (ask(api, token=text) for text in texts)}
    assert answers == {(200, b'{"active":false}')}


def test_the_token_is_written_nowhere(
    account: Account, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    _, text = make(account)
    ask(api, token=text)
    ask(api, f"token={text}", kind="text/plain")
    ask(api, path=f"{PATH}?token={text}")
    ask(api, token=[text, text])
    logged = [
        *Entries.of(account.id).page(100, payloads=True).entries,
        *Entries.of(PLATFORM_ACCOUNT).page(100, payloads=True).entries,
    ]
    assert text not in str(logged)
    assert text not in caplog.text


@pytest.mark.parametrize(
    ("sent", "status", "slug"),
    [
        ({"path": f"{PATH}?token=x", "token": "x"}, 400, "key-in-query"),
        ({"path": f"{PATH}?page=1", "token": "x"}, 400, "invalid-parameter"),
        ({}, 400, "invalid-parameter"),
        ({"token": ""}, 400, "invalid-parameter"),
        ({"token": ["a", "b"]}, 400, "invalid-parameter"),
        ({"body": b'{"token": "x"}', "kind": "application/json"}, 415, "unsupported-media-type"),
        ({"token": "x" * 9000}, 413, "body-too-large"),
    ],
)
def test_what_is_no_question_gets_a_clear_answer(
    api: Api, sent: dict[str, Any], status: int, slug: str
) -> None:
    problem = problem_of(ask(api, **sent), status, slug)
    if not sent.keys() - {"token"}:
        assert "token" in problem["detail"] or status == 413


def test_a_body_that_is_packed_or_has_no_length_is_refused_as_such(api: Api) -> None:
    headers = {**api.headers, "Content-Encoding": "gzip"}
    packed = api.client.post(PATH, "token=x", FORM, headers=headers)
    problem_of(packed, 415, "unsupported-media-type")
    chunks = api.client.post(PATH, "token=x", FORM, headers=api.headers, CONTENT_LENGTH="")
    assert "Content-Length" in problem_of(chunks, 411, "length-required")["detail"]
    digits = "9" * 5_000
    longest = api.client.post(PATH, "token=x", FORM, headers=api.headers, CONTENT_LENGTH=digits)
    problem_of(longest, 413, "body-too-large")


def test_only_a_key_with_the_scope_may_ask(account: Account) -> None:
    _, text = make(account)
    others = Api(keys.create(account, "all", ["logs:read", "logs:write", "logs:export"]))
    assert problem_of(ask(others, token=text), 403, "insufficient-scope")["scope"] == "keys:verify"
    # An agent's key is no key of the API.
    assert ask(Api(text), token=text).status_code == 401
    problem_of(others.client.get(PATH, headers=others.headers), 405, "method-not-allowed")


def test_questions_are_limited_in_rate(account: Account, api: Api, settings: Any) -> None:
    settings.AUDITLOGS_API_RATE = "2/minute"
    answers = [ask(api, token="x").status_code for _ in range(3)]
    assert answers == [200, 200, 429]
