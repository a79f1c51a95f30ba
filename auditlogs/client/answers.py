"""Responses of the API: which entries were stored or refused, and which to send again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import msgspec
from msgspec import Struct

STORED = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}
# A proxy may have lower limits than the log: 413, or 400 where the log would answer 422.
REFUSED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
SETTLED = {"created", "duplicate", "spooled", "conflict"}
DETAIL_LENGTH = 300
# What decoding an answer may raise.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a batch, by the entries' indexes: why some were refused, and which are to be
    sent again, in which parts. All others are stored."""

    refused: Mapping[int, str]
    unsent: Sequence[Sequence[int]] = ()


class Receipt(Struct):
    """The outcome of the entry at an index."""

    index: int
    status: str


class Fault(Struct):
    """A fault of the entry at an index."""

    index: int
    path: str = ""
    detail: str = ""


class Parts(Struct):
    """The answer to a batch of which what could be stored is."""

    stored: list[Receipt]
    refused: list[Fault]


class Problem(Struct):
    """The members of a problem document that tell about entries."""

    detail: str = ""
    type: str = ""
    errors: list[Fault] = []
    entries: list[Receipt] = []


def verdict(status: int, text: bytes, count: int) -> Verdict | None:
    """Return the outcome of a batch of `count` entries, or None where the response does not tell
    whether they are stored."""
    parts = _decoded(text, Parts, Parts(_decoded(text, list[Receipt], []), []))
    if status in STORED and _settles(parts, count):
        return Verdict(_reasons(parts.refused, count))
    problem = _decoded(text, Problem, Problem())
    if status == HTTPStatus.CONFLICT and _settles(Parts(problem.entries, []), count):
        conflicts = [each.index for each in problem.entries if each.status == "conflict"]
        return Verdict(dict.fromkeys(conflicts, "another entry with this id exists"))
    # A 403 without errors means a missing scope, which the key may still be given.
    is_refused = status in REFUSED or (status == HTTPStatus.FORBIDDEN and problem.errors)
    return _refusal(problem, count, status) if is_refused else None


def is_unknown_parameter(status: int, text: bytes) -> bool:
    """Return whether a server did not know a parameter of the request, as an older one does."""
    kind = _decoded(text, Problem, Problem()).type
    return status == HTTPStatus.BAD_REQUEST and kind.endswith(":unknown-parameter")


def detail(text: bytes) -> str:
    """Return the `detail` of a problem document, or an empty text."""
    return _decoded(text, Problem, Problem()).detail[:DETAIL_LENGTH]


def _refusal(problem: Problem, count: int, status: int) -> Verdict:
    """Return the refused entries; the others are not stored yet and are sent again."""
    if refused := _reasons(problem.errors, count):
        rest = [index for index in range(count) if index not in refused]
        return Verdict(refused, [rest] if rest else [])
    if count == 1:
        return Verdict({0: problem.detail[:DETAIL_LENGTH] or f"status {status}, without a reason"})
    # The response does not name the entries: halving the batch finds them.
    return Verdict({}, [range(count // 2), range(count // 2, count)])


def _reasons(faults: Sequence[Fault], count: int) -> dict[int, str]:
    """Return the first fault of each refused entry, by its index."""
    reasons: dict[int, str] = {}
    for fault in faults:
        if 0 <= fault.index < count:
            place = fault.path.removeprefix(f"/{fault.index}") or "entry"
            reasons.setdefault(fault.index, f"{place} {fault.detail}"[:DETAIL_LENGTH])
    return reasons


def _settles(parts: Parts, count: int) -> bool:
    """Return whether every one of `count` entries is confirmed or refused."""
    stored = {each.index for each in parts.stored if each.status in SETTLED}
    return stored | {each.index for each in parts.refused} == set(range(count))


def _decoded(text: bytes, kind: type[T], default: T) -> T:
    """Return a decoded response, or the default where it is not the log's: a proxy may answer."""
    try:
        return msgspec.json.decode(text, type=kind)
    except UNREADABLE:
        return default
