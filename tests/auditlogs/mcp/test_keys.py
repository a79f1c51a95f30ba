"""An MCP server whose agents have keys of the Hub: a real client, a real server, a real Hub."""

import json
import time
from typing import Any

import httpx2
import pytest
from mcp import Client as McpClient
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from pytest_django.live_server_helper import LiveServer

from auditlogs.accounts import agent_keys, keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.client import Client, Introspection, KeysUnavailable
from auditlogs.entry.schema import Entry
from auditlogs.mcp import KeyVerifier, RecordToolCalls, keys as verifying, require_scopes
from auditlogs.models import Account, AgentKey
from auditlogs.query.entries import Entries
from hub.demo.environment import TOOL_SCOPES
from tests import apart
from tests.auditlogs.mcp.raw import VERSIONS, Http
from tests.auditlogs.mcp.serving import over_http

PATIENCE_SECONDS = 20.0
AGENT = "agent_7f3a21"


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def make(account: Account, scopes: list[str]) -> tuple[AgentKey, str]:
    return agent_keys.create(account, COMMAND_LINE, name="scout-read", agent=AGENT, scopes=scopes)


def desk(log: Client, keys: KeyVerifier) -> Any:
    """Return the app of a server with two tools, each behind its scope."""
    middleware = [RecordToolCalls(log.record)]
    server = MCPServer("desk", token_verifier=keys, auth=keys.auth, middleware=middleware)

    @server.tool()
    def market_quote(pair: str) -> str:
        return f"{pair}: 151.20"

    @server.tool()
    def trade_execute(pair: str) -> str:
        return f"bought {pair}"

    @server.tool()
    def undeclared() -> str:
        return "never"

    return require_scopes(server.streamable_http_app(), keys, TOOL_SCOPES)


@pytest.fixture
def log(live_server: LiveServer, account: Account) -> Any:
    with Client(
        live_server.url, keys.create(account, "desk", ["logs:write", "keys:verify"])
    ) as log:
        yield log


def verifier(log: Client, **options: Any) -> KeyVerifier:
    server = "http://127.0.0.1:9/mcp"
    return KeyVerifier(
        log.introspect, log.record, issuer="http://127.0.0.1:8", server=server, **options
    )


def call(url: str, key: str, tool: str, mode: Any = "auto") -> str:
    """Call a tool with the client of the official SDK; return what it says, or the refusal."""

    async def calling() -> str:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http_client:
            transport = streamable_http_client(url, http_client=http_client)
            async with McpClient(transport, mode=mode) as client:
                result = await client.call_tool(tool, {"pair": "SOL/USDC"})
                (content,) = result.content
                return content.text  # type: ignore[union-attr]

    try:
        return str(apart.run(calling()))
    except BaseException as error:  # noqa: BLE001  (a group of the SDK's own)
        return f"refused: {error!r}"


def stored(account: str, count: int) -> list[Entry]:
    """Return the entries of an account, oldest first, once there are so many."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        entries = Entries.of(account).page(100, payloads=True).entries[::-1]
        if len(entries) >= count or time.monotonic() > until:
            return entries
        time.sleep(0.05)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_is_refused_and_after_the_scope_is_added_the_same_call_is_allowed(
    account: Account, log: Client, mode: Any
) -> None:
    clock = Clock()
    access = verifier(log, clock=clock)
    key, text = make(account, ["read"])
    with over_http(desk(log, access)) as url:
        assert call(url, text, "market_quote", mode) == "SOL/USDC: 151.20"
        assert call(url, text, "trade_execute", mode).startswith("refused")
        agent_keys.change_scopes(key, COMMAND_LINE, ["read", "trade"])
        clock.now += 29.9
        assert call(url, text, "trade_execute", mode).startswith("refused")
        clock.now += 0.1
        assert call(url, text, "trade_execute", mode) == "bought SOL/USDC"
        agent_keys.revoke(key, COMMAND_LINE)
        clock.now += 30.0
        assert call(url, text, "market_quote", mode).startswith("refused")
        log.flush()
    told = stored(account.id, 7)
    assert [(e.action, e.target.id if e.target else "", e.result) for e in told] == [
        ("api_key.created", key.public_id, "success"),
        ("mcp.tool.call", "market_quote", "success"),
        ("mcp.tool.call", "trade_execute", "failure"),
        ("api_key.scopes.updated", key.public_id, "success"),
        ("mcp.tool.call", "trade_execute", "failure"),
        ("mcp.tool.call", "trade_execute", "success"),
        ("api_key.revoked", key.public_id, "success"),
    ]
    refused = told[2]
    assert refused.actor.id == AGENT
    assert refused.source_ip == "127.0.0.1"
    assert refused.payload == {
        "tool": "trade_execute",
        "arguments": {"pair": "SOL/USDC"},
        "status": 403,
        "code": "insufficient_scope",
        "error": "Insufficient scope: trade",
        "requiredScope": "trade",
        "keyId": key.public_id,
        "keyName": "scout-read",
        "keyScopes": ["read"],
    }
    assert refused.authentication == "key"
    assert refused.decision is not None
    assert (refused.decision.outcome, refused.decision.policy) == ("denied", "tool-scopes")
    assert refused.decision.rule == "trade_execute needs trade"
    allowed = told[5].payload or {}
    assert (allowed["keyName"], allowed["keyScopes"]) == ("scout-read", ["read", "trade"])
    assert text not in str(told)


def post(url: str, key: str, message: Any, **headers: str) -> httpx2.Response:
    """Send a message of the protocol of 2026, or anything else."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream", **headers}  # fmt: skip
    return httpx2.post(url, content=body, headers=sent)


