"""Ingest: entries that come over HTTP, validated all or none, stored, and answered one by one."""

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
# Faults of a whole body that are listed.
MAX_FAULTS = 1_000


class InvalidEntries(Exception):
    """Entries that cannot be stored, with every fault: its index, path, code and sentence."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(errors)} faults")
        self.errors = errors


class ActorMismatch(Exception):
    """Entries of others than the bot that a key belongs to, with every fault as above."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(errors)} entries")
        self.errors = errors


def ingest(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Store the entries of a body and answer with what became of each, in order."""
    received = now()
    try:
        idempotency_key = _idempotency_key(request)
        body = read(request)
        if keys.appears_in(key, body):
            keys.mark_exposed(key)
            self_audit.key_exposed(request, key)
        checked = _checked(entries_of(body, request.content_type or ""), received)
        entries = _complete(_own(checked, key), key, idempotency_key, received)
        receipts = write(entries, key.account_id) if entries else []
    except BadBody as error:
        return problems.bad_body(error.status, error.slug, error.detail)
    except InvalidEntries as error:
        return problems.bad_entries(error.errors)
    except ActorMismatch as error:
        self_audit.actor_refused(request, key)
        return problems.actor_mismatch(error.errors)
    except KeyReused:
        return problems.key_reused()
    except CannotStore as error:
        return problems.unavailable("cannot-store", str(error))
    if refused := [receipt.id for receipt in receipts if receipt.status == "conflict"]:
        self_audit.id_conflict(request, key, refused)
    return _answer(receipts)


def _idempotency_key(request: HttpRequest) -> str | None:
    """Return the key, with or without the quotes of a structured field. Raises BadBody."""
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not 0 < len(bare) <= KEY_LENGTH or not bare.isascii() or not bare.isprintable():
        detail = f"Idempotency-Key: expected 1 to {KEY_LENGTH} printable ASCII characters."
        raise BadBody(400, "invalid-header", detail)
    if redactor().text(bare) != bare:
        raise BadBody(400, "invalid-header", "Idempotency-Key: must not be, or hold, a secret.")
    return bare


def _checked(found: Iterable[Any], received: datetime) -> list[Checked]:
    """Check every entry. Raises InvalidEntries with the faults of all of them."""
    checked: list[Checked] = []
    errors: list[dict[str, Any]] = []
    for index, plain in enumerate(found):
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
    """Return the entries, of a key with a bot as that bot's. Raises ActorMismatch, StorageError."""
    if key.bot is None:
        return checked
    errors = _of_others(checked, key.bot, key.agent)
    # The log may have come to know the bot's agent after the key was made.
    if errors and keys.learn_agent(key):
        errors = _of_others(checked, key.bot, key.agent)
    if errors:
        raise ActorMismatch(errors)
    return [
        replace(each, entry=msgspec.structs.replace(each.entry, bot_id=key.bot)) for each in checked
    ]


def _of_others(checked: list[Checked], bot: str, agent: str | None) -> list[dict[str, Any]]:
    """Return a fault for each entry that is not of the bot, which may be named as its agent."""
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
    """Return the entries with all that the log adds. Raises KeyReused, CannotStore."""
    new = [each.entry for each in checked]
    if idempotency_key is not None and new:
        # No bot can use up another's keys, nor learn which were used.
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
    became = {receipt.status for receipt in receipts}
    array = [
        {"index": index, "id": receipt.id, "status": receipt.status}
        for index, receipt in enumerate(receipts)
    ]
    if "conflict" in became:
        return problems.id_conflict(array)
    # The weakest of what is promised for any entry is said of all.
    status = 202 if "spooled" in became else 201 if "created" in became else 200
    body = msgspec.json.encode(array)
    return HttpResponse(body, status=status, content_type="application/json")
