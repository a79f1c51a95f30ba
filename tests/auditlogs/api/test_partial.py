"""With `allOrNothing=false`, one bad entry costs its neighbours nothing."""

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client as Browser

from auditlogs.accounts import keys
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.models import Account
from auditlogs.query.entries import Entries
from tests.api import LIST, Api, problem_of
from tests.factories import AGENT

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

NDJSON = "application/x-ndjson"
AT = format_rfc3339(now())


@pytest.fixture
def api(write_key: str) -> Api:
    return Api(write_key)


def entry(number: int, **more: Any) -> dict[str, Any]:
    return {
        "action": "order.created",
        "actor": AGENT,
        "result": "success",
        "id": f"w-{number}",
        "timestamp": AT,
        **more,
    }


def post(
    api: Api, body: Any, kind: str = "application/json", choice: str = "false", **headers: str
) -> "Response":
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Browser().post(
        f"{LIST}?allOrNothing={choice}", data, kind, headers={**api.headers, **headers}
    )


def writers(account: Account) -> list[str | None]:
    entries = Entries.of(account.id).page(1_000).entries
    return sorted((each.writer_id for each in entries), key=str)


def test_what_can_be_stored_is_and_the_rest_is_named(api: Api, account: Account) -> None:
    bad = [entry(1, result="fine"), entry(3, sessionId="a\u3164", duration=-1)]
    answer = post(api, [entry(0), bad[0], entry(2), bad[1], "nothing"])
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["stored", "refused"]
    assert [(each["index"], each["status"]) for each in body["stored"]] == [
        *((0, "created"), (2, "created")),
    ]
    assert [(each["index"], each["path"], each["code"]) for each in body["refused"]] == [
        (1, "/1/result", "invalid-value"),
        (3, "/3/duration", "invalid-value"),
        (3, "/3/sessionId", "control-character"),
        (4, "/4", "invalid-value"),
    ]
    assert writers(account) == ["w-0", "w-2"]
    assert [uuid.UUID(each["id"]).version for each in body["stored"]] == [8, 8]


def test_a_retry_of_it_stores_nothing_twice(api: Api, account: Account) -> None:
    body = [entry(0), entry(1, result="fine")]
    first, again = post(api, body), post(api, body)
    assert [each["status"] for each in again.json()["stored"]] == ["duplicate"]
    assert first.json()["refused"] == again.json()["refused"]
    assert writers(account) == ["w-0"]


def test_lines_that_cannot_be_read_are_refused_alone(api: Api, account: Account) -> None:
    lines = [json.dumps(entry(0)), "{", json.dumps(entry(2)), '{"a": NaN}']
    body = post(api, "\n".join(lines).encode(), NDJSON).json()
    assert [each["index"] for each in body["stored"]] == [0, 2]
    assert [(each["index"], each["code"]) for each in body["refused"]] == [
        *((1, "malformed-json"), (3, "malformed-json")),
    ]


def test_another_content_of_an_id_is_refused_alone(api: Api, account: Account) -> None:
    post(api, [entry(0)])
    body = post(api, [entry(0, result="failure"), entry(1)]).json()
    assert [(each["index"], each["path"], each["code"]) for each in body["refused"]] == [
        (0, "/0/id", "id-conflict")
    ]
    assert [each["index"] for each in body["stored"]] == [1]


def test_an_entry_of_another_bot_is_refused_alone(account: Account) -> None:
    api = Api(keys.create(account, "of a bot", ["logs:write"], bot=AGENT["id"]))
    other = entry(1, actor={"type": "agent", "id": "another"})
    body = post(api, [entry(0), other, entry(2)]).json()
    assert [(each["index"], each["path"], each["code"]) for each in body["refused"]] == [
        (1, "/1/actor", "actor-mismatch")
    ]
    assert [each["index"] for each in body["stored"]] == [0, 2]


