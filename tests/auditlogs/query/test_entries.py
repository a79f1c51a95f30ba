"""The query object itself: immutable, for one account, and counted up to a limit."""

import uuid
from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from auditlogs.entry.text import words
from auditlogs.entry.times import now
from auditlogs.models import new_account_id
from auditlogs.query import entries as query, parts, slices
from auditlogs.query.entries import Count, Entries
from auditlogs.query.window import Window
from auditlogs.recording.recorder import record_many
from auditlogs.storage import mongo
from tests.factories import AGENT, USER, make_entries, make_entry, new


def test_narrowing_entries_makes_new_ones_and_leaves_the_old() -> None:
    everything = Entries.of("acc")
    narrowed = everything.where("botId", "b").matching(("w",)).order_by("actor")
    assert (everything.equal, everything.words) == ({}, ())
    assert str(everything.order) == "-timestamp"
    assert narrowed.where("result", "failure").equal == {"botId": "b", "result": "failure"}
    assert narrowed.equal == {"botId": "b"}
    changed: Any = narrowed
    with pytest.raises(FrozenInstanceError):
        changed.account = "another"


def test_lists_are_told_apart_by_everything_that_is_asked_of_them() -> None:
    base = Entries.of("acc")
    lists = [
        base,
        Entries.of("acc2"),
        base.where("botId", "b"),
        base.where("actor.id", "b"),
        base.where("botId", "b").where("actor.id", "b"),
        base.matching(("a", "b")),
        base.matching(("a b",)),
        base.matching(("b", "a")),
        base.order_by("actor"),
        base.order_by("-actor"),
    ]
    assert len({each.fingerprint for each in lists}) == len(lists)
    with time_machine.travel(now() + timedelta(hours=1)):
        assert Entries.of("acc").fingerprint == base.fingerprint


def test_a_count_has_a_limit_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    account = new_account_id()
    make_entries(account, 3)
    monkeypatch.setattr(query, "MAX_COUNT", 3)
    assert Entries.of(account).count() == Count(3, is_more=False)
    make_entries(account, 1)
    assert Entries.of(account).count() == Count(3, is_more=True)
    assert Entries.of(account).matching(("nothing",)).count() == Count(0, is_more=False)


def test_an_entry_is_had_by_its_id_whatever_is_filtered() -> None:
    account = new_account_id()
    entry = make_entry(account)
    entry_id = uuid.UUID(entry.id)
    none = Entries.of(account).where("botId", "another").matching(("nothing",))
    assert none.get(entry_id) == entry
    assert not none.holds(entry_id)
    assert Entries.of(account).holds(entry_id)
    assert Entries.of(new_account_id()).get(entry_id) is None
    assert not Entries.of(new_account_id()).holds(entry_id)


@pytest.mark.parametrize("value", [0, 1, (1 << 128) - 1, 1 << 127, (1 << 128) - 2])
def test_an_id_at_the_ends_of_all_ids_is_just_not_there(value: int) -> None:
    account = new_account_id()
    make_entry(account)
    assert Entries.of(account).get(uuid.UUID(int=value)) is None
    assert not Entries.of(account).holds(uuid.UUID(int=value))


def test_the_neighbours_of_an_entry_outside_the_list_are_those_it_would_have() -> None:
    account, at = new_account_id(), now()
    actors = [USER, AGENT, USER]
    ids = record_many(
        [new(actor=a, timestamp=at - timedelta(hours=i)) for i, a in enumerate(actors)],
        account=account,
    )
    entry = Entries.of(account).get(ids[1])
    assert entry is not None
    users = Entries.of(account).where("actor.id", "user-1")
    assert users.neighbours(entry) == (ids[0], ids[2])
    assert users.order_by("timestamp").neighbours(entry) == (ids[2], ids[0])
    earlier = Window.resolve("all", None, at - timedelta(hours=1, minutes=30), now())
    assert Entries.of(account).within(earlier).neighbours(entry) == (None, ids[2])
    newest = Entries.of(account).get(ids[0])
    assert newest is not None
    assert Entries.of(account).within(earlier).neighbours(newest) == (None, ids[2])
    later = Window.resolve("all", at - timedelta(minutes=30), None, now())
    assert Entries.of(account).within(later).neighbours(entry) == (ids[0], None)


