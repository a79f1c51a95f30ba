"""What changed since an agent last succeeded: what entries say, newest first, five at most."""

from typing import Any

import pytest

from auditlogs.entry.schema import Entry
from auditlogs.explain.since import MAX_SHOWN, Since, since_success
from auditlogs.models import Account
from auditlogs.query.entries import Entries
from tests.auditlogs.explain.test_facts import Log
from tests.factories import USER

QUOTE = {"type": "tool", "id": "quote"}


@pytest.fixture
def log(account: Account) -> Log:
    return Log(account.id)


def configured(log: Log, field: str, **more: Any) -> Entry:
    payload = {"changes": [{"field": field, "from": 1, "to": 2}]}
    given = {"action": "bot.config.updated", "actor": USER, "result": "success"}
    return log.add(**given | {"payload": payload} | more)


def since(log: Log, entry: Entry, bot: str | None = None) -> Since:
    return since_success(entry, Entries.of(log.account, bot))


def fields(found: Since) -> list[list[str]]:
    return [[change.field for change in each.changes] for each in found.changed]


def test_it_names_what_changed_between_the_last_success_and_the_failure(log: Log) -> None:
    configured(log, "before")
    call: dict[str, Any] = {"target": QUOTE, "agent": {"version": "1", "model": "m"}}
    success = log.add(**call, result="success", payload={"keyScopes": ["read"]})
    configured(log, "limit")
    configured(log, "other", bot_id="agent-9")
    configured(log, "pairs")
    log.add(result="success", target={"type": "tool", "id": "other"})
    call["agent"] = {"version": "2", "model": "m"}
    entry = log.add(**call, payload={"keyScopes": ["read", "trade"]})
    found = since(log, entry)
    assert found.success is not None
    assert found.success.id == success.id
    assert fields(found) == [["version", "scopes"], ["pairs"], ["limit"]]
    assert found.changed[1].by == "Ada Lovelace"
    assert found.filters is not None


def test_a_version_that_an_entry_set_is_not_told_twice(log: Log) -> None:
    log.add(result="success", agent={"version": "1"})
    configured(log, "version")
    assert fields(since(log, log.add(agent={"version": "2"}))) == [["version"]]


def test_without_a_success_it_shows_the_last_changes_of_the_agent(log: Log) -> None:
    for number in range(MAX_SHOWN + 1):
        configured(log, f"f{number}")
    found = since(log, log.add())
    assert found.success is None
    assert fields(found) == [[f"f{number}"] for number in range(MAX_SHOWN, 0, -1)]
    assert found.has_more


def test_nothing_that_changed_is_no_change_and_other_bots_are_not_seen(log: Log) -> None:
    log.add(result="success")
    configured(log, "scopes", bot_id="agent-9", payload={"keyName": "k", "changes": []})
    entry = log.add(payload={"keyName": "k"})
    assert fields(since(log, entry)) == [["bot.config.updated"]]
    assert fields(since(log, entry, bot="agent-7")) == []


def test_where_nothing_changed_it_shows_the_last_change_before_that_success(log: Log) -> None:
    configured(log, "limit")
    configured(log, "version")
    log.add(result="success")
    found = since(log, log.add())
    assert (fields(found), found.earlier and found.earlier.changes[0].field) == ([], "version")
