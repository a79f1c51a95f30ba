"""Guarding an action: it is timed, and its entry says whether it worked."""

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
GIVEN_HERE = {"id", "timestamp", "duration"}

F = TypeVar("F", bound=Callable[..., Any])


class Happening:
    """What a guarded action may say of itself while it runs."""

    def __init__(self, target: Target | Mapping[str, Any] | None, payload: dict[str, Any]) -> None:
        self.target = target
        self.payload = payload
        self.result: Result = "success"

    def partial(self, reason: str) -> None:
        """Say that only a part of the action worked, and why."""
        self.result = "partial"
        self.payload["reason"] = reason

    def failure(self, error: str) -> None:
        """Say that the action failed although it raises nothing."""
        self.result = "failure"
        self.payload["error"] = redactor().beginning(error, MAX_MESSAGE)


def audited(action: str, *, mode: Mode = "durable", **details: Unpack[Details]) -> "Guard":
    """Record what a block, or every call of a function, does: as a context manager or decorator.

    The entry has the duration, and the result: success, failure with the exception's type and
    message in the payload (`errorType`, `error`), or what the block says of itself. In the mode
    `strict` an entry of the intent comes first, and the block does not run without it; the entry
    of the outcome follows (`phase` in the payload is `intent` and `outcome`).

    Raises InvalidEntry before the block runs, and CannotStore in the mode `strict`.
    """
    if own := GIVEN_HERE & details.keys():
        raise TypeError(f"audited() says itself what the {min(own)} is")
    return Guard(action, mode, details)


class Guard:
    """One guarded block; as a decorator, the maker of one for each call."""

    def __init__(self, action: str, mode: Mode, details: Details) -> None:
        self._action = action
        self._mode = mode
        self._given = details
        # By it, an intent and its outcome are found together.
        correlation_id = context.current().correlation_id or str(uuid.uuid4())
        self._details: Details = {"correlation_id": correlation_id, **details}
        self._happening = Happening(details.get("target"), dict(details.get("payload") or {}))
        self._began = 0.0

    def __enter__(self) -> Happening:
        """Make sure that the entry can be recorded; record the intent if that is asked for."""
        if self._mode == "strict":
            self._happening.payload["phase"] = INTENT
            self._record("partial", None, self._happening.payload, "strict")
            self._happening.payload["phase"] = OUTCOME
        else:
            prepare(self._action, result="success", **self._details)
        self._began = time.perf_counter()
        return self._happening

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Record the outcome."""
        duration = (time.perf_counter() - self._began) * 1000
        happening = self._happening
        if error is not None:
            happening.failure(str(error))
            happening.payload["errorType"] = type(error).__qualname__
        # What has run cannot be prevented any more.
        mode: Mode = "durable" if self._mode == "strict" else self._mode
        try:
            self._record(happening.result, duration, happening.payload, mode)
        except InvalidEntry as invalid:
            happening.target = self._details.get("target")
            self._record(happening.result, duration, {"invalidEntry": str(invalid)}, mode)

    async def __aenter__(self) -> Happening:
        """Begin as `with` does, without holding up the event loop."""
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End as `with` does, without holding up the event loop."""
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def __call__(self, function: F) -> F:
        """Guard every call of a function, plain or async."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("a generator has done nothing when it is called: guard a block in it")

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
        return type(self)(self._action, self._mode, self._given)

    def _record(
        self, result: Result, duration: float | None, payload: dict[str, Any], mode: Mode
    ) -> None:
        details = cast(
            Details,
            {
                **self._details,
                "target": self._happening.target,
                "duration": duration,
                "payload": payload or None,
            },
        )
        record(self._action, result=result, mode=mode, **details)
