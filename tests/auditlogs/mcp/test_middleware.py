"""A real MCP client calls a real MCP server, over stdio; its calls are found in the log."""

import asyncio
import contextlib
import functools
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastmcp import FastMCP
from fastmcp.exceptions import ToolError as FastMcpToolError
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer, Server, ServerRequestContext
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    Implementation,
    InputRequiredResult,
    RequestParams,
    TextContent,
)
from pydantic import AnyHttpUrl
from pytest_django.live_server_helper import LiveServer

import auditlogs
from auditlogs.entry.schema import Entry
from auditlogs.mcp import RecordToolCalls
from auditlogs.mcp.arguments import MAX_ARGUMENTS_BYTES
from auditlogs.models import new_account_id
from auditlogs.query.entries import Entries
from tests import apart
from tests.auditlogs.conftest import Read
from tests.auditlogs.mcp.raw import MODERN, Http
from tests.auditlogs.mcp.serving import over_http
from tests.auditlogs.mcp.tool_server import trading

ROOT = Path(__file__).resolve().parents[3]
CONFIRM = ElicitRequest(
    params=ElicitRequestFormParams(
        message="Sure?",
        requested_schema={"type": "object", "properties": {"sure": {"type": "boolean"}}},
    )
)
SCOUT = Implementation(name="agent_7f3a21", title="Momentum Scout", version="1.4")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.mark.programs
def test_every_call_over_stdio_leaves_an_entry(
    live_server: LiveServer, write_key: str, read: Read
) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "tests.auditlogs.mcp.tool_server"],
        cwd=ROOT,
        env={"HUB_URL": live_server.url, "HUB_KEY": write_key, "PYTHONPATH": os.fspath(ROOT)},
    )

    async def call() -> None:
        async with Client(server, client_info=SCOUT) as client:
            meta: Any = {"traceparent": TRACEPARENT}
            answer = await client.call_tool("quote", {"pair": "SOL/USDC"}, meta=meta)
            assert not answer.is_error
            arguments = {"pair": "SOL/USDC", "amount": 5, "api_key": "ak-not-to-be-stored"}
            answer = await client.call_tool("place_order", arguments)
            assert answer.is_error
            assert (await client.call_tool("crash")).is_error
            assert (await client.call_tool("no_such_tool", {"a": 1})).is_error
            with pytest.raises(MCPError):
                await client.call_tool("wait", read_timeout_seconds=0.3)
            await client.list_tools()

    apart.run(call())
    entries = read(5)
    assert [entry["action"] for entry in entries] == ["mcp.tool.call"] * 5
    assert [entry["actionType"] for entry in entries] == ["mcp"] * 5
    assert {(e["actor"]["type"], e["actor"]["id"], e["actor"]["name"]) for e in entries} == {
        ("agent", "agent_7f3a21", "Momentum Scout")
    }
    by_tool = {entry["target"]["id"]: entry for entry in entries}
    assert list(by_tool) == ["quote", "place_order", "crash", "no_such_tool", "wait"]
    assert {entry["target"]["type"] for entry in entries} == {"tool"}
    assert {tool: entry["result"] for tool, entry in by_tool.items()} == {
        "quote": "success",
        "place_order": "failure",
        "crash": "failure",
        "no_such_tool": "failure",
        "wait": "failure",
    }
    assert by_tool["quote"]["payload"] == {
        "tool": "quote",
        "arguments": {"pair": "SOL/USDC"},
        "isError": False,
    }
    assert by_tool["quote"]["correlationId"] == str(uuid.UUID(TRACE))
    refused = by_tool["place_order"]
    assert refused["payload"]["isError"] is True
    assert refused["payload"]["error"].endswith("Insufficient scope: trade")
    assert refused["payload"]["arguments"]["api_key"].startswith("[REDACTED:")
    assert "/payload/arguments/api_key" in [each["path"] for each in refused["redactions"]]
    assert refused["correlationId"] is None
    assert by_tool["crash"]["payload"]["error"] == "Error executing tool crash"
    assert "no_such_tool" in by_tool["no_such_tool"]["payload"]["error"]
    assert by_tool["wait"]["payload"]["status"] == "cancelled"
    assert 200 < by_tool["wait"]["duration"] < 5_000
    assert len({entry["requestId"] for entry in entries}) == 5
    assert {entry["sessionId"] for entry in entries} == {None}
    assert {entry["botId"] for entry in entries} == {"agent_7f3a21"}


