"""Entries sent over HTTP: which are accepted or rejected, and what is answered."""

import gzip
import itertools
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.test import RequestFactory
from hypothesis import given, strategies as st
from pytest_django.fixtures import Settings

from auditlogs.api.body import MAX_BODY_BYTES, BadBody, entries_of, read
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.explain.codes import PROBLEMS
from auditlogs.intake.validation import InvalidEntry
from auditlogs.models import Account, ApiKey
from auditlogs.query.entries import Entries
from auditlogs.recording.policy import check, complete
from auditlogs.storage import mongo
from auditlogs.storage.documents import to_document
from auditlogs.write import store
from tests.api import Api, problem_of
from tests.factories import AGENT, make_entry

NDJSON = "application/x-ndjson"
VALID: dict[str, Any] = {"action": "order.created", "actor": AGENT, "result": "success"}


@pytest.fixture
def api(write_key: str) -> Api:
    return Api(write_key)


def entries(account: Account) -> list[Entry]:
    return Entries.of(account.id).order_by("timestamp").page(1000, payloads=True).entries


def taken(request: HttpRequest) -> list[Any]:
    """Return what the body of a request is read as."""
    found = list(entries_of(read(request), request.content_type or ""))
    for each in found:
        if isinstance(each, BadBody):
            raise each
    return found


def identified(number: int, **more: Any) -> dict[str, Any]:
    return {**VALID, "id": f"w-{number}", "timestamp": AT, **more}


AT = format_rfc3339(now() - timedelta(minutes=5))


# What is taken


def test_one_entry_is_stored_and_answered_with_an_array(api: Api, account: Account) -> None:
    response = api.post({**VALID, "payload": {"orderId": "ord-1"}, "duration": 12.5})
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    (entry,) = entries(account)
    assert response.json() == [{"index": 0, "id": entry.id, "status": "created"}]
    assert (entry.action, entry.duration, entry.payload) == (
        *("order.created", 12.5),
        {"orderId": "ord-1"},
    )


def test_the_key_that_said_it_is_kept_with_the_entry(api: Api, account: Account) -> None:
    api.post(VALID)
    key = account.api_keys.get(name="writer")
    assert [entry.asserted_by for entry in entries(account)] == [f"key_{key.pk}"]


def test_a_key_may_name_any_actor(api: Api, account: Account) -> None:
    names = [{"type": "user", "id": "u-1"}, {"type": "system", "id": "system"}, AGENT]
    assert api.post([{**VALID, "actor": actor} for actor in names]).status_code == 201
    assert {entry.actor.id for entry in entries(account)} == {actor["id"] for actor in names}


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\n\n  \n"])
def test_lines_of_json_are_taken_with_or_without_gzip(
    api: Api, account: Account, separator: str
) -> None:
    lines = separator.join(json.dumps(identified(n)) for n in range(3)).encode()
    assert [each["status"] for each in api.post(lines, NDJSON).json()] == ["created"] * 3
    again = api.post(gzip.compress(lines), NDJSON, **{"content-encoding": "gzip"})
    assert (again.status_code, {each["status"] for each in again.json()}) == (200, {"duplicate"})
    assert len(entries(account)) == 3


def test_gzip_may_come_in_several_members(api: Api, account: Account) -> None:
    text = json.dumps(VALID).encode()
    packed = gzip.compress(text[:20]) + gzip.compress(text[20:])
    assert api.post(packed, **{"content-encoding": "gzip"}).status_code == 201


def test_entries_are_answered_in_their_order(api: Api, account: Account) -> None:
    api.post(identified(1))
    body = [identified(n) for n in (2, 1, 3, 2)]
    answer = api.post(body).json()
    assert [(each["index"], each["status"]) for each in answer] == [
        *((0, "created"), (1, "duplicate"), (2, "created"), (3, "duplicate")),
    ]
    assert answer[0]["id"] == answer[3]["id"] != answer[2]["id"]


