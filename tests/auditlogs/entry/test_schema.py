"""The schema: actions and their types, what a writer may send, what a reader gets."""

from typing import Any

import msgspec
import pytest

from auditlogs.entry.actions import ACTION_TYPES, KNOWN_ACTIONS, is_action, type_of
from auditlogs.entry.identity import entry_id, id_ms
from auditlogs.entry.schema import Actor, NewEntry, actor_key, normal_correlation_id, to_json
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.recording.recorder import InvalidEntry, new_entry, record_many
from auditlogs.storage import mongo
from tests.factories import AGENT, ORDER, USER, make_entry, new

# In the order of the documentation, with what a minimal entry has there.
FIELDS = [
    *("id", "timestamp", "actor", "action", "actionType", "target", "result", "duration"),
    *("correlationId", "requestId", "sessionId", "sourceIp", "botId", "payload", "summary"),
    *("decision", "onBehalfOf", "onBehalfOfDropped", "agent", "runId", "authentication"),
    *("approval", "writerId", "recordedAt", "assertedBy", "redactions"),
]


@pytest.mark.parametrize("action", KNOWN_ACTIONS)
def test_a_known_action_is_of_the_grammar_and_of_a_type(action: str) -> None:
    known = KNOWN_ACTIONS[action]
    assert is_action(action)
    assert type_of(action) == known.action_type
    assert known.sentence.endswith(".")
    assert known.payload_keys


def test_no_action_implies_a_type_that_its_first_segment_contradicts() -> None:
    firsts = {action: action.partition(".")[0] for action in KNOWN_ACTIONS}
    assert all(type_of(a) == first for a, first in firsts.items() if first in ACTION_TYPES)


@pytest.mark.parametrize(
    ("action", "implied"),
    [("mcp.prompt.get", "mcp"), ("trade.settled", "trade"), ("order.teleported", None)],
)
def test_an_unknown_action_takes_its_first_segment_as_its_type(
    action: str, implied: str | None
) -> None:
    assert type_of(action) == implied


@pytest.mark.parametrize("action", ["a.b", "order.created", "a1_b.c_2.3", "x" * 98 + ".y"])
def test_an_action_is_lower_case_segments_with_dots_between(action: str) -> None:
    assert is_action(action)
    assert new(action=action, action_type=type_of(action) or "mcp").action == action


@pytest.mark.parametrize(
    "action",
    [
        *("", "order", "mcp", "Order.created", "order.", ".created", "order..created"),
        *("order created.x", "1.a", "_a.b", "órder.created", "order.created\n", "x" * 99 + ".y"),
    ],
)
def test_any_other_text_is_no_action(action: str) -> None:
    assert not is_action(action)
    with pytest.raises(InvalidEntry):
        # A line feed at the end passes the pattern and falls with the control characters.
        make_entry(action=action, action_type="mcp")


