"""A field of an entry has its place everywhere: a test that fails here names the missing place.

Its place in the documentation is checked in `tests/test_docs.py`.
"""

from typing import Any

import msgspec

from auditlogs.accounts import keys
from auditlogs.entry.schema import Entry, NewEntry
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.intake.fields import EntryFields, entry_of_fields
from auditlogs.models import Account
from tests.api import LIST, Api
from tests.hub.pages import Hub

# A value for each field that a writer sends, each one different. A new field belongs here too.
WRITTEN: dict[str, Any] = {
    "action": "order.created",
    "actor": {"type": "agent", "id": "agent-of-fields", "name": "Ada of Fields"},
    "result": "partial",
    "id": "writer-of-fields",
    "action_type": "trade",
    "target": {"type": "kind-of-fields", "id": "target-of-fields", "name": "Target of Fields"},
    "duration": 71.25,
    "correlation_id": "correlation-of-fields",
    "request_id": "request-of-fields",
    "session_id": "session-of-fields",
    "source_ip": "2001:db8::71",
    "bot_id": "bot-of-fields",
    "payload": {"note": "payload-of-fields", "reason": "Reason of fields"},
    "decision": {
        "outcome": "modified",
        "policy": "policy-of-fields",
        "rule": "rule-of-fields",
        "version": "version-of-fields",
        "reason": "decided-of-fields",
        "by": {"type": "system", "id": "decider-of-fields", "name": "Decider of Fields"},
    },
    "on_behalf_of": [
        {"type": "agent", "id": "caller-of-fields", "name": "Caller of Fields"},
        {"type": "user", "id": "person-of-fields", "name": "Person of Fields"},
    ],
    "on_behalf_of_dropped": 7_123,
    "agent": {"version": "agent-version-of-fields", "model": "model-of-fields"},
    "run_id": "run-of-fields",
    "authentication": "declared",
    "approval": {"id": "approval-of-fields", "outcome": "granted", "argumentsHash": "7f" * 32},
}
# Shown in another form than text: as a list of its own or with a unit.
SHOWN_AS: dict[str, str] = {
    "duration": "71.25 ms",
    "result": "Partial",
    "onBehalfOfDropped": "7,123 more between",
}
# Words that the page begins with a capital.
CAPITALS = {"modified", "granted"}
# The viewer shows a redaction where it is in the payload; the timestamp is the writer's own.
NOT_SHOWN_AS_TEXT = {"redactions"}


def written() -> dict[str, Any]:
    return {**WRITTEN, "timestamp": now()}


def texts_of(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in texts_of(item)]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_of(item)]
    return [] if value is None else [str(value)]


def test_the_recorder_takes_every_field_that_a_writer_sends() -> None:
    names = {field.name for field in msgspec.structs.fields(NewEntry)}
    assert {"action", "result", *EntryFields.__annotations__} == names
    assert written().keys() == names


def test_every_field_that_is_sent_is_stored_and_read_over_the_api(
    account: Account, api_key: str, write_key: str
) -> None:
    sent = entry_of_fields(written())
    sent["timestamp"] = format_rfc3339(sent["timestamp"])
    (receipt,) = Api(write_key).post([sent]).json()
    answer = Api(api_key).get(f"{LIST}/{receipt['id']}").json()
    # Nothing failed, so nothing is explained.
    assert answer.pop("explanation") is None
    assert list(answer) == list(Entry.__struct_encode_fields__)
    given = {name: value for name, value in sent.items() if name != "id"}
    assert {name: answer[name] for name in given} == given
    assert [name for name, value in answer.items() if value is None] == []


def test_every_field_that_is_read_has_its_place_on_the_page_of_the_entry(
    hub: Hub, account: Account, write_key: str
) -> None:
    sent = entry_of_fields(written())
    sent["timestamp"] = format_rfc3339(sent["timestamp"])
    (receipt,) = Api(write_key).post([sent]).json()
    page = hub.read(f"/hub/logs/{receipt['id']}").text
    entry = msgspec.to_builtins(read_entry(account, receipt["id"]))
    missing = [
        name
        for name, value in entry.items()
        if name not in NOT_SHOWN_AS_TEXT
        for text in texts_of(SHOWN_AS.get(name, value))
        if (text.capitalize() if text in CAPITALS else text) not in page
    ]
    assert missing == []


def read_entry(account: Account, entry_id: str) -> Entry:
    key = keys.create(account, "reader of fields", ["logs:read"])
    return msgspec.json.decode(Api(key).get(f"{LIST}/{entry_id}").content, type=Entry)
