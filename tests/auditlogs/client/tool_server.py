"""An MCP server as a team would write it: run over stdio, it records in the Hub at `HUB_URL`."""

import os

from anyio import sleep
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

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

    return server


if __name__ == "__main__":
    with Client(os.environ["HUB_URL"], os.environ["HUB_KEY"]) as client:
        trading(client.record).run("stdio")
