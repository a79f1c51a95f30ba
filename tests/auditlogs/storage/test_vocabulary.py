"""Tests of the vocabulary."""

from datetime import timedelta
from string import ascii_lowercase

import pytest
import time_machine
from hypothesis import given, strategies as st

from auditlogs.entry.text import norm, pieces
from auditlogs.entry.times import DAY_MS, from_ms, now, to_ms
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.query.window import Window
from auditlogs.recording.recorder import record_many
from auditlogs.storage import mongo, vocabulary
from tests.factories import make_entry, new
from tests.watching import sent, watcher


@pytest.fixture
def account() -> str:
    return new_account_id()


TARGETS = st.text("abm17 _", min_size=1, max_size=12).filter(lambda text: bool(pieces(text)))


@given(st.lists(TARGETS, min_size=1, max_size=6), st.text("abm17", min_size=1, max_size=10))
def test_every_entry_with_a_beginning_has_one_of_its_tokens(names: list[str], prefix: str) -> None:
    account = new_account_id()
    targets = [{"type": "order", "id": "x", "name": name} for name in names]
    record_many([new(target=target) for target in targets], account=account)
    tokens = vocabulary.beginning_with(account, prefix)
    assert tokens is not None
    for document in mongo.entries().find({"account": account}):
        name = norm(document["target"]["name"])
        if any(piece.startswith(prefix) for piece in pieces(name)):
            assert set(tokens) & set(document["tokens"])


def test_a_word_is_one_token_and_what_nothing_begins_with_is_none(account: str) -> None:
    make_entry(account, target={"type": "order", "id": "ord_01JD2MZ7K3V9", "name": "Buy SOL"})
    expected = {
        "ord": ["ord", "order"],
        "order": ["order"],
        "orders": [],
        "zz": [],
        # So much of it tells which entries these are.
        "01jd2mz7k": ["~01jd2mz7"],
        "01jd": ["~01j"],
        "0": ["~01j"],
    }
    found = {prefix: vocabulary.beginning_with(account, prefix) for prefix in expected}
    assert found == expected


def test_it_holds_no_ids(account: str) -> None:
    targets = [{"type": "order", "id": f"ord_01JD2MZ{i:05}"} for i in range(40)]
    record_many([new(target=target) for target in targets], account=account)
    low, high = f"{account}\x1ftoken\x1f", f"{account}\x1ftoken\x20"
    noted = mongo.dictionary().find({"_id": {"$gte": low, "$lt": high}})
    assert not any("01jd2m" in note.get("value", "") for note in noted)


def test_a_token_is_noted_once_in_four_weeks_and_goes_with_their_last_entry(account: str) -> None:
    start = from_ms(to_ms(now()) // vocabulary.PERIOD_MS * vocabulary.PERIOD_MS)
    make_entry(account, action="order.filled", timestamp=max(start, now() - timedelta(days=5)))
    with watcher.watch() as commands:
        make_entry(account, action="order.filled", timestamp=now())
    inserted = sent(commands, "insert", mongo.DICTIONARY)
    noted = [note.get("value") for each in inserted for note in each["documents"]]
    assert "filled" not in noted
    low = f"{account}\x1ftoken\x1ffilled"
    (note,) = mongo.dictionary().find({"_id": {"$gte": low, "$lt": f"{low}\x20"}})
    assert note["weekEnd"] == start + timedelta(days=28)


def test_too_many_tokens_are_not_told(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record_many(
        [new(action=f"order.a{letter}", action_type="trade") for letter in "bcdef"], account=account
    )
    assert vocabulary.beginning_with(account, "a") is not None
    monkeypatch.setattr(vocabulary, "MAX_TOKENS", 3)
    assert vocabulary.beginning_with(account, "a") is None
    monkeypatch.undo()
    monkeypatch.setattr(vocabulary, "MAX_NOTES", 3)
    assert vocabulary.beginning_with(account, "a") is None


def test_it_is_complete_from_the_first_entry_of_an_account_on(account: str) -> None:
    assert vocabulary.known_from(account) is None
    make_entry(account)
    assert vocabulary.known_from(account) == 0


def test_of_an_account_with_entries_of_an_earlier_version_it_is_complete_two_days_later(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(vocabulary, "add", lambda documents: None)
        make_entry(account)
    before = to_ms(now())
    make_entry(account)
    known = vocabulary.known_from(account)
    assert known is not None
    assert before + 2 * DAY_MS <= known <= to_ms(now()) + 2 * DAY_MS
    # What another process remembers is what is stored.
    vocabulary._begun().clear()
    make_entry(account)
    assert vocabulary.known_from(account) == known


def test_an_entry_of_an_earlier_version_that_is_dated_ahead_is_found(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = from_ms(to_ms(now() + timedelta(hours=47)))
    with monkeypatch.context() as patch:
        patch.setattr(vocabulary, "add", lambda documents: None)
        make_entry(account)
    make_entry(account)
    with monkeypatch.context() as patch, time_machine.travel(now() + timedelta(hours=23.5)):
        patch.setattr(vocabulary, "add", lambda documents: None)
        make_entry(account, action="order.filled", timestamp=ahead)
    window = Window.resolve("all", ahead, None, now())
    found = Entries.of(account).within(window).matching(("filled",)).page(5).entries
    assert [entry.action for entry in found] == ["order.filled"]


def word(number: int) -> str:
    """Return a word of five letters, another one for each number."""
    return "".join(ascii_lowercase[number // 26**place % 26] for place in range(5))


def send_words(account: str, first: int, number: int) -> None:
    target = {"type": "order", "id": " ".join(map(word, range(first, first + number)))}
    make_entry(account, target=target)


@pytest.mark.parametrize("limit", ["MAX_NEW", "MAX_NEW_AT_ONCE"])
def test_a_writer_that_never_sends_a_word_twice_gets_no_more_notes_but_is_found(
    account: str, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_words(account, 0, 20)
    monkeypatch.setattr(vocabulary, limit, {"MAX_NEW": 60, "MAX_NEW_AT_ONCE": 19}[limit])
    for first in range(20, 200, 20):
        send_words(account, first, 20)
    low, high = f"{account}\x1ftoken\x1f", f"{account}\x1ftoken\x20"
    noted = mongo.dictionary().find({"_id": {"$gte": low, "$lt": high}})
    assert len({note.get("value") for note in noted} & {*map(word, range(200))}) <= 60
    for number in (0, 19, 21, 59, 61, 199):
        found = Entries.of(account).matching((word(number),)).page(5).entries
        assert len(found) == 1
    period = to_ms(now()) // vocabulary.PERIOD_MS
    note = mongo.dictionary().find_one({"_id": vocabulary._key(account, "", period)})
    assert note is not None
    assert to_ms(note["weekEnd"]) == note["from"] == vocabulary.known_from(account)


def test_what_another_process_has_not_noted_is_found(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_entry(account)
    searched = Entries.of(account).matching(("filled",))
    assert searched.page(5).entries == []
    with monkeypatch.context() as patch:
        patch.setattr(vocabulary, "MAX_NEW_AT_ONCE", 0)
        make_entry(account, action="order.filled")
    assert len(searched.page(5).entries) == 1


def test_a_log_that_was_lost_is_searched_without_what_was_remembered(
    own_database: None, account: str
) -> None:
    make_entry(account, action="order.filled")
    mongo.dictionary().delete_many({})
    make_entry(account, action="order.filled")
    assert len(Entries.of(account).matching(("filled",)).page(5).entries) == 2
