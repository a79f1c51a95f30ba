"""The cap on the new names of a key: the entry is taken, and its actor sorts by its id."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from limits import RateLimitItemPerDay

from auditlogs.entry.times import now
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.storage import dictionary, mongo
from auditlogs.write import names
from tests.factories import new, store_with_keys
from tests.watching import sent, watcher

CAP = 3


@pytest.fixture
def account() -> str:
    return new_account_id()


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "NEW_NAMES", RateLimitItemPerDay(CAP))


def agent(name: str | None, id: str = "agent-7") -> dict[str, Any]:
    return {"actor": {"type": "agent", "id": id, "name": name}}


def send(account: str, *entries: dict[str, Any], key: str | None = "flooder") -> list[str]:
    written = [new(**entry) for entry in entries]
    return [str(each) for each in store_with_keys(written, [key] * len(written), account)]


def noted(account: str, kind: str, id: str) -> set[str | None]:
    notes = mongo.dictionary().find({"named": f"{account}\x1f{kind}\x1f{id}"})
    return {note["name"] for note in notes}


def forget_what_was_stored() -> None:
    dictionary._stored_ids.cache_clear()


def test_beyond_the_cap_entries_keep_their_names_and_sort_by_the_id(account: str) -> None:
    ids = send(account, *(agent(f"name {number}") for number in range(9)))
    ids += send(account, agent("zebra"), agent("aardvark"))
    # The first name is free.
    allowed = {f"name {number}" for number in range(CAP + 1)}
    assert noted(account, "actor", "agent-7") == {*allowed, None}
    assert noted(account, "bot", "agent-7") == {*allowed, None}
    entries = Entries.of(account).order_by("actor").page(100).entries
    assert {entry.id for entry in entries} == set(ids)
    shown = [entry.actor.name for entry in entries]
    assert set(shown[: len(ids) - CAP - 1]) == {*(f"name {n}" for n in range(4, 9)), "zebra"} | {
        "aardvark"
    }
    assert shown[-CAP - 1 :] == sorted(allowed)


def test_a_flood_adds_no_more_than_the_cap_whichever_process_takes_it(account: str) -> None:
    for number in range(8):
        send(account, agent(f"name {number}"))
        forget_what_was_stored()
    assert len(noted(account, "actor", "agent-7")) == CAP + 2


def test_the_first_name_of_every_actor_is_free(account: str) -> None:
    send(account, *(agent(f"Scout {n}", f"agent-{n}") for n in range(3 * CAP)))
    assert all(noted(account, "actor", f"agent-{n}") == {f"Scout {n}"} for n in range(3 * CAP))


def test_a_name_that_an_actor_has_is_not_new_in_another_week_or_process(account: str) -> None:
    for days in (20, 13, 6, 0):
        at = now() - timedelta(days=days)
        send(account, {**agent("Scout"), "timestamp": at}, {**agent("Scout"), "timestamp": at})
        forget_what_was_stored()
    send(account, *(agent(f"name {number}") for number in range(CAP)))
    assert noted(account, "actor", "agent-7") == {"Scout", *(f"name {n}" for n in range(CAP))}


def test_names_of_bots_that_are_targets_are_capped_too(account: str) -> None:
    target = {"type": "bot", "id": "bot-9"}
    send(account, *({"target": {**target, "name": f"name {number}"}} for number in range(9)))
    assert noted(account, "bot", "bot-9") == {*(f"name {n}" for n in range(CAP + 1)), None}


def test_every_key_has_its_own_share_each_day_and_programs_without_a_key_no_cap(
    account: str,
) -> None:
    send(account, *(agent(f"name {number}") for number in range(9)))
    send(account, agent("Ranger"), key="another")
    send(account, agent("Warden"), key=None)
    with time_machine.travel(now() + timedelta(days=1, seconds=1)):
        send(account, agent("Keeper"))
    assert {"Ranger", "Warden", "Keeper"} <= noted(account, "actor", "agent-7")


def test_a_retry_of_an_entry_beyond_the_cap_is_a_duplicate(account: str) -> None:
    send(account, *(agent(f"name {number}") for number in range(9)))
    entry = {**agent("late"), "id": "e-1", "timestamp": now()}
    assert send(account, entry) == send(account, entry)


def test_names_that_are_stored_cost_no_query(account: str) -> None:
    send(account, agent("Scout"))
    with watcher.watch() as commands:
        send(account, agent("Scout"))
    assert [command for command in commands if command.get("find") == mongo.DICTIONARY] == []
    assert len(sent(commands, "insert", mongo.DICTIONARY)) == 0