def test_a_page_has_no_payloads_unless_they_are_asked_for() -> None:
    account = new_account_id()
    make_entry(account, payload={"a": 1})
    assert Entries.of(account).page(1).entries[0].payload is None
    assert Entries.of(account).page(1, payloads=True).entries[0].payload == {"a": 1}


def test_a_page_says_how_far_it_looked_back_where_it_was_cut_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, at = new_account_id(), now()
    record_many([new(timestamp=at - timedelta(days=20))], account=account)
    monkeypatch.setattr("auditlogs.query.slices.BUDGET_SECONDS", 0)
    page = Entries.of(account).page(5)
    assert (page.entries, page.is_cut_short) == ([], True)
    assert page.looked_back_to is not None
    # The first slice, and the second, which may be 64 times as wide.
    assert timedelta(hours=1) < now() - page.looked_back_to < timedelta(days=5)
    # As if there were too many entries to read at once.
    monkeypatch.setattr(parts, "FEW", 0)
    by_actor = Entries.of(account).order_by("actor").page(5)
    assert (by_actor.is_cut_short, by_actor.looked_back_to) == (True, None)


def test_a_page_whose_time_is_over_ends_with_the_value_it_has_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, at = new_account_id(), now()
    results = ("success", "failure", "partial")
    ids = record_many([new(result=result, timestamp=at) for result in results], account=account)
    monkeypatch.setattr("auditlogs.query.slices.BUDGET_SECONDS", 0)
    monkeypatch.setattr(parts, "FEW", 0)
    hour = Window.resolve("all", at - timedelta(hours=1), None, at)
    by_result = Entries.of(account).within(hour).order_by("result")
    pages = [by_result.page(5)]
    while following := pages[-1].next:
        pages.append(by_result.page(5, cursor=following))
    found = [[uuid.UUID(entry.id) for entry in page.entries] for page in pages]
    assert found[:3] == [[ids[1]], [ids[2]], [ids[0]]]
    assert not any(found[3:])
    assert pages[0].is_cut_short


def test_a_sorted_page_that_meets_a_time_out_shows_what_it_has_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = new_account_id()
    created = make_entries(account, 2, action="order.created")
    (filled,) = make_entries(account, 1, action="order.filled")
    monkeypatch.setattr(parts, "FEW", 1)
    run = slices.run

    def time_out_at_several(selection: Any, leading: Any, *more: Any, **options: Any) -> Any:
        if leading.is_choice and any("$sort" in stage for stage in more[1:]):
            monkeypatch.setattr(slices, "run", run)
            raise mongo.TookTooLong("The log took too long to answer.")
        return run(selection, leading, *more, **options)

    monkeypatch.setattr(slices, "run", time_out_at_several)
    hour = Window.resolve("all", now() - timedelta(hours=1), None, now())
    by_action = Entries.of(account).within(hour).order_by("action")
    first = by_action.page(5)
    assert [uuid.UUID(each.id) for each in first.entries] == created
    assert first.is_cut_short
    assert slices.run is run
    second = by_action.page(5, cursor=first.next)
    assert [uuid.UUID(each.id) for each in second.entries] == [filled]


@pytest.mark.parametrize("sort", ["-timestamp", "-result"])
def test_the_first_page_comes_back_as_it_was_whatever_was_recorded_since(sort: Any) -> None:
    account = new_account_id()
    make_entries(account, 5)
    entries = Entries.of(account).order_by(sort)
    first = entries.page(3)
    assert first.next is not None
    second = entries.page(3, cursor=first.next)
    make_entries(account, 2)
    assert second.previous is not None
    back = entries.page(3, cursor=second.previous)
    assert back.entries == first.entries
    assert (back.first, back.previous) == (1, None)
    # In smaller steps as well, and never before the first.
    steps = [entries.page(2, cursor=second.previous)]
    assert steps[0].previous is not None
    steps.append(entries.page(2, cursor=steps[0].previous))
    assert [*steps[1].entries, *steps[0].entries] == first.entries
    assert steps[1].previous is None


