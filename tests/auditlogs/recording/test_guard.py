"""Guarded actions: timed, recorded as they went, and in the mode strict not run unrecorded."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import anyio
import pytest
from asgiref.sync import sync_to_async
from pytest_django.fixtures import Settings

from auditlogs import audited, bind, record
from auditlogs.entry.schema import Entry
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from auditlogs.recording.recorder import InvalidEntry
from auditlogs.write.store import CannotStore
from tests import apart, away
from tests.away import connected_to, impatience
from tests.factories import AGENT, ORDER

MNEMONIC = "legal winner thank year wave sausage worth useful legal winner thank yellow"


@pytest.fixture
def account() -> Iterator[str]:
    """An account, bound with an actor to the context."""
    with bind(account=new_account_id(), actor=AGENT) as bound:
        assert bound.account
        yield bound.account


def entries(account: str) -> list[Entry]:
    return Entries.of(account).order_by("timestamp").page(100, payloads=True).entries


def test_a_block_that_ends_is_a_success_with_its_duration(account: str) -> None:
    with audited("order.created", target=ORDER, payload={"pair": "SOL/USDC"}) as guarded:
        guarded.payload["orderId"] = "ord-42"
    (entry,) = entries(account)
    assert (entry.result, entry.actor.id) == ("success", AGENT["id"])
    assert entry.payload == {"pair": "SOL/USDC", "orderId": "ord-42"}
    assert entry.duration is not None
    assert 0 <= entry.duration < 5_000


def test_an_exception_is_a_failure_with_its_type_and_message_and_goes_on(account: str) -> None:
    with pytest.raises(ValueError, match="no such pair"), audited("order.created"):
        raise ValueError("no such pair: password=hunter2")
    (entry,) = entries(account)
    assert entry.result == "failure"
    assert entry.payload
    assert entry.payload["errorType"] == "ValueError"
    assert entry.payload["error"].startswith("no such pair: password=[REDACTED:")


@pytest.mark.parametrize("before", [0, 1_930, 1_990, 5_000])
def test_no_part_of_a_secret_is_left_where_a_message_is_cut(account: str, before: int) -> None:
    with pytest.raises(RuntimeError), audited("order.created"):
        raise RuntimeError(f"{'x' * before} {MNEMONIC} {'x' * 20_000}")
    (entry,) = entries(account)
    assert entry.payload
    assert len(entry.payload["error"]) <= 2_000
    assert "legal" not in entry.payload["error"]


def test_a_block_may_say_that_it_worked_in_part_or_failed(account: str) -> None:
    with audited("order.filled") as guarded:
        guarded.partial("2 of 3 legs")
    with audited("mcp.tool.call") as guarded:
        guarded.failure("Insufficient scope: trade")
    part, failed = entries(account)
    assert (part.result, part.payload) == ("partial", {"reason": "2 of 3 legs"})
    assert (failed.result, failed.payload) == ("failure", {"error": "Insufficient scope: trade"})


def test_a_function_is_guarded_at_every_call(account: str) -> None:
    @audited("order.approved")
    def approve(number: int) -> int:
        """Approve."""
        if number == 2:
            raise KeyError(number)
        return number

    assert approve(1) == 1
    with pytest.raises(KeyError):
        approve(2)
    assert [entry.result for entry in entries(account)] == ["success", "failure"]
    assert len({entry.correlation_id for entry in entries(account)}) == 2
    assert approve.__doc__ == "Approve."


def test_an_async_function_and_block_are_guarded_too(account: str) -> None:
    @audited("mcp.tool.call")
    async def call(tool: str) -> str:
        await asyncio.sleep(0)
        if tool == "broken":
            raise RuntimeError(tool)
        return tool

    async def work() -> None:
        assert await call("quote") == "quote"
        with pytest.raises(RuntimeError):
            await call("broken")
        async with audited("order.created") as guarded:
            guarded.partial("half")

    apart.run(work())
    assert [entry.result for entry in entries(account)] == ["success", "failure", "partial"]


def test_what_could_not_be_recorded_is_said_before_anything_runs(account: str) -> None:
    ran = []
    with pytest.raises(InvalidEntry, match="/action"), audited("Order"):
        ran.append(1)
    with pytest.raises(InvalidEntry, match="/target/id"), audited("a.b", target={"type": "x"}):
        ran.append(1)
    with pytest.raises(TypeError, match="account"), bind(account=None), audited("order.created"):
        ran.append(1)
    with pytest.raises(TypeError, match="sets duration itself"):
        audited("order.created", duration=1)
    assert ran == []
    assert entries(account) == []


def test_a_generator_or_a_method_of_the_class_is_no_action_to_guard() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="guard a block inside it"):
        audited("order.created")(numbers)
    methods: list[Any] = [staticmethod(late), classmethod(late)]  # type: ignore[arg-type]
    for method in methods:
        with pytest.raises(TypeError, match="write it below staticmethod"):
            audited("order.created")(method)


def test_a_mode_that_does_not_exist_is_refused_before_anything_runs(account: str) -> None:
    with pytest.raises(ValueError, match="strict, durable, async, not 'Strict'"):
        audited("order.created", mode="Strict")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not 'sync'"):
        record("order.created", result="success", mode="sync")  # type: ignore[arg-type]
    assert entries(account) == []


def test_a_guard_is_for_one_block(account: str) -> None:
    guard = audited("order.created")
    with pytest.raises(KeyError), guard:
        raise KeyError("first")
    with pytest.raises(RuntimeError, match="for each block"), guard:
        pass
    assert [entry.result for entry in entries(account)] == ["failure"]


class NoText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NoText(), "(NoText has no text)"),
        (FileNotFoundError(2, "no file a\udcff"), "[Errno 2] no file a\\udcff"),
        (
            ExceptionGroup("many", [ValueError("a"), ExceptionGroup("", [KeyError("b")])]),
            "many (2 sub-exceptions): ValueError: a; KeyError: 'b'",
        ),
    ],
)
def test_every_exception_is_recorded_and_goes_on(account: str, error: Exception, text: str) -> None:
    with pytest.raises(type(error)), audited("order.created"):
        raise error
    (entry,) = entries(account)
    assert entry.payload == {"error": text, "errorType": type(error).__qualname__}


def test_a_block_that_says_what_cannot_be_stored_is_recorded_without_it(account: str) -> None:
    with audited("order.created", payload={"orderId": "ord-1"}) as guarded:
        guarded.payload["n"] = float("nan")

    def fails() -> None:
        with audited("order.created", mode="strict") as guarded:
            guarded.payload["large"] = "x" * 70_000
            raise KeyError("ord-2")

    with pytest.raises(KeyError):
        fails()
    with audited("order.created") as guarded:
        guarded.result = "ok"  # type: ignore[assignment]
        guarded.payload = None  # type: ignore[assignment]
    with audited("order.created") as guarded:
        guarded.partial("x" * 70_000)
    first, _, failed, third, part = entries(account)
    assert [each.result for each in (first, failed, third, part)] == [
        "success",
        "failure",
        "partial",
        "partial",
    ]
    said = [entry.payload or {} for entry in (first, failed, third)]
    assert "/payload/n" in said[0]["invalidEntry"]
    assert "over 65,536" in said[1].pop("invalidEntry")
    assert said[1] == {"phase": "outcome", "error": "'ord-2'", "errorType": "KeyError"}
    assert said[2] == {"invalidEntry": "/result: must be one of failure, partial, success"}
    assert part.payload == {"reason": "x" * 2_000}


class Late:
    async def __call__(self) -> NoReturn:
        await asyncio.sleep(0.02)
        raise ValueError("late")


def late() -> NoReturn:
    time.sleep(0.02)
    raise ValueError("late")


def late_too() -> Any:
    return Late()()


@pytest.mark.parametrize("call", [Late(), sync_to_async(late), late_too])
def test_a_call_is_guarded_until_its_coroutine_has_ended(account: str, call: Any) -> None:
    async def work() -> None:
        with pytest.raises(ValueError, match="late"):
            await audited("order.created")(call)()

    apart.run(work())
    (entry,) = entries(account)
    assert (entry.result, (entry.payload or {}).get("error")) == ("failure", "late")
    assert (entry.duration or 0) >= 15


def test_an_outcome_is_recorded_however_often_its_task_is_cancelled(account: str) -> None:
    async def work() -> None:
        started = asyncio.Event()

        async def hang() -> None:
            async with audited("order.created"):
                started.set()
                await asyncio.sleep(20)

        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        task = asyncio.create_task(hang())
        await started.wait()
        # The outcome has to wait for the only thread.
        loop.run_in_executor(None, time.sleep, 0.1)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await task
        with anyio.move_on_after(0.02) as scope:
            async with audited("order.created"):
                await asyncio.sleep(20)
        assert scope.cancelled_caught

    apart.run(work())
    cancelled = {
        "status": "cancelled",
        "error": "The action was cancelled.",
        "errorType": "CancelledError",
    }
    assert [entry.payload for entry in entries(account)] == [cancelled, cancelled]


def test_an_intent_has_an_outcome_also_where_its_task_is_cancelled(account: str) -> None:
    async def work() -> None:
        async def buy() -> None:
            async with audited("order.created", mode="strict"):
                raise AssertionError("not run")

        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        loop.run_in_executor(None, time.sleep, 0.1)
        task = asyncio.create_task(buy())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    apart.run(work())
    intent, outcome = entries(account)
    assert (intent.payload, outcome.result) == ({"phase": "intent"}, "failure")
    assert intent.correlation_id == outcome.correlation_id


def test_a_generator_may_be_closed_in_another_task(account: str) -> None:
    async def quotes(correlation_id: str) -> AsyncIterator[int]:
        with bind(account=account, actor=AGENT, correlation_id=correlation_id):
            async with audited("order.created"):
                yield 1

    async def work() -> None:
        with bind(account=None, actor=None):
            quoted = quotes("one")
            await asyncio.create_task(anext(quoted))  # type: ignore[arg-type]
            await asyncio.create_task(quoted.aclose())  # type: ignore[attr-defined]

    apart.run(work())
    (entry,) = entries(account)
    assert (entry.correlation_id, (entry.payload or {}).get("errorType")) == (
        "one",
        "GeneratorExit",
    )


def test_strict_records_the_intent_and_then_the_outcome(account: str) -> None:
    with audited("order.created", mode="strict", target=ORDER) as guarded:
        (intent,) = entries(account)
        guarded.payload["orderId"] = "ord-42"
    outcome = next(entry for entry in entries(account) if entry.id != intent.id)
    assert (intent.result, intent.payload) == ("partial", {"phase": "intent"})
    assert outcome.result == "success"
    assert outcome.payload == {"phase": "outcome", "orderId": "ord-42"}
    assert outcome.correlation_id == intent.correlation_id is not None


def test_strict_runs_nothing_that_cannot_be_recorded(settings: Settings, tmp_path: Path) -> None:
    ran = []
    no_folder = tmp_path / "a file"
    no_folder.touch()
    with (
        connected_to(away.nowhere(), settings, no_folder),
        impatience(0.2),
        pytest.raises(CannotStore),
        audited("order.created", mode="strict", account="a", actor=AGENT),
    ):
        ran.append(1)
    assert ran == []


def test_async_mode_does_not_wait(account: str) -> None:
    from auditlogs.recording.outbox import outbox

    with audited("order.created", mode="async"):
        pass
    assert outbox().flush(10)
    assert [entry.result for entry in entries(account)] == ["success"]