@pytest.mark.parametrize("missing", ["action", "actor", "result"])
def test_an_entry_needs_its_action_its_actor_and_its_result(missing: str) -> None:
    fields = {"action": "order.created", "actor": AGENT, "result": "success"}
    assert new_entry(fields).action == "order.created"
    with pytest.raises(InvalidEntry, match=f"/{missing}: is required"):
        new_entry({name: value for name, value in fields.items() if name != missing})


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/actor", {"actor": "agent-7"}),
        ("/actor/id", {"actor": {"type": "agent"}}),
        ("/actor/type", {"actor": {"id": "agent-7"}}),
        ("/actor", {"actor": {**AGENT, "rôle": "x"}}),
        ("/actor/type", {"actor": {**AGENT, "type": "bot"}}),
        ("/actor/id", {"actor": {**AGENT, "id": ""}}),
        ("/actor/id", {"actor": {**AGENT, "id": 7}}),
        ("/actor/id", {"actor": {**AGENT, "id": {"$ne": None}}}),
        ("/actor/id", {"actor": {**AGENT, "id": "x" * 257}}),
        ("/actor/name", {"actor": {**AGENT, "name": ""}}),
        ("/actor/name", {"actor": {**AGENT, "name": "x" * 257}}),
        ("/result", {"result": "succes"}),
        ("/result", {"result": True}),
        ("/actionType", {"action_type": "orders"}),
        ("/target/type", {"target": {"id": "x"}}),
        ("/target/id", {"target": {"type": "bot"}}),
        ("/target/type", {"target": {**ORDER, "type": "x" * 65}}),
        ("/target/id", {"target": {**ORDER, "id": None}}),
        ("/duration", {"duration": -0.001}),
        ("/duration", {"duration": float("nan")}),
        ("/duration", {"duration": float("inf")}),
        ("/duration", {"duration": "12"}),
        ("/requestId", {"request_id": 7}),
        ("/sessionId", {"session_id": "x" * 129}),
        ("/sourceIp", {"source_ip": ["10.0.0.1"]}),
        ("/timestamp", {"timestamp": "yesterday"}),
        ("/payload", {"payload": ["x"]}),
        ("/decision", {"decision": "denied"}),
        ("/decision/outcome", {"decision": {"policy": "limits"}}),
        ("/decision/outcome", {"decision": {"outcome": "refused"}}),
        ("/decision", {"decision": {"outcome": "denied", "why": "x"}}),
        ("/decision/reason", {"decision": {"outcome": "denied", "reason": "x" * 501}}),
        ("/decision/by", {"decision": {"outcome": "denied", "by": "ada"}}),
        ("/decision/by/id", {"decision": {"outcome": "denied", "by": {"type": "user"}}}),
        ("/onBehalfOf", {"on_behalf_of": {"type": "user", "id": "u"}}),
        ("/onBehalfOf/1", {"on_behalf_of": [USER, "u"]}),
        ("/onBehalfOf/0/type", {"on_behalf_of": [{"type": "person", "id": "u"}]}),
        ("/onBehalfOf/1/id", {"on_behalf_of": [USER, {"type": "user", "id": ""}]}),
        ("/onBehalfOfDropped", {"on_behalf_of_dropped": -1}),
        ("/agent", {"agent": "1.4.0"}),
        ("/agent", {"agent": {"name": "Scout"}}),
        ("/agent/version", {"agent": {"version": 2}}),
        ("/runId", {"run_id": "x" * 129}),
        ("/authentication", {"authentication": "password"}),
        ("/approval/id", {"approval": {"outcome": "granted"}}),
        ("/approval/outcome", {"approval": {"id": "a", "outcome": "accepted"}}),
        (
            "/approval/argumentsHash",
            {"approval": {"id": "a", "outcome": "granted", "argumentsHash": "A" * 64}},
        ),
        ("/summary", {"summary": "It is the log that makes it."}),
        ("/correlationId", {"correlationId": "a JSON name where a Python name belongs"}),
        ("/resutl", {"resutl": "a slip"}),
    ],
)
def test_what_is_not_of_the_schema_is_refused_by_its_path(
    path: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(InvalidEntry) as refused:
        make_entry(**fields)
    assert refused.value.path == path
    assert str(refused.value).startswith(f"{path}: ")


def test_an_entry_is_refused_that_contradicts_the_type_of_its_action() -> None:
    with pytest.raises(
        InvalidEntry, match=r"is mcp, but order\.created is of type trade"
    ) as refused:
        make_entry(action="order.created", action_type="mcp")
    assert refused.value.path == "/actionType"


def test_an_unknown_action_that_implies_no_type_needs_one() -> None:
    with pytest.raises(InvalidEntry, match=r"order\.teleported implies none") as refused:
        make_entry(action="order.teleported")
    assert refused.value.path == "/actionType"
    assert make_entry(action="order.teleported", action_type="trade").action_type == "trade"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("0AF7651916CD43DD8448EB211C80319C", "0af76519-16cd-43dd-8448-eb211c80319c"),
        ("0AF76519-16CD-43DD-8448-EB211C80319C", "0af76519-16cd-43dd-8448-eb211c80319c"),
        ("Order 42/7", "Order 42/7"),
        ("0AF7651916CD43DD8448EB211C80319", "0AF7651916CD43DD8448EB211C80319"),
        ("0AF76519-16CD43DD8448-EB211C80319C", "0AF76519-16CD43DD8448-EB211C80319C"),
        ("x" * 128, "x" * 128),
    ],
)
def test_a_correlation_id_that_is_a_uuid_or_a_trace_id_is_kept_in_one_form(
    sent: str, kept: str
) -> None:
    assert normal_correlation_id(sent) == kept
    assert make_entry(correlation_id=sent).correlation_id == kept


def test_actors_sort_by_name_then_id_and_by_id_where_there_is_no_name() -> None:
    actors = [
        Actor(type="user", id="z", name=None),
        Actor(type="user", id="Z", name=None),
        Actor(type="agent", id="2", name="ADA"),
        Actor(type="user", id="1", name="Ada"),
        Actor(type="user", id="0", name="Ada Byron"),
        Actor(type="user", id="9", name="Ada"),
    ]
    assert [actor.id for actor in sorted(actors, key=actor_key)] == ["Z", "1", "2", "9", "0", "z"]


def test_an_entry_is_read_with_every_field_in_order_and_null_for_what_is_absent() -> None:
    entry = make_entry(actor={"type": "user", "id": "u"})
    shown = msgspec.json.decode(to_json(entry))
    assert list(shown) == FIELDS
    there = {"id", "timestamp", "actor", "action", "actionType", "result", "summary"}
    absent = set(FIELDS) - there - {"recordedAt", "redactions"}
    assert all(shown[name] is None for name in absent)
    assert shown["redactions"] == []
    assert shown["actor"] == {"type": "user", "id": "u", "name": None}
    assert list(shown["actor"]) == ["type", "id", "name"]