def test_a_prefix_of_many_pieces_finds_only_what_has_one() -> None:
    account = new_account_id()
    many = [new(actor={"type": "user", "id": f"mm{i:03}"}) for i in range(60)]
    # Between them, two pieces of this one lie around everything that begins with "mm".
    around = new(actor={"type": "user", "id": "a", "name": "z"})
    ids = record_many([*many, around], account=account)
    found = Entries.of(account).matching(("mm",))
    assert found.count() == Count(len(many), is_more=False)
    assert not found.holds(ids[-1])
    assert {uuid.UUID(entry.id) for entry in found.page(100).entries} == set(ids[:-1])


SEARCHED: dict[str, Any] = {
    "action": "auth.sign_in_failed",
    "actor": {"type": "user", "id": "jane.doe@example.com", "name": "Jürgen Großmann"},
    "target": {
        "type": "policy",
        "id": "arn:aws:iam::123456789012:policy/ops/Read-Only",
        "name": "日本の設定 v2",
    },
    "result": "failure",
}


FINDING = [
    *("sign_in_failed", "in_fail", "auth.sign", "SIGN_IN", "jane", "doe@example", "example.com"),
    *("@example.com", "jurgen", "Jürgen", "JÜRGEN", "grossmann", "Großm", "jurgen gross", "only"),
    *("Read-Only", "read", "policy/ops/read-only", "/ops/", "123456789012:policy", "::1234"),
    *("日本", "本の", "設定", "の設", "v2", '"jurgen gross"', '"日本の設定 v"', "fail jane policy"),
]
NOT_FINDING = [
    *("ign_in", "xample", "failed_in", "@", "-", "::", "_", "😀", "urgen", "gross jane x", "2"),
    *("read_only", "policy-ops", "$regex", ".*", "sign.*", "本日", "example.com.", "failed@"),
    *('"gross jurgen"', '"failed jane"', '"failed\x1ejane"', '"a\x1fsign"'),
]


@pytest.mark.parametrize("search", FINDING)
def test_a_search_finds_what_people_type(searched: tuple[str, uuid.UUID], search: str) -> None:
    assert found_by(searched[0], search) == [searched[1]]


@pytest.mark.parametrize("search", NOT_FINDING)
def test_a_search_finds_nothing_else(searched: tuple[str, uuid.UUID], search: str) -> None:
    assert found_by(searched[0], search) == []


@pytest.fixture(scope="module")
def searched() -> tuple[str, uuid.UUID]:
    account = new_account_id()
    (id,) = record_many([new(**SEARCHED)], account=account)
    return account, id


def found_by(account: str, search: str) -> list[uuid.UUID]:
    entries = Entries.of(account).matching(words(search))
    assert entries.count().value == len(entries.page(5).entries)
    return [uuid.UUID(entry.id) for entry in entries.page(5).entries]


def test_an_entry_of_an_earlier_version_is_found_by_what_found_it_before() -> None:
    account, at = new_account_id(), now()
    (id,) = record_many([new(**SEARCHED, timestamp=at)], account=account)
    document = mongo.entries().find_one({"_id": id})
    assert document is not None
    # As it was stored: whole values, their words and their runs of letters and digits.
    tokens = ["auth.sign_in_failed", "auth", "sign", "in", "failed", "jürgen grossmann", "jürgen"]
    tokens += ["grossmann", "jane.doe@example.com", "jane", "doe", "example", "com", "日本の設定"]
    earlier = new_account_id()
    del document["text"]
    key = document["actorKey"].replace("jurgen", "jürgen")
    mongo.entries().insert_one(
        {**document, "_id": uuid.UUID(int=id.int + 1), "account": earlier, "tokens": tokens}
        | {"actorKey": key}
    )
    for search in ("auth.sign_in", "sign", "Jürgen", "jane.doe@ex", "日本", "grossm", "JÜRG"):
        assert len(found_by(earlier, search)) == 1, search
    for search in ("sign_in_failed_", "本の", "@example"):
        assert found_by(earlier, search) == [], search
    entries = Entries.of(earlier).order_by("actor")
    (entry,) = entries.page(2).entries
    assert entries.neighbours(entry) == (None, None)


def test_stops_are_those_of_the_account_whatever_is_searched_for() -> None:
    account = new_account_id()
    target = {"type": "platform", "id": "trading"}
    make_entry(account, action="kill_switch.activated", target=target)
    for search in ("", "trading", "nothing"):
        (stop,) = Entries.of(account).matching(words(search)).stops().stops
        assert stop.name == "trading"
