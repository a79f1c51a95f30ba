"""The fields of an entry as a caller of `record` gives them, under their Python names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

import msgspec

from auditlogs.entry.actions import ActionType
from auditlogs.entry.schema import Actor, NewEntry, Result, Target
from auditlogs.intake import context
from auditlogs.intake.validation import Fault, InvalidEntry


class EntryFields(TypedDict, total=False):
    """What an entry may carry besides its action and whether it worked.

    `actor` and the IDs come from the context where they are not given. `duration` is in
    milliseconds.
    """

    actor: Actor | Mapping[str, Any] | None
    id: str | None
    timestamp: datetime | None
    action_type: ActionType | None
    target: Target | Mapping[str, Any] | None
    duration: float | None
    correlation_id: str | None
    request_id: str | None
    session_id: str | None
    source_ip: str | None
    bot_id: str | None
    payload: Mapping[str, Any] | None


def called(action: str, result: Result, fields: Mapping[str, Any]) -> Any:
    """Return the entry that a call of `record` means, with what its context says, as plain JSON
    under the names of the API. Raises InvalidEntry."""
    around = context.resolved()
    known = {
        "actor": around.actor,
        "correlation_id": around.correlation_id,
        "request_id": around.request_id,
        "session_id": around.session_id,
        "source_ip": around.source_ip,
    }
    said = {name: value for name, value in fields.items() if value is not None}
    return plain({**known, **said, "action": action, "result": result})


def plain(fields: Mapping[str, Any]) -> Any:
    """Return fields as plain JSON under the names of the API. Raises InvalidEntry."""
    names = {known.name: known.encode_name for known in msgspec.structs.fields(NewEntry)}
    if unknown := fields.keys() - names.keys():
        fault = Fault(f"/{min(unknown)}", "unknown-field", "is not a field of an entry")
        raise InvalidEntry([fault])
    return builtins({names[name]: value for name, value in fields.items() if value is not None})


def builtins(value: Any) -> Any:
    """Return a value as plain JSON; only instants stay what they are. Raises InvalidEntry."""
    try:
        return msgspec.to_builtins(
            value, builtin_types=(datetime,), str_keys=True, enc_hook=_simple
        )
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        fault = Fault("", "invalid-value", "cannot be written as JSON")
        raise InvalidEntry([fault]) from error


def _simple(value: Any) -> Any:
    """Return what a value is that is a text or a number and something more, as a template's safe
    text or a float of NumPy are."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
