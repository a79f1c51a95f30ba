import functools
import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from auditlogs.entry import numbers
from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.schema import Decision, Entry, Outcome
from auditlogs.forms import ocsf
from auditlogs.forms.ocsf import to_ocsf
from tests.auditlogs.forms.entries import FULL, LEAST, every_action, leaves

# What a form says in another way: times in milliseconds, a result by its number and caption.
TRANSLATED = {FULL.timestamp, FULL.recorded_at, "success", "failure", "user", "system"}


@functools.cache
def schema() -> dict[str, Any]:
    return dict(get_ocsf_schema(version=ocsf.VERSION))


@functools.cache
def published() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(schema())


@functools.cache
def validator(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    name = published().lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(published().get_class_schema(name, list(profiles)))


def event_of(entry: Entry) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(numbers.encode(to_ocsf(entry)))
    return event


def check(event: dict[str, Any]) -> None:
    profiles = tuple(event["metadata"].get("profiles", ()))
    errors = list(validator(event["class_uid"], profiles).iter_errors(event))
    assert not errors, f"{event['metadata']['event_code']}: {errors[0].message}"


@pytest.mark.parametrize("base", [FULL, LEAST], ids=["full", "least"])
def test_every_action_in_each_result_is_valid_by_the_published_schema(base: Entry) -> None:
    for entry in every_action(base):
        check(event_of(entry))


def test_the_validator_refuses_an_attribute_that_ocsf_does_not_have() -> None:
    with pytest.raises(AssertionError, match="colour"):
        check({**event_of(FULL), "colour": "red"})


def test_captions_are_those_of_the_published_schema() -> None:
    classes = schema()["classes"]
    for entry in every_action(FULL):
        event = event_of(entry)
        published_class = classes[published().lookup_class_name_from_uid(event["class_uid"])]
        attributes = published_class["attributes"]
        assert event["class_name"] == published_class["caption"]
        for number, caption in (
            ("activity_id", "activity_name"),
            ("action_id", "action"),
            ("disposition_id", "disposition"),
            ("severity_id", "severity"),
            ("category_uid", "category_name"),
            ("type_uid", "type_name"),
        ):
            if event[number] != ocsf.OTHER:
                assert event[caption] == attributes[number]["enum"][str(event[number])]["caption"]


def test_every_known_action_has_its_class() -> None:
    assert KNOWN_ACTIONS.keys() ^ ocsf.EVENTS.keys() == set()


@pytest.mark.parametrize("base", [FULL, LEAST], ids=["full", "least"])
def test_no_value_is_lost(base: Entry) -> None:
    for entry in every_action(base):
        values = leaves(msgspec.to_builtins(entry, builtin_types=(type(None),)))
        assert values - TRANSLATED <= leaves(to_ocsf(entry)) | {"False", "True"}


@pytest.mark.parametrize(
    ("outcome", "number"), [("allowed", 1), ("denied", 2), ("modified", 4), ("deferred", 99)]
)
def test_a_decision_is_the_action_of_a_security_control(outcome: Outcome, number: int) -> None:
    event = event_of(msgspec.structs.replace(FULL, decision=Decision(outcome=outcome)))
    assert event["action_id"] == number
    check(event)


def test_a_call_without_the_scope_is_denied_without_a_decision_too() -> None:
    event = event_of(msgspec.structs.replace(FULL, decision=None))
    assert (event["class_uid"], event["action_id"], event["severity"]) == (6003, 2, "Medium")


@pytest.mark.parametrize("source", ["gateway 4", "fe80::1%eth0", "203.0.113.999", "::ffff:1.2.3.4"])
def test_a_source_that_is_no_plain_address_is_kept(source: str) -> None:
    event = event_of(msgspec.structs.replace(FULL, source_ip=source))
    check(event)
    assert source in leaves(event)


@pytest.mark.parametrize("duration", [0.0, 812.5, 1e300])
def test_a_duration_that_is_not_whole_or_too_long_is_kept(duration: float) -> None:
    event = event_of(msgspec.structs.replace(FULL, duration=duration))
    check(event)
    kept = event["unmapped"].get("duration", event.get("duration"))
    assert kept == duration