def low_level(account: str, **kwargs: Any) -> Server[Any]:
    """A server of the SDK's lower level, whose exceptions go all the way, recorded in process."""

    async def answer(
        ctx: ServerRequestContext, params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        if params.name == "broken":
            raise LookupError("no such pair")
        if params.name == "forbidden":
            raise MCPError(code=-32001, message="Circuit breaker is open for provider: jupiter")
        if params.name == "confirm" and not params.input_responses:
            return InputRequiredResult(input_requests={"sure": CONFIRM})
        auditlogs.record("order.created", account=account, result="success")
        return CallToolResult(content=[TextContent(type="text", text="done")])

    server: Server[Any] = Server("low", on_call_tool=answer)
    record = functools.partial(auditlogs.record, account=account)
    server.middleware.append(RecordToolCalls(record, **kwargs))
    return server


async def says_yes(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"sure": True})


def called(server: Any, *calls: tuple[str, Any], meta: Any = None) -> None:
    async def call() -> None:
        async with Client(server, client_info=SCOUT, elicitation_callback=says_yes) as client:
            for tool, arguments in calls:
                with contextlib.suppress(MCPError):
                    await client.call_tool(tool, arguments, meta=meta)

    apart.run(call())


def stored(account: str) -> list[Entry]:
    entries = Entries.of(account).page(100, payloads=True).entries
    return sorted(entries, key=lambda entry: entry.id)


def test_an_exception_is_a_failure_with_its_text() -> None:
    account = new_account_id()
    called(low_level(account), ("broken", {}), ("forbidden", {}))
    broken, forbidden = stored(account)
    assert (broken.result, forbidden.result) == ("failure", "failure")
    assert broken.payload is not None
    assert (broken.payload["errorType"], broken.payload["error"]) == (
        "LookupError",
        "no such pair",
    )
    assert forbidden.payload is not None
    assert forbidden.payload["code"] == -32001
    assert forbidden.payload["error"] == "Circuit breaker is open for provider: jupiter"


def test_what_a_tool_records_itself_shares_actor_and_ids_with_its_call() -> None:
    account = new_account_id()
    called(low_level(account), ("buy", {}), meta={"traceparent": TRACEPARENT})
    order, call = sorted(stored(account), key=lambda entry: entry.action, reverse=True)
    assert (order.action, call.action) == ("order.created", "mcp.tool.call")
    assert order.actor.id == call.actor.id == "agent_7f3a21"
    assert order.correlation_id == call.correlation_id == str(uuid.UUID(TRACE))
    assert order.request_id == call.request_id


def test_a_call_that_asks_first_is_partial_and_then_whole() -> None:
    account = new_account_id()
    called(low_level(account), ("confirm", {"pair": "SOL/USDC"}))
    asked, whole = (entry for entry in stored(account) if entry.action == "mcp.tool.call")
    assert (asked.result, whole.result) == ("partial", "success")
    assert asked.payload is not None
    assert asked.payload["status"] == "input_required"


class Tokens(TokenVerifier):
    """Knows one access token."""

    async def verify_token(self, token: str) -> AccessToken | None:
        known = AccessToken(token=token, client_id="agent_of_token", scopes=["trade"])
        return known if token == "good" else None


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_over_http_it_is_the_agent_of_the_token_in_its_session(mode: Any) -> None:
    account = new_account_id()
    auth = AuthSettings(
        issuer_url=AnyHttpUrl("https://auth.example.com"),
        resource_server_url=AnyHttpUrl("http://127.0.0.1/mcp"),
        required_scopes=["trade"],
        validate_token_resource=False,
    )
    server = MCPServer("desk", auth=auth, token_verifier=Tokens())
    server.middleware.append(RecordToolCalls(functools.partial(auditlogs.record, account=account)))
    server.tool(name="quote")(lambda: "151.20")

    async def call(url: str) -> None:
        headers = {"Authorization": "Bearer good"}
        async with httpx2.AsyncClient(headers=headers) as http_client:
            transport = streamable_http_client(url, http_client=http_client)
            async with Client(transport, client_info=SCOUT, mode=mode) as client:
                await client.call_tool("quote")

    with over_http(server) as url:
        apart.run(call(url))
    (entry,) = stored(account)
    assert (entry.actor.id, entry.result) == ("agent_of_token", "success")
    assert entry.source_ip == "127.0.0.1"
    # The protocol of 2026 knows no sessions.
    assert (entry.session_id is None) == (mode == "auto")


