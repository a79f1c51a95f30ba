"""What an entry has to be before it is stored: bounded, redacted, of the schema, in its time.

Everything that is wrong with an entry is found at once and named by its path, a JSON Pointer
(RFC 6901) from the entry.
"""

import math
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from auditlogs.entry.actions import type_of
from auditlogs.entry.identity import entry_id, uuid7_ms
from auditlogs.entry.schema import Entry, NewEntry, Redaction, normal_correlation_id
from auditlogs.entry.text import has_control_character
from auditlogs.entry.times import DAY_MS, format_rfc3339, from_ms, to_ms
from auditlogs.redaction import Redactor
from auditlogs.redaction.marks import rules_in

MAX_ENTRY_BYTES = 65_536
# Each takes two bytes at least, itself and what parts it from the next.
MAX_VALUES = MAX_ENTRY_BYTES // 2
MAX_PAYLOAD_DEPTH = 32
MAX_INTEGER = (1 << 64) - 1
MIN_INTEGER = -(1 << 63)
MAX_AHEAD = timedelta(hours=24)
# Where there is text that is shown in a line, or looked for.
TEXTS = (
    *("/action", "/actor/id", "/actor/name", "/target/type", "/target/id", "/target/name"),
    *("/id", "/correlationId", "/requestId", "/sessionId", "/sourceIp", "/botId"),
)
# Faults of one entry that are listed; an entry is small, but may be all unknown fields.
MAX_FAULTS = 50
DETAIL_LENGTH = 200
# How much of what a caller sent is repeated to them.
ECHO_LENGTH = 64

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
    """Something wrong with an entry: where (a JSON Pointer), what kind, and a sentence."""

    path: str
    code: Code
    detail: str


class InvalidEntry(ValueError):
    """An entry that cannot be stored. `path` and `detail` are those of its first fault."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.path, self.detail = faults[0].path, faults[0].detail
        super().__init__("; ".join(f"{fault.path or 'entry'}: {fault.detail}" for fault in faults))


@dataclass(frozen=True, slots=True)
class Checked:
    """An entry that may be stored, without its secrets, and where those were."""

    entry: NewEntry
    redactions: list[Redaction]


def check(plain: Any, received: datetime, *, redactor: Redactor, kept_days: int | None) -> Checked:
    """Check an entry as plain JSON, under the names of the API. Raises InvalidEntry.

    `kept_days` is for how long entries are kept, or None where that is not known.
    """
    _raise_any(_unbounded(plain), redactor)
    clean, redactions = redactor.entry(plain) if isinstance(plain, dict) else (plain, [])
    entry = typed(clean, redactor)
    faults = (*_bad_texts(clean), *_bad_type(entry), *_bad_identity(entry, received, kept_days))
    _raise_any(faults, redactor)
    return Checked(entry, redactions)


def typed(plain: Any, redactor: Redactor) -> NewEntry:
    """Return what plain JSON makes of the schema. Raises InvalidEntry."""
    try:
        return msgspec.convert(plain, NewEntry)
    except msgspec.ValidationError:
        # Only the first fault is known by now, and without the name of every field.
        _raise_any((*_mistyped(plain, NewEntry, ""), *_bad_texts(plain)), redactor)
        raise


def complete(
    checked: Checked, *, account: str, received: datetime, asserted_by: str | None
) -> Entry:
    """Return the entry with all that the log adds: its id, its time, what its fields imply."""
    new, actor = checked.entry, checked.entry.actor
    writer_id = new.id or str(uuid.uuid4())
    ms = _time_of(new)
    if ms is None:
        ms = to_ms(received)
    action_type = type_of(new.action) or new.action_type
    assert action_type is not None
    return Entry(
        id=str(entry_id(account, writer_id, ms)),
        timestamp=format_rfc3339(from_ms(ms)),
        actor=actor,
        action=new.action,
        action_type=action_type,
        target=new.target,
        result=new.result,
        duration=new.duration,
        correlation_id=new.correlation_id and normal_correlation_id(new.correlation_id),
        request_id=new.request_id,
        session_id=new.session_id,
        source_ip=new.source_ip,
        bot_id=new.bot_id or (actor.id if actor.type == "agent" else None),
        payload=new.payload,
        recorded_at=format_rfc3339(received),
        asserted_by=asserted_by,
        redactions=checked.redactions,
    )


def _raise_any(faults: Iterable[Fault], redactor: Redactor) -> None:
    found = [
        Fault(redactor.text(fault.path), fault.code, fault.detail[:DETAIL_LENGTH])
        for fault, _ in zip(faults, range(MAX_FAULTS), strict=False)
    ]
    if found:
        raise InvalidEntry(found)


def _unbounded(plain: Any) -> list[Fault]:
    """Return what no later step could bear: too deep, not to be said in JSON, or too large."""
    fields = plain if isinstance(plain, dict) else {"": plain}
    # Walked level by level, so that no depth of nesting can exhaust the stack.
    level: list[tuple[str, Any]] = [("", fields)]
    faults: list[Fault] = []
    values = 0
    for _ in range(MAX_PAYLOAD_DEPTH + 2):
        faults += [fault for path, value in level for fault in _unspeakable(path, value)]
        children = (child for path, value in level for child in _children(path, value))
        level = list(islice(children, MAX_VALUES + 1 - values))
        values += len(level)
        if values > MAX_VALUES:
            # Before more is made of it than it deserves.
            return [too_large(f"has over {MAX_VALUES:,} values")]
    if level:
        place = "/" + level[0][0].split("/")[1]
        detail = f"is nested more than {MAX_PAYLOAD_DEPTH} levels deep"
        return [Fault(place, "too-deep", detail)]
    if not faults and (size := len(msgspec.json.encode(plain))) > MAX_ENTRY_BYTES:
        return [too_large(f"is {size:,} bytes of JSON, over {MAX_ENTRY_BYTES:,}")]
    return faults


def too_large(detail: str) -> Fault:
    """Return the fault of an entry that has more in it than an entry may."""
    return Fault("", "entry-too-large", detail)


def _children(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"{path}/{_escape(key)}", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"{path}/{i}", item) for i, item in enumerate(value))


def _unspeakable(path: str, value: Any) -> Iterator[Fault]:
    if isinstance(value, float) and not math.isfinite(value):
        yield Fault(path, "invalid-value", "must be a finite number")
    elif isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        yield Fault(path, "invalid-value", "must fit into 64 bits")
    texts = value if isinstance(value, dict) else [value]
    if any(isinstance(text, str) and not _is_unicode(text) for text in texts):
        yield Fault(_visible(path), "invalid-value", "must be valid Unicode")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _visible(path: str) -> str:
    return path.encode(errors="replace").decode()


def _escape(key: Any) -> str:
    return _brief(str(key)).replace("~", "~0").replace("/", "~1")


def _mistyped(value: Any, wanted: type[Struct], path: str) -> Iterator[Fault]:
    """Yield each field that is missing, unknown, or not as the schema says."""
    if not isinstance(value, dict):
        yield Fault(path, "invalid-value", "must be an object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    for name in sorted(value.keys() - fields.keys()):
        if path:
            # Of an actor or a target it is the shape that is wrong.
            yield Fault(path, "unknown-field", f"has no field {_brief(name)}")
        else:
            yield Fault(f"/{_escape(name)}", "unknown-field", "is not a field of an entry")
    for name, field in fields.items():
        place = f"{path}/{name}"
        if name not in value:
            if field.required:
                yield Fault(place, "missing-field", "is required")
        elif (inner := _struct_in(field.type)) and (field.required or value[name] is not None):
            yield from _mistyped(value[name], inner, place)
        elif detail := _misfit(value[name], field.type):
            yield Fault(place, "invalid-value", detail)


def _brief(name: str) -> str:
    return name if len(name) <= ECHO_LENGTH else f"{name[:ECHO_LENGTH]}…"


def _struct_in(kind: Any) -> type[Struct] | None:
    """Return the object type that a field's type is, or may be."""
    return next(
        (each for each in (kind, *get_args(kind)) if isinstance(each, type) and _is_struct(each)),
        None,
    )


