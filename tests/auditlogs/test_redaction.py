"""Redaction by key name."""

import json
from typing import Any

import bson
import pytest
from hypothesis import given, strategies as st

from auditlogs import storage
from auditlogs.models import new_account_id
from auditlogs.redaction import is_secret_name, mark, redact
from auditlogs.schema import Redaction
from tests.factories import make_entry

RULE = "key-name"
MARK = mark(RULE)
CANARY = "c4nary-5f3a9e"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "Password", "PASS-WORD", "pass_word", "p.a.s.s.w.o.r.d", "db_password"),
        *("ｐａｓｓｗｏｒｄ", "Ｐａｓｓ＿ｗｏｒｄ", "pass\u200bword", "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝"),
        *("token", "accessToken", "refresh-token", "session_token", "X-CSRF-Token", "idToken"),
        *("apiKey", "API_KEY", "x-api-key", "botApiKey", "secretKey", "aws_secret_access_key"),
        *("Authorization", "proxy-authorization", "bearer", "cookie", "Set-Cookie", "jwt"),
        *("secret", "clientSecret", "keySecret", "credentials", "privateKey", "PRIVATE KEY"),
        *("walletKey", "wallet_keys", "mnemonic", "seed", "seedPhrase", "recovery codes"),
        *("pin", "otp", "totp", "cvv", "passphrase", "signing_key", "encryptionKey", "keypair"),
    ],
)
def test_a_secret_is_known_by_its_name_in_any_case_and_with_any_separators(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("keyName", "keyScopes", "keyId", "publicKey", "tokenMint", "tokenAmount", "tokens"),
        *("pinned", "spinning", "pinCode2", "seeded", "seedRound", "secretary", "passed", "pass"),
        *("author", "authority", "method", "bearing", "cookies_accepted", "monkey", "key", ""),
        *("tool", "arguments", "status", "code", "error", "requiredScope", "isError", "scopes"),
        *("orderId", "channel", "pair", "side", "amount", "price", "provider", "reason"),
        *("changes", "field", "from", "to", "failures", "threshold", "until", "limit", "window"),
    ],
)
def test_a_name_that_only_looks_like_a_secrets_is_left_alone(name: str) -> None:
    assert not is_secret_name(name)


def test_secrets_are_replaced_at_any_depth_and_said_in_reading_order() -> None:
    payload = {
        "z": {"password": "1", "list": [{"apiKey": "2"}, [{"token": {"deep": "3"}}]]},
        "secret": ["4", "5"],
        "a": "plain",
    }
    clean, redactions = redact(payload)
    assert clean == {
        "z": {"password": MARK, "list": [{"apiKey": MARK}, [{"token": MARK}]]},
        "secret": MARK,
        "a": "plain",
    }
    assert list(clean) == ["z", "secret", "a"]
    assert redactions == [
        Redaction(path="/payload/z/password", rule=RULE),
        Redaction(path="/payload/z/list/0/apiKey", rule=RULE),
        Redaction(path="/payload/z/list/1/0/token", rule=RULE),
        Redaction(path="/payload/secret", rule=RULE),
    ]


def test_a_path_is_a_json_pointer_whatever_the_keys_hold() -> None:
    payload = {"a/b": {"~x": {"": {"password": "1"}}}}
    assert [each.path for each in redact(payload)[1]] == ["/payload/a~1b/~0x//password"]


@pytest.mark.parametrize("empty", ["", 0, False, [], {}])
def test_a_secret_gives_away_nothing_but_that_it_was_there(empty: Any) -> None:
    assert redact({"password": empty})[0] == {"password": MARK}


def test_a_secret_that_is_null_was_not_there() -> None:
    assert redact({"password": None}) == ({"password": None}, [])


def test_redaction_leaves_the_writers_own_payload_as_it_is() -> None:
    payload = {"a": [{"password": "1"}]}
    redact(payload)
    assert payload == {"a": [{"password": "1"}]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3).filter(lambda key: not is_secret_name(key)), JSON))
def test_a_payload_without_secrets_stays_as_it_is(payload: dict[str, Any]) -> None:
    clean, redactions = redact(payload)
    if not redactions:
        assert clean == payload
    else:
        assert MARK in json.dumps(clean)


@pytest.mark.parametrize(
    "payload",
    [
        {"password": CANARY},
        {"headers": {"Authorization": f"Bearer {CANARY}"}},
        {"arguments": [{"wallet": {"privateKey": CANARY}}]},
        {"tuple": ({"apiKey": CANARY}, ({"token": (CANARY,)},))},
        {"ｔｏｋｅｎ": {"value": [CANARY]}},
    ],
)
def test_what_is_stored_holds_no_byte_of_a_secret(payload: dict[str, Any]) -> None:
    account = new_account_id()
    entry = make_entry(account, payload=payload)
    stored = list(storage.entries().find({"account": account}))
    noted = list(storage.dictionary().find({"_id": {"$regex": f"^{account}"}}))
    assert len(stored) == 1
    assert noted
    assert all(
        CANARY.encode() not in bson.encode(document, codec_options=storage.database().codec_options)
        for document in stored + noted
    )
    assert len(entry.redactions) >= 1
    assert MARK in json.dumps(entry.payload)
