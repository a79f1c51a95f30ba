"""The actors of an account: one note each, with the newest name, however many names there were."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auditlogs.entry.times import now
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.storage import actors, dictionary, mongo
from auditlogs.storage.dictionary import NamedActor
from tests.counting import begin_anew, count
from tests.factories import make_entries, new
from tests.watching import watcher

LIMIT = 20


@pytest.fixture
def account() -> str:
    return new_account_id()


def record(account: str, *agents: tuple[str, str | None], **more: Any) -> list[UUID]:
    from auditlogs.recording.recorder import record_many

    start = now() - timedelta(hours=1)
    return record_many(
        [
            new(
                actor={"type": "agent", "id": id, "name": name},
                timestamp=start + timedelta(milliseconds=number),
                **more,
            )
            for number, (id, name) in enumerate(agents)
        ],
        account=account,
    )


def names(account: str, search: str = "", limit: int = LIMIT) -> list[str | None]:
    return [actor.name for actor in actors.actors(account, search, limit)[0]]


def test_an_agent_with_many_names_is_one_actor_and_hides_no_other(account: str) -> None:
    flood = [("agent-7", f"name {number}") for number in range(300)]
    actors.keep(record(account, *flood, ("agent-8", "Momentum Scout")))
    assert names(account) == ["Momentum Scout", "name 299"]
    assert names(account, "momentum") == ["Momentum Scout"]
    with watcher.watch() as commands:
        actors.actors(account, "momentum", LIMIT)
    read = [each for each in commands if each.get("find") == mongo.ACTORS]
    assert len(read) == len(commands) == 2
    assert mongo.actors().count_documents({"account": account}) == 2


def test_sorting_by_actor_finds_every_entry_of_a_renamed_one(account: str) -> None:
    ids = record(account, *(("agent-7", f"name {number}") for number in range(30)))
    actors.keep(ids)
    page = Entries.of(account).order_by("actor").page(100)
    assert {entry.id for entry in page.entries} == {str(id) for id in ids}


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["Ada", "Momentum Scout", None]),
        ("scout", ["Momentum Scout"]),
        ("MOMENTUM", ["Momentum Scout"]),
        # From the beginning of a word on, with what follows it.
        (" mom", ["Momentum Scout"]),
        ("momentum sc", ["Momentum Scout"]),
        ("agent-7", ["Momentum Scout"]),
        ("entum", []),
        # "ada" and "user-9" on either side of it.
        ("b", []),
        ("user-9", [None]),
        ("agent", ["Ada", "Momentum Scout"]),
        ("$where", []),
    ],
)
def test_actors_are_found_by_name_and_id(
    account: str, search: str, found: list[str | None]
) -> None:
    actors.keep(
        record(account, ("agent-7", "Momentum Scout"), ("agent-1", "Ada"), ("user-9", None))
    )
    assert names(account, search) == found


def test_a_list_that_was_cut_says_so(account: str) -> None:
    actors.keep(record(account, *((f"agent-{n:02}", f"Scout {n:02}") for n in range(30))))
    found, is_cut = actors.actors(account, "", 10)
    assert ([actor.name for actor in found], is_cut) == ([f"Scout {n:02}" for n in range(10)], True)
    assert actors.actors(account, "scout", 10)[1]
    assert actors.actors(account, "", 30) == (actors.actors(account, "", 40)[0], False)


def test_the_newest_name_stays_whatever_order_the_entries_are_noted_in(account: str) -> None:
    older, newer = record(account, ("agent-7", "Scout"), ("agent-7", "Ranger"))
    for ids in ([newer], [older], [older, newer]):
        actors.keep(ids)
        assert names(account) == ["Ranger"]


def test_what_was_there_before_the_notes_is_noted_with_the_first(account: str) -> None:
    before = record(account, ("agent-7", "Scout"), ("agent-8", "Ranger"))
    assert len(before) == 2
    assert actors.actors(account, "", LIMIT) == dictionary.actors(account, "", LIMIT)
    actors.keep(record(account, ("agent-9", "Warden")))
    assert names(account) == ["Ranger", "Scout", "Warden"]


def test_no_account_lists_anothers_actors(account: str) -> None:
    other = new_account_id()
    actors.keep(record(other, ("agent-7", "Foreign Scout")))
    actors.keep(record(account, ("agent-7", "Scout")))
    assert names(account) == names(account, "scout") == ["Scout"]
    assert names(account, "foreign") == []


def test_the_worker_keeps_the_notes_while_it_counts(account: str) -> None:
    begin_anew()
    make_entries(account, 3, actor={"type": "agent", "id": "agent-7", "name": "Scout"})
    count()
    note = mongo.actors().find_one({"account": account})
    assert note
    assert NamedActor(note["type"], note["id"], note["name"]) == (
        NamedActor("agent", "agent-7", "Scout")
    )
