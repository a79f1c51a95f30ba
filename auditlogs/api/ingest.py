"""Ingest: entries sent over HTTP are validated, stored, and acknowledged one by one.

Validation is all or nothing: if one entry of a request is invalid, none is stored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from auditlogs.accounts import keys
from auditlogs.api import problems, self_audit
from auditlogs.api.body import BadBody, Oversized, entries_of, read
from auditlogs.entry.schema import Entry
from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import now
from auditlogs.intake.validation import Checked, InvalidEntry, complete, too_large
from auditlogs.models import ApiKey
from auditlogs.recording.policy import check, redactor
from auditlogs.write import idempotency
from auditlogs.write.idempotency import KeyReused
from auditlogs.write.spool import spool
from auditlogs.write.store import CannotStore, Receipt, write

KEY_LENGTH = 255
# The most faults that one answer lists.
MAX_FAULTS = 1_000


class InvalidEntries(Exception):
    """Invalid entries, with every fault: the entry's index, and the fault's path, code, detail."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(errors)} faults")
        self.errors = errors


class ActorMismatch(Exception):
    """Entries whose actor is not the bot that the key belongs to; faults as in InvalidEntries."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(errors)} entries")
        self.errors = errors


def ingest(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Store the entries of a body; answer with the outcome for each, in order."""
    received = now()
    try:
        idempotency_key = _idempotency_key(request)
        body = read(request)
        if keys.appears_in(key, body):
            keys.mark_exposed(key)
            self_audit.key_exposed(request, key)
        checked = _validated(entries_of(body, request.content_type or ""), received)
        entries = _complete(_own(checked, key), key, idempotency_key, received)
        receipts = write(entries, key.account_id) if entries else []
    except BadBody as error:
        return problems.bad_body(error.slug, error.detail)
    except InvalidEntries as error:
        return problems.bad_entries(error.errors)
    except ActorMismatch as error:
        self_audit.actor_refused(request, key)
        return problems.actor_mismatch(error.errors)
    except KeyReused:
        return problems.key_reused()
    except CannotStore as error:
        return problems.unavailable("cannot-store", str(error))
    if conflicts := [receipt.id for receipt in receipts if receipt.status == "conflict"]:
        self_audit.id_conflict(request, key, conflicts)
    return _answer(receipts)


def _idempotency_key(request: HttpRequest) -> str | None:
    """Return the header's value, without the quotes that a structured field (RFC 9651) has. Raises
    BadBody."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return None
    is_quoted = len(header) > 1 and header[0] == header[-1] == '"'
    value = header[1:-1] if is_quoted else header
    if not 0 < len(value) <= KEY_LENGTH or not value.isascii() or not value.isprintable():
        detail = f"Idempotency-Key: expected 1 to {KEY_LENGTH} printable ASCII characters."
        raise BadBody("invalid-header", detail)
    # The key becomes part of the entries' writer ids, which are stored.
    if redactor().text(value) != value:
        raise BadBody("invalid-header", "Idempotency-Key: must not be, or hold, a secret.")
    return value


def _validated(entries: Iterable[Any], received: datetime) -> list[Checked]:
    """Validate all entries. Raises InvalidEntries with the faults of all of them."""
    checked: list[Checked] = []
    errors: list[dict[str, Any]] = []
    for index, plain in enumerate(entries):
        try:
            checked.append(_check(plain, received))
        except InvalidEntry as invalid:
            errors += [
                {"index": index, "path": f"/{index}{f.path}", "code": f.code, "detail": f.detail}
                for f in invalid.faults
            ]
        if len(errors) >= MAX_FAULTS:
            break
    if errors:
        raise InvalidEntries(errors[:MAX_FAULTS])
    return checked


def _check(plain: Any, received: datetime) -> Checked:
    if isinstance(plain, Oversized):
        raise InvalidEntry([too_large(f"is {plain.size:,} bytes of JSON")])
    return check(plain, received)


def _own(checked: list[Checked], key: ApiKey) -> list[Checked]:
    """Return the entries that a key may write; those of a bot's key get the bot's id. Raises
    ActorMismatch, StorageError."""
    if key.bot is None:
        return checked
    errors = _mismatches(checked, key.bot, key.agent)
    # The bot's agent may have acted for the first time after the key was created.
    if errors and keys.learn_agent(key):
        errors = _mismatches(checked, key.bot, key.agent)
    if errors:
        raise ActorMismatch(errors)
    return [
        replace(each, entry=msgspec.structs.replace(each.entry, bot_id=key.bot)) for each in checked
    ]


def _mismatches(checked: list[Checked], bot: str, agent: str | None) -> list[dict[str, Any]]:
    """Return a fault for each entry whose actor is neither the bot nor its agent."""
    actors = list(dict.fromkeys([bot, agent or bot]))
    expected = f"expected the actor agent {' or '.join(actors)}, and the botId {bot} or none"
    return [
        {"index": index, "path": f"/{index}/actor", "code": "actor-mismatch", "detail": expected}
        for index, each in enumerate(checked)
        if (each.entry.actor.type, each.entry.actor.id) not in {("agent", id) for id in actors}
        or each.entry.bot_id not in (None, bot)
    ]


def _complete(
    checked: Sequence[Checked], key: ApiKey, idempotency_key: str | None, received: datetime
) -> list[Entry]:
    """Return the entries with the fields that the log adds. Raises KeyReused, CannotStore."""
    new = [each.entry for each in checked]
    if idempotency_key is not None and new:
        # Each bot has keys of its own: it can neither use up another's nor learn which were used.
        if key.bot is not None:
            idempotency_key = f"{key.bot}{SEPARATOR}{idempotency_key}"
        first = idempotency.claim(spool(), key.account_id, idempotency_key, new, received)
        new = idempotency.with_ids(new, idempotency_key, first)
    return [
        complete(
            Checked(entry, each.redactions),
            account=key.account_id,
            received=received,
            asserted_by=key.public_id,
        )
        for entry, each in zip(new, checked, strict=True)
    ]


def _answer(receipts: Sequence[Receipt]) -> HttpResponse:
    statuses = {receipt.status for receipt in receipts}
    array = [
        {"index": index, "id": receipt.id, "status": receipt.status}
        for index, receipt in enumerate(receipts)
    ]
    if "conflict" in statuses:
        return problems.id_conflict(array)
    # One status for all entries: the weakest promise that holds for each of them.
    status = 202 if "spooled" in statuses else 201 if "created" in statuses else 200
    body = msgspec.json.encode(array)
    return HttpResponse(body, status=status, content_type="application/json")