@pytest.mark.parametrize(
    "arguments",
    [
        {"text": "x" * MAX_ARGUMENTS_BYTES},
        json.loads('{"a":' * 40 + "1" + "}" * 40),
        {"\ud800": "\ud800"},
    ],
    ids=["large", "deep", "no Unicode"],
)
def test_no_arguments_let_a_call_escape_the_log(arguments: dict[str, Any]) -> None:
    account = new_account_id()
    called(low_level(account), ("broken", arguments))
    (entry,) = stored(account)
    assert entry.payload is not None
    assert "[not stored: " in json.dumps(entry.payload["arguments"])
    assert entry.payload["error"] == "no such pair"


@pytest.mark.parametrize("tool", ["", " ", "a\x00b\u202e", "x" * 1_000])
def test_no_name_of_a_tool_lets_a_call_escape_the_log(tool: str) -> None:
    account = new_account_id()
    called(low_level(account, agent=lambda ctx: {"type": "agent", "id": tool}), (tool, {}))
    assert len(stored(account)) >= 1
    assert "mcp.tool.call" in {entry.action for entry in stored(account)}


def test_the_author_of_a_server_says_who_calls() -> None:
    account = new_account_id()
    agent = {"type": "agent", "id": "agent_9", "name": "Desk"}
    called(low_level(account, agent=lambda ctx: agent), ("broken", {}))
    (entry,) = stored(account)
    assert (entry.actor.id, entry.actor.name) == ("agent_9", "Desk")


def test_what_a_function_of_the_server_cannot_tell_costs_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = new_account_id()

    def fails(given: Any) -> Any:
        raise LookupError("no such header")

    server = low_level(account, agent=fails, session=fails, is_failure=fails)
    called(server, ("broken", {}), ("buy", {}), meta={"traceparent": TRACEPARENT})
    broken, bought = (entry for entry in stored(account) if entry.action == "mcp.tool.call")
    assert (broken.actor.id, broken.result) == ("unknown", "failure")
    assert (bought.actor.id, bought.result) == ("unknown", "success")
    assert broken.correlation_id == bought.correlation_id == str(uuid.UUID(TRACE))
    assert broken.request_id
    assert "agent could not be determined" in caplog.text
    assert "session could not be determined" in caplog.text
    assert "is_failure did not judge a result" in caplog.text


def test_a_call_succeeds_although_it_cannot_be_recorded(caplog: pytest.LogCaptureFixture) -> None:
    def record(action: str, /, **fields: Any) -> object:
        raise OSError("the log is away")

    async def call() -> None:
        async with Client(trading(record)) as client:
            answer = await client.call_tool("quote", {"pair": "SOL/USDC"})
            assert not answer.is_error

    apart.run(call())
    assert "was not recorded" in caplog.text


def test_calls_of_two_clients_at_once_may_have_the_same_request_id() -> None:
    account = new_account_id()
    server = MCPServer("desk")
    server.middleware.append(RecordToolCalls(functools.partial(auditlogs.record, account=account)))

    async def call() -> None:
        both_run = asyncio.Barrier(2)

        @server.tool()
        async def quote() -> str:
            await both_run.wait()
            return "151.20"

        async def one() -> None:
            async with Client(server, client_info=SCOUT) as client:
                assert not (await client.call_tool("quote")).is_error

        await asyncio.wait_for(asyncio.gather(one(), one()), 20)

    apart.run(call())
    first, second = stored(account)
    assert (first.result, second.result) == ("success", "success")
    assert first.request_id == second.request_id


def test_a_server_names_the_session_and_the_failures_itself() -> None:
    account = new_account_id()
    server = MCPServer("desk")
    record = functools.partial(auditlogs.record, account=account)
    server.middleware.append(
        RecordToolCalls(
            record,
            session=lambda ctx: "chat-of-the-desk",
            is_failure=lambda answer: "error" in (answer.get("structuredContent") or {}),
        )
    )

    @server.tool()
    def transfer() -> dict[str, str]:
        return {"error": "no funds"}

    called(server, ("transfer", {}), meta={"baggage": "session.id=of-the-client"})
    (entry,) = stored(account)
    assert entry.session_id == "chat-of-the-desk"
    assert entry.result == "failure"
    assert entry.payload is not None
    assert "no funds" in entry.payload["error"]


