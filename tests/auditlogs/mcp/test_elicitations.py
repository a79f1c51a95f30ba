"""A real server asks a real client, whose person accepts, declines, cancels, or is late."""

import contextlib
import functools
import time
from collections.abc import Callable
from typing import Annotated, Any

import anyio
import pytest
from mcp import Client
from mcp.server import MCPServer, Server, ServerRequestContext
from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    Implementation,
    InputRequiredResult,
    TextContent,
)
from pydantic import BaseModel

import auditlogs
from auditlogs.entry.schema import Entry
from auditlogs.mcp import RecordToolCalls, arguments_hash
from auditlogs.mcp.elicitations import MAX_PENDING, Waiting, question
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from tests import apart

SCOUT = Implementation(name="agent_7f3a21", title="Momentum Scout", version="1.4")
ARGUMENTS = {"amount": 5, "to": "cold"}
HASH = arguments_hash("transfer", ARGUMENTS)
PATIENCE_SECONDS = 20.0


class Sure(BaseModel):
    """What a person is asked."""

    sure: bool


async def ask(amount: int) -> Elicit[Sure]:
    return Elicit(f"Send {amount} SOL?", Sure)


def desk(account: str, **options: Any) -> MCPServer:
    """Return a server with a tool that asks before it sends."""
    record = functools.partial(auditlogs.record, account=account)
    server = MCPServer("desk", middleware=[RecordToolCalls(record, **options)])

    @server.tool()
    async def transfer(
        amount: int, to: str, sure: Annotated[ElicitationResult[Sure], Resolve(ask)]
    ) -> str:
        return "sent" if isinstance(sure, AcceptedElicitation) else "not sent"

    return server