def test_an_empty_array_stores_nothing(api: Api, account: Account) -> None:
    response = api.post([])
    assert (response.status_code, response.json(), entries(account)) == (200, [], [])


def test_fields_that_are_null_are_as_if_absent(api: Api, account: Account) -> None:
    names = ("target", "payload", "duration", "sessionId", "id", "timestamp", "botId", "sourceIp")
    assert api.post({**VALID, **dict.fromkeys(names)}).status_code == 201
    assert entries(account)[0].session_id is None


def test_a_key_given_twice_in_a_payload_has_its_last_value(api: Api, account: Account) -> None:
    body = json.dumps(VALID)[:-1] + ', "payload": {"a": 1, "a": 2}}'
    assert api.post(body.encode()).status_code == 201
    assert entries(account)[0].payload == {"a": 2}


# The same again, and another under the same name


def test_a_retry_stores_nothing_twice(api: Api, account: Account) -> None:
    body = [identified(n) for n in range(5)]
    first, again = api.post(body), api.post(body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert [each["id"] for each in first.json()] == [each["id"] for each in again.json()]
    assert len(entries(account)) == 5


def test_the_order_of_keys_and_who_sends_it_make_no_other_entry(
    api: Api, api_key: str, account: Account
) -> None:
    from auditlogs.accounts import keys

    other = Api(keys.create(account, "other", ["logs:write"]))
    api.post(identified(1, payload={"a": 1, "b": {"c": 2, "d": 3}}))
    again = other.post(identified(1, payload={"b": {"d": 3, "c": 2}, "a": 1}))
    assert again.json()[0]["status"] == "duplicate"


@pytest.mark.parametrize(
    "change",
    [
        {"result": "failure"},
        {"action": "order.filled"},
        {"actor": {**AGENT, "name": "Another"}},
        {"payload": {"n": True}},
        {"payload": {"n": 1.5}},
        {"payload": None},
        {"target": {"type": "order", "id": "o"}},
        {"duration": 1},
        {"sessionId": "s"},
    ],
)
def test_other_content_under_the_same_identity_is_a_conflict_and_the_first_stays(
    api: Api, account: Account, change: dict[str, Any]
) -> None:
    first = api.post(identified(1, payload={"n": 1})).json()[0]["id"]
    response = api.post([identified(2), identified(1, payload={"n": 1}) | change, identified(3)])
    problem = problem_of(response, 409, "id-conflict")
    assert [(e["index"], e["status"]) for e in problem["entries"]] == [
        *((0, "created"), (1, "conflict"), (2, "created")),
    ]
    kept = {entry.id: entry for entry in entries(account)}
    assert kept[first].payload == {"n": 1}
    denials = [entry for entry in kept.values() if entry.action == "access.denied"]
    assert len(kept) == 4
    assert [(e.result, (e.payload or {})["code"]) for e in denials] == [("failure", "id-conflict")]


@pytest.mark.parametrize("number", [b"1.0", b"1e0", b"10E-1", b"1.000"])
def test_a_retry_through_another_language_is_the_same_entry(api: Api, number: bytes) -> None:
    assert api.post(identified(1, payload={"n": 1})).status_code == 201
    body = json.dumps(identified(1, payload={"n": 7})).encode()
    again = api.post(body.replace(b'"n": 7', b'"n": ' + number))
    assert (again.status_code, again.json()[0]["status"]) == (200, "duplicate")


def test_a_retry_under_an_idempotency_key_is_the_same_entries_too(api: Api) -> None:
    first = api.post(
        b"[%b]" % json.dumps({**VALID, "payload": {"n": 1}}).encode(),
        **{"Idempotency-Key": "numbers"},
    )
    body = json.dumps([{**VALID, "payload": {"n": 7}}]).encode().replace(b": 7", b": 1.0")
    again = api.post(body, **{"Idempotency-Key": "numbers"})
    assert again.json() == [{**first.json()[0], "status": "duplicate"}]


def test_a_conflict_within_one_body_is_found_too(api: Api, account: Account) -> None:
    response = api.post([identified(1), identified(1, result="failure")])
    problem = problem_of(response, 409, "id-conflict")
    assert [e["status"] for e in problem["entries"]] == ["created", "conflict"]


def test_nobody_can_claim_anothers_id(api: Api, account: Account) -> None:
    foreign = make_entry(id="w-1", timestamp=now())
    answer = api.post({**VALID, "id": "w-1", "timestamp": foreign.timestamp})
    assert answer.json()[0]["status"] == "created"
    assert answer.json()[0]["id"] != foreign.id


# Idempotency keys


def test_an_idempotency_key_stands_for_missing_ids_and_times(api: Api, account: Account) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        first = api.post([VALID, VALID], **{"idempotency-key": '"batch-7"'})
        clock.shift(timedelta(hours=23))
        again = api.post([VALID, VALID], **{"idempotency-key": "batch-7"})
    assert [each["status"] for each in first.json()] == ["created", "created"]
    assert [each["status"] for each in again.json()] == ["duplicate", "duplicate"]
    assert [each["id"] for each in first.json()] == [each["id"] for each in again.json()]
    assert len(entries(account)) == 2


def test_the_same_key_with_another_body_stores_nothing(api: Api, account: Account) -> None:
    api.post(VALID, **{"idempotency-key": "k"})
    response = api.post({**VALID, "result": "failure"}, **{"idempotency-key": "k"})
    problem_of(response, 422, "idempotency-key-reused")
    assert len(entries(account)) == 1


def test_keys_of_two_accounts_never_meet(api: Api, account: Account, db: None) -> None:
    from auditlogs.accounts import keys

    other = Account.objects.create(name="another one of idempotency")
    theirs = Api(keys.create(other, "writer", ["logs:write"]))
    api.post(VALID, **{"idempotency-key": "k"})
    response = theirs.post({**VALID, "result": "failure"}, **{"idempotency-key": "k"})
    assert response.status_code == 201


def test_ids_that_are_given_hold_beside_an_idempotency_key(api: Api, account: Account) -> None:
    api.post(identified(1))
    answer = api.post([identified(1), VALID], **{"idempotency-key": "k"}).json()
    assert [each["status"] for each in answer] == ["duplicate", "created"]


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "é", "a\tb"])
def test_an_idempotency_key_that_is_none_is_refused(api: Api, account: Account, key: str) -> None:
    problem = problem_of(api.post(VALID, **{"idempotency-key": key}), 400, "invalid-header")
    assert problem["detail"].startswith("Idempotency-Key: ")
    assert entries(account) == []


