"""Recording: what comes into the log, and what does not."""

import json
import math
import re
import tracemalloc
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import bson
import msgspec
import pytest
import time_machine
from django.utils.safestring import mark_safe
from hypothesis import given, strategies as st
from hypothesis.strategies import SearchStrategy
from pytest_django.fixtures import Settings

import auditlogs
from auditlogs.entry.identity import entry_id, id_ms
from auditlogs.entry.schema import Redaction
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.intake.fields import entry_of_fields
from auditlogs.intake.validation import (
    MAX_ENTRY_BYTES,
    MAX_EXPONENT,
    MAX_PAYLOAD_DEPTH,
    InvalidEntry,
)
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.recording.policy import check
from auditlogs.recording.recorder import MAX_BATCH, new_entry, prepare, record, record_many
from auditlogs.storage import dictionary, mongo
from auditlogs.storage.documents import to_document, to_entry
from auditlogs.storage.mongo import Document
from tests.factories import AGENT, ORDER, SYSTEM, USER, make_entry, new
from tests.watching import sent, watcher

FIXED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def stored(account: str) -> list[Document]:
    return list(mongo.entries().find({"account": account}))


def test_one_call_stores_an_entry_and_returns_its_id() -> None:
    account = new_account_id()
    entry_id = auditlogs.record("order.created", account=account, actor=AGENT, result="success")
    entry = Entries.of(account).get(entry_id)
    assert entry is not None
    assert (entry.action, entry.action_type, entry.result) == ("order.created", "trade", "success")
    assert entry.actor.id == AGENT["id"]
    assert (entry.asserted_by, entry.redactions) == (None, [])


def test_an_actor_and_a_target_may_be_given_as_objects() -> None:
    plain = make_entry(actor=USER, target=ORDER)
    again = make_entry(actor=plain.actor, target=plain.target)
    assert (again.actor, again.target) == (plain.actor, plain.target)


def test_a_misspelt_field_is_refused_and_not_dropped() -> None:
    call: Any = auditlogs.record
    account = new_account_id()
    with pytest.raises(InvalidEntry, match="is not a field"):
        call("order.created", account=account, actor=AGENT, result="success", sessionId="s-1")
    assert stored(account) == []


@pytest.mark.parametrize(
    ("actor", "bot_id", "kept"),
    [
        (AGENT, None, AGENT["id"]),
        (AGENT, "bot-9", "bot-9"),
        (USER, None, None),
        (USER, "bot-9", "bot-9"),
        (SYSTEM, None, None),
    ],
)
def test_the_bot_of_an_agents_entry_is_the_agent_unless_it_says_otherwise(
    actor: dict[str, Any], bot_id: str | None, kept: str | None
) -> None:
    assert make_entry(actor=actor, bot_id=bot_id).bot_id == kept


# Time


def test_an_entry_without_a_time_happened_now() -> None:
    before = now()
    entry = make_entry()
    assert before - timedelta(milliseconds=1) <= entry.instant <= now()
    assert entry.timestamp <= entry.recorded_at <= format_rfc3339(now())


def test_a_time_is_kept_in_utc_to_the_millisecond() -> None:
    with time_machine.travel(FIXED, tick=False):
        sent = FIXED.astimezone(timezone(timedelta(hours=-7))) - timedelta(microseconds=1)
        entry = make_entry(timestamp=sent)
    assert entry.timestamp == "2026-03-01T11:59:59.999Z"
    assert entry.recorded_at == "2026-03-01T12:00:00.000Z"


@pytest.mark.parametrize("age", [timedelta(days=30), timedelta(0), timedelta(hours=-24)])
def test_an_entry_may_be_as_old_as_the_retention_and_a_day_ahead(age: timedelta) -> None:
    with time_machine.travel(FIXED, tick=False):
        entry = make_entry(timestamp=FIXED - age)
    assert entry.instant == FIXED - age


