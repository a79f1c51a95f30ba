"""What an approval is for: the hash of a tool's arguments, which says whether two are the same."""

import hashlib
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import rfc8785

from auditlogs.entry.schema import NewEntry
from auditlogs.redaction import Redactor

# Beyond it a double, which is JSON's number to most readers, holds not every integer.
MAX_INTEGER = 2**53


def arguments_hash(
    tool: str, arguments: Mapping[str, Any] | None, *, redactor: Redactor | None = None
) -> str:
    """Return the `argumentsHash` of an approval: SHA-256, as 64 hexadecimal digits, of the JSON
    object of `arguments` and `tool`, redacted and in its canonical form (RFC 8785).

    Integers beyond 2^53 are written as texts, other numbers as doubles; no arguments are `{}`. The
    redactor should be the one that the entries are redacted with. Raises ValueError for arguments
    that are no JSON.
    """
    payload = {"tool": tool, "arguments": {} if arguments is None else arguments}
    clean, _ = (redactor or Redactor()).entry({"payload": payload})
    return _hash_of(clean["payload"])


def with_arguments_hash(entry: NewEntry) -> NewEntry:
    """Return a redacted entry whose approval says for which arguments it is, if the payload has
    those and the writer has not said it."""
    approval, payload = entry.approval, entry.payload or {}
    tool, arguments = payload.get("tool"), payload.get("arguments")
    if approval is None or approval.arguments_hash is not None or not isinstance(tool, str):
        return entry
    if not isinstance(arguments, Mapping):
        return entry
    try:
        digest = _hash_of({"tool": tool, "arguments": arguments})
    except ValueError:
        return entry
    replaced = msgspec.structs.replace(approval, arguments_hash=digest)
    return msgspec.structs.replace(entry, approval=replaced)


def _hash_of(value: Any) -> str:
    try:
        return hashlib.sha256(rfc8785.dumps(_plain(value))).hexdigest()
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise ValueError("the arguments cannot be written as JSON") from error


def _plain(value: Any) -> Any:
    """Return a value with the numbers that the canonical form has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if is_integer or (isinstance(value, Decimal) and value.as_tuple().exponent == 0):
        # By way of a Decimal: Python writes no int of over 4,300 digits.
        exact = Decimal(value)
        return f"{exact:f}" if abs(exact) > MAX_INTEGER else float(exact)
    if isinstance(value, Decimal):
        number = float(value)
        return number if math.isfinite(number) else str(value)
    return value
