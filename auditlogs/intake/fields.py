"""The arguments of `record`: an entry's fields under their Python names."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence, Set
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
from auditlogs.intake.validation import (
    MAX_PAYLOAD_DEPTH,
    Fault,
    InvalidEntry,
    pointer_part,
    with_escapes,
)
from auditlogs.redaction import Redactor

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
        return _builtins(value)
    except _UNFIT as error:
        raise InvalidEntry([_fault_in(value)]) from error


_UNFIT = (TypeError, ValueError, OverflowError, RecursionError)
# Built when it is needed first.
_redactor = functools.cache(Redactor)


def _builtins(value: Any) -> Any:
    return msgspec.to_builtins(
        value, builtin_types=(datetime, Decimal), str_keys=True, enc_hook=_to_base_type
    )


def _fault_in(value: Any) -> Fault:
    """Return the fault of the first value within another that cannot be written as JSON."""
    path: list[str] = []
    for _ in range(MAX_PAYLOAD_DEPTH + 2):
        inner = next(((name, each) for name, each in _items(value) if not _is_fit(each)), None)
        if inner is None:
            # The names on the way are the caller's, and may be secrets.
            where = _redactor().text("".join(f"/{part}" for part in path))
            what = f"is of type {type(value).__qualname__}, which"
            if isinstance(value, Mapping):
                what = "has a key that"
            return Fault(where, "invalid-value", f"{what} cannot be written as JSON")
        path.append(pointer_part(inner[0]))
        value = inner[1]
    return Fault(f"/{path[0]}", "too-deep", f"is nested more than {MAX_PAYLOAD_DEPTH} levels deep")


def _is_fit(value: Any) -> bool:
    try:
        _builtins(value)
    except _UNFIT:
        return False
    return True


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple | Set):
        yield from enumerate(value)
    elif isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            yield field.encode_name, getattr(value, field.name)


def _to_base_type(value: Any) -> Any:
    """Return an instance of a subclass of str, int or float as that type, and a mapping as a dict:
    Django's SafeString and NumPy's floats are such, and msgspec refuses them."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__qualname__)