# What is refused


def test_every_fault_of_every_entry_is_listed_and_nothing_stored(
    api: Api, account: Account
) -> None:
    body = [
        VALID,
        {"action": "Order", "actor": {"type": "robot", "nick": "x"}, "botid": "b"},
        "entry",
        {**VALID, "target": {"type": "order"}, "duration": -1, "timestamp": "yesterday"},
        {**VALID, "id": "w-1"},
        {**VALID, "actor": {"$ne": None}},
    ]
    problem = problem_of(api.post(body), 422, "invalid-entries")
    found = {(e["index"], e["path"], e["code"]) for e in problem["errors"]}
    assert found == {
        (1, "/1/action", "invalid-value"),
        (1, "/1/actor/type", "invalid-value"),
        (1, "/1/actor/id", "missing-field"),
        (1, "/1/actor", "unknown-field"),
        (1, "/1/botid", "unknown-field"),
        (1, "/1/result", "missing-field"),
        (2, "/2", "invalid-value"),
        (3, "/3/target/id", "missing-field"),
        (3, "/3/duration", "invalid-value"),
        (3, "/3/timestamp", "invalid-value"),
        (4, "/4/timestamp", "missing-field"),
        (5, "/5/actor/type", "missing-field"),
        (5, "/5/actor/id", "missing-field"),
        (5, "/5/actor", "unknown-field"),
    }
    assert all(e["detail"] for e in problem["errors"])
    assert entries(account) == []


