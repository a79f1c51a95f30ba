"""A number keeps its digits on each of the four ways into the log, and back out of the API."""

import functools
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from mcp.server import Server, ServerRequestContext
from mcp.types import CallToolRequestParams, CallToolResult
from pytest_django.live_server_helper import LiveServer

import auditlogs
from auditlogs.client import Client
from auditlogs.mcp import RecordToolCalls
from auditlogs.models import Account
from tests.api import Api
from tests.auditlogs.mcp.raw import MODERN, Http
from tests.auditlogs.mcp.serving import over_http
from tests.factories import AGENT

FEW = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIXED: list[Any] = [
    *(0, -1, (1 << 53) + 1, 1 << 63, 1 << 64, -(1 << 63) - 1, 10**21, 10**77, -(10**77)),
    *(0.1, -0.0, 1e-320, 1.7976931348623157e308, 5e-324, 1e16, 1e22),
]
INTEGERS = st.integers() | st.integers(1 << 60, 1 << 256)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=30) | st.decimals(
    allow_nan=False, allow_infinity=False
)
EXACT = [Decimal("12.50"), Decimal("151.123456789012345678901234567890"), Decimal("1E+400")]


def texts_of(numbers: list[Any]) -> list[str]:
    """Return numbers as JSON writes them."""
    return [str(n) if isinstance(n, int | Decimal) else json.dumps(n) for n in numbers]


@pytest.fixture
def read(api_key: str) -> Callable[[], Any]:
    """Reads the newest entry's numbers over the API, digit by digit."""

    def read() -> Any:
        body = Api(api_key).get(limit=1).content
        (entry,) = json.loads(body, parse_int=Decimal, parse_float=Decimal)
        payload = entry["payload"]
        return payload.get("arguments", payload)["n"]

    return read


def check(found: list[Decimal], sent: list[str]) -> None:
    """The same numbers, and with the same digits: those of a fraction's end too."""
    assert [each.as_tuple() for each in found] == [Decimal(text).as_tuple() for text in sent]


@FEW
@given(st.lists(INTEGERS | FLOATS | DECIMALS, max_size=12))
def test_over_http(read: Callable[[], Any], write_key: str, more: list[Any]) -> None:
    sent = texts_of([*FIXED, *EXACT, *more])
    entry = json.dumps({"action": "order.created", "actor": AGENT, "result": "success"})
    body = f'{entry[:-1]}, "payload": {{"n": [{", ".join(sent)}]}}}}'
    assert Api(write_key).post(body.encode()).status_code == 201
    check(read(), sent)


@FEW
@given(st.lists(INTEGERS | FLOATS | DECIMALS, max_size=12))
def test_by_the_recorder(read: Callable[[], Any], account: Account, more: list[Any]) -> None:
    numbers = [*FIXED, *EXACT, *more]
    fields: dict[str, Any] = {"actor": AGENT, "payload": {"n": numbers}}
    auditlogs.record("order.created", account=account.id, result="success", **fields)
    check(read(), texts_of(numbers))


@FEW
@given(st.lists(INTEGERS | FLOATS | DECIMALS, max_size=12))
def test_by_the_client(
    read: Callable[[], Any], live_server: LiveServer, write_key: str, more: list[Any]
) -> None:
    numbers = [*FIXED, *EXACT, *more]
    with Client(live_server.url, write_key) as client:
        client.record("order.created", actor=AGENT, result="success", payload={"n": numbers})
        assert client.flush()
        assert client.lost == 0
    check(read(), texts_of(numbers))


@pytest.fixture(params=["2025-11-25", MODERN])
def desk(request: pytest.FixtureRequest, account: Account) -> Iterator[Http]:
    """A client of an MCP server whose calls are recorded."""

    async def answer(ctx: ServerRequestContext, params: CallToolRequestParams) -> CallToolResult:
        return CallToolResult(content=[])

    server: Server[Any] = Server("desk", on_call_tool=answer)
    record = functools.partial(auditlogs.record, account=account.id)
    server.middleware.append(RecordToolCalls(record))
    with over_http(server) as url:
        wire = Http(request.param, url)
        wire.start()
        yield wire


@FEW
@given(st.lists(INTEGERS | FLOATS | DECIMALS, max_size=12))
def test_by_the_middleware_of_an_mcp_server(
    read: Callable[[], Any], desk: Http, more: list[Any]
) -> None:
    numbers = [*FIXED, *EXACT, *more]
    answer = desk.request("tools/call", {"name": "transfer", "arguments": {"n": numbers}})
    assert "result" in answer
    check(read(), texts_of(numbers))
