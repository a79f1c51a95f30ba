"""Validation of an entry, in order: size limits, redaction, schema, timestamp range.

All faults of an entry are reported together, each by its path: a JSON Pointer (RFC 6901) from the
entry.
"""

import math
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from auditlogs.entry import numbers
from auditlogs.entry.actions import type_of
from auditlogs.entry.identity import entry_id, uuid7_ms
from auditlogs.entry.invisible import escaped, has_hidden_character
from auditlogs.entry.schema import (
    MAX_PRINCIPALS,
    SUMMARY_LENGTH,
    Entry,
    NewEntry,
    Redaction,
    normal_correlation_id,
)
from auditlogs.entry.summary import sentence_of
from auditlogs.entry.times import DAY_MS, format_rfc3339, from_ms, to_ms
from auditlogs.intake.approvals import with_arguments_hash
from auditlogs.redaction import Redactor
from auditlogs.redaction.marks import rules_in

MAX_ENTRY_BYTES = 65_536
# A value takes at least two bytes: itself and a comma.
MAX_VALUES = MAX_ENTRY_BYTES // 2
MAX_PAYLOAD_DEPTH = 32
# A number with a larger exponent, written out, would not fit into an entry.
MAX_EXPONENT = MAX_ENTRY_BYTES
MAX_AHEAD = timedelta(hours=24)
# How many faults of one entry are reported: all of its fields may be unknown.
MAX_FAULTS = 50
DETAIL_LENGTH = 200
# How much of an unknown name is repeated in the answer.
ECHO_LENGTH = 64

# What msgspec names by Python's types, in the words of JSON Schema.
JSON_TYPES = {
    "str": "string",
    "float": "number",
    "int": "integer",
    "bool": "boolean",
    "datetime": "date-time",
}
PYTHON_TYPE = re.compile(rf"\b(?:{'|'.join(JSON_TYPES)})\b")

