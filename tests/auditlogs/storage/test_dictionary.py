"""The kept dictionary: actors, actions, bots and tokens, by the entries that name them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from auditlogs.entry.times import DAY_MS, from_ms, now, to_ms
from auditlogs.models import new_account_id
from auditlogs.recording.recorder import record_many
from auditlogs.storage import dictionary, mongo
from auditlogs.storage.dictionary import NamedActor, NamedBot, week_of
from auditlogs.storage.mongo import Document
from tests.factories import AGENT, SYSTEM, USER, make_entry, new

EVER = range(10_000)


@pytest.fixture
def account() -> str:
    """An account's id; these tests need no more of it."""
    return new_account_id()


def noted(account: str) -> list[dict[str, Any]]:
    low, high = f"{account}\x1f", f"{account}\x20"
    # Without those of the vocabulary, which are for longer.
    query = {"_id": {"$gte": low, "$lt": high}, "week": {"$exists": True}}
    return list(mongo.dictionary().find(query).sort("_id", 1))


def test_actors_are_offered_by_name_each_once(account: str) -> None:
    for actor in (USER, AGENT, SYSTEM, AGENT):
        make_entry(account, actor=actor)
    assert dictionary.actors(account, "", 10) == (
        [
            NamedActor("user", "user-1", "Ada Lovelace"),
            NamedActor("agent", "agent-7", "Momentum Scout"),
            NamedActor("system", "system", None),
        ],
        False,
    )


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ada", ["user-1"]),
        ("LOVE", ["user-1"]),
        ("ＵＳＥＲ", ["user-1"]),
        ("m", ["agent-7", "system"]),
        ("agent-7", ["agent-7"]),
        ("zzz", []),
        (".*", []),
    ],
)
def test_actors_are_found_by_a_part_of_their_name_or_id(
    account: str, search: str, found: list[str]
) -> None:
    for actor in (USER, AGENT, SYSTEM):
        make_entry(account, actor=actor)
    assert [actor.id for actor in dictionary.actors(account, search, 10)[0]] == found


def test_no_more_actors_are_offered_than_asked_for_and_that_there_are_more_is_said(
    account: str,
) -> None:
    for i in range(4):
        make_entry(account, actor={"type": "user", "id": f"u-{i}"})
    assert [len(dictionary.actors(account, "", limit)[0]) for limit in (1, 3, 4, 5)] == [1, 3, 4, 4]
    assert [dictionary.actors(account, "", limit)[1] for limit in (1, 3, 4, 5)] == [
        True,
        True,
        False,
        False,
    ]


def test_an_actor_goes_by_the_name_it_had_last_and_is_found_by_any(account: str) -> None:
    at = now()
    for days, name in ((20, "Scout"), (1, "Ranger"), (9, "Walker")):
        make_entry(account, actor={**AGENT, "name": name}, timestamp=at - timedelta(days=days))
    last = NamedActor("agent", "agent-7", "Ranger")
    assert dictionary.actor(account, "agent-7") == last
    assert dictionary.bot_name(account, "agent-7") == "Ranger"
    for search in ("", "scout", "walker", "ranger"):
        assert dictionary.actors(account, search, 5) == ([last], False)


def test_the_last_of_very_many_names_is_the_last(account: str) -> None:
    at = now() - timedelta(hours=1)
    names = [f"run {i}" for i in range(dictionary.BATCH + 10)]
    record_many(
        [
            new(actor={**AGENT, "name": name}, timestamp=at + timedelta(milliseconds=i))
            for i, name in enumerate(names)
        ],
        account=account,
    )
    assert dictionary.bot_name(account, "agent-7") == names[-1]


def test_a_bot_is_named_by_its_own_entries_and_by_those_about_it(account: str) -> None:
    target = {"type": "bot", "id": "bot-9", "name": "Night Watch"}
    make_entry(account, actor=USER, target=target)
    make_entry(account, actor=AGENT, target={"type": "order", "id": "ord-1", "name": "Buy"})
    assert dictionary.bot_name(account, "bot-9") == "Night Watch"
    assert dictionary.bot_name(account, "agent-7") == "Momentum Scout"
    assert dictionary.bot_name(account, "ord-1") is None
    assert dictionary.bot_name(account, "user-1") is None


def test_nobody_renames_a_bot_that_has_a_name_of_its_own(account: str) -> None:
    make_entry(account, actor=AGENT)
    target = {"type": "bot", "id": "agent-7", "name": "Somebody Else"}
    make_entry(account, actor=USER, target=target)
    assert dictionary.bot_name(account, "agent-7") == "Momentum Scout"
    assert dictionary.bots(account, 10) == [NamedBot("agent-7", "Momentum Scout")]
    # A name is better than none.
    make_entry(account, actor={"type": "agent", "id": "agent-8"})
    make_entry(account, actor=USER, target={**target, "id": "agent-8"})
    assert dictionary.bot_name(account, "agent-8") == "Somebody Else"
    assert dictionary.bots(account, 10)[1] == NamedBot("agent-8", "Somebody Else")


