"""Cursors: the position where a page ends, as an opaque and authenticated text."""

import base64
import functools
import uuid
from dataclasses import dataclass

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "auditlogs.cursor"
# With the longest actor name and id a cursor has about 2,100 characters, with the longest ID that a
# search was found to be some 1,400 more.
MAX_CURSOR_LENGTH = 3_600


class BadCursor(ValueError):
    """A cursor that this log did not issue, or issued for another list; the message says which."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position between two entries of a list: the value of the sort key, and the `_id` after
    which (or before which) to read. `value` is None in a list sorted by time."""

    value: str | None
    id: uuid.UUID


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """A position in one list, and what has to stay as it was on the list's first page.

    `list` is the fingerprint of account, filters and sort; `start`, `end` and `as_of` are the
    resolved window. `ordinal` is the number of the entry after the position; with `backwards` the
    cursor leads to the page before it. `known_id` is what the look-up of the search as an ID found,
    as `ids.dump` writes it: entries that come meanwhile must not make another list of this one.
    """

    list: str
    start: int
    end: int | None
    as_of: int
    value: str | None
    id: uuid.UUID
    ordinal: int
    backwards: bool = False
    known_id: str = ""

    @property
    def position(self) -> Position:
        return Position(self.value, self.id)

    def dump(self) -> str:
        """Return the cursor as text for a URL.

        Encrypted, not only signed: the position in a list by actor can be the name of an actor
        whose entries the reader may not see.
        """
        return _box(*_secrets()).encrypt(_encoder.encode(self)).decode().rstrip("=")


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")


def load_cursor(text: str) -> Cursor:
    """Decrypt a cursor. Raises BadCursor if this log did not issue it."""
    try:
        plain = _box(*_secrets()).decrypt(_padded(text[:MAX_CURSOR_LENGTH]))
        return msgspec.msgpack.decode(plain, type=Cursor)
    except (InvalidToken, msgspec.MsgspecError, ValueError) as error:
        raise BadCursor("is not a cursor of this log, or is incomplete") from error


def _padded(text: str) -> str:
    """Return a cursor's text with its padding. Raises ValueError for any text that `dump` did not
    write: Python's Base64 decoder ignores characters outside its alphabet."""
    padded = f"{text}{'=' * (-len(text) % 4)}"
    if base64.urlsafe_b64encode(base64.urlsafe_b64decode(padded)).decode() != padded:
        raise ValueError("not canonical Base64")
    return padded


def _secrets() -> tuple[str, ...]:
    return settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)


@functools.cache
def _box(*secrets: str) -> MultiFernet:
    """Return a box that encrypts with the first secret and decrypts with any of them."""
    digests = (salted_hmac(SALT, "", secret, algorithm="sha256").digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