@pytest.mark.parametrize(
    ("age", "detail"),
    [
        (timedelta(days=30, milliseconds=1), "older than the 30 days kept"),
        (timedelta(hours=-24, milliseconds=-1), "24 hours ahead, after 2026-03-02T12:00:00.000Z"),
    ],
)
def test_an_entry_beyond_that_is_refused(age: timedelta, detail: str) -> None:
    with time_machine.travel(FIXED, tick=False), pytest.raises(InvalidEntry, match=detail) as no:
        make_entry(timestamp=FIXED - age)
    assert no.value.path == "/timestamp"


@pytest.mark.parametrize(
    "timestamp",
    [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
        datetime(1969, 12, 31, tzinfo=UTC),
    ],
)
def test_a_time_at_the_ends_of_the_calendar_is_refused_like_any_other(timestamp: datetime) -> None:
    with pytest.raises(InvalidEntry) as refused:
        make_entry(timestamp=timestamp)
    assert refused.value.path == "/timestamp"


def test_a_time_before_the_epoch_is_refused_however_long_entries_are_kept(
    settings: Settings,
) -> None:
    settings.AUDITLOGS_RETENTION_DAYS = 40_000
    with pytest.raises(InvalidEntry, match="/timestamp: is before 1970"):
        make_entry(timestamp=datetime(1969, 12, 31, tzinfo=UTC))
    assert make_entry(timestamp=datetime(1970, 1, 1, tzinfo=UTC)).timestamp.startswith("1970-01-01")


def test_a_time_needs_a_zone() -> None:
    with pytest.raises(InvalidEntry, match="/timestamp: needs a time zone"):
        make_entry(timestamp=datetime(2026, 3, 1, 12))  # noqa: DTZ001


# Identity


def test_sending_an_entry_again_stores_nothing_twice() -> None:
    account = new_account_id()
    again = new(id="w-1", timestamp=now(), payload={"n": 1})
    first = record_many([again], account=account)
    assert record_many([again, again], account=account) == first * 2
    assert len(stored(account)) == 1


def test_an_entry_of_a_batch_whose_id_another_one_has_is_named() -> None:
    account, at = new_account_id(), now()
    record_many([new(id="w-1", timestamp=at, payload={"n": 1})], account=account)
    other = new(id="w-1", timestamp=at, payload={"n": 2})
    with pytest.raises(InvalidEntry) as caught:
        record_many([new(), new(), other], account=account)
    assert (caught.value.index, len(stored(account))) == (2, 3)


def test_a_batch_sent_again_adds_what_was_missing_from_it() -> None:
    account, at = new_account_id(), now()
    some = [new(id=f"w-{i}", timestamp=at) for i in range(4)]
    record_many(some[1:3], account=account)
    ids = record_many(some, account=account)
    assert sorted(each["_id"] for each in stored(account)) == sorted(ids)


def test_entries_without_a_writers_id_are_never_the_same() -> None:
    account, same = new_account_id(), new(timestamp=now())
    assert len(set(record_many([same, same], account=account))) == 2


def test_two_accounts_may_use_the_same_writers_id() -> None:
    same = new(id="w-1", timestamp=now())
    here, there = new_account_id(), new_account_id()
    assert record_many([same], account=here) != record_many([same], account=there)
    assert len(stored(here)) == len(stored(there)) == 1


def test_a_writers_id_needs_a_time_beside_it() -> None:
    with pytest.raises(InvalidEntry, match="/timestamp: is needed"):
        make_entry(id="w-1")


def test_a_uuid_of_version_7_brings_its_own_time() -> None:
    with time_machine.travel(FIXED, tick=False):
        ms = int(FIXED.timestamp() * 1000) - 5
        writer_id = str(uuid.UUID(int=ms << 80 | 7 << 76 | 0b10 << 62 | 42))
        account = new_account_id()
        first, second = (record_many([new(id=writer_id)], account=account)[0] for _ in range(2))
    assert first == second == entry_id(account, writer_id, ms)
    assert id_ms(first) == ms


# Text


