"""A key of a bot: it reads that bot's entries alone, and writes as that bot alone."""

import json
from typing import Any

import pytest

from auditlogs.accounts import keys
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.models import Account
from auditlogs.query.entries import Entries
from auditlogs.storage import dictionary
from tests.api import LIST, Api, next_of, problem_of
from tests.factories import make_entries, make_entry

BOT, AGENT, OTHER = "bot_7", "agent_7", "bot_8"
ACTOR = {"type": "agent", "id": AGENT, "name": "Momentum Scout"}
ITSELF = {"type": "agent", "id": BOT}
VALID: dict[str, Any] = {"action": "order.created", "actor": ITSELF, "result": "success"}


def key_of_bot(account: Account, *scopes: str, agent: str | None = None) -> Api:
    return Api(keys.create(account, "bot's own", list(scopes), bot=BOT, agent=agent))


@pytest.fixture
def reader(account: Account) -> Api:
    return key_of_bot(account, "logs:read")


@pytest.fixture
def writer(account: Account) -> Api:
    return key_of_bot(account, "logs:write", agent=AGENT)


def entries(account: Account, action: str) -> list[Entry]:
    every = Entries.of(account.id).where("action", action).order_by("timestamp")
    return every.page(100, payloads=True).entries


# Reading


def test_it_reads_the_entries_of_its_bot_and_no_others(reader: Api, account: Account) -> None:
    own = make_entries(account.id, 3, bot_id=BOT)
    make_entries(account.id, 3, bot_id=OTHER)
    make_entry(account.id, actor={"type": "user", "id": "user-1"})
    assert reader.ids() == reader.ids(botId=BOT) == [str(id) for id in own]
    assert entries(account, "access.denied") == []


def test_pages_after_the_first_hold_its_bots_entries_alone(reader: Api, account: Account) -> None:
    own = make_entries(account.id, 3, bot_id=BOT)
    make_entries(account.id, 3, bot_id=OTHER)
    found, path = [], f"{LIST}?limit=1"
    for _ in own:
        response = reader.get(path)
        found += [entry["id"] for entry in response.json()]
        path = next_of(response) or ""
    assert (found, path) == ([str(id) for id in own], "")


def test_a_cursor_of_the_whole_account_leads_it_nowhere(
    reader: Api, api_key: str, account: Account
) -> None:
    make_entries(account.id, 3, bot_id=BOT)
    further = next_of(Api(api_key).get(limit=1))
    assert further
    problem = problem_of(reader.get(further), 400, "invalid-parameter")
    assert [error["parameter"] for error in problem["errors"]] == ["cursor"]


def test_asking_for_another_bot_finds_nothing_and_is_recorded(
    reader: Api, account: Account
) -> None:
    make_entry(account.id, bot_id=OTHER)
    assert reader.ids(botId=OTHER) == []
    (denied,) = entries(account, "access.denied")
    assert denied.payload == {
        "method": "api_key",
        "code": "bot-mismatch",
        "error": "The key may read the entries of one bot only, and requested another's",
        "keyName": "bot's own",
        "bot": BOT,
        "asked": OTHER,
    }


def test_anothers_entry_and_none_at_all_are_refused_and_recorded_alike(
    reader: Api, account: Account
) -> None:
    there = make_entry(account.id, bot_id=OTHER).id
    nowhere = make_entry().id
    answers = [reader.get(f"{LIST}/{id}") for id in (there, nowhere, "nonsense")]
    for answer in answers:
        problem_of(answer, 404, "not-found")
    assert len({answer.content for answer in answers}) == 1
    denied = entries(account, "access.denied")
    assert [entry.target and entry.target.id for entry in denied] == [there, nowhere]
    assert denied[0].payload == denied[1].payload


def test_its_own_entry_is_shown(reader: Api, account: Account) -> None:
    own = make_entry(account.id, bot_id=BOT)
    assert reader.get(f"{LIST}/{own.id}").json()["botId"] == BOT


# Writing


@pytest.mark.parametrize("actor", [ITSELF, ACTOR])
@pytest.mark.parametrize("bot", [{}, {"botId": BOT}, {"botId": None}])
def test_it_writes_as_the_bot_or_the_agent_that_is_known_for_it(
    writer: Api, account: Account, actor: dict[str, Any], bot: dict[str, Any]
) -> None:
    assert writer.post({**VALID, "actor": actor, **bot}).status_code == 201
    (entry,) = entries(account, "order.created")
    assert (entry.actor.id, entry.bot_id) == (actor["id"], BOT)


def test_where_no_agent_is_known_it_writes_as_the_bot(account: Account) -> None:
    writer = key_of_bot(account, "logs:write")
    problem_of(writer.post({**VALID, "actor": ACTOR}), 403, "actor-mismatch")
    assert writer.post(VALID).status_code == 201


