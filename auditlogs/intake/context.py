"""Who is acting, and in which request: said once, meant by every entry recorded within."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack

from auditlogs.entry.schema import Actor

TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What entries get that do not say it themselves."""

    account: str | None = None
    actor: Actor | Mapping[str, Any] | None = None
    correlation_id: str | None = None
    request_id: str | None = None
    session_id: str | None = None
    source_ip: str | None = None
    # Asked for actor and session only when an entry needs them, as that may cost a query.
    person: Callable[[], "Fields"] | None = None


class Fields(TypedDict, total=False):
    """The fields of a context, by keyword."""

    account: str | None
    actor: Actor | Mapping[str, Any] | None
    correlation_id: str | None
    request_id: str | None
    session_id: str | None
    source_ip: str | None
    person: Callable[[], "Fields"] | None


_current: ContextVar[Context] = ContextVar("auditlogs_context")
_NOTHING = Context()


def current() -> Context:
    """Return the context of this thread or task."""
    return _current.get(_NOTHING)


def resolved() -> Context:
    """Return the context with what it knows of the person, where it says nothing itself."""
    around = current()
    if around.person is None:
        return around
    known = around.person()
    return replace(
        around,
        actor=around.actor or known.get("actor"),
        session_id=around.session_id or known.get("session_id"),
        person=None,
    )


@contextmanager
def bind(**fields: Unpack[Fields]) -> Iterator[Context]:
    """Let entries recorded in the block have these fields, beside those that hold already."""
    token = _current.set(replace(current(), **fields))
    try:
        yield current()
    finally:
        _current.reset(token)


def trace_id(traceparent: str) -> str | None:
    """Return the trace ID, 32 hexadecimal digits, of a `traceparent` header, or None.

    As https://www.w3.org/TR/trace-context/ has it: version ff and IDs of zeros only are invalid,
    and what a later version adds at the end is ignored.
    """
    match = TRACEPARENT.fullmatch(traceparent.strip())
    if match is None:
        return None
    version, trace, parent, more = match.groups()
    if version == "ff" or (version == "00" and more) or not trace.strip("0"):
        return None
    return trace if parent.strip("0") else None


def session_label(session_key: str) -> str:
    """Return what entries call a session: it tells one from the other and opens none."""
    return f"sess_{hashlib.sha256(session_key.encode()).hexdigest()[:16]}"