FIELDS_OF_TEXT: list[tuple[str, Any]] = [
    ("/actor/id", lambda text: {"actor": {**AGENT, "id": text}}),
    ("/actor/name", lambda text: {"actor": {**AGENT, "name": text}}),
    ("/target/type", lambda text: {"target": {**ORDER, "type": text}}),
    ("/target/id", lambda text: {"target": {**ORDER, "id": text}}),
    ("/target/name", lambda text: {"target": {**ORDER, "name": text}}),
    ("/id", lambda text: {"id": text, "timestamp": now()}),
    ("/correlationId", lambda text: {"correlation_id": text}),
    ("/requestId", lambda text: {"request_id": text}),
    ("/sessionId", lambda text: {"session_id": text}),
    ("/sourceIp", lambda text: {"source_ip": text}),
    ("/botId", lambda text: {"bot_id": text}),
]
HIDDEN = ["a\nb", "a\x00", "\u202eevil", "\u200b", "a\u2028b", "agent\u3164"]


@pytest.mark.parametrize("text", [*HIDDEN, " ", "\u3000"])
@pytest.mark.parametrize(("path", "fields"), FIELDS_OF_TEXT)
def test_no_text_that_is_shown_in_a_line_may_hold_what_forges_lines(
    path: str, fields: Any, text: str
) -> None:
    entry = {"action": "mcp.tool.call", "actor": AGENT, "result": "success"} | fields(text)
    with pytest.raises(InvalidEntry) as refused:
        check(entry_of_fields(entry), now())
    assert refused.value.path == path


@pytest.mark.parametrize(("path", "fields"), [each for each in FIELDS_OF_TEXT if each[0] != "/id"])
def test_the_recorder_writes_out_what_nobody_sees(path: str, fields: Any) -> None:
    account = new_account_id()
    given = {"actor": AGENT, **fields("a\u3164\x00\ud800")}
    record("mcp.tool.call", account=account, result="success", **given)
    (entry,) = Entries.of(account).page(2, payloads=True).entries
    shown = msgspec.to_builtins(entry)
    for name in path[1:].split("/"):
        shown = shown[name]
    assert shown == "a\\u3164\\u0000\\ud800"


def test_a_name_of_invisible_characters_is_cut_and_not_lost() -> None:
    entry = make_entry(actor={"type": "agent", "id": "\u3164" * 256, "name": "\u202e" * 256})
    assert entry.actor.id == ("\\u3164" * 43)[:256]
    assert entry.actor.name == ("\\u202e" * 43)[:256]


def test_a_name_keeps_its_joiners_and_selectors() -> None:
    entry = make_entry(actor={"type": "user", "id": "u", "name": "می\u200cخواهم ❤\ufe0f"})
    assert entry.actor.name == "می\u200cخواهم ❤\ufe0f"


def test_the_arn_of_an_assumed_role_is_an_actor() -> None:
    arn = f"arn:aws:sts::111111111111:assumed-role/{'r' * 64}/{'s' * 64}"
    entry = make_entry(actor={"type": "user", "id": arn}, bot_id="b" * 256)
    assert (entry.actor.id, entry.bot_id) == (arn, "b" * 256)


def test_a_payload_may_hold_any_text() -> None:
    payload = {"note\n\x00": "\u202e \x1b[2J \u2028 <script>"}
    assert make_entry(payload=payload).payload == payload


# Payload


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"$where": "1", "a.b": {"$ne": None, "": {}}, "_id": 1},
        {"n": [-(10**30), -(1 << 63) - 1, -1, 0, (1 << 53) + 1, 1 << 64]},
        {"n": [0.1, 1e-320, 1.7976931348623157e308, -0.0, 1.0]},
        {"日本": "👩‍🚀 é e\u0301 \U0010ffff"},
        {"empty": [None, True, False, "", [], {}]},
        {"z": 1, "a": 2, "m": 3},
    ],
)
def test_a_payload_comes_back_as_it_was_sent(payload: dict[str, Any]) -> None:
    entry = make_entry(payload=payload)
    # As text, so that order, kinds of numbers and signs count too.
    assert json.dumps(entry.payload) == json.dumps(payload)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON: SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, JSON, max_size=3))
def test_any_payload_of_json_survives_the_database_format(payload: dict[str, Any]) -> None:
    ready, account = prepare(
        "order.created", result="success", account=new_account_id(), actor=AGENT, payload=payload
    )
    document = to_document(ready, account)
    options = mongo.database().codec_options
    entry = to_entry(bson.decode(bson.encode(document, codec_options=options), options))
    if not entry.redactions:
        assert json.dumps(entry.payload) == json.dumps(payload)


