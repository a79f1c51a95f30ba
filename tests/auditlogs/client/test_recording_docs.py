"""docs/recording.md is run: every block of code in it, against a Hub that is really there."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import grpc
import pytest
from mcp import Client as McpClient, StdioServerParameters
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from auditlogs.accounts import agent_keys, keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.client import Client, arguments_hash
from auditlogs.models import Account, new_account_id
from auditlogs.query.entries import Entries
from auditlogs.recording.recorder import Mode
from hub.demo.environment import TOOL_SCOPES
from hub.demo.ports import free_port
from tests import apart
from tests.auditlogs.conftest import Read
from tests.auditlogs.mcp.raw import MODERN, Http
from tests.demo_process import ROOT

pytestmark = pytest.mark.programs

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
START_SECONDS = 30.0
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
CORRELATION_ID = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


def sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each section's heading, and its blocks with their languages."""
    text = (ROOT / "docs" / "recording.md").read_text()
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        yield section.partition("\n")[0], BLOCK.findall(section)


SECTIONS = dict(sections())


def blocks(heading: str, language: str) -> list[str]:
    return [code for kind, code in SECTIONS[heading] if kind == language]


@pytest.fixture
def surroundings(live_server: LiveServer, write_key: str) -> dict[str, str]:
    """The environment of a service that records in the live Hub."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return plain | {
        "HUB_URL": live_server.url,
        "HUB_KEY": write_key,
        "PYTHONPATH": os.fspath(ROOT),
        "no_proxy": "*",
    }


def test_no_block_is_left_out() -> None:
    assert {
        heading: [kind for kind, _ in found] for heading, found in SECTIONS.items() if found
    } == {
        "A Django service": ["python", "python"],
        "Another Python service": ["sh", "python"],
        "Decisions, principals and approvals": ["python"],
        "An MCP server": ["python", "python", "python"],
        "An MCP server whose agents have keys": ["python"],
        "A gRPC service": ["python", "python"],
        "Anything that speaks HTTP": ["sh", "json", "sh", "sh"],
    }


def test_what_is_to_be_installed_are_extras_that_exist() -> None:
    text = (ROOT / "docs" / "recording.md").read_text()
    project = tomllib.loads((ROOT / "packaging" / "client" / "pyproject.toml").read_text())[
        "project"
    ]
    named = re.findall(r"pip install '?([\w-]+)(?:\[([\w,]+)\])?", text)
    assert {name for name, _ in named} == {project["name"]}
    extras = {extra for _, found in named for extra in found.split(",") if extra}
    assert extras == project["optional-dependencies"].keys()


# What a Django project has already.
PROJECT = """
import os

env = os.environ
SECRET_KEY = "a key for this test alone"
INSTALLED_APPS = []
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
"""
SERVICE = """
import django

django.setup()
from types import SimpleNamespace as Thing

