"""`record`: store entries in the log from this process."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Unpack, get_args

from auditlogs.entry.schema import Entry, NewEntry, Result
from auditlogs.entry.times import now
from auditlogs.intake import context
from auditlogs.intake.fields import EntryFields, entry_of_call, entry_of_fields, to_plain
from auditlogs.intake.validation import Checked, Fault, InvalidEntry, typed, with_escapes
from auditlogs.recording import losses
from auditlogs.recording.outbox import outbox
from auditlogs.recording.policy import check, complete, redactor
from auditlogs.write.store import CannotStore, write

__all__ = ["MAX_BATCH", "InvalidEntry", "Mode", "new_entry", "record", "record_many"]

MAX_BATCH = 1_000
# A strict action waits for its entry, within about a second. The driver selects a server in steps
# of half a second, so a longer limit could be exceeded by a whole step.
STRICT_SECONDS = 0.4
CONFLICT = Fault("/id", "id-conflict", "another entry with this id and timestamp exists")

Mode = Literal["strict", "durable", "async"]


class Details(EntryFields, total=False):
    """The keyword arguments of `record`.

    `account`, the account's id, defaults to that of the context. `asserted_by` is the id of the API
    key that an entry is about.
    """

    account: str | None
    asserted_by: str | None


def record(
    action: str, *, result: Result, mode: Mode = "durable", **details: Unpack[Details]
) -> uuid.UUID:
    """Store one entry of an account and return its id.

    `account` is the account's id, `duration` is in milliseconds. A call repeated with the same `id`
    and `timestamp` stores nothing twice.

    - `durable`: on return the entry is on disk at a majority of the database's members, or in this
      host's spool. If neither accepts it, it is counted and written to standard error.
    - `strict`: if neither accepts it, raises CannotStore within about a second.
    - `async`: the entry stays in memory and is stored within a second; a crash loses it.

    Raises InvalidEntry naming the field for an entry that cannot be stored, or whose id and
    timestamp belong to another entry, and ValueError for an unknown mode.
    """
    check_mode(mode)
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


def check_mode(mode: Mode) -> None:
    """Raise ValueError for an unknown mode: a misspelt `strict` would guarantee less."""
    if mode not in (modes := get_args(Mode)):
        raise ValueError(f"mode must be one of {', '.join(modes)}, not {mode!r}")


def record_many(entries: Sequence[NewEntry], *, account: str) -> list[uuid.UUID]:
    """Store up to 1,000 entries of an account durably and return their ids, in order.

    If one entry is invalid, none is stored. Raises InvalidEntry, whose `index` says which, also
    where an id and timestamp belong to another entry (the others are stored then), and CannotStore
    where neither the database nor the spool accepts them.
    """
    if len(entries) > MAX_BATCH:
        raise ValueError(f"at most {MAX_BATCH} entries at once, not {len(entries)}")
    received = now()
    checked = [_check(entry, index, received) for index, entry in enumerate(entries)]
    ready = [
        complete(each, account=account, received=received, asserted_by=None) for each in checked
    ]
    receipts = write(ready, account) if ready else []
    for index, receipt in enumerate(receipts):
        if receipt.status == "conflict":
            raise InvalidEntry([CONFLICT], index)
    return [uuid.UUID(receipt.id) for receipt in receipts]


def prepare(action: str, *, result: Result, **details: Unpack[Details]) -> tuple[Entry, str]:
    """Return the entry that `record` would store, and its account.

    Raises InvalidEntry, and TypeError without an account.
    """
    account = details.pop("account", None) or context.current().account
    asserted_by = details.pop("asserted_by", None)
    if account is None:
        raise TypeError("an entry needs an account: pass it, or bind it to the context")
    received = now()
    checked = check(entry_of_call(action, result, details), received)
    entry = complete(checked, account=account, received=received, asserted_by=asserted_by)
    return entry, account


def new_entry(fields: Mapping[str, Any]) -> NewEntry:
    """Return the entry of fields under their Python names.

    Raises InvalidEntry naming the fields that do not fit the schema.
    """
    return typed(entry_of_fields(fields), redactor())


def _check(entry: NewEntry, index: int, received: datetime) -> Checked:
    try:
        return check(with_escapes(to_plain(entry)), received)
    except InvalidEntry as error:
        raise InvalidEntry(error.faults, index) from None


def _write_one(entry: Entry, account: str, mode: Mode) -> None:
    seconds = STRICT_SECONDS if mode == "strict" else None
    (receipt,) = write([entry], account, seconds=seconds)
    if receipt.status == "conflict":
        raise InvalidEntry([CONFLICT])