def test_where_nothing_can_be_stored_it_is_an_error(api: Api, account: Account) -> None:
    problem = problem_of(post(api, [entry(0, result="fine")]), 422, "invalid-entries")
    assert problem["title"].startswith("Nothing was stored")
    assert problem["errors"][0]["path"] == "/0/result"
    post(api, [entry(1)])
    problem_of(post(api, [entry(1, result="failure")]), 422, "invalid-entries")
    assert post(api, []).json() == {"stored": [], "refused": []}


def test_every_refused_entry_is_named_however_many_faults_there_are(api: Api) -> None:
    bad = {f"field-{number}": 1 for number in range(50)}
    body = post(api, [entry(0), *(bad for _ in range(100))]).json()
    assert {each["index"] for each in body["refused"]} == set(range(1, 101))
    assert len(body["refused"]) < 1_200


def test_a_body_that_is_no_json_at_all_is_still_an_error(api: Api) -> None:
    problem_of(post(api, b"[{"), 400, "malformed-json")
    problem_of(post(api, b"\xff", NDJSON), 400, "malformed-json")


def test_an_idempotency_key_stands_for_the_entries_that_are_stored(
    api: Api, account: Account
) -> None:
    plain = {name: value for name, value in entry(0).items() if name not in ("id", "timestamp")}
    body = [plain, {**plain, "result": "fine"}, plain]
    headers = {"Idempotency-Key": "once"}
    first = post(api, body, **headers).json()
    again = post(api, body, **headers).json()
    assert [each["id"] for each in first["stored"]] == [each["id"] for each in again["stored"]]
    assert [each["status"] for each in again["stored"]] == ["duplicate", "duplicate"]
    # The key is not an id of the writer's.
    assert writers(account) == [None, None]


@pytest.mark.parametrize("choice", ["true", "false", ""])
def test_a_body_without_faults_is_stored_either_way(
    api: Api, account: Account, choice: str
) -> None:
    answer = post(api, [entry(0)], choice=choice)
    assert answer.status_code == (200 if choice == "false" else 201)
    assert writers(account) == ["w-0"]


@pytest.mark.parametrize("choice", ["no", "0", "False", "false&allOrNothing=true"])
def test_any_other_choice_is_an_error(api: Api, account: Account, choice: str) -> None:
    problem = problem_of(post(api, [entry(0)], choice=choice), 400, "invalid-parameter")
    assert [each["parameter"] for each in problem["errors"]] == ["allOrNothing"]
    problem = problem_of(post(api, [entry(0)], choice="true&x=1"), 400, "unknown-parameter")
    assert [each["parameter"] for each in problem["errors"]] == ["x"]
    assert writers(account) == []


# The writer's own id


def found(account: Account, api_key: str, **filters: Any) -> list[Entry]:
    ids = Api(api_key).ids(**filters)
    everything = {each.id: each for each in Entries.of(account.id).page(1_000).entries}
    return [everything[id] for id in ids]


def test_an_entry_is_found_by_the_id_of_its_writer(
    api: Api, account: Account, api_key: str
) -> None:
    post(api, [entry(0), entry(1), entry(0, timestamp=format_rfc3339(now()))])
    assert {each.writer_id for each in found(account, api_key, writerId="w-0")} == {"w-0"}
    assert len(found(account, api_key, writerId="w-0")) == 2
    assert found(account, api_key, writerId="w") == []


@pytest.mark.parametrize("field", ["sessionId", "target"])
@pytest.mark.parametrize("stored", range(4))
def test_a_uuid_is_found_in_both_its_forms(
    api: Api, account: Account, api_key: str, field: str, stored: int
) -> None:
    value = uuid.uuid4()
    forms = [str(value), value.hex, str(value).upper(), value.hex.upper()]
    text = forms[stored]
    fields: dict[str, Any] = {"sessionId": text}
    if field == "target":
        fields = {"target": {"type": "order", "id": text}}
    post(api, [entry(0, **fields), entry(1, sessionId="another")])
    for form in forms:
        assert [each.writer_id for each in found(account, api_key, **{field: form})] == ["w-0"]
    assert [each.writer_id for each in found(account, api_key, sessionId="another")] == ["w-1"]
