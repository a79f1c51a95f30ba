"""Ingest: entries that come over HTTP, validated all or none, stored, and answered one by one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from auditlogs import happenings, idempotency, problems
from auditlogs.body import BadBody, Oversized, entries_of
from auditlogs.idempotency import KeyReused
from auditlogs.models import ApiKey
from auditlogs.rules import check, redactor
from auditlogs.schema import Entry
from auditlogs.spool import spool
from auditlogs.times import now
from auditlogs.validation import Checked, InvalidEntry, complete, too_large
from auditlogs.writing import CannotStore, Receipt, write

KEY_LENGTH = 255
# Faults of a whole body that are listed.
MAX_FAULTS = 1_000


class BadEntries(Exception):
    """Entries that cannot be stored, with every fault: its index, path, code and sentence."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(errors)} faults")
        self.errors = errors


def ingest(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Store the entries of a body and answer with what became of each, in order."""
    received = now()
    try:
        idempotency_key = _idempotency_key(request)
        checked = _checked(entries_of(request), received)
        entries = _complete(checked, key, idempotency_key, received)
        receipts = write(entries, key.account_id) if entries else []
    except BadBody as error:
        return problems.bad_body(error.status, error.slug, error.detail)
    except BadEntries as error:
        return problems.bad_entries(error.errors)
    except KeyReused:
        return problems.key_reused()
    except CannotStore as error:
        return problems.unavailable("cannot-store", str(error))
    if refused := [receipt.id for receipt in receipts if receipt.status == "conflict"]:
        happenings.id_conflict(request, key, refused)
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
    """Check every entry. Raises BadEntries with the faults of all of them."""
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
        raise BadEntries(errors[:MAX_FAULTS])
    return checked


def _check(plain: Any, received: datetime) -> Checked:
    if isinstance(plain, Oversized):
        raise InvalidEntry([too_large(f"is {plain.size:,} bytes of JSON")])
    return check(plain, received)


def _complete(
    checked: Sequence[Checked], key: ApiKey, idempotency_key: str | None, received: datetime
) -> list[Entry]:
    """Return the entries with all that the log adds. Raises KeyReused, CannotStore."""
    new = [each.entry for each in checked]
    if idempotency_key is not None and new:
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
