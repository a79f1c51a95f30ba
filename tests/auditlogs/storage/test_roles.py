"""The database roles, as they stand on their page: each lets its program work and no more."""

import json
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from django.core.management import CommandError, call_command
from django.http import QueryDict
from pymongo.errors import OperationFailure

import auditlogs
from auditlogs.entry.times import now
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.query.filters import parse
from auditlogs.storage import counts, dictionary, mongo
from hub.demo import database
from tests.counting import count
from tests.factories import AGENT

PAGE = Path(__file__).resolve().parents[3] / "docs" / "roles.md"
ROLES: dict[str, dict[str, Any]] = {
    role["createRole"]: role
    for role in map(json.loads, re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL))
}
WEB, WORKER, ADMIN = "auditlogsWeb", "auditlogsWorker", "auditlogsAdmin"
IDEMPOTENCY, COUNTERS, ACTORS = mongo.IDEMPOTENCY, mongo.COUNTERS, mongo.ACTORS
# What the server answers whoever lacks the right.
UNAUTHORIZED = 13

Command = dict[str, Any]
Client = pymongo.MongoClient[dict[str, Any]]
Connect = Callable[[str], Client]

ENTRIES = mongo.ENTRIES
CHANGE = {"$set": {"result": "success"}}
TO_NOBODY: list[Command] = [
    {"delete": ENTRIES, "deletes": [{"q": {}, "limit": 0}]},
    {"aggregate": ENTRIES, "pipeline": [{"$out": "elsewhere"}], "cursor": {}},
    {"aggregate": ENTRIES, "pipeline": [{"$out": ENTRIES}], "cursor": {}},
    {"drop": ENTRIES},
    {"drop": mongo.DICTIONARY},
    {"dropDatabase": 1},
    {"dropIndexes": ENTRIES, "index": "retention"},
    {"renameCollection": f"{mongo.DEFAULT_DATABASE}.{ENTRIES}", "to": "auditlogs.elsewhere"},
    {"create": "elsewhere"},
    {"listCollections": 1},
    {"createUser": "another", "pwd": "x", "roles": [ADMIN]},
    {"grantRolesToUser": WEB, "roles": [ADMIN]},
    {"createRole": "another", "privileges": [], "roles": []},
    {"updateRole": WEB, "privileges": [], "roles": [ADMIN]},
    {"dropAllRolesFromDatabase": 1},
]
CHANGES: list[Command] = [
    {"update": ENTRIES, "updates": [{"q": {}, "u": CHANGE, "multi": True}]},
    {"update": ENTRIES, "updates": [{"q": {}, "u": {}, "upsert": True}]},
    {"findAndModify": ENTRIES, "query": {}, "update": CHANGE},
    {"findAndModify": ENTRIES, "query": {}, "remove": True},
    {"aggregate": ENTRIES, "pipeline": [{"$merge": ENTRIES}], "cursor": {}},
]
OF_THE_ADMINISTRATOR: list[Command] = [
    {"createIndexes": ENTRIES, "indexes": [{"key": {"x": 1}, "name": "x"}]},
    {"listIndexes": ENTRIES},
    {"collMod": ENTRIES, "index": {"name": "retention", "expireAfterSeconds": 1}},
]
OF_THE_OTHERS: list[Command] = [
    {"find": ENTRIES},
    {"aggregate": ENTRIES, "pipeline": [], "cursor": {}},
    {"count": ENTRIES},
    {"distinct": ENTRIES, "key": "account"},
    {"insert": ENTRIES, "documents": [{}]},
    {"insert": mongo.DICTIONARY, "documents": [{}]},
]
FORBIDDEN = {
    WEB: [*TO_NOBODY, *CHANGES, *OF_THE_ADMINISTRATOR],
    WORKER: [*TO_NOBODY, *OF_THE_ADMINISTRATOR],
    ADMIN: [*TO_NOBODY, *CHANGES, *OF_THE_OTHERS],
}


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """A server with authentication, the page's roles and a user for each; connects as one."""
    folder = tmp_path_factory.mktemp("roles")
    password = secrets.token_hex(16)
    opened: list[Client] = []
    open_server = database.start(folder)
    try:
        with pymongo.MongoClient[dict[str, Any]](open_server.uri) as client:
            log = client[mongo.DEFAULT_DATABASE]
            log.command("createUser", "owner", pwd=password, roles=["dbOwner"])
    finally:
        open_server.stop()

    (folder / "database.toml").write_text("[server]\nauth = true\n")
    server = database.start(folder)

    def connect_as(user: str) -> Client:
        uri = server.uri.replace("mongodb://", f"mongodb://{user}:{password}@")
        opened.append(pymongo.MongoClient(uri, serverSelectionTimeoutMS=5_000, timeoutMS=5_000))
        return opened[-1]

    try:
        log = connect_as("owner")[mongo.DEFAULT_DATABASE]
        for name, role in ROLES.items():
            log.command(role)
            log.command("createUser", name, pwd=password, roles=[name])
        yield connect_as
    finally:
        for client in opened:
            client.close()
        server.stop()


