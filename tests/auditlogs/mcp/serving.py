"""An MCP server over streamable HTTP, of the official SDK or of FastMCP."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastmcp import FastMCP
from mcp.server import MCPServer, Server

from auditlogs.mcp.scopes import App


@contextlib.contextmanager
def over_http(server: MCPServer | Server[Any] | FastMCP | App) -> Iterator[str]:
    """Serve over HTTP; give the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    app: Any = server
    if isinstance(server, FastMCP):
        app = server.http_app()
    elif isinstance(server, MCPServer | Server):
        app = server.streamable_http_app()
    runner = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=runner.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        # A client may have left a stream open.
        runner.should_exit = runner.force_exit = True
        thread.join()
        listener.close()
