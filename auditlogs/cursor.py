"""Cursors: where a page ends, in an opaque and authenticated text."""

import uuid
from dataclasses import dataclass

import msgspec
from django.core import signing

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
        """Return the cursor as a text for a URL."""
        return signing.Signer(salt=SALT).sign_object(msgspec.to_builtins(self), compress=True)


def load_cursor(text: str) -> Cursor:
    """Return the cursor a text holds. Raises BadCursor for one that was not made here."""
    try:
        data = signing.Signer(salt=SALT).unsign_object(text[:MAX_CURSOR_LENGTH])
        return msgspec.convert(data, Cursor)
    except (signing.BadSignature, msgspec.ValidationError, ValueError) as error:
        raise BadCursor("is not a cursor of this log, or was cut short") from error
