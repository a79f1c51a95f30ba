"""The middleware: every call of a tool, read of a resource and use of a prompt becomes an entry."""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol, Unpack

import anyio
from anyio import CancelScope, to_thread
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware
from pydantic import BaseModel

from auditlogs.entry.schema import LONG_ID_LENGTH, NAME_LENGTH, Result
from auditlogs.intake.context import Fields, bind
from auditlogs.intake.fields import EntryFields
from auditlogs.mcp import outcomes, tasks
from auditlogs.mcp.arguments import storable
from auditlogs.mcp.caller import (
    UNKNOWN_AGENT,
    Agent,
    RequestContext,
    Session,
    calling_agent,
    calling_key,
    context_of,
    session_header,
    visible,
)
from auditlogs.mcp.outcomes import Answer, IsFailure, Outcome

CANCEL = "notifications/cancelled"
# The notice of a cancel is handled right after it takes effect. Where a client has left there is
# none, and this is for how long its entry waits.
REASON_SECONDS = 0.1

logger = logging.getLogger(__name__)


class Recorded(NamedTuple):
    """How a method is recorded: the action, and where its parameters name the target."""

    action: str
    target: str
    parameter: str


METHODS = {
    "tools/call": Recorded("mcp.tool.call", "tool", "name"),
    "resources/read": Recorded("mcp.resource.read", "resource", "uri"),
    "prompts/get": Recorded("mcp.prompt.get", "prompt", "name"),
}


class Record(Protocol):
    """The type of `Client.record` and of `functools.partial(auditlogs.record, account=…)`."""

    def __call__(self, action: str, /, *, result: Result, **fields: Unpack[EntryFields]) -> object:
        """Record an entry. Raises ValueError for one that cannot be stored."""


