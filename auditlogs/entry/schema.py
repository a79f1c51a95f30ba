"""The entry: what a writer sends, and what the log gives back. Declared here and nowhere else."""

import re
import sys
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from auditlogs.entry.actions import ACTION_LENGTH, ACTION_PATTERN, ActionType
from auditlogs.entry.text import SEPARATOR, norm
from auditlogs.entry.times import parse_rfc3339

ActorType = Literal["agent", "user", "system"]
Result = Literal["failure", "partial", "success"]
ACTOR_TYPES: tuple[ActorType, ...] = get_args(ActorType)
# In the order in which a list sorted by result shows them.
RESULTS: tuple[Result, ...] = get_args(Result)

ID_LENGTH = 128
NAME_LENGTH = 256

Identifier = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]
ActionName = Annotated[str, Meta(max_length=ACTION_LENGTH, pattern=f"^{ACTION_PATTERN}$")]
TargetType = Annotated[str, Meta(min_length=1, max_length=64)]
# Finite: JSON has no other number.
Duration = Annotated[float, Meta(ge=0, le=sys.float_info.max)]


class Actor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who did it, by the name it had at that moment."""

    type: ActorType
    id: Identifier
    name: Name | None = None


class Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it was done to."""

    type: TargetType
    id: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]
    name: Name | None = None


class Redaction(Struct, frozen=True, kw_only=True):
    """A value that was replaced before it was stored: where (a JSON Pointer) and by which rule."""

    path: str
    rule: str


class NewEntry(
    Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """An entry as a writer sends it: `action`, `actor` and `result` are required."""

    action: ActionName
    actor: Actor
    result: Result
    id: Identifier | None = None
    timestamp: datetime | None = None
    action_type: ActionType | None = None
    target: Target | None = None
    duration: Duration | None = None
    correlation_id: Identifier | None = None
    request_id: Identifier | None = None
    session_id: Identifier | None = None
    source_ip: Identifier | None = None
    bot_id: Identifier | None = None
    payload: dict[str, Any] | None = None


class Entry(Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry as it is read, over the API in this order; what is absent is null, never missing.

    `timestamp` and `recorded_at` are RFC 3339 texts in UTC with milliseconds, `duration` is in
    milliseconds. `payload` is None too in a list that was read without payloads.
    """

    id: str
    timestamp: str
    actor: Actor
    action: str
    action_type: ActionType
    target: Target | None
    result: Result
    duration: float | None
    correlation_id: str | None
    request_id: str | None
    session_id: str | None
    source_ip: str | None
    bot_id: str | None
    payload: dict[str, Any] | None
    recorded_at: str
    asserted_by: str | None
    redactions: list[Redaction]

    @property
    def instant(self) -> datetime:
        """Return the timestamp as a datetime in UTC."""
        return parse_rfc3339(self.timestamp)


def actor_key(actor: Actor) -> str:
    """Return what a list sorted by actor compares: the name in its normal form, or the id as it is
    where there is no name, then the id."""
    first = actor.id if actor.name is None else norm(actor.name)
    return f"{first}{SEPARATOR}{actor.id}"


_HEX32 = re.compile(r"[0-9a-f]{32}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def normal_correlation_id(text: str) -> str:
    """Return the form in which a correlation ID is stored and looked for.

    A UUID or 32 hexadecimal digits (a W3C trace ID) are hyphenated and in lower case;
    any other text is kept as it is.
    """
    lower = text.lower()
    if _UUID.fullmatch(lower):
        return lower
    if _HEX32.fullmatch(lower):
        return "-".join((lower[:8], lower[8:12], lower[12:16], lower[16:20], lower[20:]))
    return text


def to_json(value: Entry | list[Entry]) -> bytes:
    """Return the JSON of one entry or of an array of them."""
    return msgspec.json.encode(value)
