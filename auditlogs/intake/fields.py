"""The arguments of `record`: an entry's fields under their Python names."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

import msgspec

from auditlogs.entry.actions import ActionType
from auditlogs.entry.schema import (
    Actor,
    Approval,
    Authentication,
    Decision,
    NewEntry,
    Program,
    Result,
    Target,
)
from auditlogs.intake import context
from auditlogs.intake.validation import Fault, InvalidEntry, with_escapes

# Python name -> name in JSON.
_NAMES = {field.name: field.encode_name for field in msgspec.structs.fields(NewEntry)}
_FROM_CONTEXT = [
    field.name for field in dataclasses.fields(context.Context) if field.name in _NAMES
]


# What the context says of its actor, and of no other.
_OF_ACTOR = frozenset(("on_behalf_of", "agent", "authentication"))


class EntryFields(TypedDict, total=False):
    """The fields of `NewEntry` besides `action` and `result`, for type checkers.

    `actor` and the IDs default to those of the context, and where the actor does, so do the chain
    of principals, the program and the authentication. `duration` is in milliseconds.
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
    decision: Decision | Mapping[str, Any] | None
    on_behalf_of: Sequence[Actor | Mapping[str, Any]] | None
    on_behalf_of_dropped: int | None
    agent: Program | Mapping[str, Any] | None
    run_id: str | None
    authentication: Authentication | None
    approval: Approval | Mapping[str, Any] | None


def entry_of_call(action: str, result: Result, fields: Mapping[str, Any]) -> Any:
    """Return the entry of a call of `record`, with the defaults of its context, as plain JSON.

    Raises InvalidEntry.
    """
    defaults = context.resolved()
    given = {name: value for name, value in fields.items() if value is not None}
    inherited = {
        name: getattr(defaults, name)
        for name in _FROM_CONTEXT
        if name not in _OF_ACTOR or "actor" not in given
    }
    entry = entry_of_fields({**inherited, **given, "action": action, "result": result})
    return with_escapes(entry)


def entry_of_fields(fields: Mapping[str, Any]) -> Any:
    """Return fields as plain JSON under the names of the API. Raises InvalidEntry."""
    if unknown := fields.keys() - _NAMES.keys():
        fault = Fault(f"/{min(unknown)}", "unknown-field", "is not a field of an entry")
        raise InvalidEntry([fault])
    return to_plain({_NAMES[name]: value for name, value in fields.items() if value is not None})


def to_plain(value: Any) -> Any:
    """Return a value as plain JSON, beside datetimes and Decimals. Raises InvalidEntry."""
    try:
        return msgspec.to_builtins(
            value, builtin_types=(datetime, Decimal), str_keys=True, enc_hook=_to_base_type
        )
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        fault = Fault("", "invalid-value", "cannot be written as JSON")
        raise InvalidEntry([fault]) from error


def _to_base_type(value: Any) -> Any:
    """Return an instance of a subclass of str, int or float as that type: Django's SafeString and
    NumPy's floats are such, and msgspec refuses them."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
