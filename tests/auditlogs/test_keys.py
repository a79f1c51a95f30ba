"""API keys."""

import hashlib
import re
import zlib
from typing import Any

import pytest

from auditlogs import keys
from auditlogs.models import Account, ApiKey

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


def test_a_revoked_key_opens_nothing_from_that_moment_on(account: Account) -> None:
    text, other = (keys.create(account, name, ["logs:read"]) for name in ("SIEM", "other"))
    key = keys.find(text)
    assert key is not None
    assert key.public_id == f"key_{key.pk}"
    assert keys.find_revoked(text) is None
    assert keys.revoke(key)
    assert keys.find(text) is None
    assert keys.find_revoked(text) == keys.by_public_id(key.public_id) == key
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
