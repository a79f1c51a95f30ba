"""Entries that other products' users have sent, and what the log makes of each."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from auditlogs.entry.times import format_rfc3339, now
from tests.api import Api, problem_of
from tests.factories import AGENT, ORDER

VALID: dict[str, Any] = {"action": "order.created", "actor": AGENT, "result": "success"}
# Of Unicode's characters that nobody sees, those that were found in names of agents.
HIDDEN = "\u00ad\u034f\u061c\u115f\u180e\u2800\u3164\ufe0f\U000e0041\ufffe\U0001d173"


@pytest.fixture
def api(write_key: str) -> Api:
    return Api(write_key)


def test_an_amount_of_wei_is_stored_with_all_its_digits(api: Api, api_key: str) -> None:
    # msgspec/msgspec#377, elastic/kibana#40183
    body = json.dumps({**VALID, "payload": {"amountWei": 0}}).encode()
    answer = api.post(body.replace(b": 0}", b": 1000000000000000000000}"))
    assert answer.status_code == 201
    text = Api(api_key).get().content
    assert b'"amountWei":1000000000000000000000}' in text


def test_the_arn_of_an_assumed_role_is_an_actor(api: Api, api_key: str) -> None:
    arn = f"arn:aws:sts::111111111111:assumed-role/{'r' * 64}/{'s' * 64}"
    entry = {"action": "config.aws.put_object", "actor": {"type": "user", "id": arn}}
    assert api.post({**entry, "result": "success"}).status_code == 201
    (found,) = Api(api_key).get(actor=arn).json()
    assert found["actor"]["id"] == arn


def test_an_actor_and_a_bot_may_have_ids_of_256_characters_and_no_more(api: Api) -> None:
    for fields in ({"actor": {**AGENT, "id": "x" * 257}}, {"botId": "x" * 257}):
        problem_of(api.post({**VALID, **fields}), 422, "invalid-value")
    long = {"actor": {**AGENT, "id": "x" * 256}, "botId": "x" * 256}
    assert api.post({**VALID, **long}).status_code == 201


def test_an_entry_that_is_dated_ahead_is_no_part_of_the_last_day(api: Api, api_key: str) -> None:
    # datalust/seq-tickets#1570, percona/rds_exporter#123
    moment = now()
    ahead = {**VALID, "timestamp": format_rfc3339(moment + timedelta(hours=23))}
    (id,) = (each["id"] for each in api.post(ahead).json())
    usual = api.post({**VALID, "timestamp": format_rfc3339(moment)}).json()[0]["id"]
    reader = Api(api_key)
    assert reader.ids(dateRange="24h") == [usual]
    for wider in ("7d", "30d", "all"):
        assert reader.ids(dateRange=wider) == [id, usual]


@pytest.mark.parametrize("char", HIDDEN, ids=ascii)
def test_an_invisible_character_is_refused_in_every_text_but_the_payloads(
    api: Api, char: str
) -> None:
    text = f"agent_7f3a21{char}"
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/actor/id", {"actor": {**AGENT, "id": text}}),
        ("/actor/name", {"actor": {**AGENT, "name": text}}),
        ("/target/type", {"target": {**ORDER, "type": text}}),
        ("/target/id", {"target": {**ORDER, "id": text}}),
        ("/target/name", {"target": {**ORDER, "name": text}}),
        *((f"/{name}", {name: text}) for name in ("correlationId", "requestId", "sessionId")),
        *((f"/{name}", {name: text}) for name in ("sourceIp", "botId")),
        ("/id", {"id": text, "timestamp": format_rfc3339(now())}),
    )
    for path, fields in cases:
        problem = problem_of(api.post({**VALID, **fields}), 422, "control-character")
        assert [each["path"] for each in problem["errors"]] == [f"/0{path}"]
    assert api.post({**VALID, "payload": {text: text}}).status_code == 201


def test_names_as_people_write_them_are_taken(api: Api, api_key: str) -> None:
    name = "می\u200cخواهم ❤\ufe0f 👩\u200d🚀"
    assert api.post({**VALID, "actor": {**AGENT, "name": name}}).status_code == 201
    assert Api(api_key).get().json()[0]["actor"]["name"] == name
    problem_of(api.post({**VALID, "sessionId": name}), 422, "control-character")


@pytest.mark.parametrize(
    "kind", ["application/jsonl", "application/ndjson", "application/x-ndjson; charset=UTF-8"]
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_of_json_have_more_than_one_name(api: Api, kind: str, mark: bytes) -> None:
    line = json.dumps(VALID).encode() + b"\r\n"
    assert len(api.post(mark + line * 2, kind).json()) == 2


@pytest.mark.parametrize("body", [VALID, [VALID]])
def test_a_byte_order_mark_is_no_part_of_the_body(api: Api, body: Any) -> None:
    assert api.post(b"\xef\xbb\xbf" + json.dumps(body).encode()).status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/json-seq", "text/csv", ""])
def test_any_other_type_is_answered_with_those_that_are_taken(api: Api, kind: str) -> None:
    problem = problem_of(api.post(VALID, kind), 415, "unsupported-media-type")
    for taken in ("json", "x-ndjson", "ndjson", "jsonl"):
        assert f"application/{taken}" in problem["detail"]


@pytest.mark.parametrize(
    ("number", "status"),
    [
        *(("1e65536", 201), ("1e65537", 422), ("1e-65537", 422), ("1E400", 201)),
        *(("9" * 5_000, 201), ("0." + "1" * 5_000, 201), ("1e99999999999999999999", 400)),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_number_is_bounded_by_what_an_entry_has_room_for(
    api: Api, api_key: str, number: str, status: int
) -> None:
    body = json.dumps({**VALID, "payload": {"n": 0}}).replace(": 0}", f": {number}}}")
    assert api.post(body.encode()).status_code == status
    if status == 201:
        (entry,) = json.loads(Api(api_key).get().content, parse_int=Decimal, parse_float=Decimal)
        assert entry["payload"]["n"] == Decimal(number)