def test_an_entry_is_read_as_it_was_written() -> None:
    sent: dict[str, Any] = {
        "timestamp": "2026-03-01T12:00:00.123Z",
        "actor": {"type": "user", "id": "u-1", "name": "Ada"},
        "action": "order.created",
        "actionType": "trade",
        "target": {"type": "order", "id": "o-1", "name": None},
        "result": "partial",
        "duration": 12.5,
        "correlationId": "c",
        "requestId": "r",
        "sessionId": "s",
        "sourceIp": "2001:db8::1",
        "botId": "b-1",
        "payload": {"b": 1, "a": [None, True, {"": "x"}]},
        "decision": {
            "outcome": "modified",
            "policy": "limits",
            "rule": "max-order",
            "version": "7",
            "reason": "Halved",
            "by": {"type": "system", "id": "risk", "name": None},
        },
        "onBehalfOf": [{"type": "agent", "id": "a-1", "name": None}, dict(USER)],
        "onBehalfOfDropped": 3,
        "agent": {"version": "1.4.0", "model": None},
        "runId": "run-1",
        "authentication": "token",
        "approval": {"id": "ap-1", "outcome": "granted", "argumentsHash": "0f" * 32},
    }
    plain = msgspec.json.decode(msgspec.json.encode(sent), type=NewEntry)
    names = {field.encode_name: field.name for field in msgspec.structs.fields(NewEntry)}
    fields = {names[name]: value for name, value in sent.items() if name != "timestamp"}
    shown = msgspec.json.decode(to_json(make_entry(**fields)))
    assert plain == new_entry(fields | {"timestamp": plain.timestamp})
    assert {name: shown[name] for name in sent if name != "timestamp"} == {
        name: value for name, value in sent.items() if name != "timestamp"
    }
    assert list(shown["payload"]) == ["b", "a"]
    for name in ("decision", "agent", "approval"):
        assert list(shown[name]) == list(sent[name])


def test_of_a_long_chain_of_principals_the_nearest_and_the_root_are_kept() -> None:
    chain = [{"type": "agent", "id": f"a-{i}", "name": f"Agent {i}"} for i in range(13)]
    for count, ids, dropped in (
        (1, ["a-0"], None),
        (10, [f"a-{i}" for i in range(10)], None),
        (11, [*(f"a-{i}" for i in range(9)), "a-10"], 1),
        (13, [*(f"a-{i}" for i in range(9)), "a-12"], 3),
    ):
        entry = make_entry(on_behalf_of=chain[:count])
        assert [each.id for each in entry.on_behalf_of or ()] == ids
        assert entry.on_behalf_of_dropped == dropped
    # A writer that has left some out already says how many.
    assert make_entry(on_behalf_of=chain, on_behalf_of_dropped=2).on_behalf_of_dropped == 5
    assert make_entry(on_behalf_of=[], on_behalf_of_dropped=0).on_behalf_of is None


def test_a_secret_in_the_new_fields_is_masked_and_the_objects_stay() -> None:
    secret = "ghp_" + "a1B2c3D4e" * 4
    mark = "[REDACTED:api-key]"
    by = {"type": "user", "id": secret, "name": "Ada"}
    entry = make_entry(
        decision={"outcome": "denied", "reason": f"It held {secret}", "by": by},
        on_behalf_of=[USER, by],
        agent={"version": secret, "model": "m"},
        run_id=secret,
        approval={"id": secret, "outcome": "granted", "argumentsHash": "0f" * 32},
    )
    assert secret.encode() not in to_json(entry)
    assert entry.decision is not None
    assert entry.decision.reason == f"It held {mark}"
    assert entry.approval is not None
    assert (entry.run_id, entry.approval.id) == (mark, mark)
    assert entry.approval.arguments_hash == "0f" * 32
    paths = [each.path for each in entry.redactions]
    assert sorted(paths) == sorted(
        [
            *("/decision/reason", "/decision/by/id", "/onBehalfOf/1/id", "/agent/version"),
            *("/runId", "/approval/id"),
        ]
    )


def test_an_entry_of_an_earlier_version_reads_as_null_where_there_was_no_field() -> None:
    account = new_account_id()
    id = record_many([new()], account=account)[0]
    (document,) = mongo.entries().find({"_id": id})
    later = {"decision", "onBehalfOf", "runId", "authentication", "approval", "agent", "summary"}
    earlier = {key: value for key, value in document.items() if key not in later}
    earlier["_id"] = entry_id(account, "earlier", id_ms(id))
    del earlier["facts"]
    mongo.entries().insert_one(earlier)
    entry = Entries.of(account).get(earlier["_id"])
    assert entry is not None
    shown = msgspec.json.decode(to_json(entry))
    assert list(shown) == FIELDS
    assert all(shown[name] is None for name in (*later, "onBehalfOfDropped"))