def message(tool: Any, id: int = 1) -> dict[str, Any]:
    params = {"name": tool, "arguments": {"pair": "SOL/USDC"}}
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_gets_the_protocols_own_challenge(
    account: Account, log: Client, version: str
) -> None:
    _, text = make(account, ["read"])
    with over_http(desk(log, verifier(log))) as url:
        wire = Http(version, url, authorization=f"Bearer {text}")
        wire.start()
        allowed = wire.request("tools/call", {"name": "market_quote", "arguments": {"pair": "A/B"}})
        assert "A/B" in str(allowed["result"])
        refused = post(url, text, message("trade_execute"))
    assert refused.status_code == 403
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", error_description="Insufficient scope: trade", '
        'scope="trade", resource_metadata="http://127.0.0.1:9/.well-known/oauth-protected-resource'
        '/mcp"'
    )


def test_no_way_to_write_a_call_gets_around_the_scope(account: Account, log: Client) -> None:
    _, text = make(account, ["read"])
    call_of_trade = json.dumps(message("trade_execute"))
    twice = call_of_trade.replace('"name"', '"name": "market_quote", "name"')
    harmless = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    with over_http(desk(log, verifier(log))) as url:
        refused = [
            post(url, text, [message("market_quote"), message("trade_execute", 2)]),
            post(url, text, twice.encode()),
            post(url, text, harmless.replace("}", ', "method": "tools/call", "params": '
                                             '{"name": "trade_execute"}}').encode()),
            post(url, text, message("trade_execute"), **{"Content-Type": "text/plain"}),
            post(url, text, call_of_trade.encode("utf-16")),
            post(url, text, message("undeclared")),
            post(url, text, message({"x": 1})),
            post(url, text, message("tr\u200bade_execute")),
        ]  # fmt: skip
        assert [answer.status_code for answer in refused] == [403] * 8
        assert "none allows undeclared" in refused[5].text
        odd = [post(url, text, call_of_trade.replace("1", "NaN").encode()), post(url, text, b"{")]
        assert [answer.status_code for answer in odd] == [400, 400]
        assert post(url, text, b" " * (4 << 20) + b"{}").status_code == 413
        for wrong in ("auda_" + "x" * 36, "nonsense", text + "x"):
            answer = post(url, wrong, message("market_quote"))
            assert answer.status_code == 401
            assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


class Hub:
    """Answers as the Hub does, or fails as if it were away, without a network."""

    def __init__(self, *answers: Introspection) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.entries: list[tuple[str, dict[str, Any]]] = []

    def introspect(self, token: str) -> Introspection:
        self.asked += 1
        if not self.answers:
            raise KeysUnavailable("503")
        return self.answers.pop(0)

    def record(self, action: str, **fields: Any) -> str:
        self.entries.append((action, fields))
        return "id"


ACTIVE = Introspection(active=True, scope="read", sub=AGENT, key_id="akey_1", key_name="scout-read")
NEVER = Introspection(active=False)


def away(hub: Hub, clock: Clock, **options: Any) -> KeyVerifier:
    return KeyVerifier(
        hub.introspect, hub.record, issuer="http://h", server="http://s/mcp", clock=clock, **options
    )


