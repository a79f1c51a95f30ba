"""`audited`: time a block or function and record whether it worked."""

import asyncio
import functools
import inspect
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, ExitStack
from contextvars import copy_context
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, Unpack, cast, get_args

from auditlogs.entry.failures import text_of
from auditlogs.entry.schema import Result, Target
from auditlogs.intake import context
from auditlogs.intake.validation import InvalidEntry
from auditlogs.recording.policy import redactor
from auditlogs.recording.recorder import Details, Mode, check_mode, prepare, record

MAX_MESSAGE = 2_000
INTENT, OUTCOME = "intent", "outcome"
CANCELLED = "The action was cancelled."
# Fields that the guard sets itself.
RESERVED = {"id", "timestamp", "duration"}

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
T = TypeVar("T")


class GuardedAction:
    """The action that a guard times: its block may change target, payload and result."""

    def __init__(self, target: Target | Mapping[str, Any] | None, payload: dict[str, Any]) -> None:
        self.target = target
        self.payload = payload
        self.result: Result = "success"
        # Kept apart from the payload, which the block may replace, or make unfit to be stored.
        self.outcome: dict[str, Any] = {}

    def partial(self, reason: object) -> None:
        """Record the action as partly done, for this reason: its first 2,000 characters."""
        self.result = "partial"
        self.outcome["reason"] = redactor().beginning(text_of(reason), MAX_MESSAGE)

    def failure(self, error: object) -> None:
        """Record the action as failed although it raises nothing. `error` is a text or an
        exception, of whose text the first 2,000 characters are stored."""
        self.result = "failure"
        self.outcome["error"] = redactor().beginning(text_of(error), MAX_MESSAGE)


def audited(action: str, *, mode: Mode = "durable", **details: Unpack[Details]) -> "Guard":
    """Record a block, or every call of a function: a context manager and a decorator.

    The entry has the duration and the result: success, failure with the exception's type and
    message in the payload (`errorType`, `error`), or what the block sets itself. In mode `strict`
    an entry of the intent is stored first, and the block does not run without it; the entry of the
    outcome follows (`phase` in the payload is `intent` and `outcome`). An async function or block
    is left when its outcome is recorded, also if its task is cancelled.

    Raises InvalidEntry before the block runs, and CannotStore in mode `strict`; ValueError for an
    unknown mode.
    """
    check_mode(mode)
    if reserved := RESERVED & details.keys():
        raise TypeError(f"audited() sets {min(reserved)} itself")
    return Guard(action, mode, details)


class Guard:
    """A guarded block; as a decorator it makes a new one for each call."""

    def __init__(self, action: str, mode: Mode, details: Details) -> None:
        self._action = action
        self._mode = mode
        self._given_details = details
        # Intent and outcome are found together by it.
        correlation_id = context.current().correlation_id or str(uuid.uuid4())
        self._details: Details = {"correlation_id": correlation_id, **details}
        self._guarded = GuardedAction(details.get("target"), dict(details.get("payload") or {}))
        self._is_entered = False
        self._began: float | None = None

    def __enter__(self) -> GuardedAction:
        """Validate the entry before the block runs; in mode `strict` record the intent.

        Raises RuntimeError the second time: the entries of two blocks would be mixed.
        """
        if self._is_entered:
            raise RuntimeError("this guard has had its block: call audited() for each block")
        self._is_entered = True
        # A generator may be closed where another context, or none, is bound.
        self._context = copy_context()
        if self._mode == "strict":
            self._record("partial", None, {**self._guarded.payload, "phase": INTENT}, "strict")
            self._guarded.outcome["phase"] = OUTCOME
        else:
            prepare(self._action, result="success", **self._details)
        self._began = time.perf_counter()
        return self._guarded

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._began is not None
        duration = (time.perf_counter() - self._began) * 1000
        guarded = self._guarded
        status: dict[str, Any] = {}
        if error is not None:
            guarded.failure(error)
            guarded.outcome["errorType"] = type(error).__qualname__
        if isinstance(error, asyncio.CancelledError):
            # Its text names objects of the event loop. With the status it is found as cancelled.
            guarded.failure(CANCELLED)
            status = {"status": "cancelled"}
        # The block has run: raising CannotStore now would prevent nothing.
        mode: Mode = "durable" if self._mode == "strict" else self._mode
        given: Any = {} if guarded.payload is None else guarded.payload
        payload = {**status, **given, **guarded.outcome} if isinstance(given, Mapping) else given
        try:
            self._record(guarded.result, duration, payload, mode)
        except InvalidEntry as invalid:
            # The block set a result, target or payload that cannot be stored; its outcome counts.
            guarded.target = self._details.get("target")
            result = guarded.result if guarded.result in get_args(Result) else "partial"
            fault = redactor().beginning(str(invalid), MAX_MESSAGE)
            payload = {**status, **guarded.outcome, "invalidEntry": fault}
            self._record(result, duration, payload, mode)

    async def __aenter__(self) -> GuardedAction:
        """Enter in a thread: recording may wait for a disk."""
        try:
            return await _in_thread(self.__enter__)
        except asyncio.CancelledError as error:
            # An intent that is stored has an outcome: the block does not run.
            if self._mode == "strict" and self._began is not None:
                await self.__aexit__(type(error), error, error.__traceback__)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Exit in a thread: recording may wait for a disk."""
        await _in_thread(self.__exit__, kind, error, trace)

    def __call__(self, function: F) -> F:
        """Guard every call of a function: until it returns, or until the coroutine that it returns
        has ended. Raises TypeError for a generator function, and for a method above which
        `staticmethod` or `classmethod` belongs."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                "a generator function runs later than its call: guard a block inside it"
            )
        if not callable(function) or isinstance(function, staticmethod):
            raise TypeError("audited() guards a function: write it below staticmethod, classmethod")

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            guard = self._again()
            with ExitStack() as stack:
                stack.enter_context(guard)
                returned = function(*args, **kwargs)
                if not inspect.iscoroutine(returned):
                    return returned
                # Nothing of it has run yet.
                stack.pop_all()
            return guard._awaited(returned)

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            async with self._again():
                return await function(*args, **kwargs)

        # `sync_to_async` and others make objects whose call is asynchronous.
        is_async = any(map(inspect.iscoroutinefunction, (function, type(function).__call__)))
        return cast(F, run_async if is_async else run)

    async def _awaited(self, coroutine: Coroutine[Any, Any, T]) -> T:
        async with AsyncExitStack() as stack:
            stack.push_async_exit(self)
            return await coroutine

    def _again(self) -> Self:
        return type(self)(self._action, self._mode, self._given_details)

    def _record(
        self, result: Result, duration: float | None, payload: dict[str, Any], mode: Mode
    ) -> None:
        details = cast(
            Details,
            {
                **self._details,
                "target": self._guarded.target,
                "duration": duration,
                "payload": payload or None,
            },
        )
        self._context.run(
            functools.partial(record, self._action, result=result, mode=mode, **details)
        )


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in a thread and return what it returns. A cancellation is raised when the
    function has ended: an entry that waits for a thread would be dropped with its task."""
    call = functools.partial(copy_context().run, function, *args, **kwargs)
    running = asyncio.get_running_loop().run_in_executor(None, call)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            # A scope of anyio cancels again at each wait.
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not running.cancelled():
            # Else asyncio reports an exception of it as never retrieved.
            running.exception()
        raise cancelled
    return running.result()
