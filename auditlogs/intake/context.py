"""The context of entries: who acts and in which request, set once for all entries in a block."""

import functools
import hashlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, TypedDict, TypeVar, Unpack, cast

from auditlogs.entry.schema import Actor, Authentication, Program

TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Defaults for the fields that an entry does not set itself."""

    account: str | None = None
    actor: Actor | Mapping[str, Any] | None = None
    correlation_id: str | None = None
    request_id: str | None = None
    session_id: str | None = None
    source_ip: str | None = None
    on_behalf_of: Sequence[Actor | Mapping[str, Any]] | None = None
    agent: Program | Mapping[str, Any] | None = None
    run_id: str | None = None
    authentication: Authentication | None = None
    # Returns actor, session and authentication; called only when an entry is recorded, as it may
    # cost a query.
    person: Callable[[], "Fields"] | None = None


class Fields(TypedDict, total=False):
    """The keyword arguments of `bind`: the fields of `Context`."""

    account: str | None
    actor: Actor | Mapping[str, Any] | None
    correlation_id: str | None
    request_id: str | None
    session_id: str | None
    source_ip: str | None
    on_behalf_of: Sequence[Actor | Mapping[str, Any]] | None
    agent: Program | Mapping[str, Any] | None
    run_id: str | None
    authentication: Authentication | None
    person: Callable[[], "Fields"] | None


_current: ContextVar[Context] = ContextVar("auditlogs_context")
_EMPTY = Context()


def current() -> Context:
    """Return the context of the current thread or task."""
    return _current.get(_EMPTY)


def resolved() -> Context:
    """Return the current context; where it has no actor or session, those of its person."""
    context = current()
    if context.person is None:
        return context
    person = context.person()
    is_other = context.actor is not None
    return replace(
        context,
        actor=context.actor or person.get("actor"),
        session_id=context.session_id or person.get("session_id"),
        authentication=context.authentication
        or (None if is_other else person.get("authentication")),
        person=None,
    )


class Binding:
    """Fields that are set for a block, or for every call of a function."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __enter__(self) -> Context:
        bound = replace(current(), **self._fields)
        self._token = _current.set(bound)
        return bound

    def __exit__(self, *_: object) -> None:
        # A generator may be closed in another context, in which nothing was set.
        with suppress(ValueError):
            _current.reset(self._token)

    def __call__(self, function: F) -> F:
        """Set the fields for every call of a function, an async one until it has ended. Raises
        TypeError for a generator function."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("a generator function runs later than its call: bind inside it")

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with Binding(self._fields):
                return function(*args, **kwargs)

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            with Binding(self._fields):
                return await function(*args, **kwargs)

        return cast(F, run_async if inspect.iscoroutinefunction(function) else run)


def bind(**fields: Unpack[Fields]) -> Binding:
    """Set fields for the entries recorded in the block, or in each call of the decorated function;
    those of an outer `bind` still apply.

    In a generator, they apply to its caller, too, while the generator is suspended in the block.
    """
    return Binding(fields)


def trace_id(traceparent: str) -> str | None:
    """Return the trace ID of a `traceparent` header, 32 hexadecimal digits, or None.

    By https://www.w3.org/TR/trace-context/ version ff and IDs of zeros only are invalid, and what
    a later version appends is ignored.
    """
    match = TRACEPARENT.fullmatch(traceparent.strip())
    if match is None:
        return None
    version, trace, parent, suffix = match.groups()
    if version == "ff" or (version == "00" and suffix) or not trace.strip("0"):
        return None
    return trace if parent.strip("0") else None


def session_label(session_key: str) -> str:
    """Return the id of a session in entries: a hash, so that nobody can use it to sign in."""
    return f"sess_{hashlib.sha256(session_key.encode()).hexdigest()[:16]}"
