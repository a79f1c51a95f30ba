import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auditlogs.entry import numbers
from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import parse_rfc3339
from auditlogs.forms import ecs
from auditlogs.forms.ecs import to_ecs
from tests.auditlogs.forms.entries import FULL, LEAST, every_action, leaves

PUBLISHED: dict[str, Any] = json.loads(
    (Path(__file__).parent / f"ecs-{ecs.VERSION}.json").read_bytes()
)["fields"]
CHECKS: dict[str, Any] = {
    "date": parse_rfc3339,
    "ip": ipaddress.ip_address,
    "long": lambda value: int(value).to_bytes(8, "big", signed=True),
    "keyword": str.encode,
    "match_only_text": str.encode,
}


def flat(document: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def document_of(entry: Entry) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(numbers.encode(to_ecs(entry)))
    return document


def check(document: dict[str, Any]) -> None:
    for name, value in flat({key: document[key] for key in document if key != "auditlogs"}):
        field = PUBLISHED[name]
        assert isinstance(value, list) == field.get("array", False), name
        for item in value if isinstance(value, list) else [value]:
            CHECKS[field["type"]](item)
            assert item in field.get("values", [item]), name
    event = document["event"]
    expected = PUBLISHED["event.category"]["values"]
    for category in event["category"]:
        assert set(event["type"]) <= set(expected[category]), event


@pytest.mark.parametrize("base", [FULL, LEAST], ids=["full", "least"])
def test_every_action_in_each_result_is_valid_by_the_published_fields(base: Entry) -> None:
    for entry in every_action(base):
        check(document_of(entry))


def test_the_check_refuses_a_field_and_a_type_that_ecs_does_not_have() -> None:
    document = document_of(FULL)
    with pytest.raises(KeyError):
        check({**document, "colour": "red"})
    with pytest.raises(AssertionError):
        check({**document, "event": {**document["event"], "type": ["connection"]}})


def test_every_known_action_has_its_category() -> None:
    assert KNOWN_ACTIONS.keys() ^ ecs.EVENTS.keys() == set()


@pytest.mark.parametrize("base", [FULL, LEAST], ids=["full", "least"])
def test_no_value_is_lost(base: Entry) -> None:
    # Said otherwise: milliseconds as nanoseconds, the UUID as a trace ID, "user" by its field.
    translated = {str(base.duration), str(base.correlation_id), "user"}
    for entry in every_action(base):
        values = leaves(msgspec.to_builtins(entry))
        assert values - translated <= leaves(to_ecs(entry))


def test_a_partial_result_is_unknown_and_kept() -> None:
    document = document_of(msgspec.structs.replace(FULL, result="partial"))
    assert document["event"]["outcome"] == "unknown"
    assert document["auditlogs"]["result"] == "partial"


def test_a_correlation_id_that_is_a_uuid_is_the_trace() -> None:
    assert document_of(FULL)["trace"]["id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    document = document_of(msgspec.structs.replace(FULL, correlation_id="order 7"))
    assert document["auditlogs"]["correlationId"] == "order 7"
    assert "trace" not in document


@pytest.mark.parametrize("source", ["gateway 4", "fe80::1%eth0", "::ffff:1.2.3.4"])
def test_a_source_that_is_no_address_has_no_ip(source: str) -> None:
    document = document_of(msgspec.structs.replace(FULL, source_ip=source))
    check(document)
    assert document["source"]["address"] == source


def test_a_duration_is_in_nanoseconds() -> None:
    assert document_of(FULL)["event"]["duration"] == 812_500_000
    document = document_of(msgspec.structs.replace(FULL, duration=0.1234567891))
    assert document["event"]["duration"] == 123_456
    assert document["auditlogs"]["duration"] == 0.1234567891
