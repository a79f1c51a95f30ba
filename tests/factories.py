"""Things to test with, made as the program makes them."""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from auditlogs.entry.schema import Entry, NewEntry
from auditlogs.entry.times import now
from auditlogs.intake.fields import to_plain
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.recording.policy import check, complete
from auditlogs.recording.recorder import new_entry, prepare, record_many
from auditlogs.write.store import write

_numbers = itertools.count(1)

AGENT: Mapping[str, Any] = {"type": "agent", "id": "agent-7", "name": "Momentum Scout"}
USER: Mapping[str, Any] = {"type": "user", "id": "user-1", "name": "Ada Lovelace"}
SYSTEM: Mapping[str, Any] = {"type": "system", "id": "system"}
ORDER: Mapping[str, Any] = {"type": "order", "id": "ord-42", "name": "Buy SOL"}


def unique(word: str) -> str:
    """Return a text that no other test has."""
    return f"{word}-{next(_numbers)}-{uuid.uuid4().hex[:8]}"


def new(**overrides: Any) -> NewEntry:
    """Return a valid new entry, with these fields under their Python names."""
    return new_entry({"action": "mcp.tool.call", "actor": AGENT, "result": "success"} | overrides)


def make_entry(account: str | None = None, **overrides: Any) -> Entry:
    """Record an entry, in an account of its own unless one is given, and read it back."""
    account = account or new_account_id()
    entry_id = record_many([new(**overrides)], account=account)[0]
    entry = Entries.of(account).get(entry_id)
    assert entry is not None
    return entry


def make_entries(account: str, count: int, **overrides: Any) -> list[uuid.UUID]:
    """Record some entries and return their ids, newest first."""
    ids = record_many([new(**overrides) for _ in range(count)], account=account)
    return sorted(ids, reverse=True)


def queued(payload: Mapping[str, Any] | None = None, account: str = "a") -> tuple[str, Entry]:
    """Return an account and a complete entry for it, as the spool takes them."""
    entry, account = prepare(
        "order.created", result="success", account=account, actor=AGENT, payload=payload
    )
    return account, entry


def store_with_keys(
    entries: Sequence[NewEntry], keys: Sequence[str | None], account: str
) -> list[uuid.UUID]:
    """Store entries as the API does, each with the key of this id, and return their ids."""
    received = now()
    checked = [check(to_plain(entry), received) for entry in entries]
    ready = [
        complete(each, account=account, received=received, asserted_by=key)
        for each, key in zip(checked, keys, strict=True)
    ]
    return [uuid.UUID(receipt.id) for receipt in write(ready, account)] if entries else []