account_id, operator = "acme", {"type": "user", "id": "ada"}
stopped = []
order = Thing(id="ord-1", rest=3, place=lambda: None)
desk = Thing(stop=lambda: stopped.append(True))
"""


def test_a_django_service_records(tmp_path: Path, settings: Settings) -> None:
    project, service = blocks("A Django service", "python")
    (tmp_path / "project.py").write_text(PROJECT + project)
    account = new_account_id()
    code = SERVICE.replace("acme", account) + service + "stop_all_trading()\nassert stopped\n"
    surroundings = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
        "DJANGO_SETTINGS_MODULE": "project",
        "MONGODB_URI": settings.MONGODB_URI,
        "AUDITLOGS_SPOOL_DIR": os.fspath(tmp_path / "spool"),
    }
    subprocess.run([sys.executable, "-c", code], env=surroundings, timeout=30, check=True)
    entries = Entries.of(account).page(10, payloads=True).entries
    assert [(e.action, e.result, e.actor.id) for e in reversed(entries)] == [
        ("circuit_breaker.opened", "success", "agent_7f3a21"),
        ("order.created", "partial", "agent_7f3a21"),
        ("kill_switch.activated", "partial", "ada"),
        ("kill_switch.activated", "success", "ada"),
    ]
    phases = [entry.payload and entry.payload.get("phase") for entry in reversed(entries)]
    assert phases == [None, None, "intent", "outcome"]


def test_every_mode_is_in_the_table() -> None:
    text = (ROOT / "docs" / "recording.md").read_text()
    table = text.partition("| mode |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(get_args(Mode))


def test_another_service_records(surroundings: dict[str, str], read: Read) -> None:
    (code,) = blocks("Another Python service", "python")
    subprocess.run([sys.executable, "-c", code], env=surroundings, timeout=30, check=True)
    (entry,) = read(1)
    assert (entry["action"], entry["result"], entry["duration"]) == (
        "order.rejected",
        "failure",
        41.5,
    )
    assert entry["correlationId"] == CORRELATION_ID
    assert entry["payload"]["provider"] == "jupiter"


def test_a_service_says_who_decided_and_for_whom(surroundings: dict[str, str], read: Read) -> None:
    (code,) = blocks("Decisions, principals and approvals", "python")
    subprocess.run([sys.executable, "-c", code], env=surroundings, timeout=30, check=True)
    asked, granted = sorted(read(2), key=lambda entry: str(entry["action"]))
    assert [each["id"] for each in asked["onBehalfOf"]] == ["agent_7f3a21", "user_5a1c09"]
    assert (asked["authentication"], asked["runId"]) == ("token", "run_4d1be07a")
    assert asked["agent"] == {"version": "0.9.2", "model": "router-small-1"}
    assert asked["decision"]["outcome"] == "deferred"
    assert asked["summary"] == "Over 10,000 USDC a person decides"
    tool, arguments = (asked["payload"][name] for name in ("tool", "arguments"))
    assert asked["approval"]["argumentsHash"] == arguments_hash(tool, arguments)
    assert granted["approval"] == {
        "id": "ap_5d0c94e1",
        "outcome": "granted",
        "argumentsHash": None,
    }
    # What goes with another actor is not theirs.
    assert (granted["onBehalfOf"], granted["agent"], granted["runId"]) == (None, None, None)


def test_an_mcp_server_records(surroundings: dict[str, str], read: Read, tmp_path: Path) -> None:
    code, _, _ = blocks("An MCP server", "python")
    script = tmp_path / "server.py"
    script.write_text(code)

    async def call() -> None:
        server = StdioServerParameters(
            command=sys.executable, args=[os.fspath(script)], env=surroundings
        )
        async with McpClient(server) as client:
            assert not (await client.call_tool("quote", {"pair": "SOL/USDC"})).is_error

    apart.run(call())
    (entry,) = read(1)
    assert (entry["action"], entry["target"]["id"]) == ("mcp.tool.call", "quote")


@contextmanager
def running(code: str, surroundings: dict[str, str]) -> Iterator[str]:
    """Run a server of the document over HTTP; give its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", code], env=surroundings | {"PORT": str(port)})
    try:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        # As a service manager does; the client sends what waits.
        process.send_signal(signal.SIGINT)
        process.wait(START_SECONDS)


def test_an_mcp_server_over_http_says_who_calls_in_which_session_and_what_failed(
    surroundings: dict[str, str], read: Read
) -> None:
    _, code, _ = blocks("An MCP server", "python")
    with running(code, surroundings) as url:
        wire = Http(MODERN, url, **{"x-agent-id": "agent_of_the_desk", "x-desk-session": "chat-7"})
        wire.start()
        wire.request("tools/call", {"name": "transfer", "arguments": {"amount": 5}})
    (entry,) = read(1)
    assert (entry["action"], entry["result"]) == ("mcp.tool.call", "failure")
    assert (entry["actor"]["id"], entry["sessionId"]) == ("agent_of_the_desk", "chat-7")
    assert "Insufficient funds" in entry["payload"]["error"]


def test_a_server_of_fastmcp_records(surroundings: dict[str, str], read: Read) -> None:
    _, _, code = blocks("An MCP server", "python")
    with running(code, surroundings) as url:
        wire = Http(MODERN, url)
        wire.start()
        wire.request("tools/call", {"name": "quote", "arguments": {"pair": "SOL/USDC"}})
    (entry,) = read(1)
    assert (entry["action"], entry["target"]["id"]) == ("mcp.tool.call", "quote")


def test_an_mcp_server_whose_agents_have_keys_refuses_and_records(
    surroundings: dict[str, str], account: Account, read: Read
) -> None:
    (code,) = blocks("An MCP server whose agents have keys", "python")
    log_key = keys.create(account, "desk", ["logs:write", "keys:verify"])
    given: dict[str, Any] = {"name": "scout-read", "agent": "agent_7f3a21", "scopes": ["read"]}
    _, key = agent_keys.create(account, COMMAND_LINE, **given)
    more = {"HUB_KEY": log_key, "TOOL_SCOPES": str(TOOL_SCOPES), "MCP_URL": "http://desk/mcp"}
    with running(code, surroundings | more) as url:
        wire = Http(MODERN, url, authorization=f"Bearer {key}")
        wire.start()
        arguments = {"arguments": {"pair": "SOL/USDC"}}
        assert "result" in wire.request("tools/call", {"name": "market_quote", **arguments})
        with pytest.raises(AssertionError, match="insufficient_scope"):
            wire.request("tools/call", {"name": "trade_execute", **arguments})
    told = {e["target"]["id"]: (e["result"], e["actor"]["id"]) for e in read(3)[1:]}
    assert told == {
        "market_quote": ("success", "agent_7f3a21"),
        "trade_execute": ("failure", "agent_7f3a21"),
    }


