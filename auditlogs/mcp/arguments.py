"""The arguments of a call as an entry stores them: all keys, and every value that has room.

No caller may avoid the log by arguments that cannot be stored: what is too large, too deep or no
JSON is replaced by a note, value by value.
"""

from collections.abc import Mapping
from typing import Any

from auditlogs.entry import numbers
from auditlogs.entry.text import encodable
from auditlogs.intake.validation import beyond_limits

MAX_ARGUMENTS_BYTES = 32_768
MAX_KEYS = 200
# What a key without its value may take of the bytes.
KEY_LENGTH = 64
MORE = "…"


def storable(arguments: Any) -> Any:
    """Return arguments within the limits of an entry, with a note for each value left out."""
    if not isinstance(arguments, Mapping):
        return _value(arguments, MAX_ARGUMENTS_BYTES)[0]
    keys = list(arguments)[:MAX_KEYS]
    stored: dict[str, Any] = {_key(key): None for key in keys}
    left = MAX_ARGUMENTS_BYTES - sum(len(key.encode()) for key in stored)
    # The smallest first: one large value costs no other its place.
    for key in sorted(keys, key=lambda key: _size(arguments[key])):
        stored[_key(key)], size = _value(arguments[key], left)
        left -= size
    if len(arguments) > MAX_KEYS:
        stored[MORE] = f"[not stored: {len(arguments) - MAX_KEYS:,} more arguments]"
    return stored


def _value(value: Any, limit: int) -> tuple[Any, int]:
    """Return a value, or a note in its place, and how many bytes it takes."""
    faults = beyond_limits({"payload": {"arguments": {"": value}}})
    size = 0 if faults else _size(value)
    if faults or size > limit:
        reason = faults[0].detail if faults and faults[0].path else f"{_size(value):,} bytes"
        return f"[not stored: {reason}]", 0
    return value, size


def _size(value: Any) -> int:
    try:
        return len(numbers.encode(value))
    except (TypeError, ValueError, RecursionError):
        return len(repr(value)) if isinstance(value, str) else 0


def _key(key: Any) -> str:
    text = encodable(str(key))
    return text if len(text) <= KEY_LENGTH else f"{text[:KEY_LENGTH]}…"
