"""An entry as MongoDB stores it, and back."""

import uuid

import msgspec

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry, actor_key
from auditlogs.entry.text import tokens
from auditlogs.entry.times import format_rfc3339, parse_rfc3339
from auditlogs.storage.mongo import Document


def to_document(entry: Entry, account: str) -> Document:
    """Return the document that stores an entry of an account."""
    actor, target = entry.actor, entry.target
    found_by = [entry.action, actor.id, actor.name]
    if target:
        found_by += [target.type, target.id, target.name]
    fields = msgspec.to_builtins(msgspec.structs.replace(entry, payload=None))
    del fields["id"]
    return {
        "_id": uuid.UUID(entry.id),
        "account": account,
        **fields,
        "timestamp": parse_rfc3339(entry.timestamp),
        # As text, a payload comes back as it was sent: BSON would refuse some keys and numbers.
        "payload": None if entry.payload is None else numbers.encode(entry.payload).decode(),
        "recordedAt": parse_rfc3339(entry.recorded_at),
        "actorKey": actor_key(actor),
        "tokens": tokens(found_by),
    }


def to_entry(document: Document) -> Entry:
    """Return the entry that a stored document holds; its payload stays away if it was not read."""
    payload = document.get("payload")
    return msgspec.convert(
        {
            **document,
            "id": str(document["_id"]),
            "timestamp": format_rfc3339(document["timestamp"]),
            "recordedAt": format_rfc3339(document["recordedAt"]),
            "payload": None if payload is None else numbers.decode(payload),
        },
        Entry,
    )


def says_the_same(one: Entry, other: Entry) -> bool:
    """Tell whether two entries have the same content: all that a writer says, whoever sent it and
    whenever it was recorded. The order of a payload's keys is no content."""
    return _content(one) == _content(other)


def _content(entry: Entry) -> bytes:
    # As JSON, because Python takes 1 and True for the same.
    bare = msgspec.structs.replace(entry, recorded_at="", asserted_by=None, redactions=[])
    return numbers.canonical(bare)