class _Cancel:
    """Whether the client has said why it cancels a request."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.is_known = anyio.Event()


class RecordToolCalls(ServerMiddleware[Any]):
    """Records `tools/call`, `resources/read`, `prompts/get` and tasks: who, what, with which
    arguments, how long, and whether it worked. A result with `isError`, an exception and a cancel
    are failures. Results are not stored, as they may be large and confidential.

    `agent` returns the actor of a request, `session` its session, and `is_failure` whether a result
    without `isError` is a failure all the same. No request fails because it could not be recorded.
    """

    def __init__(
        self,
        record: Record,
        *,
        agent: Agent = calling_agent,
        session: Session | None = None,
        is_failure: IsFailure | None = None,
    ) -> None:
        self._record = record
        self._agent = agent
        self._session = session
        self._is_failure = is_failure
        self._running: dict[tuple[str | None, str], _Cancel] = {}
        self._tasks = tasks.Tasks()

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        """Handle a message. Raises only what the rest of the server raises."""
        if ctx.method == CANCEL:
            self._note_reason(ctx)
        if ctx.method in tasks.METHODS:
            answer = await call_next(ctx)
            await self._in_thread(self._record_end, ctx, _plain(answer))
            return answer
        if ctx.method not in METHODS:
            return await call_next(ctx)
        return await self._recorded(ctx, call_next)

    async def _recorded(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        context = self._context_of(ctx)
        key = _key(ctx, ctx.request_id)
        cancel = self._running[key] = _Cancel()
        outcome: Callable[[], Outcome] | None = None
        answer: HandlerResult = None
        began = time.monotonic()
        try:
            with bind(**context):
                answer = await call_next(ctx)
        except Exception as error:
            outcome = partial(outcomes.raised, error)
            raise
        else:
            outcome = partial(self._outcome_of, ctx.method, _plain(answer))
            return answer
        finally:
            duration = (time.monotonic() - began) * 1_000
            if outcome is None:
                outcome = partial(outcomes.cancelled, await _reason(cancel))
            del self._running[key]
            await self._in_thread(
                self._record_request, ctx, context, outcome, duration, _plain(answer)
            )

    def _note_reason(self, ctx: RequestContext) -> None:
        params = ctx.params or {}
        if cancel := self._running.get(_key(ctx, params.get("requestId"))):
            reason = params.get("reason")
            cancel.reason = reason if isinstance(reason, str) and reason.strip() else None
            cancel.is_known.set()

    def _context_of(self, ctx: RequestContext) -> Fields:
        try:
            return context_of(ctx, self._agent, self._session)
        except Exception:
            logger.exception("the calling agent could not be determined")
            return {"actor": UNKNOWN_AGENT}

    def _outcome_of(self, method: str, answer: Answer) -> Outcome:
        if method == "tools/call":
            return outcomes.answered(answer, self._is_failure)
        status = answer.get("resultType")
        return ("partial", {"status": status}) if status == "input_required" else ("success", {})

    async def _in_thread(self, function: Callable[..., None], *arguments: Any) -> None:
        # Recording may wait for a disk; shielded, as a cancelled request is recorded too.
        with CancelScope(shield=True):
            await to_thread.run_sync(_quietly, function, *arguments)

    def _record_request(
        self,
        ctx: RequestContext,
        context: Fields,
        outcome: Callable[[], Outcome],
        duration: float,
        answer: Answer,
    ) -> None:
        method, params = METHODS[ctx.method], ctx.params or {}
        # A URI may hold a secret, which must not be cut in two.
        name = visible(
            outcomes.beginning(str(params.get(method.parameter) or ""), LONG_ID_LENGTH), NAME_LENGTH
        )
        result, details = outcome()
        payload: dict[str, Any] = {method.target: name, **details}
        payload |= calling_key()
        if ctx.method != "resources/read":
            payload["arguments"] = storable(params.get("arguments"))
        fields: dict[str, Any] = {**context, "target": {"type": method.target, "id": name}}
        fields["duration"] = round(duration, 3)
        try:
            self._record(method.action, result=result, **fields, payload=payload)
        except ValueError as error:
            # Whatever the log refuses, the caller does not avoid it.
            payload["arguments"] = f"[not stored: {error}]"[: outcomes.ERROR_LENGTH]
            self._record(method.action, result=result, **fields, payload=payload)
        if task := outcomes.task_in(answer):
            self._record_start(task, name, fields)

    def _record_start(self, task: Answer, tool: str, fields: dict[str, Any]) -> None:
        origin = tasks.Origin(tool, fields.get("correlation_id"))
        self._tasks.started(task["taskId"], origin)
        self._record(
            "mcp.task.created",
            result="success",
            **{**fields, "target": _task_target(task["taskId"]), "duration": None},
            payload={**tasks.details_of(task, tool), "status": task.get("status")},
        )

    def _record_end(self, ctx: RequestContext, answer: Answer) -> None:
        task_id = (ctx.params or {}).get("taskId")
        outcome = tasks.outcome_of(ctx.method, answer)
        if not isinstance(task_id, str) or outcome is None:
            return
        origin = self._tasks.ended(task_id)
        if origin is None:
            return
        result, details = outcome
        context: dict[str, Any] = {**self._context_of(ctx)}
        if origin.correlation_id:
            context["correlation_id"] = origin.correlation_id
        self._record(
            "mcp.task.ended",
            result=result,
            **context,
            target=_task_target(task_id),
            duration=tasks.duration_of(answer),
            payload={**tasks.details_of({"taskId": task_id}, origin.tool), **details},
        )


async def _reason(cancel: _Cancel) -> str | None:
    with CancelScope(shield=True), anyio.move_on_after(REASON_SECONDS):
        await cancel.is_known.wait()
    return cancel.reason


def _quietly(function: Callable[..., None], *arguments: Any) -> None:
    try:
        function(*arguments)
    except Exception:
        logger.exception("an MCP request was not recorded")


def _plain(answer: HandlerResult) -> Answer:
    """Return an answer as a JSON object."""
    if isinstance(answer, BaseModel):
        return answer.model_dump(mode="json", by_alias=True)
    return answer or {}


def _key(ctx: RequestContext, request_id: Any) -> tuple[str | None, str]:
    # Each session counts its requests by itself.
    return session_header(ctx), str(request_id)


def _task_target(task_id: str) -> dict[str, str]:
    return {"type": "task", "id": visible(task_id, LONG_ID_LENGTH)}
