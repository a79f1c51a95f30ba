"""An entry as MongoDB stores it, and back."""

import uuid

import msgspec

from auditlogs.entry import numbers
from auditlogs.entry.facts import facts_of
from auditlogs.entry.schema import Entry, actor_key
from auditlogs.entry.text import mark_pieces, norm, pieces
from auditlogs.entry.times import format_rfc3339, parse_rfc3339
from auditlogs.entry.tokens import tokens_of
from auditlogs.storage.mongo import Document

# Between the searched fields, so that no word is found across two of them.
TEXT_SEPARATOR = "\x1e"
# Fields that are stored only where an entry has them: most have few of these.
OPTIONAL = [field.encode_name for field in msgspec.structs.fields(Entry) if field.default is None]


def to_document(entry: Entry, account: str) -> Document:
    """Return the document that stores an entry of an account."""
    actor, target = entry.actor, entry.target
    searched = [entry.action, actor.id, actor.name]
    if target:
        searched += [target.type, target.id, target.name]
    if entry.result != "success":
        searched.append(entry.summary)
    normal = [norm(text) for text in searched if text]
    fields = msgspec.to_builtins(msgspec.structs.replace(entry, payload=None))
    for name in ("id", *(name for name in OPTIONAL if fields[name] is None)):
        del fields[name]
    return {
        "_id": uuid.UUID(entry.id),
        "account": account,
        **fields,
        "timestamp": parse_rfc3339(entry.timestamp),
        # Stored as text, because BSON has no integers over 64 bits and no keys with a null
        # character: a payload must come back exactly as it was sent.
        "payload": None if entry.payload is None else numbers.encode(entry.payload).decode(),
        "recordedAt": parse_rfc3339(entry.recorded_at),
        "actorKey": actor_key(actor),
        "facts": facts_of(entry),
        # A search finds an entry by the index of its tokens, and compares the text.
        "tokens": tokens_of(piece for text in normal for piece in pieces(text)),
        "text": TEXT_SEPARATOR.join(map(mark_pieces, normal)),
    }


def to_entry(document: Document) -> Entry:
    """Return the entry of a stored document; without a payload where none was read."""
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
    """Tell whether two entries have the same content: every field that the writer sets. Who sent
    it, when it was recorded, what the log made of it, and the order of the payload's keys do not
    count."""
    return _content(one) == _content(other)


def _content(entry: Entry) -> bytes:
    # Compared as JSON, because in Python 1 == True.
    # The writer's id is part of `_id`; entries of earlier versions do not have it beside that.
    bare = msgspec.structs.replace(
        entry,
        summary=None,
        # Of a bot's own key it says how the log identified the actor.
        authentication=None,
        writer_id=None,
        recorded_at="",
        asserted_by=None,
        redactions=[],
    )
    return numbers.canonical(bare)
