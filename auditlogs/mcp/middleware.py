"""The middleware: every call of a tool, read of a resource and use of a prompt becomes an entry."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, NamedTuple, Protocol, Unpack

import anyio
from anyio import CancelScope, to_thread
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.types import REQUEST_TIMEOUT, ElicitResult
from pydantic import BaseModel

from auditlogs.entry.schema import LONG_ID_LENGTH, NAME_LENGTH, Result
from auditlogs.intake.context import Fields, bind
from auditlogs.intake.fields import EntryFields
from auditlogs.mcp import elicitations, outcomes, tasks
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
from auditlogs.mcp.elicitations import Question, Waiting
from auditlogs.mcp.exact import body_of, exact_arguments
from auditlogs.mcp.outcomes import Answer, IsFailure, Outcome

CANCEL = "notifications/cancelled"
# The notice of a cancel is handled right after it takes effect. Where a client has left there is
# none, and this is for how long its entry waits.
REASON_SECONDS = 0.1
# As long as the SDK accepts an answer by default.
ANSWER_SECONDS = 600.0
NO_ANSWER = "The call was not sent again with an answer within {:g} seconds."

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


class _Call:
    """A request while it is handled: its context, what it is to, and the last question to a person
    with what became of it."""

    def __init__(self, ctx: RequestContext, context: Fields, body: bytes) -> None:
        self._body = body
        method, self.params = METHODS[ctx.method], ctx.params or {}
        # A URI may hold a secret, which must not be cut in two.
        named = outcomes.beginning(str(self.params.get(method.parameter) or ""), LONG_ID_LENGTH)
        self.method = ctx.method
        self.name = visible(named, NAME_LENGTH)
        self.context = context
        self.fields: dict[str, Any] = {
            **context,
            "target": {"type": method.target, "id": self.name},
        }
        self.approval: dict[str, Any] | None = None

    @property
    def arguments(self) -> Any:
        """The arguments, with the digits that their numbers were sent with."""
        return exact_arguments(self.params.get("arguments"), self._body)

    @cached_property
    def hash(self) -> str | None:
        return elicitations.hash_of(self.name, self.params)

    def question(self, asked: Mapping[str, Any]) -> Question:
        return elicitations.question(self.fields, self.name, self.hash, asked)

    def link(self, key: str, state: Any) -> tuple[str, ...]:
        return elicitations.link_of(self.context.get("actor"), self.method, self.name, key, state)


class _AskingSession(ServerSession):
    """A session of the protocols until 2025-11-25, in which a tool asks in the middle of a call."""

    def __init__(self, session: ServerSession, ask: Callable[..., Awaitable[Any]]) -> None:
        # The one that is there has no state of its own.
        self.__dict__.update(session.__dict__)
        self._ask = ask

    async def send_request(self, request: Any, result_type: Any, *args: Any, **kwargs: Any) -> Any:
        send = partial(super().send_request, request, result_type, *args, **kwargs)
        if request.method != elicitations.ELICIT:
            return await send()
        return await self._ask(request.params.model_dump(mode="json", by_alias=True), send)


class RecordToolCalls(ServerMiddleware[Any]):
    """Records `tools/call`, `resources/read`, `prompts/get`, tasks and elicitations: who, what,
    with which arguments, how long, and whether it worked. A result with `isError`, an exception and
    a cancel are failures. Results are not stored, as they may be large and confidential, nor are a
    person's answers, but for the choice to accept, decline or cancel.

    `agent` returns the actor of a request, `session` its session, and `is_failure` whether a result
    without `isError` is a failure all the same. An elicitation that is not answered within
    `answer_seconds` is recorded as expired; None if another process may get the answer. No request
    fails because it could not be recorded.
    """

    def __init__(
        self,
        record: Record,
        *,
        agent: Agent = calling_agent,
        session: Session | None = None,
        is_failure: IsFailure | None = None,
        answer_seconds: float | None = ANSWER_SECONDS,
    ) -> None:
        self._record = record
        self._agent = agent
        self._session = session
        self._is_failure = is_failure
        # Several may have the same key: without sessions, each client counts its requests itself.
        self._running: dict[_Cancel, tuple[str | None, str]] = {}
        self._tasks = tasks.Tasks()
        self._reason_late = NO_ANSWER.format(answer_seconds or 0)
        self._waiting = Waiting(answer_seconds, self._record_late)

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
        call = _Call(ctx, context, await body_of(ctx))
        if elicitations.answers_in(call.params):
            await self._in_thread(self._record_answers, call)
        ctx = replace(ctx, session=_AskingSession(ctx.session, partial(self._ask, call)))
        cancel = _Cancel()
        self._running[cancel] = _key(ctx, ctx.request_id)
        outcome: Callable[[], Outcome] | None = None
        answer: HandlerResult = None
        began = time.monotonic()
        try:
            with bind(**context):
                answer = await call_next(ctx)
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            outcome = partial(outcomes.raised, error)
            raise
        else:
            outcome = partial(self._outcome_of, ctx.method, _plain(answer))
            return answer
        finally:
            duration = (time.monotonic() - began) * 1_000
            if outcome is None:
                outcome = partial(outcomes.cancelled, await _reason(cancel))
            del self._running[cancel]
            await self._in_thread(self._record_request, call, outcome, duration, _plain(answer))

    def _note_reason(self, ctx: RequestContext) -> None:
        params = ctx.params or {}
        key, reason = _key(ctx, params.get("requestId")), params.get("reason")
        for cancel in [each for each, running in self._running.items() if running == key]:
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
            try:
                return outcomes.answered(answer, self._is_failure)
            except Exception:
                logger.exception("is_failure did not judge a result")
                return outcomes.answered(answer)
        status = answer.get("resultType")
        return ("partial", {"status": status}) if status == "input_required" else ("success", {})

    async def _in_thread(self, function: Callable[..., None], *arguments: Any) -> None:
        # Recording may wait for a disk; shielded, as a cancelled request is recorded too.
        with CancelScope(shield=True):
            await to_thread.run_sync(_quietly, function, *arguments)

    async def _ask(self, call: _Call, asked: Answer, send: Callable[[], Awaitable[Any]]) -> Any:
        """Ask in the middle of a call. Raises what the session raises."""
        question = call.question(asked)
        await self._in_thread(self._record_of, call, question, question.requested())
        ended = question.ended(outcomes.CANCELLED, is_late=False)
        try:
            result = await send()
        except MCPError as error:
            reason = outcomes.beginning(error.error.message)
            ended = question.ended(reason, is_late=error.error.code == REQUEST_TIMEOUT)
            raise
        else:
            ended = question.answered(result.action if isinstance(result, ElicitResult) else "")
            return result
        finally:
            await self._in_thread(self._record_of, call, question, ended)

    def _record_answers(self, call: _Call) -> None:
        """Record the answers that a call is sent again with."""
        answers = elicitations.answers_in(call.params)
        for key, choice in answers.items():
            link = call.link(key, call.params.get("requestState"))
            # Without one, it was another process that asked.
            question = self._waiting.take(link, call.hash) or call.question({})
            self._record_of(call, replace(question, fields=call.fields), question.answered(choice))

    def _record_questions(self, call: _Call, answer: Answer) -> None:
        """Record the elicitations that a call is answered with."""
        for key, asked in elicitations.asked_in(answer).items():
            question = call.question(asked)
            self._waiting.ask(question, call.link(key, answer.get("requestState")))
            self._record_of(call, question, question.requested())

    def _record_of(
        self, call: _Call, question: Question, entry: tuple[str, Result, dict[str, Any]]
    ) -> None:
        action, result, fields = entry
        # The call's own arguments, which may be others than those that were asked about.
        call.approval = {**fields["approval"], "argumentsHash": call.hash}
        self._record(action, result=result, **fields)

    def _record_late(self, question: Question) -> None:
        action, result, fields = question.ended(self._reason_late, is_late=True)
        try:
            self._record(action, result=result, **fields)
        except Exception:
            logger.exception("an elicitation without an answer was not recorded")

    def _record_request(
        self, call: _Call, outcome: Callable[[], Outcome], duration: float, answer: Answer
    ) -> None:
        method = METHODS[call.method]
        _quietly(self._record_questions, call, answer)
        result, details = outcome()
        payload: dict[str, Any] = {method.target: call.name, **details}
        payload |= calling_key()
        if call.method != "resources/read":
            payload["arguments"] = storable(call.arguments)
        fields = {**call.fields, "duration": round(duration, 3), "approval": call.approval}
        try:
            self._record(method.action, result=result, **fields, payload=payload)
        except ValueError as error:
            # Whatever the log refuses, the caller does not avoid it.
            payload["arguments"] = f"[not stored: {error}]"[: outcomes.ERROR_LENGTH]
            self._record(method.action, result=result, **fields, payload=payload)
        if task := outcomes.task_in(answer):
            self._record_start(task, call.name, fields)

    def _record_start(self, task: Answer, tool: str, fields: dict[str, Any]) -> None:
        origin = tasks.Origin(tool, fields.get("correlation_id"))
        self._tasks.started(task["taskId"], origin)
        self._record(
            "mcp.task.created",
            result="success",
            **{
                **fields,
                "target": _task_target(task["taskId"]),
                "duration": None,
                "approval": None,
            },
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
    # Each session counts its requests by itself; the protocol has none since 2026-07-28.
    return session_header(ctx), str(request_id)


def _task_target(task_id: str) -> dict[str, str]:
    return {"type": "task", "id": visible(task_id, LONG_ID_LENGTH)}
