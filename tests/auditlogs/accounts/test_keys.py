"""API keys."""

import hashlib
import re
import sqlite3
import zlib
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection

from auditlogs.accounts import keys
from auditlogs.entry.times import now
from auditlogs.models import Account, ApiKey
from hub.models import Membership
from tests.api import Api
from tests.factories import unique

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_key_is_a_prefix_thirty_random_characters_and_their_checksum(account: Account) -> None:
    text = keys.create(account, "reader", ["logs:read"])
    assert re.fullmatch(r"aud_[0-9A-Za-z]{36}", text)
    number = 0
    for digit in text[-6:]:
        number = number * 62 + ALPHABET.index(digit)
    assert number == zlib.crc32(text[4:-6].encode())
    assert len({keys.create(account, "reader", []) for _ in range(20)}) == 20


def test_of_a_key_only_its_digest_is_stored(account: Account) -> None:
    text = keys.create(account, "reader", ["logs:read"])
    stored = ApiKey.objects.values().get(account=account)
    assert stored["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert text[4:12] not in str(stored)


def test_a_key_is_found_with_its_account_and_scopes(account: Account) -> None:
    text = keys.create(account, "reader", ["logs:read", "logs:read"])
    found = keys.find(text)
    assert found is not None
    assert (found.account, found.name, found.scopes) == (account, "reader", ["logs:read"])
    assert str(found) == "reader"
    assert str(account) == account.name


@pytest.mark.parametrize("change", [str.lower, str.swapcase, lambda t: t + "0", lambda t: f" {t}"])
def test_no_other_text_is_that_key(account: Account, change: Any) -> None:
    text = keys.create(account, "reader", ["logs:read"])
    assert keys.find(change(text)) is None


@pytest.mark.parametrize("text", ["", "aud_", "aud_" + "0" * 36, "x" * 40, "aud_" + "é" * 36])
def test_a_text_that_is_no_key_at_all_is_not_looked_up(
    text: str, django_assert_num_queries: Any, db: None
) -> None:
    with django_assert_num_queries(0):
        assert keys.find(text) is None


def test_a_scope_that_does_not_exist_is_refused(account: Account) -> None:
    with pytest.raises(ValueError, match="no such scope: logs:erase; there is logs:read"):
        keys.create(account, "writer", ["logs:read", "logs:erase"])
    assert not ApiKey.objects.filter(account=account).exists()


def test_a_revoked_key_is_invalid_from_that_moment_on(account: Account) -> None:
    text, other = (keys.create(account, name, ["logs:read"]) for name in ("SIEM", "other"))
    key = keys.find(text)
    assert key is not None
    assert key.public_id == f"key_{key.pk}"
    assert keys.revoke(key)
    assert keys.find(text) is None
    assert keys.look_up(text) == keys.by_public_id(key.public_id) == key
    assert keys.find(other)


def test_a_key_keeps_the_moment_it_was_first_revoked(account: Account) -> None:
    keys.create(account, "SIEM", [])
    key = ApiKey.objects.get(account=account)
    assert keys.revoke(key)
    key.refresh_from_db()
    first = key.revoked_at
    assert first
    assert not keys.revoke(key)
    key.refresh_from_db()
    assert key.revoked_at == first


def test_what_is_shown_of_a_key_is_no_valid_key(account: Account) -> None:
    text = keys.create(account, "SIEM", [], created_by="ada")
    key = ApiKey.objects.get(account=account)
    assert (key.beginning, key.last_four, key.created_by) == (text[:8], text[-4:], "ada")
    assert keys.find(key.beginning + key.last_four) is None


def test_an_expired_key_is_invalid(account: Account) -> None:
    with time_machine.travel(NOON, tick=False):
        text = keys.create(account, "SIEM", [], expires_at=NOON + timedelta(days=1))
    with time_machine.travel(NOON + timedelta(hours=23), tick=False):
        assert keys.find(text)
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        assert keys.find(text) is None
        key = keys.look_up(text)
        assert key
        assert keys.state(key) == "expired"


@pytest.mark.parametrize(
    ("name", "bot", "said"),
    [
        ("", None, "the name must have 1 to 100 characters"),
        ("x" * 101, None, "the name must have 1 to 100 characters"),
        ("S\u202eIEM", None, "none of them invisible"),
        (
            "aud_7Gk2Qx9Lm4Tz8Rw3Vb6Np1Sd5Fh0JcXyAeUi",
            None,
            "the name must not be, or hold, a secret",
        ),
        ("SIEM", "", "the bot must have 1 to 256 characters"),
        ("SIEM", "x" * 257, "the bot must have 1 to 256 characters"),
    ],
)
def test_a_name_or_bot_that_cannot_be_one_is_refused(
    account: Account, name: str, bot: str | None, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        keys.create(account, name, [], bot=bot)


def test_a_key_cannot_be_created_with_an_expiry_in_the_past(account: Account) -> None:
    with pytest.raises(ValueError, match="is in the past"):
        keys.create(account, "SIEM", [], expires_at=now())


def test_a_session_token_is_valid_for_twelve_hours(user: User, account: Account) -> None:
    with time_machine.travel(NOON, tick=False):
        text = keys.create_session_token(user, account)
        key = keys.find(text)
        assert re.fullmatch(r"auds_[0-9A-Za-z]{36}", text)
        assert key
        assert (key.account, key.holder) == (account, user)
        assert key.scopes == ["logs:read", "logs:export"]
        assert list(keys.session_tokens_of(user, account)) == [key]
    with time_machine.travel(NOON + timedelta(hours=12), tick=False):
        assert keys.find(text) is None
        assert not keys.session_tokens_of(user, account)


def test_a_session_token_is_invalid_once_its_holder_lost_access(
    user: User, account: Account
) -> None:
    text = keys.create_session_token(user, account)
    Membership.objects.filter(user=user).delete()
    assert keys.find(text) is None
    Membership.objects.create(user=user, account=account)
    assert keys.find(text)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert keys.find(text) is None


def test_the_number_of_a_persons_valid_session_tokens_is_limited(
    user: User, account: Account
) -> None:
    for _ in range(keys.MAX_SESSION_TOKENS):
        keys.create_session_token(user, account)
    with pytest.raises(ValueError, match="revoke one first"):
        keys.create_session_token(user, account)
    newest = keys.session_tokens_of(user, account)[0]
    assert keys.revoke(newest)
    assert keys.create_session_token(user, account)


def test_keys_are_listed_active_ones_first_without_session_tokens(
    user: User, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.create_session_token(user, account)
    for name in ("first", "second", "third"):
        keys.create(account, name, [])
    assert keys.revoke(ApiKey.objects.get(account=account, name="third"))
    listed, has_more = keys.of_account(account)
    assert ([key.name for key in listed], has_more) == (["second", "first", "third"], False)
    monkeypatch.setattr(keys, "MAX_LISTED", 2)
    listed, has_more = keys.of_account(account)
    assert ([key.name for key in listed], has_more) == (["second", "first"], True)


def test_the_last_use_of_a_key_is_kept_once_a_minute(
    account: Account, django_assert_num_queries: Any
) -> None:
    text = keys.create(account, "SIEM", [])
    for seconds, queries in ((0, 1), (59, 0), (60, 1)):
        moment = NOON + timedelta(seconds=seconds)
        key = keys.look_up(text)
        assert key
        with time_machine.travel(moment, tick=False), django_assert_num_queries(queries):
            keys.record_use(key)
        kept = ApiKey.objects.get(pk=key.pk).last_used_at
        assert kept == (moment if queries else NOON)


@pytest.mark.django_db(transaction=True)
def test_a_last_use_that_cannot_be_kept_fails_no_request(caplog: pytest.LogCaptureFixture) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite lets one writer keep out all others")
    account = Account.objects.create(name=unique("account"))
    text = keys.create(account, "SIEM", ["logs:read"])
    connection.cursor().execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
        other.execute("BEGIN IMMEDIATE")
        assert Api(text).get().status_code == 200
    assert "last use of" in caplog.text
    assert Api(text).get().status_code == 200
    assert ApiKey.objects.get(account=account).last_used_at


def test_only_its_public_id_finds_a_key(account: Account) -> None:
    keys.create(account, "mine", ["logs:read"])
    key = ApiKey.objects.get(account=account)
    assert keys.by_public_id(f"key_{key.pk}") == key
    arabic = str(key.pk).translate({ord("0") + digit: 0x660 + digit for digit in range(10)})
    for text in (
        f"{key.pk}",
        f"key_0{key.pk}",
        f"key_{arabic}",
        f"key_+{key.pk}",
        f"key_ {key.pk}",
    ):
        assert keys.by_public_id(text) is None
    for text in ("key_", "key_x", "key_-1", f"key_{'9' * 5_000}"):
        assert keys.by_public_id(text) is None
