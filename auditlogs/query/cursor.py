"""Cursors: where a page ends, in an opaque and authenticated text."""

import base64
import functools
import uuid
from dataclasses import dataclass

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "auditlogs.cursor"
# The longest name and id an actor can have make one of some 2,100 characters.
MAX_CURSOR_LENGTH = 3_000


class BadCursor(ValueError):
    """A cursor that was not made here, or not for this list; the message says which."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two entries of a list: after (or before) this `_id` among the entries of
    this value of the sort key. `value` is None where a list is sorted by time alone."""

    value: str | None
    id: uuid.UUID


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """A position in one list, and all that has to stay as it was on its first page.

    `list` is the fingerprint of account, filters and sort; `start`, `end` and `as_of` are the
    window as it was resolved. `ordinal` is the number of the entry that follows the position,
    `backwards` asks for the entries before it.
    """

    list: str
    start: int
    end: int | None
    as_of: int
    value: str | None
    id: uuid.UUID
    ordinal: int
    backwards: bool = False

    @property
    def position(self) -> Position:
        """Return the position that the page is read from."""
        return Position(self.value, self.id)

    def dump(self) -> str:
        """Return the cursor as a text for a URL.

        It is sealed, not only signed: a list by actor may end at the name of one whose entries its
        reader does not see.
        """
        return _box(*_secrets()).encrypt(_encoder.encode(self)).decode().rstrip("=")


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")


def load_cursor(text: str) -> Cursor:
    """Return the cursor a text holds. Raises BadCursor for one that was not made here."""
    try:
        plain = _box(*_secrets()).decrypt(_padded(text[:MAX_CURSOR_LENGTH]))
        return msgspec.msgpack.decode(plain, type=Cursor)
    except (InvalidToken, msgspec.MsgspecError, ValueError) as error:
        raise BadCursor("is not a cursor of this log, or was cut short") from error


def _padded(text: str) -> str:
    """Return a cursor's text with its padding. Raises ValueError for any text but the one that
    `dump` made: Base64 by itself would pass over strange characters."""
    padded = f"{text}{'=' * (-len(text) % 4)}"
    if base64.urlsafe_b64encode(base64.urlsafe_b64decode(padded)).decode() != padded:
        raise ValueError("no text of Base64")
    return padded


def _secrets() -> tuple[str, ...]:
    return settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)


@functools.cache
def _box(*secrets: str) -> MultiFernet:
    """Return what seals by the first secret and opens by each."""
    digests = (salted_hmac(SALT, "", secret, algorithm="sha256").digest() for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
