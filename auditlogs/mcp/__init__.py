"""Middleware for MCP servers: records calls of tools, reads of resources, uses of prompts, tasks,
and what tools ask people.

    MCPServer("trading", middleware=[RecordToolCalls(client.record)])

For servers of the official SDK and what is built on it, such as FastMCP 4.
"""

from auditlogs.intake.approvals import arguments_hash
from auditlogs.mcp.caller import RequestContext, calling_agent
from auditlogs.mcp.keys import KeyVerifier
from auditlogs.mcp.middleware import Record, RecordToolCalls
from auditlogs.mcp.scopes import require_scopes

__all__ = [
    "KeyVerifier",
    "Record",
    "RecordToolCalls",
    "RequestContext",
    "arguments_hash",
    "calling_agent",
    "require_scopes",
]
