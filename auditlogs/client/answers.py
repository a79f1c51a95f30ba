"""Answers: what the API says became of the entries of a body."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import msgspec
from msgspec import Struct

STORED = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}
# A proxy may bear less than the log does and say 413, or 400 where the log would say 422.
REFUSED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
SETTLED = {"created", "duplicate", "spooled", "conflict"}
DETAIL_LENGTH = 300

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of some entries, by their places: why which were refused, and which have to be
    sent once more, in which parts. All others are stored."""

    refused: Mapping[int, str]
    unsent: Sequence[Sequence[int]] = ()


class Outcome(Struct):
    """What became of the entry at this place."""

    index: int
    status: str


class Fault(Struct):
    """What is wrong with the entry at this place."""

    index: int
    path: str = ""
    detail: str = ""


class Problem(Struct):
    """Of a problem document, what it says of the entries."""

    detail: str = ""
    errors: list[Fault] = []
    entries: list[Outcome] = []


def verdict(status: int, text: bytes, count: int) -> Verdict | None:
    """Return what an answer to a body of so many entries says of them; None if it says nothing, and
    nobody knows whether they are stored."""
    if status in STORED and _settles(_decoded(text, list[Outcome], []), count):
        return Verdict({})
    problem = _decoded(text, Problem, Problem())
    if status == HTTPStatus.CONFLICT and _settles(problem.entries, count):
        conflicts = [each.index for each in problem.entries if each.status == "conflict"]
        return Verdict(dict.fromkeys(conflicts, "its id is stored with other content"))
    # Of a key that lacks a scope nothing is said of the entries, and it may get it.
    is_refused = status in REFUSED or (status == HTTPStatus.FORBIDDEN and problem.errors)
    return _refusal(problem, count) if is_refused else None


def detail(text: bytes) -> str:
    """Return the sentence of a problem document, or nothing for any other text."""
    return _decoded(text, Problem, Problem()).detail[:DETAIL_LENGTH]


def _refusal(problem: Problem, count: int) -> Verdict:
    """Return which entries are refused and why; of the others nothing is stored yet."""
    refused: dict[int, str] = {}
    for fault in problem.errors:
        if 0 <= fault.index < count:
            place = fault.path.removeprefix(f"/{fault.index}") or "entry"
            refused.setdefault(fault.index, f"{place} {fault.detail}"[:DETAIL_LENGTH])
    if refused:
        rest = [index for index in range(count) if index not in refused]
        return Verdict(refused, [rest] if rest else [])
    if count == 1:
        return Verdict({0: problem.detail[:DETAIL_LENGTH]})
    # It is not said which; the halves will tell.
    return Verdict({}, [range(count // 2), range(count // 2, count)])


def _settles(outcomes: Sequence[Outcome], count: int) -> bool:
    """Tell whether it is said of each of so many entries that the log has it."""
    return {each.index for each in outcomes if each.status in SETTLED} == set(range(count))


def _decoded(text: bytes, kind: type[T], otherwise: T) -> T:
    """Return what an answer says, or something else where it is none of the log's answers."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return otherwise
