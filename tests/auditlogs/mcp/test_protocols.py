"""Every version of the protocol, over stdio and streamable HTTP: what is done is in the log."""

import functools
import os
import time
import uuid
from pathlib import Path
from typing import Any

import anyio
import pytest
from pytest_django.live_server_helper import LiveServer

import auditlogs
from auditlogs.entry.schema import Entry
from auditlogs.models import Account, new_account_id
from auditlogs.query.entries import Entries
from tests.auditlogs.mcp.raw import HANDSHAKE, MODERN, VERSIONS, Http, Stdio, Wire
from tests.auditlogs.mcp.serving import over_http
from tests.auditlogs.mcp.tool_server import trading

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 20.0
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
REASON = "the user changed their mind"
META = {"traceparent": TRACEPARENT, "baggage": "tenant=acme,session.id=chat-7%2F3;p=1"}


def drive(wire: Wire) -> None:
    """Do one of everything."""
    wire.request("tools/call", {"name": "quote", "arguments": {"pair": "SOL/USDC"}, "_meta": META})
    wire.request("tools/call", {"name": "blocked", "arguments": {}})
    wire.request("tools/call", {"name": "count", "arguments": {}, "_meta": {"progressToken": "p"}})
    wire.request("resources/read", {"uri": "desk://pairs"})
    wire.request("resources/read", {"uri": "desk://broken"})
    wire.request("prompts/get", {"name": "plan", "arguments": {"pair": "SOL/USDC"}})
    wire.cancel("tools/call", {"name": "wait", "arguments": {}}, REASON)


def stored(account: str, count: int) -> dict[str, Entry]:
    """Return the entries of an account by what they are about, once there are so many."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        entries = Entries.of(account).page(100, payloads=True).entries
        if len(entries) >= count or time.monotonic() > until:
            break
        time.sleep(0.05)
    found = {entry.target.id: entry for entry in entries if entry.target}
    assert len(found) == len(entries) == count, [(e.action, e.target) for e in entries]
    return found


def check(entries: dict[str, Entry]) -> None:
    """What is the same in every version and over every transport."""
    assert {entry.actor.id for entry in entries.values()} == {"agent_7f3a21"}
    assert {name: (entry.action, entry.result) for name, entry in entries.items()} == {
        "quote": ("mcp.tool.call", "success"),
        "blocked": ("mcp.tool.call", "failure"),
        "count": ("mcp.tool.call", "success"),
        "desk://pairs": ("mcp.resource.read", "success"),
        "desk://broken": ("mcp.resource.read", "failure"),
        "plan": ("mcp.prompt.get", "success"),
        "wait": ("mcp.tool.call", "failure"),
    }
    payloads = {name: entry.payload or {} for name, entry in entries.items()}
    assert payloads["quote"]["arguments"] == {"pair": "SOL/USDC"}
    assert payloads["blocked"]["error"] == "Circuit breaker is open: jupiter"
    assert payloads["desk://pairs"] == {"resource": "desk://pairs"}
    assert payloads["desk://broken"]["code"]
    assert payloads["plan"] == {"prompt": "plan", "arguments": {"pair": "SOL/USDC"}}
    assert payloads["wait"]["status"] == "cancelled"
    assert entries["quote"].correlation_id == str(uuid.UUID(TRACE))
    assert entries["quote"].session_id == "chat-7/3"
    assert "secret of the desk" not in str(payloads)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.programs
def test_over_stdio_everything_is_in_the_log(
    live_server: LiveServer, account: Account, write_key: str, version: str
) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = kept | {"HUB_URL": live_server.url, "HUB_KEY": write_key, "PYTHONPATH": os.fspath(ROOT)}
    with Stdio(version, env, "tests.auditlogs.mcp.tool_server") as wire:
        drive(wire)
        # And hang up while a call runs.
        wire.send("tools/call", {"name": "wait", "arguments": {}})
        wire.request("tools/list", {})
    entries = Entries.of(account.id).page(100, payloads=True).entries
    waits = [entry for entry in entries if entry.target and entry.target.id == "wait"]
    assert sorted((entry.payload or {})["error"] for entry in waits) == [
        *("The call was cancelled.", REASON),
    ]
    assert {entry.result for entry in waits} == {"failure"}
    check({entry.target.id: entry for entry in entries if entry.target})


@pytest.mark.parametrize("version", VERSIONS)
def test_over_http_everything_is_in_the_log(version: str) -> None:
    account = new_account_id()
    with over_http(trading(functools.partial(auditlogs.record, account=account))) as url:
        # A trace in the header counts for the calls that have none of their own.
        other = TRACEPARENT.replace(TRACE, "0" * 31 + "1")
        wire = Http(version, url, traceparent=other)
        wire.start()
        drive(wire)
        entries = stored(account, 7)
    check(entries)
    assert entries["wait"].payload is not None
    reasons: dict[bool, Any] = {True: "The call was cancelled.", False: REASON}
    assert entries["wait"].payload["error"] == reasons[version == MODERN]
    assert entries["plan"].correlation_id == "00000000-0000-0000-0000-000000000001"
    assert entries["plan"].source_ip == "127.0.0.1"
    session = entries["plan"].session_id
    assert session is None if version == MODERN else (session or "").startswith("sess_")


def test_before_2026_a_call_goes_on_when_its_client_over_http_hangs_up() -> None:
    account = new_account_id()
    server = trading(functools.partial(auditlogs.record, account=account))

    @server.tool()
    async def slow() -> str:
        await anyio.sleep(0.5)
        return "done"

    with over_http(server) as url:
        wire = Http(HANDSHAKE[-1], url)
        wire.start()
        wire.hang_up("tools/call", {"name": "slow", "arguments": {}}, seconds=0.2)
        entry = stored(account, 1)["slow"]
    assert (entry.result, (entry.payload or {})["isError"]) == ("success", False)
    assert entry.duration is not None
    assert entry.duration >= 400
