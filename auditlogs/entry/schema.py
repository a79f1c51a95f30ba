"""The schema of an entry, as it is written and as it is read.

The only declaration of its fields: validation, the stored document, the API and the recorder's
arguments follow from it.
"""

import re
import sys
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct

from auditlogs.entry import numbers
from auditlogs.entry.actions import ACTION_LENGTH, ACTION_PATTERN, ActionType
from auditlogs.entry.text import SEPARATOR, norm
from auditlogs.entry.times import parse_rfc3339

ActorType = Literal["agent", "user", "system"]
Result = Literal["failure", "partial", "success"]
Outcome = Literal["allowed", "deferred", "denied", "modified"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
ApprovalOutcome = Literal["cancelled", "denied", "expired", "granted", "requested"]
# How an actor was identified; `declared`: it said itself who it is, and nobody verified it.
Authentication = Literal["declared", "key", "session", "token"]
# In sort order, which is that of the alphabet: the database compares the stored text.
RESULTS: tuple[Result, ...] = get_args(Result)

ID_LENGTH = 128
# An assumed role's ARN has some 170 characters.
LONG_ID_LENGTH = NAME_LENGTH = 256
SUMMARY_LENGTH = 200
REASON_LENGTH = 500
# The principals of a chain that are kept: the nearest, and the last, which is the root.
MAX_PRINCIPALS = 10

Identifier = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
LongIdentifier = Annotated[str, Meta(min_length=1, max_length=LONG_ID_LENGTH)]
Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]
ActionName = Annotated[
    str,
    Meta(
        max_length=ACTION_LENGTH,
        pattern=f"^{ACTION_PATTERN}$",
        description="two or more lower-case segments joined by dots, such as order.created, of at"
        f" most {ACTION_LENGTH} characters",
    ),
]
TargetType = Annotated[str, Meta(min_length=1, max_length=64)]
Reason = Annotated[str, Meta(min_length=1, max_length=REASON_LENGTH)]
Sha256 = Annotated[
    str,
    Meta(max_length=64, pattern="^[0-9a-f]{64}$", description="64 lower-case hexadecimal digits"),
]
Dropped = Annotated[int, Meta(ge=0, le=1_000_000)]
# JSON has no infinity.
Duration = Annotated[float, Meta(ge=0, le=sys.float_info.max)]


class Actor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who did it, with the name it had at that moment."""

    type: ActorType
    id: LongIdentifier
    name: Name | None = None


class Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it was done to."""

    type: TargetType
    id: LongIdentifier
    name: Name | None = None


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a policy, or a person, decided about it: the policy's rule and version, and who."""

    outcome: Outcome
    policy: Name | None = None
    rule: Name | None = None
    version: Name | None = None
    reason: Reason | None = None
    by: Actor | None = None


class Program(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The agent's program: its version, and the model that it ran on."""

    version: Name | None = None
    model: Name | None = None


class Approval(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An approval that was asked for, or its outcome.

    `arguments_hash` says for which arguments; see `auditlogs.intake.approvals`.
    """

    id: Identifier
    outcome: ApprovalOutcome
    arguments_hash: Sha256 | None = None


class Redaction(Struct, frozen=True, kw_only=True):
    """A secret that was replaced before the entry was stored: its JSON Pointer and the rule."""

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
    """An entry as a writer sends it."""

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
    bot_id: LongIdentifier | None = None
    payload: dict[str, Any] | None = None
    decision: Decision | None = None
    on_behalf_of: list[Actor] | None = None
    on_behalf_of_dropped: Dropped | None = None
    agent: Program | None = None
    run_id: Identifier | None = None
    authentication: Authentication | None = None
    approval: Approval | None = None


class Entry(Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry as it is read. The API has these fields in this order; absent values are null.

    `timestamp` and `recorded_at` are RFC 3339 in UTC with milliseconds, `duration` is in
    milliseconds. `payload` is also None where a list was read without payloads. `on_behalf_of`
    are the principals, the nearest first, and `on_behalf_of_dropped` how many are not kept.
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
    # None too in entries stored before there were these fields.
    summary: str | None = None
    decision: Decision | None = None
    on_behalf_of: list[Actor] | None = None
    on_behalf_of_dropped: int | None = None
    agent: Program | None = None
    run_id: str | None = None
    authentication: Authentication | None = None
    approval: Approval | None = None
    writer_id: str | None = None
    recorded_at: str
    asserted_by: str | None
    redactions: list[Redaction]

    @property
    def instant(self) -> datetime:
        return parse_rfc3339(self.timestamp)


def actor_key(actor: Actor) -> str:
    """Return the sort key of an actor: its normalized name, or its id where it has no name, then
    its id."""
    first = actor.id if actor.name is None else norm(actor.name)
    return f"{first}{SEPARATOR}{actor.id}"


def uuid_forms(text: str) -> tuple[str, ...]:
    """Return the forms in which a writer may have sent the id that a text means: a UUID with and
    without hyphens, in lower and upper case; any other text is its only form."""
    form = normal_correlation_id(text)
    if not _UUID.fullmatch(form):
        return (text,)
    forms = (form, form.replace("-", ""))
    return tuple(dict.fromkeys((text, *forms, *(each.upper() for each in forms))))


_HEX32 = re.compile(r"[0-9a-f]{32}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def normal_correlation_id(text: str) -> str:
    """Return a correlation ID as it is stored and searched for.

    A UUID or 32 hexadecimal digits (a W3C trace ID) become a hyphenated, lower-case UUID; other
    text is unchanged.
    """
    lower = text.lower()
    if _UUID.fullmatch(lower):
        return lower
    if _HEX32.fullmatch(lower):
        return "-".join((lower[:8], lower[8:12], lower[12:16], lower[16:20], lower[20:]))
    return text


def to_json(value: Entry | list[Entry]) -> bytes:
    """Return entries as the JSON of the API."""
    return numbers.encode(value)