def nested(levels: int) -> dict[str, Any]:
    """Return a payload of that many objects and arrays, each within the other."""
    inner: Any = 0
    for level in range(levels - 1):
        inner = [inner] if level % 2 else {"a": inner}
    return {"a": inner}


def test_a_payload_may_be_nested_so_deep_and_no_deeper() -> None:
    deepest = nested(MAX_PAYLOAD_DEPTH)
    assert make_entry(payload=deepest).payload == deepest
    for levels in (MAX_PAYLOAD_DEPTH + 1, 500):
        with pytest.raises(InvalidEntry, match="nested more than 32 levels") as refused:
            make_entry(payload=nested(levels))
        assert refused.value.path == "/payload"


def test_a_payload_nested_beyond_all_reason_is_an_invalid_entry_too() -> None:
    with pytest.raises(InvalidEntry):
        make_entry(payload=nested(100_000))


def test_an_entry_may_be_so_large_and_no_larger() -> None:
    rest = len(msgspec.json.encode(new(payload={"a": ""})))
    longest = {"a": "é" * ((MAX_ENTRY_BYTES - rest) // 2)}
    assert make_entry(payload=longest).payload == longest
    with pytest.raises(InvalidEntry, match="bytes of JSON, over 65,536") as refused:
        make_entry(payload={"a": longest["a"] + "xx"})
    assert refused.value.path == ""


def test_an_entry_that_is_far_too_large_costs_little_to_refuse() -> None:
    payload: dict[str, Any] = {"a": [[] for _ in range(300_000)]}
    tracemalloc.start()
    try:
        with pytest.raises(InvalidEntry, match="has over 32,768 values"):
            check({"payload": payload}, now())
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_payload_of_too_many_secrets_or_in_very_long_places_is_replaced_whole() -> None:
    assert len(make_entry(payload={"k" * 100: [{"pin": 1}] * 500}).redactions) == 500
    for payload in ({"k" * 30_000: [{"pin": 1}] * 900}, {"k": [{"pin": 1}] * 1_001}):
        entry = make_entry(payload=payload)
        assert entry.payload == {"redaction": "[REDACTED:too-many]"}
        assert entry.redactions == [Redaction(path="/payload/redaction", rule="too-many")]


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"a": [1, math.nan]}, "/payload/a/1"),
        ({"a": {"b": math.inf}}, "/payload/a/b"),
        ({"a": Decimal("NaN")}, "/payload/a"),
        ({"a": Decimal(f"1e{MAX_EXPONENT + 1}")}, "/payload/a"),
        ({"a": "\ud800"}, "/payload/a"),
        ({"\udfff": 1}, "/payload"),
        ({"a": ({"b": math.nan},)}, "/payload/a/0/b"),
    ],
)
def test_what_json_cannot_say_is_refused_by_its_path(payload: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidEntry) as refused:
        make_entry(payload=payload)
    assert refused.value.path == path


NESTED: dict[str, Any] = {}
NESTED["again"] = NESTED


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        ({"a": [1, {"b/c": object()}]}, "/payload/a/1/b~1c: is of type object, which cannot be"),
        ({"a": {1, "b"}, "c": lambda: 0}, "/payload/c: is of type function, which cannot be"),
        ({(): 1}, "/payload: has a key that cannot be written as JSON"),
        (NESTED, "/payload: is nested more than 32 levels deep"),
    ],
)
def test_what_is_no_json_at_all_is_refused_by_its_path_and_type(
    payload: dict[Any, Any], fault: str
) -> None:
    with pytest.raises(InvalidEntry, match=re.escape(fault)):
        make_entry(payload=payload)


def test_what_python_says_otherwise_is_kept_as_json_says_it() -> None:
    trace = uuid.uuid4()
    entry = make_entry(payload={"at": FIXED, "id": trace, 7: (1, 2)})
    assert entry.payload == {"at": "2026-03-01T12:00:00Z", "id": str(trace), "7": [1, 2]}