def _is_struct(kind: type) -> bool:
    return issubclass(kind, Struct)


def _misfit(value: Any, kind: Any) -> str:
    """Return in which way a value is not of a type, or nothing."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        choices = [choice for each in (kind, *get_args(kind)) for choice in _choices(each)]
        if choices and isinstance(value, str):
            return f"must be one of {', '.join(choices)}"
        return str(error).partition(" - at `$")[0]
    return ""


def _choices(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _bad_texts(plain: Any) -> Iterator[Fault]:
    """Yield each text that is shown in a line or looked for and might forge what is shown."""
    for path in TEXTS:
        text = plain
        for name in path.split("/")[1:]:
            text = text.get(name) if isinstance(text, dict) else None
        if not isinstance(text, str) or not text:
            continue
        if has_control_character(text):
            detail = "must be text without control characters or invisible ones"
            yield Fault(path, "control-character", detail)
        elif not text.strip():
            yield Fault(path, "invalid-value", "must be visible text")


def _bad_type(entry: NewEntry) -> Iterator[Fault]:
    implied, said = type_of(entry.action), entry.action_type
    if implied is None and said is None:
        yield Fault("/actionType", "missing-field", f"is needed: {entry.action} implies none")
    elif implied and said and implied != said:
        detail = f"is {said}, but {entry.action} is of type {implied}"
        yield Fault("/actionType", "invalid-value", detail)


def _bad_identity(entry: NewEntry, received: datetime, kept_days: int | None) -> Iterator[Fault]:
    if entry.id and any(rules_in(entry.id)):
        # Two of them would become one and the same id.
        yield Fault("/id", "secret-in-id", "must not be, or hold, a secret")
    if entry.timestamp and entry.timestamp.tzinfo is None:
        yield Fault("/timestamp", "invalid-value", "needs a time zone")
        return
    ms = _time_of(entry)
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


def _time_of(entry: NewEntry) -> int | None:
    """Return the milliseconds of the time that the writer gave, in its id or beside it."""
    if entry.timestamp is not None:
        return to_ms(entry.timestamp)
    return uuid7_ms(entry.id) if entry.id else None
