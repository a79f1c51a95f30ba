"""Who calls, in which trace, request and session."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.context import ServerRequestContext
from opentelemetry.trace import format_trace_id, get_current_span

from auditlogs.entry.invisible import escaped
from auditlogs.entry.schema import ID_LENGTH, LONG_ID_LENGTH, NAME_LENGTH, Authentication
from auditlogs.intake.context import Fields, session_label, trace_id

UNKNOWN = "unknown"
UNKNOWN_AGENT: Mapping[str, Any] = {"type": "agent", "id": UNKNOWN}
# In the baggage, by https://opentelemetry.io/docs/specs/semconv/.
MAX_BAGGAGE = 8_192
CONVERSATION_KEY = "gen_ai.conversation.id"
SESSION_KEYS = ("session.id", CONVERSATION_KEY)
# How deep claims of actors are read; the log keeps fewer and counts the rest.
MAX_ACTORS = 100

logger = logging.getLogger(__name__)

RequestContext = ServerRequestContext[Any, Any]
T = TypeVar("T")
Agent = Callable[[RequestContext], Mapping[str, Any]]
Session = Callable[[RequestContext], str | None]


def calling_agent(ctx: RequestContext) -> Mapping[str, Any]:
    """Return the calling agent: the client of its access token, else the name it gives itself."""
    if token := get_access_token():
        return {"type": "agent", "id": token.client_id}
    if params := ctx.session.client_params:
        client = params.client_info
        return {"type": "agent", "id": client.name, "name": client.title}
    return UNKNOWN_AGENT


def calling_key() -> dict[str, Any]:
    """Return what an entry says of the agent's key that the Hub has verified; nothing without one.
    `keyCheck` is there where the Hub was away and the key was allowed all the same."""
    token = get_access_token()
    return key_of(token) if token else {}


def key_of(token: AccessToken) -> dict[str, Any]:
    """Return what an entry says of the agent's key of an access token."""
    claims = token.claims or {}
    if "key_id" not in claims:
        return {}
    said = {"keyId": claims["key_id"], "keyName": claims["key_name"], "keyScopes": token.scopes}
    return said | ({"keyCheck": claims["check"]} if "check" in claims else {})


def context_of(ctx: RequestContext, agent: Agent, session: Session | None) -> Fields:
    """Return actor and IDs of a request, which entries recorded while it is handled share."""
    client = ctx.request.client if ctx.request is not None else None
    # Who is named by a function of the server, only that knows how it was identified.
    token = get_access_token() if agent is calling_agent else None
    params = ctx.session.client_params
    authentication: Authentication | None = None
    if agent is calling_agent and (token or params):
        authentication = _kind(token) if token else "declared"
    run = _members(ctx).get(CONVERSATION_KEY)
    return {
        "actor": _told("agent", lambda: _actor(agent(ctx)), UNKNOWN_AGENT),
        "authentication": authentication,
        "on_behalf_of": principals_of(token) if token else None,
        "agent": {"version": visible(params.client_info.version, NAME_LENGTH)} if params else None,
        "run_id": visible(run, ID_LENGTH) if run else None,
        "correlation_id": _trace_id(ctx),
        "request_id": visible(ctx.request_id, ID_LENGTH),
        "session_id": _told("session", lambda: _session_id(ctx, session), None),
        "source_ip": client.host if client else None,
    }


def _told(what: str, function: Callable[[], T], default: T) -> T:
    """Return what a function of the server says, or the default if it raises: the other fields of
    the entry are not lost with this one."""
    try:
        return function()
    except Exception:
        logger.exception("the calling %s could not be determined", what)
        return default


def _kind(token: AccessToken) -> Authentication:
    return "key" if key_of(token) else "token"


def principals_of(token: AccessToken) -> list[dict[str, str]] | None:
    """Return for whom the client of an access token acts, the nearest first: those that its claim
    `act` (RFC 8693, section 4.1) nests, and at last its subject."""
    chain: list[dict[str, str]] = []
    act = (token.claims or {}).get("act")
    for _ in range(MAX_ACTORS):
        if not isinstance(act, Mapping) or not isinstance(act.get("sub"), str):
            break
        chain.append({"type": "agent", "id": visible(act["sub"], LONG_ID_LENGTH)})
        act = act.get("act")
    # The outermost is the client itself.
    if chain and chain[0]["id"] == token.client_id:
        del chain[0]
    if token.subject and token.subject != token.client_id:
        chain.append({"type": "user", "id": visible(token.subject, LONG_ID_LENGTH)})
    return chain or None


def session_header(ctx: RequestContext) -> str | None:
    """Return the session's id in the header of the protocols until 2025-11-25, which have it."""
    return ctx.request.headers.get("mcp-session-id") if ctx.request is not None else None


def visible(value: Any, length: int) -> str:
    """Return a caller's text as an entry accepts it: no caller may avoid the log by its name."""
    text = escaped("" if value is None else str(value)[:length])[:length]
    return text if text.strip() else UNKNOWN


def _actor(given: Mapping[str, Any]) -> Mapping[str, Any]:
    actor = {**given, "id": visible(given.get("id"), LONG_ID_LENGTH)}
    if actor.get("name") is not None:
        actor["name"] = escaped(str(actor["name"]), is_name=True)[:NAME_LENGTH]
    if not (actor.get("name") or "").strip():
        actor["name"] = None
    return actor


def _trace_id(ctx: RequestContext) -> str | None:
    """Return the trace ID of `traceparent` in the request's `_meta`, else in the HTTP header, else
    that of the SDK's own span, where OpenTelemetry is configured."""
    header = ctx.request.headers.get("traceparent") if ctx.request is not None else None
    if trace := sent_trace((ctx.meta or {}).get("traceparent"), header):
        return trace
    span = get_current_span().get_span_context()
    return format_trace_id(span.trace_id) if span.is_valid else None


def sent_trace(*sent: object) -> str | None:
    """Return the first trace ID in values of `traceparent`."""
    for traceparent in sent:
        if isinstance(traceparent, str) and (trace := trace_id(traceparent)):
            return trace
    return None


def _session_id(ctx: RequestContext, session: Session | None) -> str | None:
    if session is not None and (given := session(ctx)):
        return visible(given, ID_LENGTH)
    members = _members(ctx)
    for key in SESSION_KEYS:
        if members.get(key):
            return visible(members[key], ID_LENGTH)
    # This one lets its holder act in the session, so only a hash of it is stored.
    header = session_header(ctx)
    return session_label(header) if header else None


def _members(ctx: RequestContext) -> dict[str, str]:
    sent = (ctx.meta or {}).get("baggage")
    return _baggage(sent) if isinstance(sent, str) else {}


def _baggage(text: str) -> dict[str, str]:
    """Return the members of a W3C Baggage (https://www.w3.org/TR/baggage/), without properties,
    which OpenTelemetry's own reader takes for a part of the value."""
    members = (member.partition(";")[0].partition("=") for member in text[:MAX_BAGGAGE].split(","))
    return {key.strip(): unquote(value.strip()) for key, _, value in members}
