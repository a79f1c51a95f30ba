import json

import msgspec
from cloudevents.core.formats.json import JSONFormat

from auditlogs.entry import numbers
from auditlogs.entry.schema import Target, to_json
from auditlogs.forms.cloudevents import to_cloudevents
from tests.auditlogs.forms.entries import FULL, LEAST, every_action

SOURCE = "https://hub.example/api/audit-logs"


def test_the_sdk_reads_every_action() -> None:
    for entry in [*every_action(FULL), *every_action(LEAST)]:
        event = JSONFormat().read(None, numbers.encode(to_cloudevents(entry, SOURCE)))
        assert (event.get_id(), event.get_type()) == (entry.id, entry.action)
        assert event.get_source() == SOURCE
        assert event.get_specversion() == "1.0"


def test_the_data_is_the_entry_as_the_api_has_it() -> None:
    event = json.loads(numbers.encode(to_cloudevents(FULL, SOURCE)))
    assert event["data"] == json.loads(to_json(FULL))


def test_the_subject_is_the_target() -> None:
    target = Target(type="order", id="a/b ä")
    event = to_cloudevents(msgspec.structs.replace(FULL, target=target), SOURCE)
    assert event["subject"] == "order/a%2Fb%20%C3%A4"
    assert "subject" not in to_cloudevents(LEAST, SOURCE)