def entries_of(account: str, count: int) -> list[Entry]:
    """Return the entries of an account, oldest first, once there are so many."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        entries = Entries.of(account).page(100, payloads=True).entries
        if len(entries) >= count or time.monotonic() > until:
            break
        time.sleep(0.05)
    assert len(entries) == count, [entry.action for entry in entries]
    return sorted(entries, key=lambda entry: (entry.timestamp, entry.action != REQUESTED))


REQUESTED = "mcp.elicitation.requested"


def approvals(entries: list[Entry]) -> dict[str, Any]:
    """Return the outcome of the approval of each entry, by its action."""
    return {entry.action: entry.approval and entry.approval.outcome for entry in entries}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("choice", "word", "outcome", "result"),
    [
        ("accept", "accepted", "granted", "success"),
        ("decline", "declined", "denied", "failure"),
        ("cancel", "cancelled", "cancelled", "failure"),
    ],
)
def test_a_question_and_its_answer_have_one_approval(
    mode: Any, choice: Any, word: str, outcome: str, result: str
) -> None:
    account = new_account_id()

    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action=choice, content={"sure": True} if choice == "accept" else None)

    async def call() -> None:
        server = desk(account)
        async with Client(
            server, client_info=SCOUT, elicitation_callback=answer, mode=mode
        ) as client:
            answered = await client.call_tool("transfer", ARGUMENTS)
            assert not answered.is_error

    apart.run(call())
    # In the protocol of 2026 the call that asks ends, and is sent again.
    entries = entries_of(account, 4 if mode == "auto" else 3)
    action = f"mcp.elicitation.{word}"
    by_action = {entry.action: entry for entry in entries}
    asked, answered = by_action[REQUESTED], by_action[action]
    assert (asked.result, answered.result) == ("success", result)
    assert asked.summary == "transfer · Send 5 SOL?"
    assert asked.payload == {"tool": "transfer", "message": "Send 5 SOL?"}
    found = [entry.approval for entry in entries]
    assert {each and each.id for each in found} == {asked.approval and asked.approval.id}
    assert {each and each.arguments_hash for each in found} == {HASH}
    assert approvals([asked, answered]) == {REQUESTED: "requested", action: outcome}
    calls = [entry for entry in entries if entry.action == "mcp.tool.call"]
    outcomes = [entry.approval and entry.approval.outcome for entry in calls]
    assert outcomes == (["requested", outcome] if mode == "auto" else [outcome])
    assert {(entry.actor.id, entry.authentication) for entry in entries} == {
        ("agent_7f3a21", "declared")
    }
    assert entries[0].agent is not None
    assert entries[0].agent.version == "1.4"
    shown = Entries.of(account).where("facts.approval", str(found[0] and found[0].id)).page(10)
    assert len(shown.entries) == len(entries)


def test_a_question_that_is_not_answered_in_time_expires() -> None:
    account = new_account_id()

    async def call() -> None:
        server = desk(account, answer_seconds=0.2)
        async with Client(server, client_info=SCOUT, elicitation_callback=never) as client:
            asked = await client.session.call_tool("transfer", ARGUMENTS, allow_input_required=True)
            assert isinstance(asked, InputRequiredResult)

    apart.run(call())
    entries = entries_of(account, 3)
    assert approvals(entries) == {
        REQUESTED: "requested",
        "mcp.tool.call": "requested",
        "mcp.elicitation.cancelled": "expired",
    }
    (late,) = (entry for entry in entries if entry.action == "mcp.elicitation.cancelled")
    assert late.result == "failure"
    assert late.summary == "The call was not sent again with an answer within 0.2 seconds."


async def never(context: Any, params: Any) -> ElicitResult:
    await anyio.sleep(60)
    raise AssertionError


def test_in_the_middle_of_a_call_a_question_ends_with_the_call() -> None:
    account = new_account_id()

    async def call() -> None:
        server = desk(account)
        async with Client(
            server, client_info=SCOUT, elicitation_callback=never, mode="legacy"
        ) as client:
            with pytest.raises(MCPError):
                await client.call_tool("transfer", ARGUMENTS, read_timeout_seconds=0.3)

    apart.run(call())
    entries = entries_of(account, 3)
    assert approvals(entries) == {
        REQUESTED: "requested",
        "mcp.elicitation.cancelled": "cancelled",
        "mcp.tool.call": "cancelled",
    }


def test_a_call_with_other_arguments_than_were_approved_says_so_by_its_hash() -> None:
    account = new_account_id()

    async def answer(
        ctx: ServerRequestContext, params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        if not params.input_responses:
            return InputRequiredResult(input_requests={"sure": CONFIRM}, request_state="s-1")
        return CallToolResult(content=[TextContent(type="text", text="done")])

    server: Server[Any] = Server("low", on_call_tool=answer)
    record = functools.partial(auditlogs.record, account=account)
    server.middleware.append(RecordToolCalls(record))

    async def call() -> None:
        async with Client(server, client_info=SCOUT, elicitation_callback=never) as client:
            await client.session.call_tool("send", {"amount": 5}, allow_input_required=True)
            with contextlib.suppress(MCPError):
                # It was called; then the client asks what its result should look like.
                await client.session.call_tool(
                    "send",
                    {"amount": 5_000},
                    input_responses={"sure": ElicitResult(action="accept")},
                    request_state="s-1",
                )

    apart.run(call())
    entries = entries_of(account, 4)
    assert len({entry.approval and entry.approval.id for entry in entries}) == 1
    hashes = {
        (entry.action, entry.result): entry.approval and entry.approval.arguments_hash
        for entry in entries
    }
    five, many = (arguments_hash("send", {"amount": amount}) for amount in (5, 5_000))
    assert hashes == {
        (REQUESTED, "success"): five,
        ("mcp.tool.call", "partial"): five,
        ("mcp.elicitation.accepted", "success"): five,
        ("mcp.tool.call", "success"): many,
    }


CONFIRM = ElicitRequest(
    params=ElicitRequestFormParams(
        message="Sure?",
        requested_schema={"type": "object", "properties": {"sure": {"type": "boolean"}}},
    )
)


def waiting(seconds: float | None = None, on_late: Callable[..., object] = print) -> Waiting:
    return Waiting(seconds, on_late)


def test_an_answer_goes_to_the_question_with_its_arguments_else_to_the_oldest() -> None:
    asked = waiting()
    first, second, third = (question({}, "t", digest, {}) for digest in "aba")
    for each in (first, second, third):
        asked.ask(each, ("x",))
    taken = [asked.take(("x",), digest) for digest in "bcaa"]
    assert [each and each.id for each in taken] == [second.id, first.id, third.id, None]
    assert asked.take(("y",), "a") is None


def test_questions_that_wait_are_bounded() -> None:
    asked = waiting()
    for number in range(MAX_PENDING + 2):
        asked.ask(question({}, "t", str(number), {}), (str(number),))
    assert asked.take(("1",), None) is None
    assert asked.take(("2",), None) is not None
