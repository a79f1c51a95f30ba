"""Cursors: opaque, authenticated, and good for one list only."""

import base64
import zlib
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core import signing
from django.http import QueryDict
from django.utils.crypto import salted_hmac

from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.models import new_account_id
from auditlogs.query.cursor import MAX_CURSOR_LENGTH, BadCursor, Cursor, load_cursor
from auditlogs.query.entries import Entries
from auditlogs.query.filters import ListRequest, parse
from auditlogs.query.window import DateRange
from auditlogs.recording.recorder import record_many
from tests.factories import AGENT, USER, make_entries, make_entry, new

OTHER = "was made for another account, filter or sort"
NOT_OURS = "is not a cursor of this log, or is incomplete"


def ask(account: str, query: str = "", default_range: DateRange = "all") -> ListRequest:
    return parse(QueryDict(query), account=account, default_range=default_range, now=now())


def cursor_of(account: str, query: str = "limit=2", default_range: DateRange = "all") -> str:
    """Return the cursor behind the first page of a list."""
    asked = ask(account, query, default_range)
    following = asked.entries.page(asked.limit).next
    assert following is not None
    return following.dump()


@pytest.fixture(scope="module")
def account() -> str:
    account = new_account_id()
    make_entries(account, 7)
    return account


def test_a_cursor_is_read_back_as_it_was_made(account: str) -> None:
    cursor = load_cursor(cursor_of(account))
    assert load_cursor(cursor.dump()) == cursor
    assert (cursor.ordinal, cursor.backwards) == (3, False)


def test_a_cursor_is_short_and_needs_no_escaping_in_a_url(account: str) -> None:
    text = cursor_of(account)
    assert len(text) < 210
    assert QueryDict(f"cursor={text}")["cursor"] == text
    assert set(text) < set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:.")


def test_no_letter_of_a_cursor_can_be_changed_or_left_out(account: str) -> None:
    text = cursor_of(account)
    for place, letter in enumerate(text):
        for other in {"A", "B", ":"} - {letter}:
            with pytest.raises(BadCursor, match=NOT_OURS):
                load_cursor(text[:place] + other + text[place + 1 :])
        with pytest.raises(BadCursor, match=NOT_OURS):
            load_cursor(text[:place] + text[place + 1 :])


def sealed(content: Any, salt: str = "auditlogs.cursor") -> str:
    """Return what looks like a cursor of this log, or of something else that has its secret."""
    digest = salted_hmac(salt, "", algorithm="sha256").digest()
    box = Fernet(base64.urlsafe_b64encode(digest))
    return box.encrypt(msgspec.msgpack.encode(content)).decode().rstrip("=")


def test_a_cursor_made_with_another_key_is_refused(account: str, settings: Any) -> None:
    text = cursor_of(account)
    settings.SECRET_KEY = "another key, of another log"
    with pytest.raises(BadCursor):
        load_cursor(text)


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        ["x"],
        "text",
        ["f" * 32, "0", None, 0, None, "01a0c4c5-7c00-8abc-9def-000000000001", 1],
        ["f" * 32, 0, None, 0, {"$gt": ""}, "01a0c4c5-7c00-8abc-9def-000000000001", 1],
        ["f" * 32, 0, None, 0, None, "no id", 1],
    ],
)
def test_what_was_signed_here_for_another_purpose_is_no_cursor(content: Any) -> None:
    with pytest.raises(BadCursor, match=NOT_OURS):
        load_cursor(sealed(content))
    good = ["f" * 32, 0, None, 0, None, "01a0c4c5-7c00-8abc-9def-000000000001", 1]
    with pytest.raises(BadCursor, match=NOT_OURS):
        load_cursor(sealed(good, salt="a password reset"))
    with pytest.raises(BadCursor, match=NOT_OURS):
        load_cursor(signing.Signer(salt="auditlogs.cursor").sign_object(good))
    assert isinstance(load_cursor(sealed(good)), Cursor)


def test_a_bomb_without_a_seal_is_never_unpacked() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" * 1_000_000)).decode()
    with pytest.raises(BadCursor, match=NOT_OURS):
        load_cursor(bomb)


def test_a_cursor_made_before_the_secret_was_changed_is_good_while_that_one_is_kept(
    account: str, settings: Any
) -> None:
    text, old = cursor_of(account), settings.SECRET_KEY
    settings.SECRET_KEY = "another key, of the same log"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert isinstance(load_cursor(text), Cursor)


def test_nobody_can_read_in_a_cursor_where_the_list_goes_on() -> None:
    account = new_account_id()
    make_entries(account, 2, actor={"type": "user", "id": "u", "name": "Grace Hopper"})
    text = cursor_of(account, "limit=1&sort=actor")
    assert b"grace" not in base64.urlsafe_b64decode(f"{text}===").lower()


def test_a_cursor_of_the_longest_name_and_id_is_short_enough_to_come_back() -> None:
    account = new_account_id()
    hard = [chr(0x20000 + i * 7919 % 42_000) for i in range(256 + 128)]
    actor = {"type": "user", "name": "".join(hard[:256]), "id": "".join(hard[256:])}
    ids = make_entries(account, 2, actor=actor)
    text = cursor_of(account, "limit=1&sort=actor")
    assert len(text) <= MAX_CURSOR_LENGTH
    asked = ask(account, f"limit=1&sort=actor&cursor={text}")
    assert asked.errors == {}
    (entry,) = asked.entries.page(1, cursor=asked.cursor).entries
    assert entry.id == str(ids[1])


