"""The commands that the program sends to MongoDB while people and programs use all of it."""

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from auditlogs.storage.mongo import ACTORS, COUNTERS, DICTIONARY, ENTRIES, IDEMPOTENCY
from tests.watching import Command, watcher

# All that is ever sent to a collection. Updates replace whole documents, of counters and of the
# notes of actors alone.
ALLOWED = {
    ENTRIES: {"aggregate", "find", "insert"},
    DICTIONARY: {"aggregate", "find", "insert"},
    IDEMPOTENCY: {"find", "insert"},
    COUNTERS: {"find", "update"},
    ACTORS: {"find", "update"},
}
STAGES = {"$match", "$sort", "$limit", "$project", "$count", "$group"}
# No $regex, $where, $text or $function: no operator here runs a pattern or a program.
OPERATORS = {"$gte", "$gt", "$lt", "$lte", "$in", "$and", "$or", "$elemMatch", "$exists", "$ne"}
# The comparison of a search word, which is a literal in it, with the normalized text.
OPERATORS |= {"$expr", "$indexOfCP", "$ifNull", "$literal"}
# The counts, and the quarter of an hour that an entry is counted in.
GROUPING = {"$sum", "$first", "$last", "$toLong", "$subtract", "$mod"}
# The facts of an entry, its target, and whose behalf it was on, as they are counted.
GROUPING |= {"$filter", "$map", "$in", "$split", "$arrayElemAt", "$ifNull", "$cond", "$eq"}
# The last of those that are skipped.
GROUPING |= {"$min", "$max"}
# What a caller may try to have executed.
HOSTILE = ".* $where {$gt:''}"

SORTS = ("timestamp", "-timestamp", "actor", "-actor", "action", "-action", "result", "-result")
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"dateRange": "24h"},
    {"actor": "agent-7"},
    {"botId": "agent-7", "result": "failure"},
    {"action": "mcp"},
    {"action": "order.created"},
    {"target": "ord-42"},
    {"search": "momentum"},
    {"search": "m"},
    {"search": HOSTILE},
    {"requestId": "r-1"},
    {"sessionId": "$ne"},
    {"correlationId": "c-1"},
    {"assertedBy": "key_1"},
)
PAGES = (
    *("/hub/logs", "/hub/logs/count", "/hub/logs/actors?search=mom", "/hub/agents"),
    *("/hub/agents/agent-7", "/hub/accounts", "/hub/api-keys", "/hub/members", "/hub/settings"),
    *("/hub/profile", "/hub/help/error-codes", "/readyz"),
)


# pytest-django sets up the database only where a test is marked.
pytestmark = pytest.mark.django_db


class Walk:
    """The commands of one walk through the program, and the account that they were for."""

    def __init__(self, account: str, commands: list[Command]) -> None:
        self.account = account
        self.commands = commands

    def of(self, collection: str) -> list[tuple[str, Command]]:
        """Return the commands sent to a collection, each with its name."""
        named = ((next(iter(command)), command) for command in self.commands)
        return [(name, command) for name, command in named if command[name] == collection]

    def pipelines(self) -> list[list[dict[str, Any]]]:
        return [command["pipeline"] for name, command in self.of(ENTRIES) if name == "aggregate"]


@pytest.fixture(scope="module")
def walk(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, log_database: None
) -> Iterator[Walk]:

    from tests.counting import begin_anew

    # What tests before this one have recorded is of other accounts.
    begin_anew()
    with django_db_blocker.unblock(), transaction.atomic():
        with watcher.watch() as commands:
            account = walk_through_everything()
        yield Walk(account, commands)
        transaction.set_rollback(True)


def walk_through_everything() -> str:
    """Record, drain, count, list, and open every page of one account; return its id."""
    from auditlogs.accounts import keys
    from auditlogs.models import Account
    from tests.api import Api
    from tests.factories import unique

    account = Account.objects.create(name=unique("walk"))
    api = Api(keys.create(account, "both", ["logs:read", "logs:write"]))
    record(account.id, api)
    list_by_api(api)
    browse(account)
    return account.id


def record(account: str, api: Any) -> None:
    """Record in process, over HTTP, twice with one idempotency key, and through the spool; then
    let a worker drain and count."""
    from auditlogs.write.draining import drain
    from auditlogs.write.spool import spool
    from tests.auditlogs.write.test_spool import make
    from tests.counting import count
    from tests.factories import ORDER, make_entries

    make_entries(account, 3, target=ORDER, request_id="r-1", correlation_id="c-1")
    actor = {"type": "agent", "id": "agent-7", "name": "Momentum Scout"}
    body = {"action": "order.created", "actor": actor, "result": "failure"}
    for _ in range(2):
        key = str(uuid.UUID(int=7))
        assert api.post(body, **{"idempotency-key": key}).status_code in {200, 201}
    renamed = {**body, "actor": {**actor, "name": "Momentum Ranger"}}
    assert api.post(renamed).status_code == 201
    spool().put([(account, make(account, 1))], 1.0)
    drain(spool())
    count()