def test_a_text_that_forges_is_named_beside_a_field_of_another_type(api: Api) -> None:
    body = {**VALID, "result": "ok", "sessionId": "a\nb", "actor": {**AGENT, "name": "\u202ex"}}
    problem = problem_of(api.post(body), 422, "invalid-entries")
    assert {error["path"] for error in problem["errors"]} == {
        *("/0/result", "/0/sessionId", "/0/actor/name"),
    }


@pytest.mark.parametrize("kind", ["application/json", NDJSON])
def test_an_entry_far_too_large_is_named_and_not_even_parsed(
    api: Api, account: Account, kind: str
) -> None:
    huge = json.dumps({**VALID, "payload": {"a": [[]] * 300_000}})
    parts = [json.dumps(VALID), huge]
    body = f"[{', '.join(parts)}]" if kind == "application/json" else "\n".join(parts)
    problem = problem_of(api.post(body.encode(), kind), 422, "entry-too-large")
    assert [(e["index"], e["path"]) for e in problem["errors"]] == [(1, "/1")]
    assert problem_of(api.post(huge.encode()), 422, "entry-too-large")["errors"][0]["index"] == 0
    assert entries(account) == []


def test_a_choice_says_what_there_is_to_choose(api: Api) -> None:
    problem = problem_of(api.post({**VALID, "result": "ok"}), 422, "invalid-value")
    assert problem["errors"][0]["detail"] == "must be one of failure, partial, success"


def test_what_was_expected_is_said_in_words_of_json(api: Api) -> None:
    approval = {"id": "a", "outcome": "granted", "argumentsHash": "F00"}
    body = {**VALID, "action": "Order", "duration": "5", "sessionId": 1, "approval": approval}
    problem = problem_of(api.post(body), 422, "invalid-value")
    assert {error["path"]: error["detail"] for error in problem["errors"]} == {
        "/0/action": "must be two or more lower-case segments joined by dots, such as"
        " order.created, of at most 100 characters",
        "/0/duration": "Expected `number | null`, got `string`",
        "/0/sessionId": "Expected `string | null`, got `integer`",
        "/0/approval/argumentsHash": "must be 64 lower-case hexadecimal digits",
    }


@pytest.mark.parametrize(
    ("fields", "slug", "path"),
    [
        ({"sessionId": "a\nb"}, "control-character", "/0/sessionId"),
        ({"actor": {**AGENT, "name": "\u202egnp.exe"}}, "control-character", "/0/actor/name"),
        ({"requestId": "a\x00"}, "control-character", "/0/requestId"),
        ({"timestamp": "2020-01-01T00:00:00Z"}, "timestamp-out-of-range", "/0/timestamp"),
        ({"timestamp": "2999-01-01T00:00:00Z"}, "timestamp-out-of-range", "/0/timestamp"),
        ({"timestamp": "2026-11-01T00:00:00"}, "invalid-value", "/0/timestamp"),
        ({"payload": {"a": "x" * 70_000}}, "entry-too-large", "/0"),
        ({"payload": {str(n): n for n in range(9_000)}}, "entry-too-large", "/0"),
        ({"actionType": "auth"}, "invalid-value", "/0/actionType"),
        ({"action": "custom.thing"}, "missing-field", "/0/actionType"),
        ({"payload": ["a"]}, "invalid-value", "/0/payload"),
        ({"recordedAt": AT}, "unknown-field", "/0/recordedAt"),
        ({"account": "acc_1"}, "unknown-field", "/0/account"),
        ({"assertedBy": "me"}, "unknown-field", "/0/assertedBy"),
    ],
)
def test_what_cannot_be_stored_is_named_by_kind_and_place(
    api: Api, account: Account, fields: dict[str, Any], slug: str, path: str
) -> None:
    problem = problem_of(api.post({**VALID, **fields}), 422, slug)
    assert [error["path"] for error in problem["errors"]] == [path]
    assert entries(account) == []