Code = Literal[
    "missing-field",
    "unknown-field",
    "invalid-value",
    "control-character",
    "secret-in-id",
    "id-conflict",
    "timestamp-out-of-range",
    "entry-too-large",
    "too-deep",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an entry: its JSON Pointer, its kind, and a sentence without its subject."""

    path: str
    code: Code
    detail: str


class InvalidEntry(ValueError):
    """The entry cannot be stored. `path` and `detail` are those of the first of `faults`, and
    `index` is its place in the list of entries, None where it was alone."""

    def __init__(self, faults: list[Fault], index: int | None = None) -> None:
        self.faults, self.index = faults, index
        self.path, self.detail = faults[0].path, faults[0].detail
        said = "; ".join(f"{fault.path or 'entry'}: {fault.detail}" for fault in faults)
        super().__init__(said if index is None else f"Entry {index} of the list: {said}")


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid entry, redacted, and the list of what was redacted."""

    entry: NewEntry
    redactions: list[Redaction]


def check(plain: Any, received: datetime, *, redactor: Redactor, kept_days: int | None) -> Checked:
    """Redact and validate an entry, plain JSON under the names of the API. Raises InvalidEntry.

    `kept_days` is the retention, or None where it is unknown: only the server knows it.
    """
    # Before redaction, which takes time for every value it walks through.
    _raise_if_any(beyond_limits(plain), redactor)
    plain = _with_kept_principals(plain)
    clean, redactions = redactor.entry(plain) if isinstance(plain, dict) else (plain, [])
    entry = typed(clean, redactor)
    faults = (*_bad_texts(clean), *_bad_type(entry), *_bad_identity(entry, received, kept_days))
    _raise_if_any(faults, redactor)
    return Checked(with_arguments_hash(entry), redactions)


def with_escapes(plain: Any) -> Any:
    """Return an entry with the characters escaped that `check` would refuse, so that nobody avoids
    the log by a name. An escaped text is cut to the length of its field."""
    copy = plain
    for path, length in TEXTS.items():
        if isinstance(copy, dict) and path[0] in copy:
            copy = _with_escapes(copy, path, length, is_name=path[-1] in NAMES)
    return copy


def _with_escapes(plain: Any, path: tuple[str, ...], length: int, *, is_name: bool) -> Any:
    if not path:
        text = escaped(plain, is_name=is_name) if isinstance(plain, str) else plain
        return plain if text == plain else text[:length]
    name, rest = path[0], path[1:]
    if name == EACH and isinstance(plain, list):
        return [_with_escapes(item, rest, length, is_name=is_name) for item in plain]
    if not isinstance(plain, dict) or name not in plain:
        return plain
    inner = _with_escapes(plain[name], rest, length, is_name=is_name)
    return plain if inner is plain[name] else {**plain, name: inner}


def typed(plain: Any, redactor: Redactor) -> NewEntry:
    """Convert plain JSON to the schema. Raises InvalidEntry."""
    try:
        return msgspec.convert(plain, NewEntry)
    except msgspec.ValidationError:
        # msgspec stops at the first fault and does not name every field.
        _raise_if_any((*_mistyped(plain, NewEntry, ""), *_bad_texts(plain)), redactor)
        raise


def complete(
    checked: Checked,
    *,
    account: str,
    received: datetime,
    asserted_by: str | None,
    redactor: Redactor,
) -> Entry:
    """Return the entry as it is stored: with id, timestamp, summary and all that its fields
    imply."""
    new, actor = checked.entry, checked.entry.actor
    writer_id = new.id or str(uuid.uuid4())
    ms = _timestamp_of(new)
    if ms is None:
        ms = to_ms(received)
    given: dict[str, Any] = {name: getattr(new, name) for name in _SHARED}
    return Entry(
        **given
        | {
            "id": str(entry_id(account, writer_id, ms)),
            "timestamp": format_rfc3339(from_ms(ms)),
            "action_type": type_of(new.action) or new.action_type,
            "correlation_id": new.correlation_id and normal_correlation_id(new.correlation_id),
            "bot_id": new.bot_id or (actor.id if actor.type == "agent" else None),
            "summary": summary_of(new, redactor),
            "on_behalf_of": new.on_behalf_of or None,
            "on_behalf_of_dropped": new.on_behalf_of_dropped or None,
            "writer_id": new.id,
            "recorded_at": format_rfc3339(received),
            "asserted_by": asserted_by,
            "redactions": checked.redactions,
        }
    )


def summary_of(new: NewEntry, redactor: Redactor) -> str | None:
    """Return the summary of a redacted entry in one line, redacted once more, as parts of it may be
    a secret together; None where there is none."""
    text = redactor.beginning(" ".join(sentence_of(new).split()), SUMMARY_LENGTH * 2)
    text = escaped(text, is_name=True)
    if len(text) > SUMMARY_LENGTH:
        text = text[: SUMMARY_LENGTH - 1]
        # No half of a mark stays.
        at = text.rfind("[")
        if at >= 0 and "]" not in text[at:] and "[REDACTED:".startswith(text[at : at + 10]):
            text = text[:at]
        text = f"{text.rstrip()}…"
    return text or None


def _with_kept_principals(plain: Any) -> Any:
    """Return an entry whose chain of principals, if it is longer than is kept, has the nearest and
    the last: the root, for whom it was done in the end. The others are counted, beside those that
    the writer has left out itself."""
    chain = plain.get("onBehalfOf") if isinstance(plain, dict) else None
    if not isinstance(chain, list | tuple) or len(chain) <= MAX_PRINCIPALS:
        return plain
    before = plain.get("onBehalfOfDropped")
    if before is not None and type(before) is not int:
        return plain
    dropped = (before or 0) + len(chain) - MAX_PRINCIPALS
    kept = [*chain[: MAX_PRINCIPALS - 1], chain[-1]]
    return {**plain, "onBehalfOf": kept, "onBehalfOfDropped": dropped}


def _raise_if_any(faults: Iterable[Fault], redactor: Redactor) -> None:
    reported = [
        # A path contains names that the caller chose.
        Fault(redactor.text(fault.path), fault.code, fault.detail[:DETAIL_LENGTH])
        for fault in islice(faults, MAX_FAULTS)
    ]
    if reported:
        raise InvalidEntry(reported)


def beyond_limits(plain: Any) -> list[Fault]:
    """Return the faults that no later step can handle: too deep, too large, not JSON."""
    fields = plain if isinstance(plain, dict) else {"": plain}
    # Level by level instead of recursively: no depth of nesting can exhaust the stack.
    level: list[tuple[str, Any]] = [("", fields)]
    faults: list[Fault] = []
    values = 0
    for _ in range(MAX_PAYLOAD_DEPTH + 2):
        faults += [fault for path, value in level for fault in _not_json(path, value)]
        children = (child for path, value in level for child in _children(path, value))
        level = list(islice(children, MAX_VALUES + 1 - values))
        values += len(level)
        if values > MAX_VALUES:
            # At once: the size of such an entry is not worth computing.
            return [too_large(f"has over {MAX_VALUES:,} values")]
    if level:
        place = "/" + level[0][0].split("/")[1]
        detail = f"is nested more than {MAX_PAYLOAD_DEPTH} levels deep"
        return [Fault(place, "too-deep", detail)]
    if not faults and (size := len(numbers.encode(plain))) > MAX_ENTRY_BYTES:
        return [too_large(f"is {size:,} bytes of JSON, over {MAX_ENTRY_BYTES:,}")]
    return faults


def too_large(detail: str) -> Fault:
    """Return the fault of an entry over one of the size limits."""
    return Fault("", "entry-too-large", detail)


def _children(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"{path}/{pointer_part(key)}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"{path}/{i}", item) for i, item in enumerate(value))


def _not_json(path: str, value: Any) -> Iterator[Fault]:
    if isinstance(value, float | Decimal) and not _is_finite(value):
        yield Fault(path, "invalid-value", "must be a finite number")
    elif isinstance(value, Decimal) and abs(_exponent(value)) > MAX_EXPONENT:
        detail = f"must be a number with an exponent of at most {MAX_EXPONENT:,}"
        yield Fault(path, "invalid-value", detail)
    texts = value if isinstance(value, dict) else [value]
    if any(isinstance(text, str) and not _is_unicode(text) for text in texts):
        yield Fault(_printable(path), "invalid-value", "must be valid Unicode")


def _is_finite(number: float | Decimal) -> bool:
    # `math.isfinite` makes a float of a Decimal, and so 1E+400 infinite.
    return number.is_finite() if isinstance(number, Decimal) else math.isfinite(number)


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(path: str) -> str:
    return path.encode(errors="replace").decode()


def pointer_part(key: Any) -> str:
    """Return a key as a part of a JSON Pointer (RFC 6901), cut if it is long."""
    return _brief(str(key)).replace("~", "~0").replace("/", "~1")


def _mistyped(value: Any, wanted: type[Struct], path: str) -> Iterator[Fault]:
    """Yield a fault for each field that is missing, unknown, or not of its type."""
    if not isinstance(value, dict):
        yield Fault(path, "invalid-value", "must be an object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    for name in sorted(value.keys() - fields.keys()):
        if path:
            # The path of the actor or target: writers look for its fault there.
            yield Fault(path, "unknown-field", f"has no field {_brief(name)}")
        else:
            yield Fault(f"/{pointer_part(name)}", "unknown-field", "is not a field of an entry")
    for name, field in fields.items():
        place = f"{path}/{name}"
        if name not in value:
            if field.required:
                yield Fault(place, "missing-field", "is required")
        elif (inner := _struct_in(field.type)) and (field.required or value[name] is not None):
            yield from _mistyped(value[name], inner, place)
        elif (inner := _item_in(field.type)) and isinstance(value[name], list):
            for i, item in enumerate(value[name]):
                yield from _mistyped(item, inner, f"{place}/{i}")
        elif detail := _misfit(value[name], field.type):
            yield Fault(place, "invalid-value", detail)


def _brief(name: str) -> str:
    return name if len(name) <= ECHO_LENGTH else f"{name[:ECHO_LENGTH]}…"


def _struct_in(kind: Any) -> type[Struct] | None:
    """Return the struct among the alternatives of a field's type, if there is one."""
    return next(
        (each for each in (kind, *get_args(kind)) if isinstance(each, type) and _is_struct(each)),
        None,
    )


def _item_in(kind: Any) -> type[Struct] | None:
    """Return the struct that the items of a list are of, if a field's type has such a list."""
    lists = (each for each in (kind, *get_args(kind)) if get_origin(each) is list)
    return next((_struct_in(get_args(each)[0]) for each in lists), None)


def _is_struct(kind: type) -> bool:
    return issubclass(kind, Struct)


def _texts_of(kind: type[Struct]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the path and the maximal length of every text in a struct and the structs within it."""
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        if inner := _struct_in(field.type):
            yield from (((name, *path), length) for path, length in _texts_of(inner))
        if inner := _item_in(field.type):
            yield from (((name, EACH, *path), length) for path, length in _texts_of(inner))
        for each in (field.type, *get_args(field.type)):
            if get_origin(each) is Annotated and get_args(each)[0] is str:
                yield (name,), get_args(each)[1].max_length


# In the path of a text: each item of a list.
EACH = "*"
# Texts that are shown in a line or searched for, with their lengths: all but the payload's, whose
# viewer escapes.
TEXTS = dict(_texts_of(NewEntry))
# Of these, the names and sentences, in which joiners and emoji belong.
NAMES = frozenset(("name", "policy", "rule", "reason"))
# What an entry has from its writer.
_SHARED = {field.name for field in msgspec.structs.fields(NewEntry)} & {
    field.name for field in msgspec.structs.fields(Entry)
}


def _misfit(value: Any, kind: Any) -> str:
    """Return how a value does not fit a type, or an empty text where it does."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        choices = [choice for each in (kind, *get_args(kind)) for choice in _choices(each)]
        if choices and isinstance(value, str):
            return f"must be one of {', '.join(choices)}"
        described = _description(kind)
        if described and isinstance(value, str):
            return f"must be {described}"
        reason = str(error).partition(" - at `$")[0]
        return PYTHON_TYPE.sub(lambda found: JSON_TYPES[found[0]], reason)
    return ""


def _description(kind: Any) -> str | None:
    """Return what a field's text has to be, where its pattern is described."""
    parts = (part for each in (kind, *get_args(kind)) for part in getattr(each, "__metadata__", ()))
    return next((part.description for part in parts if part.description), None)


def _choices(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _bad_texts(plain: Any) -> Iterator[Fault]:
    """Yield a fault for each text that could forge or hide what a reader sees."""
    for path in TEXTS:
        for pointer, text in _texts_at(plain, path):
            if has_hidden_character(text, is_name=path[-1] in NAMES):
                detail = "must be text without control characters or invisible ones"
                yield Fault(pointer, "control-character", detail)
            elif not text.strip():
                yield Fault(pointer, "invalid-value", "must be visible text")


def _texts_at(value: Any, path: tuple[str, ...], pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts at a path that have a character, each after its JSON Pointer."""
    for i, name in enumerate(path):
        if name == EACH:
            for n, item in enumerate(value if isinstance(value, list) else ()):
                yield from _texts_at(item, path[i + 1 :], f"{pointer}/{n}")
            return
        value = value.get(name) if isinstance(value, dict) else None
        if value is None:
            return
        pointer = f"{pointer}/{name}"
    if isinstance(value, str) and value:
        yield pointer, value


def _bad_type(entry: NewEntry) -> Iterator[Fault]:
    implied, declared = type_of(entry.action), entry.action_type
    if implied is None and declared is None:
        yield Fault("/actionType", "missing-field", f"is needed: {entry.action} implies none")
    elif implied and declared and implied != declared:
        detail = f"is {declared}, but {entry.action} is of type {implied}"
        yield Fault("/actionType", "invalid-value", detail)


def _bad_identity(entry: NewEntry, received: datetime, kept_days: int | None) -> Iterator[Fault]:
    if entry.id and any(rules_in(entry.id)):
        # Redacted, two different ids would become the same.
        yield Fault("/id", "secret-in-id", "must not be, or hold, a secret")
    if entry.timestamp and entry.timestamp.tzinfo is None:
        yield Fault("/timestamp", "invalid-value", "needs a time zone")
        return
    ms = _timestamp_of(entry)
    if ms is None:
        if entry.id:
            yield Fault("/timestamp", "missing-field", "is needed with an id that is not a UUIDv7")
    elif ms < 0:
        yield Fault("/timestamp", "timestamp-out-of-range", "is before 1970")
    elif kept_days is not None and ms < to_ms(received) - kept_days * DAY_MS:
        detail = f"is older than the {kept_days} days kept"
        yield Fault("/timestamp", "timestamp-out-of-range", detail)
    elif ms > to_ms(received + MAX_AHEAD):
        detail = f"is over 24 hours ahead, after {format_rfc3339(received + MAX_AHEAD)}"
        yield Fault("/timestamp", "timestamp-out-of-range", detail)


def _timestamp_of(entry: NewEntry) -> int | None:
    """Return the timestamp that the writer gave, in milliseconds, or that of its UUIDv7."""
    if entry.timestamp is not None:
        return to_ms(entry.timestamp)
    return uuid7_ms(entry.id) if entry.id else None
