"""Recording: the only way an entry comes into the log."""

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

import msgspec

from auditlogs import dictionary, storage
from auditlogs.actions import ActionType, type_of
from auditlogs.identity import entry_id, uuid7_ms
from auditlogs.redaction import redact
from auditlogs.retention import oldest_ms, retention_days
from auditlogs.schema import (
    Actor,
    NewEntry,
    Redaction,
    Result,
    Target,
    actor_key,
    normal_correlation_id,
)
from auditlogs.storage import Document
from auditlogs.text import has_control_character, tokens
from auditlogs.times import format_rfc3339, from_ms, now, to_ms

MAX_BATCH = 1_000
MAX_PAYLOAD_BYTES = 65_536
MAX_PAYLOAD_DEPTH = 32
MAX_INTEGER = (1 << 64) - 1
MIN_INTEGER = -(1 << 63)
MAX_AHEAD = timedelta(hours=24)
WRITE_SECONDS = 10.0


class InvalidEntry(ValueError):
    """An entry that cannot be stored. `path` is a JSON Pointer to the fault, `detail` says it."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path or 'entry'}: {detail}")
        self.path = path
        self.detail = detail


class Details(TypedDict, total=False):
    """What an entry may carry besides who did what, and whether it worked."""

    id: str | None
    timestamp: datetime | None
    action_type: ActionType | None
    target: Target | Mapping[str, Any] | None
    duration: float | None
    correlation_id: str | None
    request_id: str | None
    session_id: str | None
    source_ip: str | None
    bot_id: str | None
    payload: Mapping[str, Any] | None


def record(
    action: str,
    *,
    account: str,
    actor: Actor | Mapping[str, Any],
    result: Result,
    **details: Unpack[Details],
) -> uuid.UUID:
    """Store one entry of an account and return its id.

    `account` is the account's id, `duration` is in milliseconds. When this returns, the entry
    is on the disks of a majority. Repeating a call with the same `id` and `timestamp` stores
    nothing twice.

    Raises InvalidEntry naming the field for an entry that cannot be stored, and StorageError
    when the database did not confirm it.
    """
    entry = new_entry({"action": action, "actor": actor, "result": result, **details})
    return record_many([entry], account=account)[0]


def new_entry(fields: Mapping[str, Any]) -> NewEntry:
    """Return the entry that these fields, under their Python names, make.

    Raises InvalidEntry naming the first field that is not as the schema says.
    """
    known = {known.name: known.encode_name for known in msgspec.structs.fields(NewEntry)}
    if unknown := fields.keys() - known.keys():
        raise InvalidEntry(f"/{min(unknown)}", "is not a field of an entry")
    wanted = {known[name]: value for name, value in fields.items() if value is not None}
    try:
        plain = msgspec.to_builtins(wanted, builtin_types=(datetime,), str_keys=True)
        return msgspec.convert(plain, NewEntry)
    except msgspec.ValidationError as error:
        detail, _, place = str(error).partition(" - at `$")
        raise InvalidEntry(place.rstrip("`").replace(".", "/"), detail) from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidEntry("", f"cannot be written as JSON: {error}") from error


def record_many(entries: Sequence[NewEntry], *, account: str) -> list[uuid.UUID]:
    """Store up to 1,000 entries of an account and return their ids, in order.

    Either every entry is valid or none is stored. Raises as `record` does.
    """
    if len(entries) > MAX_BATCH:
        raise ValueError(f"at most {MAX_BATCH} entries at once, not {len(entries)}")
    received = now()
    documents = [to_document(entry, account, received) for entry in entries]
    if documents:
        with storage.time_limit(WRITE_SECONDS):
            dictionary.add(note for document in documents for note in dictionary.notes_of(document))
            storage.insert_missing(storage.entries(), documents)
    return [document["_id"] for document in documents]


def to_document(entry: NewEntry, account: str, received: datetime) -> Document:
    """Return the document that stores a new entry, redacted. Raises InvalidEntry."""
    _check_texts(entry)
    action_type = _action_type(entry)
    writer_id, ms = _identity(entry, received)
    payload, redactions = (None, []) if entry.payload is None else _redacted(entry.payload)
    actor, target = entry.actor, entry.target
    bot_id = entry.bot_id or (actor.id if actor.type == "agent" else None)
    correlation_id = entry.correlation_id and normal_correlation_id(entry.correlation_id)
    found_by = [entry.action, actor.id, actor.name]
    if target:
        found_by += [target.type, target.id, target.name]
    return {
        "_id": entry_id(account, writer_id, ms),
        "account": account,
        "timestamp": from_ms(ms),
        "actor": msgspec.to_builtins(actor),
        "action": entry.action,
        "actionType": action_type,
        "target": msgspec.to_builtins(target),
        "result": entry.result,
        "duration": entry.duration,
        "correlationId": correlation_id,
        "requestId": entry.request_id,
        "sessionId": entry.session_id,
        "sourceIp": entry.source_ip,
        "botId": bot_id,
        # As text, a payload comes back as it was sent: BSON would refuse some keys and numbers.
        "payload": None if payload is None else msgspec.json.encode(payload).decode(),
        "recordedAt": received,
        "assertedBy": None,
        "redactions": msgspec.to_builtins(redactions),
        "actorKey": actor_key(actor),
        "tokens": tokens(found_by),
    }


def _identity(entry: NewEntry, received: datetime) -> tuple[str, int]:
    """Return the writer's id and the entry's time in milliseconds."""
    if entry.timestamp is None:
        if entry.id is None:
            return str(uuid.uuid4()), to_ms(received)
        ms = uuid7_ms(entry.id)
        if ms is None:
            raise InvalidEntry("/timestamp", "is needed with an id that is not a UUIDv7")
    else:
        if entry.timestamp.tzinfo is None:
            raise InvalidEntry("/timestamp", "needs a time zone")
        ms = to_ms(entry.timestamp)
    if ms < oldest_ms(received):
        raise InvalidEntry("/timestamp", f"is older than the {retention_days()} days kept")
    if ms > to_ms(received + MAX_AHEAD):
        latest = format_rfc3339(received + MAX_AHEAD)
        raise InvalidEntry("/timestamp", f"is over 24 hours ahead, after {latest}")
    return entry.id or str(uuid.uuid4()), ms


def _action_type(entry: NewEntry) -> ActionType:
    implied = type_of(entry.action)
    if implied is None and entry.action_type is None:
        raise InvalidEntry("/actionType", f"is needed: {entry.action} implies none")
    if implied and entry.action_type and implied != entry.action_type:
        raise InvalidEntry(
            "/actionType", f"is {entry.action_type}, but {entry.action} is of type {implied}"
        )
    found = implied or entry.action_type
    assert found is not None
    return found


def _check_texts(entry: NewEntry) -> None:
    """Refuse control characters in every text that is shown in a line or looked for."""
    texts: dict[str, str | None] = {
        "/action": entry.action,
        "/actor/id": entry.actor.id,
        "/actor/name": entry.actor.name,
        "/id": entry.id,
        "/correlationId": entry.correlation_id,
        "/requestId": entry.request_id,
        "/sessionId": entry.session_id,
        "/sourceIp": entry.source_ip,
        "/botId": entry.bot_id,
    }
    if entry.target:
        texts["/target/type"] = entry.target.type
        texts["/target/id"] = entry.target.id
        texts["/target/name"] = entry.target.name
    for path, text in texts.items():
        if text is not None and (has_control_character(text) or not text.strip()):
            raise InvalidEntry(path, "must be visible text without control characters")


def _redacted(payload: dict[str, Any]) -> tuple[dict[str, Any], list[Redaction]]:
    """Return the payload without its secrets, and where they were, if JSON can hold it within the
    limits. Raises InvalidEntry."""
    _check_json([("/payload", payload)])
    size = len(msgspec.json.encode(payload))
    if size > MAX_PAYLOAD_BYTES:
        raise InvalidEntry("/payload", f"is {size:,} bytes of JSON, over {MAX_PAYLOAD_BYTES:,}")
    clean, redactions = redact(payload)
    # Long keys around many secrets make paths far longer than the payload itself.
    if sum(len(redaction.path) for redaction in redactions) > MAX_PAYLOAD_BYTES:
        raise InvalidEntry("/payload", "holds secrets in more places than can be listed")
    return clean, redactions


def _check_json(level: Iterable[tuple[str, Any]]) -> None:
    """Walk a payload level by level, so that no depth of nesting can exhaust the stack."""
    for _ in range(MAX_PAYLOAD_DEPTH + 1):
        level = [child for path, value in level for child in _children(path, value)]
        if not level:
            return
    raise InvalidEntry("/payload", f"is nested more than {MAX_PAYLOAD_DEPTH} levels deep")


def _children(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key in value:
            _check_scalar(path, key)
        return [(f"{path}/{key}", item) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [(f"{path}/{i}", item) for i, item in enumerate(value)]
    _check_scalar(path, value)
    return []


def _check_scalar(path: str, value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidEntry(path, "must be a finite number")
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise InvalidEntry(path, "must fit into 64 bits")
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidEntry(path, "must be valid Unicode")
