"""Entries as OpenTelemetry log records, in OTLP's JSON encoding.

Attributes are those of the semantic conventions: `gen_ai.*` and `mcp.*` are still in development
there. What has no attribute is a JSON text in `auditlogs.<name in the API>`.
"""

from decimal import Decimal
from typing import Any

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry, Result
from auditlogs.entry.times import parse_rfc3339, to_ms
from auditlogs.forms.fields import MAX_INTEGER, Fields, JsonObject

# https://opentelemetry.io/docs/specs/otel/logs/data-model/#severity-fields
SEVERITIES: dict[Result, tuple[int, str]] = {
    "success": (9, "INFO"),
    "partial": (13, "WARN"),
    "failure": (13, "WARN"),
}
# The protocol's method of each action that is one.
METHODS = {
    "mcp.tool.call": "tools/call",
    "mcp.resource.read": "resources/read",
    "mcp.prompt.get": "prompts/get",
    "mcp.elicitation.requested": "elicitation/create",
}
NANOSECONDS = 1_000_000


def to_otel(entry: Entry) -> JsonObject:
    """Return an entry as a LogRecord. 64-bit integers are texts there, as OTLP's JSON has them."""
    fields = Fields(entry)
    number, text = SEVERITIES[entry.result]
    record = {
        "timeUnixNano": _nanoseconds(fields.take("timestamp")),
        "observedTimeUnixNano": _nanoseconds(fields.take("recordedAt")),
        "severityNumber": number,
        "severityText": text,
        "eventName": fields.take("action"),
    }
    if (summary := fields.take("summary")) is not None:
        record["body"] = {"stringValue": summary}
    if trace := fields.trace_id():
        fields.take("correlationId")
        record["traceId"] = trace
    attributes = _attributes(fields, entry)
    record["attributes"] = [
        {"key": name, "value": _value(value)}
        for name, value in attributes.items()
        if value is not None
    ]
    return record


def to_otlp(entries: list[Entry]) -> JsonObject:
    """Return entries as an ExportLogsServiceRequest, what `POST /v1/logs` of a collector takes."""
    scope = {"scope": {"name": "auditlogs"}, "logRecords": [to_otel(entry) for entry in entries]}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "auditlogs"}}]}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}


def _attributes(fields: Fields, entry: Entry) -> dict[str, Any]:
    is_agent = entry.actor.type == "agent"
    arguments = fields.take("payload.arguments") if entry.action_type == "mcp" else None
    known = {
        "log.record.uid": fields.take("id"),
        "user.id": fields.take("actor.id"),
        "user.name": fields.take("actor.name"),
        "session.id": fields.take("sessionId"),
        "client.address": fields.take("sourceIp"),
        "gen_ai.agent.id": fields.take("botId"),
        "gen_ai.agent.name": entry.actor.name if is_agent else None,
        "gen_ai.agent.version": fields.take("agent.version"),
        "gen_ai.request.model": fields.take("agent.model"),
        "gen_ai.operation.name": "execute_tool" if entry.action == "mcp.tool.call" else None,
        "gen_ai.tool.name": fields.take_text("payload.tool"),
        "gen_ai.tool.call.arguments": None if arguments is None else _json(arguments),
        "gen_ai.prompt.name": fields.take_text("payload.prompt"),
        "mcp.method.name": METHODS.get(entry.action),
        "mcp.resource.uri": fields.take_text("payload.resource"),
        "error.type": fields.take_text("payload.code"),
    }
    return known | {f"auditlogs.{name}": value for name, value in fields.rest().items()}


def _value(value: Any) -> JsonObject:
    """Return an AnyValue: a text, a number where its type holds it exactly, else JSON."""
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, int) and abs(value) <= MAX_INTEGER:
        return {"intValue": str(value)}
    return {"stringValue": _json(value)}


def _json(value: dict[str, Any] | list[Any] | int | Decimal) -> str:
    return numbers.encode(value).decode()


def _nanoseconds(timestamp: str) -> str:
    return str(to_ms(parse_rfc3339(timestamp)) * NANOSECONDS)
