"""Facts: what an entry can be filtered by, beside the fields that have an index of their own.

They are texts such as `tool=quote`, in one array with one index, which holds nothing for what an
entry does not have. Some are of its payload, which is stored as text and cannot be asked.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from auditlogs.entry.reasons import reason_of
from auditlogs.entry.schema import Entry, Program

# A longer value is no fact: no filter takes it either.
FACT_LENGTH = 256
# The facts of a payload, each with the keys that hold it.
OF_PAYLOAD = {
    "key": ("keyName", "keyId"),
    "tool": ("tool",),
    "code": ("code",),
    "requiredScope": ("requiredScope",),
    "provider": ("provider",),
    "orderId": ("orderId",),
}


def fact(name: str, value: str) -> str:
    """Return a fact as it is stored; no name has the sign that separates the two."""
    return f"{name}={value}"


def facts_of(entry: Entry) -> list[str]:
    """Return the facts of an entry, which has been redacted, each once. Numbers become text."""
    return list(dict.fromkeys([fact(name, value) for name, value in _found(entry)]))


def of_payload(entry: Entry, name: str) -> list[str]:
    """Return the values of a fact in the payload of an entry; `name` is one of OF_PAYLOAD."""
    payload = entry.payload or {}
    return [text for key in OF_PAYLOAD[name] if (text := _text(payload.get(key)))]


def client_of(program: Program) -> str:
    """Return an agent's program as one text, such as "2.4.1 trader-large-3": version and model."""
    return _text(" ".join(filter(None, (program.version, program.model))))


def _found(entry: Entry) -> Iterator[tuple[str, str]]:
    for name in OF_PAYLOAD:
        yield from ((name, text) for text in of_payload(entry, name))
    for principal in (entry.actor, *(entry.on_behalf_of or ())):
        yield "principal", principal.id
    if reason := reason_of(entry):
        yield "reason", reason
    if entry.decision:
        yield "decision", entry.decision.outcome
        if policy := _text(entry.decision.policy):
            yield "policy", policy
    if entry.agent and (client := client_of(entry.agent)):
        yield "client", client
    if entry.approval:
        yield "approval", entry.approval.id
    if entry.run_id:
        yield "runId", entry.run_id
    if entry.source_ip:
        yield "sourceIp", entry.source_ip


def _text(value: Any) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and len(value) <= FACT_LENGTH else ""
