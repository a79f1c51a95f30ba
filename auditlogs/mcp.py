"""Middleware for servers of the official MCP SDK: records every call of a tool.

    MCPServer("trading", middleware=[RecordToolCalls(client.record)])

Arguments are stored, redacted; results are not, as they may be large and confidential.
"""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, Unpack

import msgspec
from anyio import CancelScope, to_thread
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.shared.exceptions import MCPError
from opentelemetry.trace import format_trace_id, get_current_span
from pydantic import BaseModel

from auditlogs.entry.schema import ID_LENGTH, NAME_LENGTH, Result
from auditlogs.entry.text import has_control_character
from auditlogs.intake.context import Fields, bind, session_label, trace_id
from auditlogs.intake.fields import EntryFields
from auditlogs.redaction import Redactor

MAX_ARGUMENTS_BYTES = 32_768
ERROR_LENGTH = 2_000
UNKNOWN_AGENT: Mapping[str, Any] = {"type": "agent", "id": "unknown"}

RequestContext = ServerRequestContext[Any, Any]
# The `result` of an entry and the keys of its payload that describe the outcome.
Outcome = tuple[Result, dict[str, Any]]

logger = logging.getLogger(__name__)
_redactor = Redactor()


class Record(Protocol):
    """The type of `Client.record` and of `functools.partial(auditlogs.record, account=…)`."""

    def __call__(self, action: str, /, *, result: Result, **fields: Unpack[EntryFields]) -> object:
        """Record an entry. Raises ValueError for one that cannot be stored."""


def calling_agent(ctx: RequestContext) -> Mapping[str, Any]:
    """Return the calling agent: the client of its access token, else the name it gives itself."""
    if token := get_access_token():
        return {"type": "agent", "id": token.client_id}
    if params := ctx.session.client_params:
        client = params.client_info
        return {"type": "agent", "id": client.name, "name": client.title}
    return UNKNOWN_AGENT


class RecordToolCalls(ServerMiddleware[Any]):
    """Records each `tools/call` as `mcp.tool.call`: agent, tool, arguments, duration and result. A
    result with `isError`, an exception and a cancellation are failures.

    `agent` returns the actor of a request. A call never fails because it could not be recorded.
    """

    def __init__(
        self,
        record: Record,
        *,
        agent: Callable[[RequestContext], Mapping[str, Any]] = calling_agent,
    ) -> None:
        self._record = record
        self._agent = agent

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        """Handle a message. Raises only what the rest of the server raises."""
        if ctx.method != "tools/call":
            return await call_next(ctx)
        fields = self._context_of(ctx)
        outcome: Callable[[], Outcome] = _cancelled
        began = time.monotonic()
        try:
            with bind(**fields):
                answer = await call_next(ctx)
        except Exception as error:
            outcome = partial(_failed, error)
            raise
        else:
            outcome = partial(_answered, answer)
            return answer
        finally:
            duration = (time.monotonic() - began) * 1_000
            # In a thread, as recording may wait for a disk; shielded, as a cancelled call is
            # recorded too.
            with CancelScope(shield=True):
                await to_thread.run_sync(self._record_call, ctx, fields, outcome, duration)

    def _context_of(self, ctx: RequestContext) -> Fields:
        """Return agent and IDs of a request, which entries recorded by the tool itself share."""
        try:
            return {
                "actor": self._actor(ctx),
                "correlation_id": _trace_id(ctx),
                "request_id": _visible(ctx.request_id, ID_LENGTH),
                **_of_http(ctx),
            }
        except Exception:
            logger.exception("the calling agent could not be determined")
            return {"actor": UNKNOWN_AGENT}

    def _actor(self, ctx: RequestContext) -> Mapping[str, Any]:
        actor = dict(self._agent(ctx))
        actor["id"] = _visible(actor.get("id"), ID_LENGTH)
        if actor.get("name") is not None:
            actor["name"] = _visible(actor["name"], NAME_LENGTH)
        return actor

    def _record_call(
        self,
        ctx: RequestContext,
        context: Fields,
        outcome: Callable[[], Outcome],
        duration: float,
    ) -> None:
        try:
            result, details = outcome()
            params = ctx.params or {}
            tool = _visible(params.get("name"), NAME_LENGTH)
            payload = {"tool": tool, "arguments": _bounded(params.get("arguments")), **details}
            fields: dict[str, Any] = {
                **context,
                "target": {"type": "tool", "id": tool},
                "duration": round(duration, 3),
            }
            try:
                self._record("mcp.tool.call", result=result, **fields, payload=payload)
            except ValueError as error:
                # No caller may avoid the log by arguments that cannot be stored.
                payload["arguments"] = f"[not stored: {error}]"[:ERROR_LENGTH]
                self._record("mcp.tool.call", result=result, **fields, payload=payload)
        except Exception:
            logger.exception("an MCP call was not recorded")


def _answered(answer: HandlerResult) -> Outcome:
    """Return the outcome of a call by its answer, without the content."""
    if isinstance(answer, BaseModel):
        answer = answer.model_dump(mode="json", by_alias=True)
    answer = answer or {}
    if answer.get("isError") is True:
        texts = (part.get("text") for part in answer.get("content") or ())
        error = _beginning("\n".join(text for text in texts if text))
        return "failure", {"isError": True, "error": error}
    if answer.get("resultType") == "input_required":
        return "partial", {"isError": False, "status": "input_required"}
    return "success", {"isError": False}


def _failed(error: Exception) -> Outcome:
    if isinstance(error, MCPError):
        return "failure", {"code": error.error.code, "error": _beginning(error.error.message)}
    return "failure", {"errorType": type(error).__qualname__, "error": _beginning(str(error))}


def _beginning(error: str) -> str:
    # Cut after redaction: the redactor would not recognize half a secret.
    return _redactor.beginning(error, ERROR_LENGTH)


def _cancelled() -> Outcome:
    return "failure", {"status": "cancelled", "error": "The call was cancelled."}


def _trace_id(ctx: RequestContext) -> str | None:
    """Return the trace ID of the request's `traceparent`, else that of the SDK's own span, where
    OpenTelemetry is configured."""
    traceparent = (ctx.meta or {}).get("traceparent")
    if isinstance(traceparent, str) and (trace := trace_id(traceparent)):
        return trace
    span = get_current_span().get_span_context()
    return format_trace_id(span.trace_id) if span.is_valid else None


def _of_http(ctx: RequestContext) -> Fields:
    """Return session and source IP of a call over HTTP."""
    if ctx.request is None:
        return {}
    session = ctx.request.headers.get("mcp-session-id")
    return {
        "session_id": session_label(session) if session else None,
        "source_ip": ctx.request.client.host if ctx.request.client else None,
    }


def _bounded(arguments: Any) -> Any:
    """Return arguments within the size limit, or a note in their place."""
    try:
        size = len(msgspec.json.encode(arguments))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return f"[not stored: {type(error).__name__}]"
    if size > MAX_ARGUMENTS_BYTES:
        return f"[not stored: {size:,} bytes]"
    return arguments


def _visible(value: Any, length: int) -> str:
    """Return a caller's text as an entry accepts it: no caller may avoid the log by its name."""
    text = "".join(
        "\N{REPLACEMENT CHARACTER}" if has_control_character(char) else char
        for char in ("" if value is None else str(value))[:length]
    )
    return text if text.strip() else "unknown"