@pytest.mark.parametrize(
    "query",
    [
        "sort=timestamp",
        "sort=actor",
        "actor=agent-7",
        "botId=agent-7",
        "action=mcp",
        "result=success",
        "search=mcp",
        "dateRange=24h",
        "startDate=2026-03-01T00:00:00Z",
        "endDate=2100-01-01T00:00:00Z",
    ],
)
def test_a_cursor_is_good_for_no_other_filter_range_or_sort(account: str, query: str) -> None:
    asked = ask(account, f"{query}&cursor={cursor_of(account)}")
    assert asked.errors == {"cursor": OTHER}
    assert asked.cursor is None
    asked = ask(account, f"cursor={cursor_of(account, f'{query}&limit=1')}")
    assert asked.errors == {"cursor": OTHER}


def test_a_cursor_is_good_for_no_other_account(account: str) -> None:
    other = new_account_id()
    make_entries(other, 3)
    assert ask(other, f"cursor={cursor_of(account)}").errors == {"cursor": OTHER}


def test_a_cursor_of_the_pages_default_range_is_not_one_of_the_apis(account: str) -> None:
    text = cursor_of(account, default_range="7d")
    assert ask(account, f"cursor={text}").errors == {"cursor": OTHER}
    assert ask(account, f"dateRange=7d&cursor={text}").errors == {}
    assert ask(account, f"cursor={text}", default_range="7d").errors == {}


def test_values_cannot_be_moved_from_one_filter_to_another(account: str) -> None:
    text = cursor_of(account, "limit=1&actor=agent-7&botId=agent-7")
    assert ask(account, f"botId=agent-7&actor=agent-7&cursor={text}").errors == {}
    moved = "actor=agent-7&target=agent-7"
    assert ask(account, f"{moved}&cursor={text}").errors == {"cursor": OTHER}


def test_a_cursor_is_good_for_another_limit(account: str) -> None:
    text = cursor_of(account)
    whole = [entry.id for entry in ask(account).entries.page(100).entries]
    asked = ask(account, f"limit=1000&cursor={text}")
    assert asked.errors == {}
    page = asked.entries.page(asked.limit, cursor=asked.cursor)
    assert [entry.id for entry in page.entries] == whole[2:]


def test_the_same_filter_in_other_words_is_the_same_list(account: str) -> None:
    text = cursor_of(account, "limit=1&search=MCP++Tool")
    assert ask(account, f"search=mcp+tool&limit=2&cursor={text}").errors == {}


def test_a_cursor_keeps_the_window_of_its_first_page_while_time_moves() -> None:
    account, at = new_account_id(), from_ms(to_ms(now()))
    edge = at - timedelta(hours=24)
    ids = record_many(
        [new(timestamp=edge + timedelta(milliseconds=i)) for i in (0, 1, 2, -1)], account=account
    )
    with time_machine.travel(at, tick=False):
        text = cursor_of(account, "dateRange=24h&limit=1")
    with time_machine.travel(at + timedelta(hours=5), tick=False):
        asked = ask(account, f"dateRange=24h&limit=9&cursor={text}")
        page = asked.entries.page(9, cursor=asked.cursor)
    assert [entry.id for entry in page.entries] == [str(ids[1]), str(ids[0])]
    assert page.next is None


def test_a_cursor_shows_nothing_that_has_gone_beyond_the_retention_since() -> None:
    account, at = new_account_id(), from_ms(to_ms(now()))
    old = at - timedelta(days=30) + timedelta(minutes=1)
    record_many([new(timestamp=at), new(timestamp=old)], account=account)
    with time_machine.travel(at, tick=False):
        text = cursor_of(account, "limit=1")
        asked = ask(account, f"cursor={text}")
        assert len(asked.entries.page(9, cursor=asked.cursor).entries) == 1
    with time_machine.travel(at + timedelta(minutes=1, milliseconds=1), tick=False):
        asked = ask(account, f"cursor={text}")
        assert asked.entries.page(9, cursor=asked.cursor).entries == []


def test_an_entry_is_shown_to_the_last_millisecond_of_its_retention() -> None:
    entry_at = from_ms(to_ms(now()))
    account = new_account_id()
    entry = make_entry(account, timestamp=entry_at)
    for late, is_shown in ((0, True), (1, False)):
        with time_machine.travel(entry_at + timedelta(days=30, milliseconds=late), tick=False):
            assert [each.id for each in ask(account).entries.page(9).entries] == [
                entry.id
            ] * is_shown
            assert Entries.of(account).count().value == is_shown


def test_reading_back_from_a_place_whose_entries_have_gone_ends_at_the_first_page() -> None:
    account, at = new_account_id(), from_ms(to_ms(now()))
    ages = [0, 29, 29, 29]
    record_many(
        [new(timestamp=at - timedelta(days=age), actor=AGENT if age else USER) for age in ages],
        account=account,
    )
    # Oldest first, so that what goes stands before the place.
    asked = ask(account, "sort=timestamp&limit=3")
    first = asked.entries.page(3)
    assert first.next is not None
    second = asked.entries.page(3, cursor=first.next)
    assert second.previous is not None
    with time_machine.travel(at + timedelta(days=2), tick=False):
        again = ask(account, f"sort=timestamp&cursor={second.previous.dump()}")
        page = again.entries.page(3, cursor=again.cursor)
    assert (page.entries, page.first, page.previous) == ([], 1, None)