@pytest.mark.parametrize("levels", [33, 200, 500])
def test_a_payload_that_is_nested_too_deep_is_refused(api: Api, levels: int) -> None:
    payload = '{"a":' * levels + "1" + "}" * levels
    body = json.dumps(VALID)[:-1] + f', "payload": {payload}}}'
    problem = problem_of(api.post(body.encode()), 422, "too-deep")
    assert problem["errors"][0]["path"] == "/0/payload"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"{", b"nope", b"\xff", b"[1,]", b'{"a":1} x', b'"\\ud800"'),
        json.dumps(VALID).encode("utf-16"),
        *(json.dumps(VALID)[:-1].encode() + end for end in (b', "duration": NaN}',)),
        *(
            json.dumps(VALID)[:-1].encode() + b', "payload": {"a": ' + value + b"}}"
            for value in (
                *(b"NaN", b"-Infinity", b"1e9999999999999999999", b'"\\udfff"', b"'x'", b"01"),
                b"[" * 100_000 + b"]" * 100_000,
            )
        ),
    ],
    ids=range(17),
)
@pytest.mark.parametrize("kind", ["application/json", NDJSON])
def test_what_is_not_json_that_can_be_stored_is_refused(
    api: Api, account: Account, body: bytes, kind: str
) -> None:
    problem = problem_of(api.post(body, kind), 400, "malformed-json")
    assert " at at " not in problem["detail"]
    assert ("it is empty" in problem["detail"]) == (not body.strip())
    assert entries(account) == []


def test_a_field_is_sent_once(api: Api, account: Account) -> None:
    decision, by = {"outcome": "denied"}, {"type": "user", "id": "u"}
    whole = {**VALID, "decision": {**decision, "by": by}, "onBehalfOf": [by], "payload": {"n": 1}}
    text = json.dumps(whole)
    for name in ("result", "outcome", "by", "id", "onBehalfOf", "decision", "actor", "payload"):
        twice = text.replace(f'"{name}"', f'"{name}": null, "{name}"')
        problem = problem_of(api.post(twice.encode()), 400, "malformed-json")
        assert f"the field {name} is repeated" in problem["detail"]
    assert entries(account) == []
    assert api.post(text.replace('"n"', '"n": 0, "n"').encode()).status_code == 201
    assert entries(account)[0].payload == {"n": 1}


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("text/plain", "identity"),
        ("application/xml", "identity"),
        ("application/json; charset=latin-1", "identity"),
        ("multipart/form-data; boundary=x", "identity"),
        ("application/json", "br"),
        ("application/json", "gzip, gzip"),
    ],
)
def test_other_kinds_of_bodies_are_said_to_be_unsupported(
    api: Api, kind: str, encoding: str
) -> None:
    body = json.dumps(VALID).encode()
    response = api.post(body, kind, **{"content-encoding": encoding})
    problem_of(response, 415, "unsupported-media-type")


def test_a_body_may_have_five_mebibytes_and_no_more(api: Api) -> None:
    text = json.dumps(VALID).encode()
    longest = text + b" " * (MAX_BODY_BYTES - len(text))
    assert api.post(longest).status_code == 201
    assert api.post(gzip.compress(longest), **{"content-encoding": "gzip"}).status_code == 201
    problem_of(api.post(longest + b" "), 413, "body-too-large")
    bomb = gzip.compress(longest + b" " * 200_000_000)
    assert len(bomb) < MAX_BODY_BYTES
    problem_of(api.post(bomb, **{"content-encoding": "gzip"}), 413, "body-too-large")