def test_texts_and_numbers_that_are_something_more_are_kept_as_what_they_are() -> None:
    class Price(float):
        """As NumPy's are."""

    class Count(int):
        """As some libraries' are."""

    payload = {"html": mark_safe("<b>"), "price": Price(1.5), "count": Count(3)}
    entry = make_entry(payload=MappingProxyType(payload), request_id=mark_safe("req-1"))
    assert (entry.payload, entry.request_id) == (
        {"html": "<b>", "price": 1.5, "count": 3},
        "req-1",
    )


# Batches


def test_a_batch_is_stored_in_any_order_and_answered_in_its_own() -> None:
    account, at = new_account_id(), now()
    ages = [3, 1, 2]
    batch = [new(timestamp=at - timedelta(hours=age)) for age in ages]
    ids = record_many(batch, account=account)
    assert [round((at.timestamp() * 1000 - id_ms(each)) / 3_600_000) for each in ids] == ages


def test_nothing_of_a_batch_is_stored_when_one_of_it_is_invalid() -> None:
    account = new_account_id()
    bad = msgspec.structs.replace(new(), session_id=" ")
    said = "^Entry 1 of the list: /sessionId: "
    with watcher.watch() as commands, pytest.raises(InvalidEntry, match=said) as caught:
        record_many([new(), bad, new()], account=account)
    assert caught.value.index == 1
    assert stored(account) == []
    assert sent(commands, "insert", mongo.DICTIONARY) == []


def test_a_batch_has_a_limit_and_an_empty_one_is_nothing() -> None:
    account = new_account_id()
    assert record_many([], account=account) == []
    assert len(record_many([new()] * MAX_BATCH, account=account)) == MAX_BATCH
    with pytest.raises(ValueError, match="at most 1000 entries at once, not 1001"):
        record_many([new()] * (MAX_BATCH + 1), account=account)


# Durability


def test_an_entry_is_acknowledged_by_a_majority_and_its_journal() -> None:
    with watcher.watch() as commands:
        make_entry()
    (insert,) = sent(commands, "insert", mongo.ENTRIES)
    assert insert["writeConcern"] == {"w": "majority", "j": True}
    assert insert["ordered"] is False
    assert 0 < insert["maxTimeMS"] <= 10_000


def test_the_dictionary_knows_an_entry_before_the_log_does() -> None:
    with watcher.watch() as commands:
        make_entry()
    inserts = [command["insert"] for command in commands if "insert" in command]
    assert inserts[-1] == mongo.ENTRIES
    assert set(inserts[:-1]) == {mongo.DICTIONARY}


def test_what_was_noted_already_is_not_noted_again() -> None:
    account = new_account_id()
    make_entry(account)
    with watcher.watch() as commands:
        make_entry(account)
    assert [command["insert"] for command in commands if "insert" in command] == [mongo.ENTRIES]


def test_notes_that_another_process_has_made_are_no_fault() -> None:
    account = new_account_id()
    make_entry(account)
    dictionary._stored_ids().clear()
    make_entry(account)
    assert len(stored(account)) == 2


def test_an_entry_is_stored_under_the_names_that_the_documentation_gives() -> None:
    account = new_account_id()
    make_entry(account, target=ORDER, payload={"a": 1})
    (document,) = stored(account)
    assert list(document) == [
        *("_id", "account", "timestamp", "actor", "action", "actionType", "target", "result"),
        *("duration", "correlationId", "requestId", "sessionId", "sourceIp", "botId", "payload"),
        *("summary", "recordedAt", "assertedBy", "redactions", "actorKey", "facts"),
        *("tokens", "text"),
    ]
    assert isinstance(document["timestamp"], datetime)
    assert format_rfc3339(document["timestamp"])[-5:] == f"{document['timestamp']:.%f}"[:4] + "Z"


def test_fields_that_are_none_are_as_if_they_had_not_been_given() -> None:
    fields = {"action": "order.created", "actor": AGENT, "result": "success"}
    assert new_entry(fields | {"target": None, "payload": None}) == new_entry(fields)
