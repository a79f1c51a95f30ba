"""Ingest: entries sent over HTTP are validated, stored, and acknowledged one by one.

Validation is all or nothing: if one entry of a request is invalid, none is stored, unless the
request asks for what can be stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from auditlogs import metrics
from auditlogs.accounts import keys
from auditlogs.api import problems, self_audit
from auditlogs.api.body import BadBody, Oversized, entries_of, read
from auditlogs.entry.schema import Entry
from auditlogs.entry.text import SEPARATOR
from auditlogs.entry.times import now
from auditlogs.intake.validation import Checked, InvalidEntry, too_large
from auditlogs.models import ApiKey
from auditlogs.recording.policy import check, complete, redactor
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


class ActorMismatch(InvalidEntries):
    """Entries whose actor is not the bot that the key belongs to."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A valid entry, and its index in the request."""

    index: int
    checked: Checked


def ingest(request: HttpRequest, key: ApiKey, *, all_or_nothing: bool) -> HttpResponse:
    """Store the entries of a body; answer with the outcome for each, in order.

    If not `all_or_nothing`, the valid ones are stored and the faults of the others listed.
    """
    received = now()
    try:
        idempotency_key = _idempotency_key(request)
        body = read(request)
        if keys.appears_in(key, body):
            keys.mark_exposed(key)
            self_audit.key_exposed(request, key)
        found = entries_of(body, request.content_type or "")
        valid, errors = _validated(found, received, all_or_nothing=all_or_nothing)
        own, mismatches = _own(valid, key, all_or_nothing=all_or_nothing)
        entries = _complete([each.checked for each in own], key, idempotency_key, received)
        receipts = write(entries, key.account_id) if entries else []
    except BadBody as error:
        return problems.bad_body(error.slug, error.detail)
    except ActorMismatch as error:
        self_audit.actor_refused(request, key)
        _count_refused(error.errors)
        return problems.actor_mismatch(error.errors)
    except InvalidEntries as error:
        _count_refused(error.errors)
        return problems.bad_entries(error.errors)
    except KeyReused:
        return problems.key_reused()
    except CannotStore as error:
        return problems.unavailable("cannot-store", str(error))
    _count_refused([*errors, *mismatches])
    if mismatches:
        self_audit.actor_refused(request, key)
    if conflicts := [receipt.id for receipt in receipts if receipt.status == "conflict"]:
        self_audit.id_conflict(request, key, conflicts)
    if all_or_nothing:
        return _answer(receipts)
    return _partial_answer([each.index for each in own], receipts, [*errors, *mismatches])


def _count_refused(errors: Sequence[Mapping[str, Any]]) -> None:
    """Count entries by the code of the first fault of each."""
    first = {error["index"]: error["code"] for error in reversed(errors)}
    for code in first.values():
        metrics.REFUSED.labels(code).inc()


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


def _validated(
    entries: Iterable[Any], received: datetime, *, all_or_nothing: bool
) -> tuple[list[Indexed], list[dict[str, Any]]]:
    """Validate all entries; return the valid ones, and the faults of the others.

    If `all_or_nothing`, raises BadBody or InvalidEntries with the faults of all of them.
    """
    valid: list[Indexed] = []
    errors: list[dict[str, Any]] = []
    for index, plain in enumerate(entries):
        try:
            valid.append(Indexed(index, _check(plain, received)))
        except BadBody as malformed:
            if all_or_nothing:
                raise
            errors.append(_error(index, malformed.slug, malformed.detail))
        except InvalidEntry as invalid:
            # Of every entry one fault at least, however many the others have.
            room = max(1, MAX_FAULTS - len(errors))
            errors += [_error(index, f.code, f.detail, f.path) for f in invalid.faults[:room]]
        if all_or_nothing and len(errors) >= MAX_FAULTS:
            break
    if errors and all_or_nothing:
        raise InvalidEntries(errors)
    return valid, errors


def _check(plain: Any, received: datetime) -> Checked:
    if isinstance(plain, BadBody):
        raise plain
    if isinstance(plain, Oversized):
        raise InvalidEntry([too_large(f"is {plain.size:,} bytes of JSON")])
    return check(plain, received)


def _error(index: int, code: str, detail: str, path: str = "") -> dict[str, Any]:
    return {"index": index, "path": f"/{index}{path}", "code": code, "detail": detail}


def _own(
    valid: list[Indexed], key: ApiKey, *, all_or_nothing: bool
) -> tuple[list[Indexed], list[dict[str, Any]]]:
    """Return the entries that a key may write, and a fault for each of the others.

    Those of a bot's key get the bot's id, and `key` as their authentication: it was this key that
    identified the actor. Raises StorageError, and ActorMismatch if `all_or_nothing`.
    """
    if key.bot is None:
        return valid, []
    errors = _mismatches(valid, key.bot, key.agent)
    # The bot's agent may have acted for the first time after the key was created.
    if errors and keys.learn_agent(key):
        errors = _mismatches(valid, key.bot, key.agent)
    if errors and all_or_nothing:
        raise ActorMismatch(errors)
    refused = {error["index"] for error in errors}
    own = [
        Indexed(
            each.index,
            replace(
                each.checked,
                entry=msgspec.structs.replace(
                    each.checked.entry, bot_id=key.bot, authentication="key"
                ),
            ),
        )
        for each in valid
        if each.index not in refused
    ]
    return own, errors


def _mismatches(valid: list[Indexed], bot: str, agent: str | None) -> list[dict[str, Any]]:
    """Return a fault for each entry whose actor is neither the bot nor its agent."""
    actors = list(dict.fromkeys([bot, agent or bot]))
    expected = f"expected the actor agent {' or '.join(actors)}, and the botId {bot} or none"
    return [
        _error(each.index, "actor-mismatch", expected, "/actor")
        for each in valid
        if (each.checked.entry.actor.type, each.checked.entry.actor.id)
        not in {("agent", id) for id in actors}
        or each.checked.entry.bot_id not in (None, bot)
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
    entries = [
        complete(
            Checked(entry, each.redactions),
            account=key.account_id,
            received=received,
            asserted_by=key.public_id,
        )
        for entry, each in zip(new, checked, strict=True)
    ]
    # An id made of the idempotency key is not the writer's own.
    return [
        msgspec.structs.replace(entry, writer_id=each.entry.id)
        for entry, each in zip(entries, checked, strict=True)
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


def _partial_answer(
    indexes: Sequence[int], receipts: Sequence[Receipt], errors: list[dict[str, Any]]
) -> HttpResponse:
    """Answer with what was stored and what was not; 422 if that is nothing at all."""
    outcomes = list(zip(indexes, receipts, strict=True))
    stored = [
        {"index": index, "id": receipt.id, "status": receipt.status}
        for index, receipt in outcomes
        if receipt.status != "conflict"
    ]
    conflicts = [
        _error(index, "id-conflict", "another entry with this id exists", "/id")
        for index, receipt in outcomes
        if receipt.status == "conflict"
    ]
    refused = sorted([*errors, *conflicts], key=lambda error: error["index"])
    if refused and not stored:
        return problems.nothing_stored(refused)
    body = msgspec.json.encode({"stored": stored, "refused": refused})
    return HttpResponse(body, content_type="application/json")