def verify(keys: KeyVerifier, token: str = "t") -> Any:
    return apart.run(keys.verify_token(token))


def test_a_call_that_is_allowed_keeps_the_digits_of_its_numbers() -> None:
    handled: list[bytes] = []
    sent: list[Any] = []
    arguments = '{"wei":123456789012345678901234567890,"price":0.12345678901234567890,"n":1E+400}'
    body = f'{{"method":"tools/call","params":{{"name":"quote","arguments":{arguments}}}}}'

    async def app(scope: Any, receive: Any, send: Any) -> None:
        handled.append((await receive())["body"])

    async def call(body: str) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": body.encode(), "more_body": False}

        async def send(answer: Any) -> None:
            sent.append(answer)

        scope = {"type": "http", "method": "POST", "headers": [(b"authorization", b"Bearer t")]}
        await require_scopes(app, away(Hub(ACTIVE), Clock()), {"quote": "read"})(
            scope, receive, send
        )

    apart.run(call(body))
    assert [text.decode() for text in handled] == [body]
    # A lone surrogate has no UTF-8, in which the log and the server read the call.
    apart.run(call(body.replace("1E+400", r'"\ud800"')))
    assert (len(handled), sent[0]["status"]) == (1, 400)


def test_an_answer_counts_for_at_most_thirty_seconds() -> None:
    hub, clock = Hub(ACTIVE, NEVER, ACTIVE), Clock()
    keys = away(hub, clock)
    assert verify(keys).scopes == ["read"]
    clock.now += 29.9
    assert verify(keys)
    assert hub.asked == 1
    clock.now += 0.1
    assert verify(keys) is None
    assert verify(keys) is None
    assert hub.asked == 2
    with pytest.raises(ValueError, match="from 0 to 30"):
        away(hub, clock, cache_seconds=30.1)


@pytest.mark.parametrize("when_away", ["refuse", "allow"])
def test_while_the_hub_is_away_it_is_as_configured_and_the_entry_says_which(
    when_away: Any,
) -> None:
    hub, clock = Hub(ACTIVE, NEVER), Clock()
    keys = away(hub, clock, when_away=when_away)
    verify(keys)
    verify(keys, "revoked")
    clock.now += 31
    access = verify(keys)
    if when_away == "allow":
        from auditlogs.mcp.caller import key_of

        assert key_of(access)["keyCheck"] == "The Hub was away: allowed as it last answered"
        assert hub.entries == []
    else:
        assert access is None
        ((action, fields),) = hub.entries
        assert (action, fields["result"], fields["actor"]["id"]) == (
            *("access.denied", "failure", AGENT),
        )
        assert fields["payload"]["code"] == "keys_unavailable"
        assert fields["payload"]["keyName"] == "scout-read"
    # What the Hub has called inactive, or never known, is never allowed; nor after a while.
    assert verify(keys, "revoked") is None
    assert verify(keys, "new") is None
    clock.now += 900
    assert verify(keys) is None


def test_keys_that_are_remembered_and_entries_about_an_absence_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verifying, "MAX_KEYS", 3)
    monkeypatch.setattr(verifying, "MAX_OTHERS", 2)
    hub, clock = Hub(*[ACTIVE] * 5, *[NEVER] * 5), Clock()
    keys = away(hub, clock)
    for number in range(10):
        verify(keys, f"t{number}")
    assert (len(keys._keys), len(keys._others)) == (3, 2)
    assert verify(keys, "t4")
    for number in range(30):
        verify(keys, f"new{number}")
    assert len(hub.entries) == 10


def test_a_key_that_expires_meanwhile_is_no_longer_taken() -> None:
    soon = Introspection(active=True, scope="read", sub=AGENT, exp=int(time.time()) - 1)
    assert verify(away(Hub(soon), Clock())) is None


def test_what_is_no_answer_is_an_absence(live_server: LiveServer, account: Account) -> None:
    with Client(live_server.url, keys.create(account, "writer", ["logs:write"])) as log:
        with pytest.raises(
            KeysUnavailable, match=r"403 The request requires the scope keys:verify"
        ):
            log.introspect("auda_x")
        assert not log.introspect("no token").active
    with Client("http://127.0.0.1:9", "k") as log, pytest.raises(KeysUnavailable):
        log.introspect("auda_x")
