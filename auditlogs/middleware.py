"""The context of a request: whatever is recorded while it is answered shares its IDs."""

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
    """Binds actor, correlation, request and session ID and source IP; answers with the request's.

    It belongs behind Django's session and authentication, where there are these.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer within the context."""
        with context.bind(**fields_of(request)) as bound:
            response = self._get_response(request)
        response["X-Request-ID"] = bound.request_id or ""
        return response


def fields_of(request: HttpRequest) -> Fields:
    """Return what a request says of itself.

    The correlation ID is the trace's (`traceparent`), else a new one; the request ID is that of
    `X-Request-ID` if it is one, else a new one.
    """
    trace = context.trace_id(request.headers.get("traceparent", ""))
    sent = request.headers.get("X-Request-ID", "")
    return {
        "correlation_id": trace or str(uuid.uuid4()),
        "request_id": sent if REQUEST_ID.fullmatch(sent) else f"req_{uuid.uuid4().hex}",
        "source_ip": source_ip(request),
        "person": functools.partial(person_of, request),
    }


def person_of(request: HttpRequest) -> Fields:
    """Return the signed-in person as the actor, and their session; nothing of anybody else."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    key = request.session.session_key
    return {"actor": actor_of(user), "session_id": context.session_label(key) if key else None}


def actor_of(user: AbstractBaseUser) -> Actor:
    """Return a person as the actor of an entry."""
    return Actor(type="user", id=f"user_{user.pk}", name=user.get_username())


def source_ip(request: HttpRequest) -> str | None:
    """Return the address that a request came from, or None where the connection has none."""
    return request.META.get("REMOTE_ADDR") or None
