"""Django middleware: all entries recorded during a request share its actor and IDs."""

import functools
import re
import uuid
from collections.abc import Callable

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from auditlogs.entry.schema import Actor
from auditlogs.intake import context
from auditlogs.intake.context import Fields

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class AuditContextMiddleware:
    """Binds actor, correlation ID, request ID, session ID and source IP, and sets `X-Request-ID`.

    List it after Django's session and authentication middleware, where those are used.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with context.bind(**fields_of(request)) as bound:
            response = self._get_response(request)
        response["X-Request-ID"] = bound.request_id or ""
        return response


def fields_of(request: HttpRequest) -> Fields:
    """Return the context of a request.

    The correlation ID is the trace ID of `traceparent`, the request ID that of `X-Request-ID`; each
    is a new one where the header is missing or invalid.
    """
    trace = context.trace_id(request.headers.get("traceparent", ""))
    header = request.headers.get("X-Request-ID", "")
    return {
        "correlation_id": trace or str(uuid.uuid4()),
        "request_id": header if REQUEST_ID.fullmatch(header) else f"req_{uuid.uuid4().hex}",
        "source_ip": source_ip(request),
        "person": functools.partial(person_of, request),
    }


def person_of(request: HttpRequest) -> Fields:
    """Return actor and session of a signed-in person, and nothing where nobody is signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    key = request.session.session_key
    return {
        "actor": actor_of(user),
        "session_id": context.session_label(key) if key else None,
        "authentication": "session",
    }


def actor_of(user: AbstractBaseUser) -> Actor:
    """Return the actor that represents a user."""
    return Actor(type="user", id=f"user_{user.pk}", name=user.get_username())


def source_ip(request: HttpRequest) -> str | None:
    """Return the client's address, or None over a connection without one, such as a Unix socket."""
    return request.META.get("REMOTE_ADDR") or None