@pytest.mark.parametrize("own", ["bot-7", "agent-7"], ids=["the bot's id", "an id of its own"])
def test_a_bot_is_named_by_its_own_agent_and_not_by_one_that_acts_for_it(
    account: str, own: str
) -> None:
    scout, router = ({"type": "agent", "id": id, "name": id.upper()} for id in (own, "router-1"))
    delegated = {"actor": router, "bot_id": "bot-7", "on_behalf_of": [scout, USER]}
    make_entry(account, **delegated)
    # Its name is better than none, and better than one that anybody gives.
    make_entry(account, actor=USER, target={"type": "bot", "id": "bot-7", "name": "Any"})
    assert dictionary.bot_name(account, "bot-7") == "ROUTER-1"
    assert dictionary.bots(account, 10) == [NamedBot("bot-7", "ROUTER-1")]
    assert dictionary.agent_of(account, "bot-7") == "router-1"
    make_entry(account, actor=scout, bot_id="bot-7", on_behalf_of=[USER])
    make_entry(account, **delegated)
    assert dictionary.bot_name(account, "bot-7") == own.upper()
    assert dictionary.bots(account, 10) == [NamedBot("bot-7", own.upper())]
    assert dictionary.agent_of(account, "bot-7") == own


def test_nothing_is_known_of_another_accounts_actors(account: str) -> None:
    make_entry(new_account_id(), actor=AGENT)
    assert dictionary.actors(account, "", 10) == ([], False)
    assert dictionary.actor(account, "agent-7") is None
    assert dictionary.bot_name(account, "agent-7") is None
    # Nor of one whose id begins with this one's.
    make_entry(f"{account}0", actor=AGENT)
    assert dictionary.actors(account, "", 10) == ([], False)
    assert dictionary.values(account, "action", EVER, any_note, limit=9) == ([], None)


def any_note(note: Document) -> bool:
    return True


def test_values_come_in_code_point_order_or_reverse_from_any_on(account: str) -> None:
    actions = ["a.b", "a.b_c", "a.bc", "b.a", "a.b.c"]
    for action in actions:
        make_entry(account, action=action, action_type="mcp")
    ordered = sorted(actions)

    def values(start: str | None, descending: bool = False, **only: str) -> list[str]:
        def keeps(note: Document) -> bool:
            return only.items() <= note.items()

        listed = dictionary.values(
            account, "action", EVER, keeps, start=start, limit=9, descending=descending
        )
        assert listed.last is None
        return listed.values

    assert values(None) == ordered
    assert values(None, True) == ordered[::-1]
    for i, action in enumerate(ordered):
        assert values(action) == ordered[i:]
        assert values(action, True) == ordered[i::-1]
    assert values("a.bb") == ordered[ordered.index("a.bc") :]
    assert values(None, actionType="auth") == []
    assert values(None, id="a.bc") == ["a.bc"]


def test_a_value_is_known_in_the_weeks_of_its_entries_only(account: str) -> None:
    at = now()
    for action, days in (("a.now", 0), ("a.then", 15)):
        make_entry(account, action=action, action_type="mcp", timestamp=at - timedelta(days=days))
    this, other = week_of(to_ms(at)), week_of(to_ms(at - timedelta(days=15)))

    def values(weeks: range) -> list[str]:
        listed = dictionary.values(account, "action", weeks, any_note, limit=9).values
        of_ids = dictionary.values_of(account, "action", ["a.then", "a.now"], weeks, any_note)
        assert of_ids == listed
        return listed

    assert values(range(this, this + 1)) == ["a.now"]
    assert values(range(other, other + 1)) == ["a.then"]
    assert values(range(other, this + 1)) == ["a.now", "a.then"]


@pytest.mark.parametrize("descending", [False, True])
def test_values_go_on_after_the_last_note_that_was_read(account: str, descending: bool) -> None:
    actions = [f"a.n{i:04}" for i in range(45)]
    entries = [new(action=action, action_type="mcp") for action in actions]
    record_many(entries, account=account)
    found: list[str] = []
    after: str | None = None
    for size in (20, 20, 20):
        values, last = dictionary.values(
            account, "action", EVER, any_note, after=after, limit=size, descending=descending
        )
        found += values
        after = last["_id"] if last else None
    assert found == sorted(actions, reverse=descending)
    assert after is None


def test_values_of_ids_with_too_many_notes_are_not_told(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_entry(account, action="a.b", action_type="mcp")
    assert dictionary.values_of(account, "action", ["a.b", "a.c"], EVER, any_note) == ["a.b"]
    monkeypatch.setattr(dictionary, "CHUNK", 1)
    assert dictionary.values_of(account, "action", ["a.b", "a.c"], EVER, any_note) is None


def test_it_holds_no_ids_of_targets(account: str) -> None:
    make_entry(account, actor=USER, target={"type": "order", "id": "ord-42", "name": "Buy SOL"})
    assert {note["value"] for note in noted(account)} == {
        "mcp.tool.call",
        "ada lovelace\x1fuser-1",
    }


def test_a_note_goes_when_the_last_entry_of_its_week_may_have_gone(account: str) -> None:
    at: datetime = now() - timedelta(days=10)
    make_entry(account, timestamp=at)
    ends = {note["weekEnd"] for note in noted(account)}
    assert len(noted(account)) == 3
    assert ends == {from_ms((to_ms(at) // (7 * DAY_MS) + 1) * 7 * DAY_MS)}
    assert at < ends.pop() <= at + timedelta(days=7)


def test_a_value_is_noted_once_a_week_however_often_it_is_named(account: str) -> None:
    same = [new() for _ in range(5)]
    record_many(same, account=account)
    before = noted(account)
    record_many(same, account=account)
    assert noted(account) == before
    assert len({note["_id"] for note in before}) == len(before)