@pytest.fixture
def act_as(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Let the program reach that server as a user."""

    def become(user: str) -> Client:
        client = connect(user)
        monkeypatch.setattr(mongo, "client", lambda: client)
        return client

    return become


def rights(role: str) -> dict[str, set[str]]:
    """Return the actions that a role's document grants on each collection."""
    return {
        privilege["resource"]["collection"]: set(privilege["actions"])
        for privilege in ROLES[role]["privileges"]
    }


def test_the_page_has_the_three_roles_and_each_right_names_its_collection() -> None:
    assert set(ROLES) == {WEB, WORKER, ADMIN}
    for role in ROLES.values():
        assert role["roles"] == []
        for privilege in role["privileges"]:
            assert privilege["resource"]["db"] == mongo.DEFAULT_DATABASE
            assert privilege["resource"]["collection"]


def test_no_role_may_change_or_remove_an_entry_or_a_note() -> None:
    kept = (ENTRIES, mongo.DICTIONARY, IDEMPOTENCY)
    found_and_inserted = {name: {"find", "insert"} for name in kept}
    assert rights(WEB) == {**found_and_inserted, COUNTERS: {"find"}, ACTORS: {"find"}}
    changed = {"find", "insert", "update"}
    assert rights(WORKER) == {**found_and_inserted, COUNTERS: changed, ACTORS: changed}
    made = {"createIndex", "listIndexes", "collMod"}
    assert rights(ADMIN) == dict.fromkeys((*kept, COUNTERS, ACTORS), made)


@pytest.mark.parametrize("user", [WEB, WORKER])
def test_who_may_find_and_insert_can_record_and_list(act_as: Connect, user: str) -> None:
    act_as(user)
    account = new_account_id()
    recorded = auditlogs.record("order.created", account=account, actor=AGENT, result="success")
    entries = Entries.of(account)
    assert entries.get(recorded)
    assert entries.count().value == 1
    for query in ("", "sort=actor", "search=mom&sort=-action"):
        asked = parse(QueryDict(query), account=account, default_range="all", now=now())
        assert [entry.id for entry in asked.entries.page(10).entries] == [str(recorded)]
    assert dictionary.actor(account, AGENT["id"])


def test_the_web_process_cannot_make_indexes(act_as: Connect) -> None:
    act_as(WEB)
    with pytest.raises(CommandError):
        call_command("ensure_indexes")


def test_the_administrator_makes_the_indexes_and_changes_the_retention(
    act_as: Connect, settings: Any
) -> None:
    act_as(ADMIN)
    for days in (30, 7):
        settings.AUDITLOGS_RETENTION_DAYS = days
        call_command("ensure_indexes", "--shorten-retention")
        made = mongo.entries().index_information()["retention"]
        assert made["expireAfterSeconds"] == days * 86_400


@pytest.mark.parametrize("right", ["createIndex", "listIndexes", "collMod"])
def test_the_administrator_has_no_right_that_can_be_spared(
    act_as: Connect, connect: Connect, settings: Any, right: str
) -> None:
    owner = connect("owner")[mongo.DEFAULT_DATABASE]
    settings.AUDITLOGS_RETENTION_DAYS = 30
    act_as(ADMIN)
    call_command("ensure_indexes", "--shorten-retention")
    less = [
        {**privilege, "actions": [each for each in privilege["actions"] if each != right]}
        for privilege in ROLES[ADMIN]["privileges"]
    ]
    settings.AUDITLOGS_RETENTION_DAYS = 7
    try:
        owner.command("updateRole", ADMIN, privileges=less)
        with pytest.raises(CommandError):
            call_command("ensure_indexes", "--shorten-retention")
    finally:
        owner.command("updateRole", ADMIN, privileges=ROLES[ADMIN]["privileges"])


def test_the_worker_can_count_and_the_web_process_read_what_it_counted(act_as: Connect) -> None:
    act_as(WORKER)
    account = new_account_id()
    auditlogs.record("order.created", account=account, actor=AGENT, result="failure")
    count()
    act_as(WEB)
    (hour,) = counts.kept(account, "hour", 0)
    assert [(t.bot, t.entries, t.failures) for t in hour.tallies] == [(AGENT["id"], 1, 1)]
    assert counts.counted_at()


@pytest.mark.parametrize("user", [WEB, ADMIN])
def test_only_the_worker_can_change_what_was_counted(act_as: Connect, user: str) -> None:
    act_as(user)
    with pytest.raises(mongo.Unavailable, match="does not allow"), mongo.time_limit(5):
        mongo.replace_counters({"_id": "hour"}, {})


@pytest.mark.parametrize(
    ("user", "command"),
    [(user, command) for user, commands in FORBIDDEN.items() for command in commands],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_a_role_is_not_for_is_refused(connect: Connect, user: str, command: Command) -> None:
    client = connect(user)
    name = "admin" if "renameCollection" in command else mongo.DEFAULT_DATABASE
    with pytest.raises(OperationFailure) as refused:
        client[name].command(command)
    assert refused.value.code == UNAUTHORIZED


@pytest.mark.parametrize("command", CHANGES, ids=lambda command: next(iter(command)))
def test_the_embedded_server_alone_does_not_keep_the_workers_right_to_its_collection(
    connect: Connect, command: Command
) -> None:
    # When this fails, the server has become stricter: then the page and FORBIDDEN can say so.
    assert connect(WORKER)[mongo.DEFAULT_DATABASE].command(command)["ok"] == 1


@pytest.mark.parametrize("user", [WEB, WORKER, ADMIN])
def test_the_embedded_server_alone_asks_for_no_right_to_write_in_bulk(
    connect: Connect, user: str
) -> None:
    # When this fails, the server has become stricter: then the page and FORBIDDEN can say so.
    removal = {"delete": 0, "filter": {"_id": "nobody"}, "multi": True}
    where = [{"ns": f"{mongo.DEFAULT_DATABASE}.{ENTRIES}"}]
    assert connect(user).admin.command({"bulkWrite": 1, "ops": [removal], "nsInfo": where})["ok"]


def test_nobody_gets_in_without_a_password(connect: Connect) -> None:
    host, port = connect(WEB).address or ("", 0)
    with (
        pymongo.MongoClient[dict[str, Any]](host, port, directConnection=True) as stranger,
        pytest.raises(OperationFailure) as refused,
    ):
        stranger[mongo.DEFAULT_DATABASE][ENTRIES].find_one()
    assert refused.value.code == UNAUTHORIZED