@pytest.mark.parametrize(
    "said",
    [
        {"actor": {"type": "agent", "id": "agent_8"}},
        {"actor": {"type": "agent", "id": OTHER}},
        {"actor": {"type": "user", "id": AGENT}},
        {"actor": {"type": "system", "id": BOT}},
        {"actor": {"type": "agent", "id": BOT.upper()}},
        {"botId": OTHER},
        {"botId": AGENT},
        {"actor": {"type": "agent", "id": "agent_8"}, "botId": BOT},
    ],
)
def test_an_entry_of_another_actor_is_refused_with_all_that_came_with_it(
    writer: Api, account: Account, said: dict[str, Any]
) -> None:
    problem = problem_of(writer.post([VALID, {**VALID, **said}, VALID]), 403, "actor-mismatch")
    expected = f"expected the actor agent {BOT} or {AGENT}, and the botId {BOT} or none"
    assert problem["errors"] == [
        {"index": 1, "path": "/1/actor", "code": "actor-mismatch", "detail": expected}
    ]
    assert problem["detail"] == f"/1/actor: {expected}"
    assert entries(account, "order.created") == []


def test_of_what_was_refused_nothing_is_kept(writer: Api, account: Account) -> None:
    body = {**VALID, "actor": {"type": "agent", "id": "someone-else"}, "payload": {"x": "planted"}}
    problem_of(writer.post(body), 403, "actor-mismatch")
    (denied,) = Entries.of(account.id).page(10, payloads=True).entries
    assert denied.action == "access.denied"
    assert (denied.payload or {})["code"] == "actor-mismatch"
    assert denied.actor.id == denied.asserted_by
    kept = f"{denied}"
    assert "someone-else" not in kept
    assert "planted" not in kept


def test_every_entry_of_another_actor_is_named(writer: Api) -> None:
    others = [{**VALID, "actor": {"type": "agent", "id": f"agent-{n}"}} for n in range(3)]
    problem = problem_of(writer.post([VALID, *others]), 403, "actor-mismatch")
    assert [error["index"] for error in problem["errors"]] == [1, 2, 3]
    assert problem["detail"].endswith(", and 2 more")


def test_a_request_sent_again_is_known_with_or_without_its_bot(
    writer: Api, account: Account
) -> None:
    first = writer.post(VALID, **{"Idempotency-Key": "k"})
    again = writer.post({**VALID, "botId": BOT}, **{"Idempotency-Key": "k"})
    assert [first.status_code, again.status_code] == [201, 200]
    assert len(entries(account, "order.created")) == 1


@pytest.mark.parametrize("is_bound", [True, False])
def test_an_idempotency_key_that_another_has_used_is_its_own_still(
    writer: Api, account: Account, is_bound: bool
) -> None:
    other = Api(keys.create(account, "other", ["logs:write"], bot=OTHER if is_bound else None))
    said = {"timestamp": format_rfc3339(now()), "result": "success", "action": "order.created"}
    theirs = {**said, "actor": {"type": "agent", "id": OTHER}}
    header = {"Idempotency-Key": "order-77"}
    assert other.post([theirs], **header).status_code == 201
    assert writer.post([{**said, "actor": ITSELF}], **header).status_code == 201
    assert writer.post([{**said, "actor": ITSELF}], **header).status_code == 200
    assert {entry.bot_id for entry in entries(account, "order.created")} == {BOT, OTHER}


def test_ndjson_and_one_entry_alone_are_held_to_it_too(writer: Api, account: Account) -> None:
    other = {**VALID, "actor": {"type": "agent", "id": OTHER}}
    lines = f"{json.dumps(VALID)}\n{json.dumps(other)}\n".encode()
    problem_of(writer.post(lines, "application/x-ndjson"), 403, "actor-mismatch")
    problem_of(writer.post(other), 403, "actor-mismatch")
    assert entries(account, "order.created") == []


# The agent that is known


def test_a_key_that_was_made_before_its_agent_was_known_learns_who_that_is(
    account: Account, write_key: str
) -> None:
    writer, entry = key_of_bot(account, "logs:write"), {**VALID, "actor": ACTOR}
    problem_of(writer.post(entry), 403, "actor-mismatch")
    assert writer.post(VALID).status_code == 201
    problem_of(writer.post(entry), 403, "actor-mismatch")
    assert Api(write_key).post({**entry, "botId": BOT}).status_code == 201
    assert writer.post(entry).status_code == 201
    another = {**VALID, "actor": {**ACTOR, "id": "agent_9"}}
    assert Api(write_key).post({**another, "botId": BOT}).status_code == 201
    problem_of(writer.post(another), 403, "actor-mismatch")
    assert writer.post(entry).status_code == 201


def test_the_agent_of_a_bot_is_the_one_that_acted_as_it_last(account: Account) -> None:
    assert dictionary.agent_of(account.id, BOT) is None
    for id in ("agent_6", AGENT):
        make_entry(account.id, actor={**ACTOR, "id": id}, bot_id=BOT)
    # What is done to a bot tells nothing of who acts as it.
    target = {"type": "bot", "id": BOT, "name": "Scout"}
    make_entry(account.id, actor={"type": "user", "id": "user-1"}, target=target)
    assert dictionary.agent_of(account.id, BOT) == AGENT
    assert dictionary.agent_of(account.id, OTHER) is None
