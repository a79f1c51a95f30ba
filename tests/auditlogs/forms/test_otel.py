import importlib
import json
import pkgutil
from typing import Any

import msgspec
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.semconv._incubating import attributes as conventions

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry
from auditlogs.forms.otel import to_otlp
from tests.auditlogs.forms.entries import FULL, LEAST, every_action


def parsed(*entries: Entry) -> list[Any]:
    """Return the log records as the protocol's own definition reads them."""
    body: dict[str, Any] = json.loads(numbers.encode(to_otlp(list(entries))))
    for scope in body["resourceLogs"][0]["scopeLogs"]:
        for record in scope["logRecords"]:
            if "traceId" in record:
                # OTLP writes ids in hexadecimal, where protobuf's JSON has base64.
                assert len(bytes.fromhex(record.pop("traceId"))) == 16
    request = json_format.ParseDict(body, ExportLogsServiceRequest())
    return list(request.resource_logs[0].scope_logs[0].log_records)


def attributes_of(record: Any) -> dict[str, Any]:
    return {
        item.key: getattr(item.value, item.value.WhichOneof("value")) for item in record.attributes
    }


def test_the_protocol_reads_every_action() -> None:
    entries = [*every_action(FULL), *every_action(LEAST)]
    records = parsed(*entries)
    assert [record.event_name for record in records] == [entry.action for entry in entries]


def test_attributes_are_those_of_the_semantic_conventions() -> None:
    modules = [
        importlib.import_module(f"{conventions.__name__}.{module.name}")
        for module in pkgutil.iter_modules(conventions.__path__)
    ]
    known = {
        value for module in modules for value in vars(module).values() if isinstance(value, str)
    }
    payload = {"tool": "quote", "prompt": "plan", "resource": "file:///a", "code": "denied"}
    for entry in every_action(msgspec.structs.replace(FULL, payload=payload)):
        names = set(attributes_of(parsed(entry)[0]))
        assert {name for name in names if not name.startswith("auditlogs.")} <= known


def test_a_tool_call_has_the_names_of_mcp_and_generative_ai() -> None:
    attributes = attributes_of(parsed(FULL)[0])
    assert attributes["mcp.method.name"] == "tools/call"
    assert attributes["gen_ai.tool.name"] == "place_order"
    assert attributes["gen_ai.operation.name"] == "execute_tool"
    assert attributes["error.type"] == "insufficient_scope"
    assert json.loads(attributes["gen_ai.tool.call.arguments"])["wei"] == 2**70


@pytest.mark.parametrize("name", ["decision", "onBehalfOf", "approval", "redactions", "payload"])
def test_what_has_no_attribute_is_kept(name: str) -> None:
    assert attributes_of(parsed(FULL)[0])[f"auditlogs.{name}"]


def test_times_are_nanoseconds() -> None:
    assert parsed(FULL)[0].time_unix_nano == 1_795_442_531_384_000_000