def list_by_api(api: Any) -> None:
    by_time = itertools.product(FILTERS, SORTS[:1])
    for filters, sort in (*by_time, *itertools.product(FILTERS[:4], SORTS)):
        assert api.get(**filters, sort=sort, limit=2).status_code == 200
    first = api.get(limit=2, offset=1)
    assert api.get(f"/api/audit-logs/{first.json()[0]['id']}").status_code == 200


def browse(account: Any) -> None:
    """Open every page as an admin, then follow the list and open one of its entries."""
    from tests import people
    from tests.hub.markup import read

    browser = people.signed_in(people.member(account, "admin"))
    for path in PAGES:
        assert browser.get(path).status_code == 200, path
    for path in ("/hub/logs?sort=actor", "/hub/logs?search=mom", "/hub/logs?result=failure"):
        page = read(browser.get(path).content.decode())
        entry = page.all("tbody", "tr")[0]["id"].removeprefix("entry-")
        assert browser.get(f"{path}&entry={entry}").status_code == 200


def test_the_walk_has_met_every_collection_in_every_allowed_way(walk: Walk) -> None:
    for collection, names in ALLOWED.items():
        assert {name for name, _ in walk.of(collection)} == names, collection


def test_no_command_changes_or_removes_an_entry_a_note_or_an_idempotency_key(walk: Walk) -> None:
    collections = {
        command[name]
        for command in walk.commands
        if (name := next(iter(command))) not in {"aggregate", "find", "insert"}
        and isinstance(command[name], str)
    }
    assert collections == {COUNTERS, ACTORS}


def test_counters_are_replaced_each_by_its_own_document(walk: Walk) -> None:
    commands = [command["updates"] for name, command in walk.of(COUNTERS) if name == "update"]
    updates = [update for each in commands for update in each]
    assert updates
    for update in updates:
        assert not update.get("multi")
        assert update["q"]["_id"] == update["u"]["_id"]
        assert not any(key.startswith("$") for key in update["u"])


def test_every_query_over_entries_begins_with_the_account_and_ids(walk: Walk) -> None:
    assert len(walk.pipelines()) > len(FILTERS) + len(SORTS)
    for pipeline in walk.pipelines():
        first, second = (stage.get("$match", {}) for stage in [*pipeline, {}][:2])
        # Counting may still be at an account of the tests before; nothing else groups.
        is_count = any("$group" in stage for stage in pipeline)
        if isinstance(first.get("_id"), uuid.UUID):
            # One entry alone.
            assert (first.keys(), second["account"]) == ({"_id"}, walk.account)
            continue
        assert isinstance(first["account"], str)
        assert is_count or first["account"] == walk.account
        assert (first | second)["_id"].keys() <= {"$gte", "$lt"}


def test_only_arrivals_are_read_across_accounts_and_nothing_of_what_entries_say(
    walk: Walk,
) -> None:
    for name, command in walk.of(ENTRIES):
        if name != "find":
            continue
        if "recordedAt" in command["filter"]:
            assert command["projection"] == {"recordedAt": 1, "account": 1}
        else:
            # The write path compares what it was sent with what is stored under the same id.
            assert command["filter"].keys() == {"_id"}
            assert command["filter"]["_id"].keys() == {"$in"}


def test_no_text_becomes_a_pattern_an_operator_or_a_program(walk: Walk) -> None:
    assert {next(iter(stage)) for pipeline in walk.pipelines() for stage in pipeline} <= STAGES
    conditions = [
        stage["$match"] for pipeline in walk.pipelines() for stage in pipeline if "$match" in stage
    ]
    conditions += [command["filter"] for command in walk.commands if "filter" in command]
    assert set(operators_in(conditions)) <= OPERATORS
    groups = [stage["$group"] for each in walk.pipelines() for stage in each if "$group" in stage]
    assert set(operators_in(groups)) <= GROUPING


def operators_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (key for key in value if key.startswith("$"))
        for inner in value.values():
            yield from operators_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from operators_in(inner)


def test_every_read_has_a_time_limit(walk: Walk) -> None:
    reads = [c for c in walk.commands if next(iter(c)) in {"aggregate", "find"}]
    assert reads
    assert all(0 < command["maxTimeMS"] <= 10_000 for command in reads)