@pytest.mark.parametrize(
    ("baggage", "session"),
    [
        ("gen_ai.conversation.id=conv-1", "conv-1"),
        ("gen_ai.conversation.id=conv-1,session.id=chat-1", "chat-1"),
        (" session.id = a%20b ;p=1, x=y", "a b"),
        ("session.id=%E3%85%A4", "\\u3164"),
        ("session.id=", None),
        ("no baggage at all", None),
        ("", None),
    ],
)
def test_the_session_is_that_of_the_baggage(baggage: Any, session: str | None) -> None:
    account = new_account_id()
    called(low_level(account), ("broken", {}), meta={"baggage": baggage})
    (entry,) = stored(account)
    assert entry.session_id == session


def test_a_number_of_an_argument_keeps_its_digits() -> None:
    account = new_account_id()
    called(low_level(account), ("broken", {"amountWei": 10**21, "price": 0.1}))
    (entry,) = stored(account)
    assert entry.payload is not None
    assert entry.payload["arguments"] == {"amountWei": 10**21, "price": 0.1}


class TaskId(RequestParams):
    task_id: str


def test_a_task_is_recorded_when_it_is_made_and_once_when_it_has_ended() -> None:
    account = new_account_id()
    polls: list[str] = []
    times = {"createdAt": "2026-07-28T12:00:00Z", "lastUpdatedAt": "2026-07-28T12:00:02Z"}

    async def start(ctx: ServerRequestContext, params: CallToolRequestParams) -> Any:
        return {"resultType": "task", "taskId": "task-1", "status": "working", "ttlMs": 60_000}

    async def get(ctx: ServerRequestContext, params: TaskId) -> Any:
        polls.append(params.task_id)
        status = "working" if len(polls) == 1 else "failed"
        error = {"code": -32603, "message": "Circuit breaker is open for provider: jupiter"}
        return {"taskId": "task-1", "status": status, "error": error, **times}

    server: Server[Any] = Server("tasks", on_call_tool=start)
    server.add_request_handler("tasks/get", TaskId, get)
    server.middleware.append(RecordToolCalls(functools.partial(auditlogs.record, account=account)))
    with over_http(server) as url:
        wire = Http(MODERN, url)
        wire.start()
        answer = wire.request(
            "tools/call", {"name": "rebalance", "_meta": {"traceparent": TRACEPARENT}}
        )
        assert answer["result"]["taskId"] == "task-1"
        for _ in range(4):
            wire.request("tasks/get", {"taskId": "task-1"})
    found = {entry.action: entry for entry in stored(account)}
    assert len(stored(account)) == len(found) == 3
    call, made, ended = (
        found[f"mcp.{name}"] for name in ("tool.call", "task.created", "task.ended")
    )
    assert (call.result, made.result, ended.result) == ("partial", "success", "failure")
    assert made.payload == {"taskId": "task-1", "tool": "rebalance", "status": "working"}
    assert ended.payload == {
        "taskId": "task-1",
        "tool": "rebalance",
        "status": "failed",
        "code": -32603,
        "error": "Circuit breaker is open for provider: jupiter",
    }
    assert ended.duration == 2_000
    assert call.correlation_id == made.correlation_id == ended.correlation_id
    assert made.target is not None
    assert (made.target.type, made.target.id) == ("task", "task-1")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_server_of_fastmcp_is_recorded_alike(mode: Any) -> None:
    account = new_account_id()
    server = FastMCP("desk")
    record = functools.partial(auditlogs.record, account=account)
    server._mcp_server.middleware.insert(0, RecordToolCalls(record))

    @server.tool
    def quote(pair: str) -> str:
        return f"{pair}: 151.20"

    @server.tool
    def crash() -> str:
        raise FastMcpToolError("Insufficient scope: trade")

    async def call(url: str) -> None:
        async with Client(url, client_info=SCOUT, mode=mode) as client:
            await client.call_tool("quote", {"pair": "SOL/USDC"})
            await client.call_tool("crash")

    with over_http(server) as url:
        apart.run(call(url))
    quoted, crashed = stored(account)
    assert (quoted.result, quoted.actor.id) == ("success", "agent_7f3a21")
    assert quoted.payload == {"tool": "quote", "arguments": {"pair": "SOL/USDC"}, "isError": False}
    assert crashed.payload is not None
    assert crashed.payload["error"] == "Insufficient scope: trade"