def test_a_body_of_a_thousand_entries_is_the_largest(
    api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy database would leave them to the spool.
    monkeypatch.setattr(store, "WRITE_SECONDS", 60.0)
    many = [VALID] * 1_001
    problem_of(api.post(many), 413, "too-many-entries")
    lines = "\n".join(json.dumps(entry) for entry in many).encode()
    problem_of(api.post(lines, NDJSON), 413, "too-many-entries")
    assert entries(account) == []
    assert api.post(many[1:]).status_code == 201


def test_a_body_that_ends_before_its_announced_end_is_refused() -> None:
    line = json.dumps(VALID).encode() + b"\n"
    request = RequestFactory().post("/", line * 3, content_type=NDJSON)
    # As a server gives it when the connection breaks between two lines.
    request = WSGIRequest({**request.META, "wsgi.input": BytesIO(line * 2)})
    with pytest.raises(BadBody) as raised:
        taken(request)
    assert (raised.value.slug, raised.value.detail) == ("malformed-json", "The body is incomplete.")


@pytest.mark.parametrize("digits", [7, 19, 5_000])
def test_a_body_that_is_announced_as_too_large_is_not_read(digits: int) -> None:
    request = RequestFactory().post("/", b"{}", content_type=NDJSON, CONTENT_LENGTH="9" * digits)
    with pytest.raises(BadBody) as raised:
        taken(request)
    assert raised.value.slug == "body-too-large"


def test_a_packed_body_of_nothing_has_an_end_too() -> None:
    request = RequestFactory().post("/", content_type=NDJSON, headers={"content-encoding": "gzip"})
    pieces = itertools.repeat(gzip.compress(b""), 2 * MAX_BODY_BYTES // 20)
    del request.META["CONTENT_LENGTH"]
    request.META |= {"wsgi.input_terminated": True, "wsgi.input": Pieces(pieces)}
    with pytest.raises(BadBody) as raised:
        taken(request)
    assert raised.value.slug == "body-too-large"


class Pieces:
    """A body that is sent in pieces, without saying how many there will be."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int) -> bytes:
        return b"".join(itertools.islice(self._pieces, size // 32))


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b"{}", mtime=0)[:-4], b""])
def test_what_is_not_gzip_is_said_to_be_none(api: Api, body: bytes) -> None:
    problem_of(api.post(body, **{"content-encoding": "gzip"}), 400, "malformed-gzip")


def test_a_key_needs_the_scope_to_write(api_key: str, account: Account) -> None:
    problem = problem_of(Api(api_key).post(VALID), 403, "insufficient-scope")
    assert problem["scope"] == "logs:write"
    assert [entry.action for entry in entries(account)] == ["access.denied"]


def test_a_key_that_may_only_write_reads_nothing(api: Api) -> None:
    api.post(VALID)
    problem = problem_of(api.get(), 403, "insufficient-scope")
    assert problem["scope"] == "logs:read"


def test_parameters_mean_nothing_when_writing(api: Api, account: Account) -> None:
    response = api.client.post(
        "/api/audit-logs?dryRun=1",
        json.dumps(VALID),
        content_type="application/json",
        headers=api.headers,
    )
    problem_of(response, 400, "unknown-parameter")
    assert entries(account) == []


def test_a_key_that_calls_too_often_is_told_when_to_try_again(
    api: Api, account: Account, settings: Settings
) -> None:
    settings.AUDITLOGS_API_RATE = "2/minute"
    assert [api.post(VALID).status_code for _ in range(3)] == [201, 201, 429]
    response = api.post(VALID)
    problem_of(response, 429, "rate-limited")
    assert 1 <= int(response["Retry-After"]) <= 60
    assert {entry.action for entry in entries(account)} == {"order.created", "rate_limit.hit"}


# A key in what it sends


def key_of(account: Account) -> ApiKey:
    return ApiKey.objects.get(account=account)


@pytest.mark.parametrize(
    "place",
    [
        lambda key: {"payload": {"output": f"curl -H 'Authorization: Bearer {key}'"}},
        lambda key: {"payload": {key: 1}},
        lambda key: {"payload": {"body": json.dumps({"headers": [["Authorization", key]]})}},
        lambda key: {"payload": {"url": f"https://x/?access_token={key}&a=%20"}},
        lambda key: {"actor": {**AGENT, "name": f"Scout {key}"}},
        lambda key: {"target": {"type": "order", "id": "o", "name": key}},
        lambda key: {"requestId": key},
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_key_in_what_it_sends_is_redacted_marked_and_warned_of(
    api: Api, write_key: str, account: Account, place: Any, packed: bool
) -> None:
    body = json.dumps([VALID, {**VALID, **place(write_key)}]).encode()
    packing = {"content-encoding": "gzip"} if packed else {}
    response = api.post(gzip.compress(body) if packed else body, **packing)
    assert response.status_code == 201
    key, found = key_of(account), entries(account)
    assert key.exposed_at
    assert write_key not in f"{found}{ApiKey.objects.values().get(pk=key.pk)}"
    (warning,) = [entry for entry in found if entry.action == "api_key.exposed"]
    assert (warning.result, warning.actor.id) == ("partial", key.public_id)
    assert warning.target
    assert (warning.target.type, warning.target.id) == ("api_key", key.public_id)
    assert (warning.payload or {}).keys() == {"keyName", "error"}
    assert len(found) == 3


def test_a_key_that_goes_on_sending_itself_keeps_the_first_time_and_warns_ten_times(
    api: Api, write_key: str, account: Account
) -> None:
    first = None
    for _ in range(12):
        api.post({**VALID, "payload": {"x": write_key}})
        first = first or key_of(account).exposed_at
    assert key_of(account).exposed_at == first
    warnings = [entry for entry in entries(account) if entry.action == "api_key.exposed"]
    assert len(warnings) == 10


def test_a_key_in_a_body_that_is_refused_was_sent_all_the_same(
    api: Api, write_key: str, account: Account
) -> None:
    problem_of(api.post({"action": write_key}), 422, "invalid-entries")
    assert key_of(account).exposed_at


def test_the_key_of_another_marks_nobody(api: Api, api_key: str, account: Account) -> None:
    assert api.post({**VALID, "payload": {"x": api_key}}).status_code == 201
    assert not ApiKey.objects.filter(account=account).exclude(exposed_at=None)
    assert {entry.action for entry in entries(account)} == {"order.created"}


# Whatever comes


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["order.created", "success", "agent", AT, "[REDACTED:x]"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*Entry.__struct_encode_fields__, "type", "name", "x"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


def paths_of_faults(plain: Any) -> list[str]:
    try:
        checked = check(plain, now())
    except InvalidEntry as invalid:
        return [fault.path for fault in invalid.faults]
    entry = complete(checked, account="a", received=now(), asserted_by=None)
    assert to_document(entry, "a")["_id"] == uuid.UUID(entry.id)
    return []


@given(plain=ANY_JSON)
def test_any_json_is_an_entry_or_has_faults_with_paths(plain: Any) -> None:
    assert all(path == "" or path.startswith("/") for path in paths_of_faults(plain))


SIGNS = '[]{}":,0.e-+ntf\\\n\ud800'
JSON_TEXT = ANY_JSON.map(json.dumps) | st.text(SIGNS, max_size=30)
BODIES = st.binary(max_size=50) | JSON_TEXT.map(lambda text: text.encode(errors="surrogatepass"))


@given(
    body=BODIES | BODIES.map(gzip.compress),
    kind=st.sampled_from(["application/json", NDJSON, "text/plain"]),
    encoding=st.sampled_from(["identity", "gzip", "br"]),
)
def test_any_bytes_are_entries_or_a_named_problem(body: bytes, kind: str, encoding: str) -> None:
    request = RequestFactory().post(
        "/", body, content_type=kind, headers={"content-encoding": encoding}
    )
    status = 200
    try:
        assert len(taken(request)) <= 1_000
    except BadBody as bad:
        status = PROBLEMS[bad.slug].status
    assert status in (200, 400, 413, 415)


def test_an_entry_reaches_the_disks_of_a_majority_before_it_is_acknowledged(api: Api) -> None:
    from tests.watching import sent, watcher

    with watcher.watch() as commands:
        api.post(VALID)
    (insert,) = sent(commands, "insert", mongo.ENTRIES)
    assert insert["writeConcern"] == {"w": "majority", "j": True}
