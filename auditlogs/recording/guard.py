"""`audited`: time a block or function and record whether it worked."""

import asyncio
import functools
import inspect
import time
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast

from auditlogs.entry.schema import Result, Target
from auditlogs.intake import context
from auditlogs.intake.validation import InvalidEntry
from auditlogs.recording.policy import redactor
from auditlogs.recording.recorder import Details, Mode, prepare, record

MAX_MESSAGE = 2_000
INTENT, OUTCOME = "intent", "outcome"
# Fields that the guard sets itself.
RESERVED = {"id", "timestamp", "duration"}

F = TypeVar("F", bound=Callable[..., Any])


class GuardedAction:
    """The action that a guard times: its block may change target, payload and result."""

    def __init__(self, target: Target | Mapping[str, Any] | None, payload: dict[str, Any]) -> None:
        self.target = target
        self.payload = payload
        self.result: Result = "success"

    def partial(self, reason: str) -> None:
        """Record the action as partly done, for this reason."""
        self.result = "partial"
        self.payload["reason"] = reason

    def failure(self, error: str) -> None:
        """Record the action as failed although it raises nothing."""
        self.result = "failure"
        self.payload["error"] = redactor().beginning(error, MAX_MESSAGE)


def audited(action: str, *, mode: Mode = "durable", **details: Unpack[Details]) -> "Guard":
    """Record a block, or every call of a function: a context manager and a decorator.

    The entry has the duration and the result: success, failure with the exception's type and
    message in the payload (`errorType`, `error`), or what the block sets itself. In mode `strict`
    an entry of the intent is stored first, and the block does not run without it; the entry of the
    outcome follows (`phase` in the payload is `intent` and `outcome`).

    Raises InvalidEntry before the block runs, and CannotStore in mode `strict`.
    """
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
        self._began = 0.0

    def __enter__(self) -> GuardedAction:
        """Validate the entry before the block runs; in mode `strict` record the intent."""
        if self._mode == "strict":
            self._guarded.payload["phase"] = INTENT
            self._record("partial", None, self._guarded.payload, "strict")
            self._guarded.payload["phase"] = OUTCOME
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
        duration = (time.perf_counter() - self._began) * 1000
        guarded = self._guarded
        if error is not None:
            guarded.failure(str(error))
            guarded.payload["errorType"] = type(error).__qualname__
        # The block has run: raising CannotStore now would prevent nothing.
        mode: Mode = "durable" if self._mode == "strict" else self._mode
        try:
            self._record(guarded.result, duration, guarded.payload, mode)
        except InvalidEntry as invalid:
            # The block set a target or payload that cannot be stored; its outcome still counts.
            guarded.target = self._details.get("target")
            self._record(guarded.result, duration, {"invalidEntry": str(invalid)}, mode)

    async def __aenter__(self) -> GuardedAction:
        """Enter in a thread: recording may wait for a disk."""
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Exit in a thread: recording may wait for a disk."""
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def __call__(self, function: F) -> F:
        """Guard every call of a function. Raises TypeError for a generator function."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                "a generator function runs later than its call: guard a block inside it"
            )

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            async with self._again():
                return await function(*args, **kwargs)

        return cast(F, run_async if inspect.iscoroutinefunction(function) else run)

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
        record(self._action, result=result, mode=mode, **details)
