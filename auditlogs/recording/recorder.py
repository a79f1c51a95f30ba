"""Recording: how an entry comes into the log."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Unpack

from auditlogs.entry.schema import Entry, NewEntry, Result
from auditlogs.entry.times import now
from auditlogs.intake import context
from auditlogs.intake.fields import EntryFields, builtins, called, plain
from auditlogs.intake.validation import Fault, InvalidEntry, complete, typed
from auditlogs.recording import losses
from auditlogs.recording.outbox import outbox
from auditlogs.recording.policy import check, redactor
from auditlogs.write.store import CannotStore, write

__all__ = ["MAX_BATCH", "InvalidEntry", "Mode", "new_entry", "record", "record_many"]

MAX_BATCH = 1_000
# A guarded action waits for its entry; so it gives up soon, and does not run. The driver looks for
# a server in steps of half a second: with more than this, one step beyond would be over a second.
STRICT_SECONDS = 0.4
CONFLICT = Fault("/id", "id-conflict", "the log has another entry of this id and time; it stays")

Mode = Literal["strict", "durable", "async"]


class Details(EntryFields, total=False):
    """What a call may say besides the action and whether it worked.

    `account`, the account's id, comes from the context too where it is not given. `asserted_by`
    is the id of the API key that the entry tells of, where it does.
    """

    account: str | None
    asserted_by: str | None


def record(
    action: str, *, result: Result, mode: Mode = "durable", **details: Unpack[Details]
) -> uuid.UUID:
    """Store one entry of an account and return its id.

    `account` is the account's id, `duration` is in milliseconds. Repeating a call with the same
    `id` and `timestamp` stores nothing twice.

    - `durable`: when this returns, the entry is on the disks of a majority of the database, or
      in this host's spool. Where neither takes it, it is counted and written to standard error.
    - `strict`: where neither takes it, raises CannotStore, within about a second.
    - `async`: the entry is kept in memory and stored within a second; a crash loses it.

    Raises InvalidEntry naming the field for an entry that cannot be stored, or whose id and time
    another entry has.
    """
    entry, account = prepare(action, result=result, **details)
    if mode == "async":
        outbox().put(entry, account)
    else:
        try:
            _write_one(entry, account, mode)
        except CannotStore as error:
            if mode == "strict":
                raise
            losses.lose(entry, account, str(error))
    return uuid.UUID(entry.id)


def record_many(entries: Sequence[NewEntry], *, account: str) -> list[uuid.UUID]:
    """Store up to 1,000 entries of an account durably and return their ids, in order.

    Either every entry is valid or none is stored. Raises InvalidEntry, also when the log has
    another entry of the id of one (the others are stored then), and CannotStore when neither the
    database nor the spool took them.
    """
    if len(entries) > MAX_BATCH:
        raise ValueError(f"at most {MAX_BATCH} entries at once, not {len(entries)}")
    received = now()
    checked = [check(builtins(entry), received) for entry in entries]
    ready = [
        complete(each, account=account, received=received, asserted_by=None) for each in checked
    ]
    receipts = write(ready, account) if ready else []
    if any(receipt.status == "conflict" for receipt in receipts):
        raise InvalidEntry([CONFLICT])
    return [uuid.UUID(receipt.id) for receipt in receipts]


def prepare(action: str, *, result: Result, **details: Unpack[Details]) -> tuple[Entry, str]:
    """Return the entry that a call of `record` stores, with its id and time, and its account.

    Raises InvalidEntry.
    """
    account = details.pop("account", None) or context.current().account
    asserted_by = details.pop("asserted_by", None)
    if account is None:
        raise TypeError("an entry needs an account: give it, or bind it to the context")
    received = now()
    checked = check(called(action, result, details), received)
    entry = complete(checked, account=account, received=received, asserted_by=asserted_by)
    return entry, account


def new_entry(fields: Mapping[str, Any]) -> NewEntry:
    """Return the entry that these fields, under their Python names, make.

    Raises InvalidEntry naming what is not as the schema says.
    """
    return typed(plain(fields), redactor())


def _write_one(entry: Entry, account: str, mode: Mode) -> None:
    seconds = STRICT_SECONDS if mode == "strict" else None
    (receipt,) = write([entry], account, seconds=seconds)
    if receipt.status == "conflict":
        raise InvalidEntry([CONFLICT])
