"""Redaction by key name: what a secret's name gives away is replaced before it is stored.

A first, honest set: it knows secrets by the name of their key, in any case and with any
separators, not by their shape.
"""

import unicodedata
from typing import Any

from auditlogs.schema import Redaction

RULE = "key-name"
MARK = f"[REDACTED:{RULE}]"

# Whole names. Short words that also stand for harmless things ("pin", "seed") only match whole.
SECRET_NAMES = frozenset(
    """
    auth authorization bearer cookie cookies cred creds credential credentials cvv jwt otp
    passcode passphrase passwd password pin privatekey proxyauthorization pwd recoverycode
    recoverycodes recoveryphrase secret secretkey secrets seed seedphrase sessioncookie setcookie
    signingkey token totp walletkey walletkeys xapikey apikey accesskey encryptionkey keypair
    mnemonic mnemonics secretaccesskey walletsecret
    """.split()
)
# Endings, for names that say whose secret it is: `botApiKey`, `db_password`, `refresh-token`.
SECRET_ENDINGS = (
    *("accesskey", "apikey", "authtoken", "accesstoken", "bearertoken", "csrftoken", "idtoken"),
    *("mnemonic", "passphrase", "passwd", "password", "privatekey", "privatekeys"),
    *("refreshtoken", "secret", "secretkey", "seedphrase", "sessiontoken", "signingkey"),
    *("walletkey", "walletkeys", "keysecret", "encryptionkey", "apitoken", "bottoken"),
)


def is_secret_name(name: str) -> bool:
    """Tell whether a key's name says that its value is a secret."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = "".join(char for char in folded if char.isalnum())
    return plain in SECRET_NAMES or plain.endswith(SECRET_ENDINGS)


def redact(payload: dict[str, Any]) -> tuple[dict[str, Any], list[Redaction]]:
    """Return a copy of a payload without its secrets, and what was replaced, in reading order.

    Paths are JSON Pointers (RFC 6901) from the entry: `/payload/arguments/apiKey`.
    """
    found: list[Redaction] = []
    return _redact_object(payload, "/payload", found), found


def _redact_object(value: dict[str, Any], path: str, found: list[Redaction]) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for name, item in value.items():
        place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if item is not None and is_secret_name(name):
            found.append(Redaction(path=place, rule=RULE))
            clean[name] = MARK
        else:
            clean[name] = _redact_value(item, place, found)
    return clean


def _redact_value(value: Any, path: str, found: list[Redaction]) -> Any:
    if isinstance(value, dict):
        return _redact_object(value, path, found)
    if isinstance(value, list | tuple):
        return [_redact_value(item, f"{path}/{i}", found) for i, item in enumerate(value)]
    return value


MARK_BEGINS = "[REDACTED:"


class Redactor:
    def __init__(self, names: Any = (), patterns: Any = None) -> None:
        pass

    def entry(self, entry: Any) -> Any:
        if not isinstance(entry, dict) or not isinstance(entry.get("payload"), dict):
            return entry, []
        payload, redactions = redact(entry["payload"])
        return {**entry, "payload": payload}, redactions

    def text(self, text: str) -> str:
        return text
