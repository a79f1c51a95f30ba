"""An MCP server as a team would write it: run over stdio, it records in the Hub at `HUB_URL`."""

import os

from anyio import sleep
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, EmbeddedResource, TextResourceContents

from auditlogs.client import Client
from auditlogs.mcp import Record, RecordToolCalls


def trading(record: Record) -> MCPServer:
    """Return a server whose every tool call is recorded."""
    server = MCPServer("trading", middleware=[RecordToolCalls(record)])

    @server.tool()
    def quote(pair: str) -> str:
        return f"{pair}: 151.20, a secret of the desk"

    @server.tool()
    def place_order(pair: str, amount: float, api_key: str) -> str:
        raise ToolError("Insufficient scope: trade")

    @server.tool()
    def crash() -> str:
        raise RuntimeError("the book is empty")

    @server.tool()
    async def wait() -> str:
        await sleep(60)
        return "too late"

    @server.tool()
    async def count(ctx: Context) -> str:
        for step in range(3):
            await ctx.report_progress(step, 3)
        return "counted"

    @server.tool()
    def blocked() -> CallToolResult:
        note = TextResourceContents(uri="desk://breaker", text="Circuit breaker is open: jupiter")
        return CallToolResult(
            is_error=True, content=[EmbeddedResource(type="resource", resource=note)]
        )

    @server.resource("desk://pairs")
    def pairs() -> str:
        return "SOL/USDC, a secret of the desk"

    @server.resource("desk://broken")
    def broken() -> str:
        raise RuntimeError("the book is empty")

    @server.prompt()
    def plan(pair: str) -> str:
        return f"Plan a trade of {pair}."

    return server


if __name__ == "__main__":
    with Client(os.environ["HUB_URL"], os.environ["HUB_KEY"]) as client:
        trading(client.record).run("stdio")
