"""Middleware for MCP servers: records calls of tools, reads of resources, uses of prompts, tasks.

    MCPServer("trading", middleware=[RecordToolCalls(client.record)])

For servers of the official SDK and what is built on it, such as FastMCP 4.
"""

from auditlogs.mcp.caller import RequestContext, calling_agent
from auditlogs.mcp.middleware import Record, RecordToolCalls

__all__ = ["Record", "RecordToolCalls", "RequestContext", "calling_agent"]
