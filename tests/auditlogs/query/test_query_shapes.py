"""The queries of a list, as sent to the database: their shape, index, number and limits."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, strategies as st

from auditlogs.entry.text import norm, pieces
from auditlogs.entry.times import now
from auditlogs.models import new_account_id
from auditlogs.query import parts, slices, sort_values
from auditlogs.query.entries import WITHOUT_PAYLOAD, Entries
from auditlogs.query.filters import EXACT_FILTERS, parse
from auditlogs.query.order import SORTS, Order
from auditlogs.recording.recorder import record_many
from auditlogs.storage import dictionary, mongo, vocabulary
from auditlogs.storage.indexes import ACCOUNT_FILTER, LEADING_FILTERS, LeadingFilter
from auditlogs.storage.mongo import TookTooLong
from tests.factories import AGENT, ORDER, SYSTEM, USER, new, store_with_keys
from tests.watching import Command, sent, watcher

TRACE = "0af7651916cd43dd8448eb211c80319c"
# Each filter, with the field of the leading filter of its query.
LEADING_FIELD = {
    "": None,
    "dateRange=24h": None,
    "startDate=2020-01-01T00:00:00Z": None,
    "endDate=2100-01-01T00:00:00Z": None,
    "writerId=w-1": "writerId",
    "requestId=r-1": "requestId",
    f"correlationId={TRACE}": "correlationId",
    "sessionId=s-1": "sessionId",
    "target=ord-42": "target.id",
    "actor=agent-7": "actor.id",
    "botId=agent-7": "botId",
    "assertedBy=key_1": "assertedBy",
    "decision=denied": "facts",
    "approval=ap-1": "facts",
    "runId=run-1": "facts",
    "principal=user-1": "facts",
    "key=scout-read": "facts",
    "tool=quote": "facts",
    "code=403": "facts",
    "provider=jupiter": "facts",
    "orderId=ord-42": "facts",
    "sourceIp=192.0.2.1": "facts",
    "reason=missing_scope": "facts",
    "policy=limits": "facts",
    "requiredScope=trade": "facts",
    "client=2.5.0": "facts",
    "tool=quote&actor=agent-7": "actor.id",
    "code=403&tool=quote&decision=denied": "facts",
    "action=order.created": "action",
    "action=mcp": "actionType",
    "result=failure": "result",
    # The more selective one leads, and the rest is left to the second stage.
    "actor=agent-7&action=mcp": "actor.id",
    "botId=agent-7&result=failure": "botId",
    "botId=agent-7&assertedBy=key_1": "botId",
    "action=mcp&result=failure": "result",
    "action=order.created&result=failure": "action",
    "actor=agent-7&target=ord-42&result=failure&action=mcp": "target.id",
    f"correlationId={TRACE}&actor=agent-7": "correlationId",
    "requestId=r-1&sessionId=s-1": "requestId",
}
PAYLOAD = {
    "keyName": "scout-read",
    "keyId": "key_9",
    "tool": "quote",
    "code": 403,
    "provider": "jupiter",
    "orderId": "ord-42",
}
ALLOWED = {"$gte", "$gt", "$lt", "$lte", "$and", "$or", "$in", "$nin", "$elemMatch"}
# The comparison of a search word, which is a literal in it, with the normalized text.
ALLOWED |= {"$expr", "$indexOfCP", "$ifNull", "$literal"}
ALL_LEADING = (ACCOUNT_FILTER, *LEADING_FILTERS)
STAGES = {"$match", "$sort", "$limit", "$project", "$count"}


@pytest.fixture(scope="module")
def account() -> str:
    """An account whose entries are all of the last hours, with every field in use."""
    account, at = new_account_id(), now()
    store_with_keys(
        [
            new(
                timestamp=at - timedelta(minutes=i),
                actor=(AGENT, USER, SYSTEM)[i % 3],
                action=("mcp.tool.call", "order.created")[i % 2],
                result=("success", "failure", "partial")[i // 6 % 3],
                target=ORDER,
                id="w-1",
                request_id="r-1",
                session_id="s-1",
                correlation_id=TRACE,
                bot_id="agent-7",
                decision={"outcome": "denied", "policy": "limits"},
                agent={"version": "2.5.0"},
                approval={"id": "ap-1", "outcome": "requested"},
                run_id="run-1",
                on_behalf_of=[USER],
                source_ip="192.0.2.1",
                payload={**PAYLOAD, "requiredScope": "trade"},
            )
            for i in range(60)
        ],
        ["key_1"] * 60,
        account,
    )
    return account


def list_of(account: str, query: str) -> Entries:
    request = parse(QueryDict(query), account=account, default_range="7d", now=now())
    assert request.errors == {}
    return request.entries


def queries(commands: list[Command]) -> list[list[dict[str, Any]]]:
    return [command["pipeline"] for command in sent(commands, "aggregate", mongo.ENTRIES)]


def keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_in(inner)


def test_every_filter_has_its_own_query_here() -> None:
    alone = {query.partition("=")[0] for query in LEADING_FIELD if "&" not in query}
    assert set(EXACT_FILTERS) - alone == set()


@pytest.mark.parametrize("query", LEADING_FIELD)
def test_a_query_begins_with_the_account_its_most_selective_filter_and_a_slice_of_time(
    account: str, query: str
) -> None:
    with watcher.watch() as commands:
        page = list_of(account, query).page(2)
    (pipeline,) = queries(commands)
    first, leading = pipeline[0]["$match"], LEADING_FIELD[query]
    assert list(first) == ["account", "_id"] + ([leading] if leading else [])
    assert first["account"] == account
    assert first["_id"].keys() <= {"$gte", "$lt"}
    assert all(isinstance(bound, uuid.UUID) for bound in first["_id"].values())
    assert all(isinstance(first[name], str) for name in first if name != "_id")
    assert [next(iter(stage)) for stage in pipeline[-3:]] == ["$sort", "$limit", "$project"]
    assert pipeline[-3:-1] == [{"$sort": {"_id": -1}}, {"$limit": 3}]
    assert len(page.entries) == 2


def test_a_reader_of_one_bot_asks_for_that_bot_alone_whatever_they_ask(account: str) -> None:
    mine = Entries.of(account, "agent-7")
    (entry,) = mine.page(1).entries
    id = uuid.UUID(entry.id)
    for entries in (mine, mine.where("actor.id", "user-1"), mine.where("botId", "agent-7")):
        with watcher.watch() as commands:
            entries.order_by("actor").page(2, offset=1)
            entries.count()
            entries.holds(id)
            entries.neighbours(entry)
            assert entries.whole().get(id) == mine.get(id)
        assert len(queries(commands)) > 6
        for pipeline in queries(commands):
            matches = [stage["$match"] for stage in pipeline if "$match" in stage]
            match = {key: value for each in matches for key, value in each.items()}
            assert (match["account"], match["botId"]) == (account, "agent-7")


@pytest.mark.parametrize(
    ("query", "conditions"),
    [
        ("actor=agent-7,user-1", {"actor.id": {"$in": ["agent-7", "user-1"]}}),
        ("tool=quote,swap", {"facts": {"$in": ["tool=quote", "tool=swap"]}}),
        ("actor=-agent-7", {"actor.id": {"$nin": ["agent-7"]}}),
        # Every entry has a result, so those that are left can lead.
        ("result=-success", {"result": {"$in": ["failure", "partial"]}}),
        ("result=-success,-partial", {"result": "failure"}),
        ("actor=agent-7,user-1,-user-1", {"actor.id": "agent-7"}),
        ("action=mcp,-mcp.tool.call", {"actionType": "mcp", "action": {"$nin": ["mcp.tool.call"]}}),
    ],
)
def test_several_values_are_one_condition_and_exclusions_never_lead(
    account: str, query: str, conditions: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for is_secantus in (True, False):
        monkeypatch.setattr(mongo, "is_secantus", lambda answer=is_secantus: answer)
        monkeypatch.setattr(mongo, "missing_indexes", lambda: [each.index for each in ALL_LEADING])
        with watcher.watch() as commands:
            list_of(account, query).page(2)
        first, *rest = (stage["$match"] for stage in queries(commands)[0] if "$match" in stage)
        parts = [*rest, *(each for part in rest for each in part.get("$and", ()))]
        both = {**first, **{name: each for part in parts for name, each in part.items()}}
        assert {name: both[name] for name in conditions} == conditions
        leading = next(iter(conditions.values()))
        is_one = isinstance(leading, str)
        merges = "$in" in leading and not is_secantus
        assert (next(iter(conditions)) in first) == (is_one or merges)


def test_a_list_of_values_that_exclude_each_other_asks_nothing(account: str) -> None:
    with watcher.watch() as commands:
        for query in ("actor=agent-7,-agent-7", "result=-success,-failure,-partial"):
            assert list_of(account, query).page(2).entries == []
    assert commands == []


def test_a_reader_of_one_bot_never_sees_another_by_several_values(account: str) -> None:
    asked = {"botId=agent-7,agent-9": 60, "botId=agent-8,agent-9": 0, "botId=-agent-7": 0}
    for query, number in {**asked, "botId=-agent-9": 60}.items():
        listed = parse(
            QueryDict(query), account=account, bot="agent-7", default_range="7d", now=now()
        ).entries
        assert (listed.count().value, len(listed.page(100).entries)) == (number, number)
        other = parse(
            QueryDict(query), account=account, bot="agent-9", default_range="7d", now=now()
        ).entries
        assert (other.count().value, other.page(100).entries) == (0, [])


def test_a_reader_of_one_bot_who_asks_for_another_asks_nothing(account: str) -> None:
    entries = Entries.of(account, "agent-8").where("botId", "agent-7")
    (entry,) = Entries.of(account).page(1).entries
    with watcher.watch() as commands:
        assert entries.page(5, offset=1).entries == []
        assert entries.count().value == 0
        assert not entries.holds(uuid.UUID(entry.id))
        assert entries.neighbours(entry) == (None, None)
    assert commands == []
    assert Entries.of(account, "agent-8").get(uuid.UUID(entry.id)) is None


def test_every_leading_filter_has_an_index_of_its_field_and_the_id() -> None:
    indexes = mongo.entries().index_information()
    for leading in (ACCOUNT_FILTER, *LEADING_FILTERS):
        fields = list(dict.fromkeys(["account", leading.field, "_id"]))
        assert indexes[leading.index]["key"] == [(field, 1) for field in fields]
    paths = {leading.field for leading in LEADING_FILTERS}
    assert paths >= {path for path in LEADING_FIELD.values() if path}


def kinds(commands: list[Command]) -> list[str]:
    """Return what each query over entries was: a count, or the stored field that it sorts by."""
    return [
        "count" if "$count" in pipeline[-1] else next(iter(pipeline[-3]["$sort"]))
        for pipeline in queries(commands)
    ]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-timestamp", ["_id"]),
        # The oldest hours of the week are empty, so the entries are counted.
        ("timestamp", ["_id", "count", "_id"]),
        *[(f"{sign}actor", ["count", "actorKey"]) for sign in ("", "-")],
        *[(f"{sign}action", ["count", "action"]) for sign in ("", "-")],
        *[(f"{sign}result", ["count", "result"]) for sign in ("", "-")],
    ],
)
def test_few_entries_are_counted_and_then_read_at_once(
    account: str, sort: str, expected: list[str]
) -> None:
    with watcher.watch() as commands:
        page = list_of(account, f"sort={sort}").page(5)
    assert len(page.entries) == 5
    assert kinds(commands) == expected
    # What the counters say is asked once in a while.
    assert len(commands) - len(expected) == len(sent(commands, "find", mongo.COUNTERS)) <= 1


@pytest.mark.parametrize("sort", [sort for sort in SORTS if Order.parse(sort).key != "timestamp"])
def test_many_entries_are_read_value_by_value(
    account: str, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "FEW", 10)
    order = Order.parse(sort)
    path = parts.SORT_PATHS[order.key]
    entries = list_of(account, f"sort={sort}")
    with watcher.watch() as commands:
        first = entries.page(5)
    assert kinds(commands) == ["count", "_id"]
    assert isinstance(queries(commands)[1][0]["$match"][path], str)
    # The value list is in the dictionary; there are three results, which are known.
    assert len(sent(commands, "find", mongo.DICTIONARY)) == (order.key != "result")
    assert first.next is not None
    with watcher.watch() as commands:
        entries.page(40, cursor=first.next)
    assert len(commands) <= slices.MAX_QUERIES


def test_values_with_few_entries_are_read_together_in_a_chain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, at = new_account_id(), now()
    actors = [{"type": "user", "id": f"u-{number:03}"} for number in range(60)]
    record_many([new(actor=actor, timestamp=at) for actor in actors], account=account)
    monkeypatch.setattr(parts, "FEW", 55)
    # Without counters, an engine that does would have no queries left.
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: False)
    with watcher.watch() as commands:
        page = list_of(account, "sort=actor&dateRange=24h").page(50)
    assert [entry.actor.id for entry in page.entries] == [actor["id"] for actor in actors[:50]]
    assert len(commands) <= slices.MAX_QUERIES


def test_a_page_that_has_found_something_sends_no_more_queries_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, at = new_account_id(), now()
    actors = [{"type": "user", "id": f"u-{number:03}"} for number in range(60)]
    record_many([new(actor=actor, timestamp=at) for actor in actors], account=account)
    monkeypatch.setattr(parts, "FEW", 0)
    entries = list_of(account, "sort=actor&dateRange=24h")
    with watcher.watch() as commands:
        page = entries.page(50)
    assert 0 < len(page.entries) < 50
    assert page.is_cut_short
    assert len(commands) <= slices.MAX_QUERIES + 1
    found = [entry.actor.id for entry in page.entries]
    while page.next:
        page = entries.page(50, cursor=page.next)
        found += [entry.actor.id for entry in page.entries]
    assert found == [actor["id"] for actor in actors]


def test_the_rarest_filter_leads_where_the_usual_one_has_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, at = new_account_id(), now()
    often = [new(timestamp=at - timedelta(hours=6 * number)) for number in range(20)]
    rare = new(action="order.created", actor=AGENT, timestamp=at - timedelta(days=6))
    record_many([*often, rare], account=account)
    monkeypatch.setattr(parts, "FEW", 10)
    with watcher.watch() as commands:
        page = list_of(account, "actor=agent-7&action=order.created").page(5)
    assert len(page.entries) == 1
    assert kinds(commands) == ["_id", "count", "count", "_id"]
    assert "action" in queries(commands)[-1][0]["$match"]


def test_many_entries_are_read_in_ever_wider_slices_and_then_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "FEW", 0)
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: False)
    account = new_account_id()
    record_many([new(timestamp=now() - timedelta(days=29))], account=account)
    with watcher.watch() as commands:
        page = Entries.of(account).page(5)
    assert len(page.entries) == 1
    assert kinds(commands) == ["_id", "count", "_id", "_id", "_id", "_id"]
    reads = [pipeline for pipeline in queries(commands) if "$sort" in pipeline[-3]]
    reach = [pipeline[0]["$match"]["_id"] for pipeline in reads]
    widths = [r["$lt"].int - r["$gte"].int >> 80 for r in reach[1:-1]]
    assert all(wide == 4 * narrow for narrow, wide in pairwise(widths))
    assert all(a["$gte"] == b["$lt"] for a, b in pairwise(reach))
    assert "$lt" not in reach[0]


def test_a_skip_over_many_entries_does_not_count_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FEW", 3)
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: False)
    account, at = new_account_id(), now()
    ages = [timedelta(hours=number) for number in (1, 1, 2, 2, 9, 10, 11, 12)]
    record_many([new(timestamp=at - age) for age in ages], account=account)
    with watcher.watch() as commands:
        page = Entries.of(account).page(2, offset=6)
    assert len(page.entries) == 2
    assert kinds(commands)[:2] == ["_id", "_id"]


def test_an_index_is_named_to_every_engine_that_obeys_and_tried_without_where_it_is_missing(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo, "is_secantus", lambda: False)
    with watcher.watch() as commands:
        assert len(list_of(account, "action=mcp").page(2).entries) == 2
    assert [command["hint"] for command in sent(commands, "aggregate", mongo.ENTRIES)] == [
        "by_actionType"
    ]
    monkeypatch.setattr(LeadingFilter, "index", "by_nothing")
    try:
        with watcher.watch() as commands:
            assert len(list_of(account, "action=mcp").page(2).entries) == 2
            assert len(list_of(account, "action=mcp").page(2).entries) == 2
        hints = [each.get("hint") for each in sent(commands, "aggregate", mongo.ENTRIES)]
        assert hints == ["by_nothing", None, None]
        assert mongo.missing_indexes() == ["by_nothing"]
    finally:
        mongo._missing_since.clear()


def test_a_field_that_few_entries_share_is_read_in_one_go() -> None:
    account = new_account_id()
    for name in ("requestId", "sessionId", "correlationId"):
        with watcher.watch() as commands:
            list_of(account, f"{name}=none&dateRange=all").page(5)
        assert len(queries(commands)) == 1


@pytest.mark.parametrize("sort", SORTS)
def test_every_question_has_a_limit_and_a_time_limit(account: str, sort: str) -> None:
    entries = list_of(account, f"sort={sort}&search=mom+sc")
    with watcher.watch() as commands:
        page = entries.page(3, offset=2)
        entries.neighbours(page.entries[0])
        entries.count()
        entries.holds(uuid.UUID(page.entries[0].id))
        entries.get(uuid.UUID(page.entries[0].id))
        dictionary.actors(account, "a", 5)
        dictionary.actor(account, "agent-7")
        dictionary.bot_name(account, "agent-7")
    assert len(commands) > 8
    for command in commands:
        assert 0 < command["maxTimeMS"] <= 5_000
    for command in sent(commands, "find", mongo.DICTIONARY):
        assert 0 < command["limit"] <= 2_000
    for pipeline in queries(commands):
        conditions = [stage["$match"] for stage in pipeline[:2] if "$match" in stage]
        reach = next(each["_id"] for each in conditions if "_id" in each)
        is_limited = any("$limit" in stage for stage in pipeline)
        # One entry alone, or those between two ids next to each other.
        assert (
            is_limited or isinstance(reach, uuid.UUID) or reach["$lt"].int - reach["$gte"].int <= 1
        )


def test_one_entry_is_found_by_its_id_and_only_in_its_account(account: str) -> None:
    page = list_of(account, "").page(1)
    id = uuid.UUID(page.entries[0].id)
    with watcher.watch() as commands:
        assert list_of(account, "").get(id)
        assert list_of(account, "result=success,failure,partial").holds(id)
    for pipeline in queries(commands):
        assert pipeline[:2] == [{"$match": {"_id": id}}, {"$match": {"account": account}}]


def test_a_word_leads_by_the_tokens_that_begin_as_it_does(account: str) -> None:
    with watcher.watch() as commands:
        assert len(list_of(account, "search=momen").page(2).entries) == 2
    (pipeline,) = queries(commands)
    assert pipeline[0]["$match"]["tokens"] == "momentum"
    with watcher.watch() as commands:
        list_of(account, "search=m").page(50)
    (counted, *_) = (
        each[0]["$match"] for each in queries(commands) if "tokens" in each[0]["$match"]
    )
    assert counted["tokens"] == {"$in": ["mcp", "momentum"]}


def test_no_slice_is_read_by_an_array_where_that_costs_every_entry_with_its_value(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo, "is_documentdb", lambda: True)
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: False)
    for request in ("search=momentum", "tool=quote"):
        with watcher.watch() as commands:
            list_of(account, request).page(1_000)
        first, counted, *_ = queries(commands)
        assert first[0]["$match"].keys() == {"account", "_id"}
        # Only the end that costs nothing.
        assert "$count" in counted[-1]
        assert counted[0]["$match"]["_id"].keys() == {"$gte"}


def test_a_sort_gathers_the_values_that_a_list_has_where_the_first_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "FEW", 0)
    monkeypatch.setattr(slices, "reads_to_the_end", lambda: False)
    account, at = new_account_id(), now()
    actors = [{"type": "user", "id": f"u-{number:03}"} for number in range(40)]
    tools = [{"tool": "quote"} if number > 38 else None for number in range(40)]
    record_many(
        [
            new(actor=actor, payload=tool, timestamp=at)
            for actor, tool in zip(actors, tools, strict=True)
        ],
        account=account,
    )
    with watcher.watch() as commands:
        page = list_of(account, "sort=actor&tool=quote&dateRange=24h").page(5)
    assert [entry.actor.id for entry in page.entries] == ["u-039"]
    assert len(commands) < 20


def test_a_word_that_nothing_begins_with_asks_nothing_of_the_log(account: str) -> None:
    with watcher.watch() as commands:
        assert list_of(account, "search=momentus").page(2).entries == []
        assert list_of(account, "search=momentus").count().value == 0
    assert queries(commands) == []


def test_a_beginning_of_too_many_tokens_does_not_lead(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MAX_TOKENS", 1)
    with watcher.watch() as commands:
        assert len(list_of(account, "search=m").page(2).entries) == 2
    assert not any("tokens" in each[0]["$match"] for each in queries(commands))


def test_entries_of_before_the_vocabulary_are_looked_for_by_ranges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = new_account_id()
    with monkeypatch.context() as patch:
        patch.setattr(vocabulary, "add", lambda documents: None)
        record_many([new(action="order.filled")], account=account)
    record_many([new(action="order.filed", action_type="trade")], account=account)
    with watcher.watch() as commands:
        found = list_of(account, "search=fil").page(5).entries
    assert {entry.action for entry in found} == {"order.filled", "order.filed"}
    assert "$elemMatch" in str(queries(commands)[0])


def test_a_vocabulary_that_does_not_answer_in_time_is_done_without(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(account: str, prefix: str) -> None:
        raise TookTooLong("too long")

    monkeypatch.setattr(vocabulary, "beginning_with", late)
    assert len(list_of(account, "search=momen").page(2).entries) == 2


def test_words_are_looked_up_within_two_seconds(account: str) -> None:
    with watcher.watch() as commands:
        list_of(account, "search=mom+sc").page(2)
    looked_up = sent(commands, "find", mongo.DICTIONARY)
    assert len(looked_up) == 5
    assert all(0 < each["maxTimeMS"] <= 2_000 for each in looked_up)


def test_payloads_stay_in_the_database_unless_they_are_asked_for(account: str) -> None:
    entries = list_of(account, "")
    with watcher.watch() as commands:
        entries.page(2)
        entries.page(2, payloads=True)
        entries.page(2, offset=1)
    first, whole, skipped, after = (pipeline[-1] for pipeline in queries(commands))
    assert first == after == {"$project": WITHOUT_PAYLOAD}
    assert "payload" not in whole["$project"]
    # Of what is skipped, the number and the last position alone.
    assert skipped["$group"].keys() == {"_id", "last", "number"}
    assert all("tokens" in each["$project"] for each in (first, whole, after))


NASTY = st.text(st.sampled_from("abz019$.[]{}()*+?^|\\/\"':,-_ 日é"), min_size=1, max_size=12)
NAMES = ["actor", "botId", "target", "search", "requestId", "sessionId", "correlationId"]
NAMES += [
    "approval",
    "runId",
    "principal",
    "key",
    "tool",
    "code",
    "provider",
    "orderId",
    "sourceIp",
]


@given(st.dictionaries(st.sampled_from(NAMES), NASTY, min_size=1), st.sampled_from(SORTS))
def test_no_text_of_a_caller_is_ever_an_operator_a_field_or_a_pattern(
    parameters: dict[str, str], sort: str
) -> None:
    query = QueryDict(mutable=True)
    query.update(parameters | {"sort": sort})
    request = parse(query, account=new_account_id(), default_range="7d", now=now())
    # An empty value is the only thing that these filters refuse.
    assert all("expected a value" in error for error in request.errors.values())
    filters = request.entries.filters.values()
    is_contradiction = any(each.wanted and {*each.wanted} <= {*each.unwanted} for each in filters)
    with watcher.watch() as commands:
        request.entries.page(2)
        request.entries.count()
    fields = {
        "account",
        "_id",
        "tokens",
        "text",
        "actorKey",
        *(each.field for each in LEADING_FILTERS),
    }
    # A word without a letter or a digit finds nothing, so nothing is sent.
    can_match = all(pieces(norm(word)) for word in request.entries.words)
    assert bool(commands) == (can_match and not is_contradiction)
    for pipeline in queries(commands):
        assert {next(iter(stage)) for stage in pipeline} <= STAGES
        matches = [stage["$match"] for stage in pipeline if "$match" in stage]
        assert set(keys_in(matches)) <= ALLOWED | fields
    for command in sent(commands, "find", mongo.DICTIONARY):
        assert set(keys_in(command["filter"])) <= {"_id", "$gte", "$gt", "$lt"}


def test_a_skip_over_many_values_of_a_sort_key_needs_more_queries_than_a_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, at = new_account_id(), now()
    actors = [{"type": "user", "id": f"u-{number:03}"} for number in range(60)]
    record_many([new(actor=actor, timestamp=at) for actor in actors], account=account)
    monkeypatch.setattr(parts, "FEW", 0)
    page = list_of(account, "sort=actor&dateRange=24h").page(5, offset=50)
    found = [entry.actor.id for entry in page.entries]
    assert found == [f"u-{50 + number:03}" for number in range(len(found))]
    assert page.is_cut_short == (len(found) < 5)
    assert page.first == 51


def test_a_sort_goes_on_after_the_values_that_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, at = new_account_id(), now()
    actors = [{"type": "user", "id": f"u-{number:03}"} for number in range(12)]
    record_many([new(actor=actor, timestamp=at) for actor in actors], account=account)
    monkeypatch.setattr(parts, "FEW", 0)
    monkeypatch.setattr(sort_values, "FIRST_NOTES", 3)
    monkeypatch.setattr(sort_values, "MORE_NOTES", 2)
    page = list_of(account, "sort=actor&dateRange=24h").page(5)
    found = [entry.actor.id for entry in page.entries]
    while page.next:
        page = list_of(account, "sort=actor&dateRange=24h").page(5, cursor=page.next)
        found += [entry.actor.id for entry in page.entries]
    assert found == [actor["id"] for actor in actors]


def test_the_values_of_a_sort_are_read_by_the_ids_that_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, at = new_account_id(), now()
    actors = [{"type": "user", "id": f"u-{number}"} for number in range(4)]
    record_many([new(actor=actor, timestamp=at) for actor in actors], account=account)
    monkeypatch.setattr(parts, "FEW", 0)
    with watcher.watch() as commands:
        page = list_of(account, "sort=-actor&actor=u-1,u-3&dateRange=24h").page(5)
    assert [entry.actor.id for entry in page.entries] == ["u-3", "u-1"]
    (asked,) = (c["filter"] for c in commands if c.get("find") == "audit_dictionary")
    assert asked.keys() == {"named"}


def test_a_value_of_a_sort_is_read_though_only_its_later_notes_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, at = new_account_id(), now()
    earlier = [new(actor={"type": "user", "id": "u-1"}, timestamp=at - timedelta(days=20))]
    today = [new(actor={"type": "user", "id": f"u-{n}"}, timestamp=at) for n in range(3)]
    record_many([*earlier, *today], account=account)
    monkeypatch.setattr(parts, "FEW", 0)
    monkeypatch.setattr(slices, "BUDGET_SECONDS", 0)
    # The second note is the earlier one of u-1, so the first page ends before that was read.
    monkeypatch.setattr(sort_values, "FIRST_NOTES", 2)
    found: list[str] = []
    page = list_of(account, "sort=actor&dateRange=24h").page(5)
    found += [entry.actor.id for entry in page.entries]
    assert page.is_cut_short
    while page.next:
        page = list_of(account, "sort=actor&dateRange=24h").page(5, cursor=page.next)
        found += [entry.actor.id for entry in page.entries]
    assert found == ["u-0", "u-1", "u-2"]


@pytest.mark.parametrize(
    "word", ["jürgen", "日本", "c4fd3dead6cd40ec9217d98c74e40cc1"], ids=["accent", "han", "uuid"]
)
def test_a_word_of_several_forms_is_looked_for_by_the_beginning_they_share(word: str) -> None:
    account = new_account_id()
    with watcher.watch() as commands:
        Entries.of(account).matching((word,)).page(5)
    counted, read = queries(commands)[-2:]
    assert "tokens" in counted[0]["$match"]
    assert "tokens" in read[0]["$match"]
