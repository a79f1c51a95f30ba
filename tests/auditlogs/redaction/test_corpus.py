"""The corpus: how many of its secrets are missed, and how many of its look-alikes are changed."""

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from auditlogs.redaction import Redactor
from tests.auditlogs.redaction import corpus
from tests.auditlogs.redaction.corpus import Case
from tests.auditlogs.redaction.made import filled

REDACTOR = Redactor()
EVENTS = json.loads((Path(__file__).parent / "events.json").read_text())


def left(cases: Iterable[Case]) -> tuple[int, list[str]]:
    """Return the number of cases, and the kind of each case with a secret left."""
    number, kinds = 0, []
    for case in cases:
        number += 1
        clean, redactions = REDACTOR.entry({"payload": _as_object(case.payload)})
        written = json.dumps(clean, ensure_ascii=False)
        is_left = any(_written(secret) in written for secret in case.secrets)
        if is_left or not redactions or "redactor-failed" in written:
            kinds.append(case.kind)
    return number, kinds


def changed(cases: Iterable[Case]) -> tuple[int, list[str]]:
    """Return the number of cases, and the kind of each case that redaction changes."""
    number, kinds = 0, []
    for case in cases:
        number += 1
        entry = {"payload": _as_object(case.payload)}
        if REDACTOR.entry(entry) != (entry, []):
            kinds.append(case.kind)
    return number, kinds


def _as_object(payload: Any) -> dict[str, Any]:
    return payload if isinstance(payload, dict) else {"item": payload}


def _written(secret: str) -> str:
    return json.dumps(secret, ensure_ascii=False)[1:-1]


def events(seed: int = 4) -> list[Case]:
    """Return events and texts with secrets, as vendors document them."""
    random = Random(seed)
    cases = []
    for event in EVENTS["secrets"]:
        written, slots = filled(json.dumps(event["payload"], ensure_ascii=False), random)
        secrets = tuple(_replaced(secret, slots) for secret in event["secrets"])
        cases.append(Case(written[:100], json.loads(written), secrets))
    return cases


def _replaced(secret: str, slots: dict[str, str]) -> str:
    for slot, made in slots.items():
        secret = secret.replace(slot, made)
    return secret


def harmless_events(seed: int = 5) -> list[Case]:
    """Return events and texts without a secret, as vendors document them."""
    random = Random(seed)
    payloads = [
        json.loads(filled(json.dumps(each, ensure_ascii=False), random)[0])
        for each in EVENTS["lookalikes"]
    ]
    return [Case(json.dumps(payload)[:100], payload) for payload in payloads]


def test_hardly_a_secret_of_the_corpus_is_left() -> None:
    number, kinds = left(corpus.secrets())
    print(f"\n{len(kinds)} of {number} secrets left: {kinds}")  # noqa: T201
    assert number >= 700
    assert len(kinds) <= 0.03 * number
    assert kinds == []


def test_a_secret_is_found_in_any_notation() -> None:
    number, kinds = left(corpus.in_notations())
    print(f"\n{len(kinds)} of {number} secrets in other notations left: {kinds}")  # noqa: T201
    assert len(corpus.NOTATIONS) >= 40
    assert len(kinds) <= 0.003 * number, kinds


def test_hardly_a_lookalike_of_the_corpus_is_changed() -> None:
    number, kinds = changed(corpus.lookalikes())
    print(f"\n{len(kinds)} of {number} look-alikes changed: {kinds}")  # noqa: T201
    assert number >= 1_000
    assert len(kinds) <= 0.003 * number, kinds


def test_no_secret_is_left_of_events_that_vendors_document() -> None:
    number, kinds = left(events())
    assert number >= 380
    assert kinds == []


def test_events_without_a_secret_stay_as_they_are() -> None:
    number, kinds = changed(harmless_events())
    assert number >= 380
    assert kinds == []