@pytest.fixture
def desk(surroundings: dict[str, str]) -> Iterator[grpc.Channel]:
    """A channel to a gRPC service with the interceptor of the document."""

    def place(request: bytes, context: grpc.ServicerContext) -> bytes:
        if request == b"refuse":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "Insufficient scope: trade")
        if request == b"crash":
            raise LookupError("no such pair")
        return b"placed"

    def watch(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield from (b"one", b"two")
        while request == b"on" and context.is_active():
            time.sleep(0.01)
            yield b"more"

    def agent_of(context: grpc.ServicerContext) -> dict[str, str]:
        return {"type": "agent", "id": dict(context.invocation_metadata())["x-agent-id"]}

    with Client(surroundings["HUB_URL"], surroundings["HUB_KEY"]) as log:
        names: dict[str, Any] = {"log": log, "agent_of": agent_of}
        for code in blocks("A gRPC service", "python"):
            exec(compile(code, "docs/recording.md", "exec"), names)
        server = names["server"]
        methods = {
            "Place": grpc.unary_unary_rpc_method_handler(place),
            "Watch": grpc.unary_stream_rpc_method_handler(watch),
            "Check": grpc.unary_unary_rpc_method_handler(lambda request, context: b"fine"),
        }
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("desk.Orders", methods)]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
        server.stop(None).wait()


def test_a_grpc_service_records(desk: grpc.Channel, read: Read) -> None:
    metadata = [
        ("x-request-id", "req_01JD2MZ7K3V9"),
        ("traceparent", TRACEPARENT),
        ("x-agent-id", "agent_7f3a21"),
    ]
    place, watch = desk.unary_unary("/desk.Orders/Place"), desk.unary_stream("/desk.Orders/Watch")
    assert place(b"", metadata=metadata) == b"placed"
    for request in (b"refuse", b"crash"):
        with pytest.raises(grpc.RpcError):
            place(request, metadata=metadata)
    assert list(watch(b"", metadata=metadata)) == [b"one", b"two"]
    endless = watch(b"on", metadata=metadata)
    next(endless)
    endless.cancel()
    desk.unary_unary("/desk.Orders/Check")(b"", metadata=metadata)
    with pytest.raises(grpc.RpcError):
        desk.unary_unary("/desk.Orders/Nothing")(b"", metadata=metadata)
    entries = read(5)
    assert [(e["action"], e["result"], e["payload"]["code"]) for e in entries] == [
        ("order.created", "success", "OK"),
        ("order.created", "failure", "PERMISSION_DENIED"),
        ("order.created", "failure", "UNKNOWN"),
        ("trade.orders.watched", "success", "OK"),
        ("trade.orders.watched", "failure", "CANCELLED"),
    ]
    assert [entry["payload"].get("error") for entry in entries] == [
        None,
        "Insufficient scope: trade",
        "no such pair",
        None,
        "",
    ]
    assert {e["requestId"] for e in entries} == {"req_01JD2MZ7K3V9"}
    assert {e["correlationId"] for e in entries} == {CORRELATION_ID}
    assert {e["actor"]["id"] for e in entries} == {"agent_7f3a21"}
    assert all(entry["duration"] > 0 for entry in entries)


def curl(code: str, surroundings: dict[str, str], folder: Path) -> Any:
    done = subprocess.run(
        ["sh", "-c", code],
        env=surroundings,
        cwd=folder,
        capture_output=True,
        timeout=30,
        check=True,
    )
    return json.loads(done.stdout)


@needs_curl
def test_curl_records(surroundings: dict[str, str], read: Read, tmp_path: Path) -> None:
    one, several, lines = blocks("Anything that speaks HTTP", "sh")
    (shown,) = blocks("Anything that speaks HTTP", "json")
    (answer,) = curl(one, surroundings, tmp_path)
    assert answer.keys() == json.loads(shown)[0].keys()
    assert (answer["index"], answer["status"]) == (0, "created")
    answers = curl(several, surroundings, tmp_path)
    assert [each["status"] for each in answers] == ["created", "created"]

    entry = {"action": "order.created", "actor": {"type": "user", "id": "ada"}, "result": "success"}
    (tmp_path / "entries.ndjson").write_text((json.dumps(entry) + "\n") * 3)
    first, again = (curl(lines, surroundings, tmp_path) for _ in range(2))
    assert [each["status"] for each in first] == ["created"] * 3
    assert [each["status"] for each in again] == ["duplicate"] * 3
    assert [each["id"] for each in first] == [each["id"] for each in again]
    assert len(read(6)) == 6
