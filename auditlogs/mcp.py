"""Middleware for servers made with the official MCP SDK: every call of a tool leaves an entry.

    MCPServer("trading", middleware=[RecordToolCalls(client.record)])

Arguments are stored, results are not: they may be large, and secret.
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
WhoCalls = Callable[[RequestContext], Mapping[str, Any]]
# What an entry says of how a call went: `result` and some keys of the payload.
Outcome = tuple[Result, dict[str, Any]]

logger = logging.getLogger(__name__)
_redactor = Redactor()


class Record(Protocol):
    """`Client.record`, or `functools.partial(auditlogs.record, account=…)` in process."""

    def __call__(self, action: str, /, *, result: Result, **fields: Unpack[EntryFields]) -> object:
        """Record an entry of these fields. Raises ValueError for one that cannot be stored."""


def calling_agent(ctx: RequestContext) -> Mapping[str, Any]:
    """Return the agent that calls: the client of its access token, or what it calls itself."""
    if token := get_access_token():
        return {"type": "agent", "id": token.client_id}
    if params := ctx.session.client_params:
        client = params.client_info
        return {"type": "agent", "id": client.name, "name": client.title}
    return UNKNOWN_AGENT


class RecordToolCalls(ServerMiddleware[Any]):
    """Records each `tools/call` as `mcp.tool.call`: who called which tool, with which arguments,
    for how long, and whether it worked. A result with `isError`, an exception and a cancellation
    are failures.

    `agent` tells from a request who calls. A call never fails because it could not be recorded.
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
        """Handle a message. Raises what the rest of the server raises, and nothing else."""
        if ctx.method != "tools/call":
            return await call_next(ctx)
        around = self._around(ctx)
        outcome: Callable[[], Outcome] = _cancelled
        began = time.monotonic()
        try:
            with bind(**around):
                answer = await call_next(ctx)
        except Exception as error:
            outcome = partial(_failed, error)
            raise
        else:
            outcome = partial(_answered, answer)
            return answer
        finally:
            duration = (time.monotonic() - began) * 1_000
            # Recording may wait for a disk, and has to happen for a cancelled call too.
            with CancelScope(shield=True):
                await to_thread.run_sync(self._record_call, ctx, around, outcome, duration)

    def _around(self, ctx: RequestContext) -> Fields:
        """Return who calls and in which request; what a tool records shares it."""
        try:
            return {
                "actor": self._actor(ctx),
                "correlation_id": _trace_id(ctx),
                "request_id": _visible(ctx.request_id, ID_LENGTH),
                **_of_http(ctx),
            }
        except Exception:
            logger.exception("it could not be told who calls")
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
        around: Fields,
        outcome: Callable[[], Outcome],
        duration: float,
    ) -> None:
        try:
            result, said = outcome()
            params = ctx.params or {}
            tool = _visible(params.get("name"), NAME_LENGTH)
            payload = {"tool": tool, "arguments": _bounded(params.get("arguments")), **said}
            fields: dict[str, Any] = {
                **around,
                "target": {"type": "tool", "id": tool},
                "duration": round(duration, 3),
            }
            try:
                self._record("mcp.tool.call", result=result, **fields, payload=payload)
            except ValueError as error:
                # No caller is to escape the log by arguments that the log cannot hold.
                payload["arguments"] = f"[not stored: {error}]"[:ERROR_LENGTH]
                self._record("mcp.tool.call", result=result, **fields, payload=payload)
        except Exception:
            logger.exception("a call of a tool was not recorded")


def _answered(answer: HandlerResult) -> Outcome:
    """Return what an answer says of how the call went, without what it brings."""
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
    said = {"errorType": type(error).__qualname__, "error": _beginning(str(error))}
    return "failure", said


def _beginning(error: str) -> str:
    # What a recorder takes for a secret it would not know by half.
    return _redactor.beginning(error, ERROR_LENGTH)


def _cancelled() -> Outcome:
    return "failure", {"status": "cancelled", "error": "The call was cancelled."}


def _trace_id(ctx: RequestContext) -> str | None:
    """Return the id of the trace that the request says it belongs to, or else that of the SDK's
    own span, where OpenTelemetry is set up."""
    sent = (ctx.meta or {}).get("traceparent")
    if isinstance(sent, str) and (found := trace_id(sent)):
        return found
    span = get_current_span().get_span_context()
    return format_trace_id(span.trace_id) if span.is_valid else None


def _of_http(ctx: RequestContext) -> Fields:
    """Return the ids of the HTTP request that brought the call, if one did."""
    if ctx.request is None:
        return {}
    session = ctx.request.headers.get("mcp-session-id")
    return {
        "session_id": session_label(session) if session else None,
        "source_ip": ctx.request.client.host if ctx.request.client else None,
    }


def _bounded(arguments: Any) -> Any:
    """Return arguments that an entry has room for, or a note in their place."""
    try:
        size = len(msgspec.json.encode(arguments))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return f"[not stored: {type(error).__name__}]"
    if size > MAX_ARGUMENTS_BYTES:
        return f"[not stored: {size:,} bytes]"
    return arguments


def _visible(value: Any, length: int) -> str:
    """Return a caller's text as an entry takes it: nobody escapes the log by an unfit name."""
    text = "".join(
        "\N{REPLACEMENT CHARACTER}" if has_control_character(char) else char
        for char in ("" if value is None else str(value))[:length]
    )
    return text if text.strip() else "unknown"
