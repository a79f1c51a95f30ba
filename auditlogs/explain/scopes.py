"""Scopes and what each allows: the MCP tools of agents' keys, and the requests of this API.

Every tool and every request requires one scope, and no scope includes another.
"""

import functools
from collections.abc import Mapping

from django.conf import settings

from auditlogs.entry.tool_scopes import ToolScope, load, scopes_of_tools

# The requests that each scope of this API allows; `keys.SCOPES` describes the scopes.
API_REQUESTS: dict[str, tuple[str, ...]] = {
    "logs:read": (
        *("GET /api/audit-logs", "GET /api/audit-logs/{id}"),
        *("GET /api/keys/{id}", "GET /api/review"),
    ),
    "logs:export": ("GET /api/audit-logs/export",),
    "logs:write": ("POST /api/audit-logs",),
    "keys:verify": ("POST /api/keys/introspect",),
    "metrics:read": ("GET /metrics",),
}


def tool_scopes() -> Mapping[str, ToolScope]:
    """Return the scopes of agents' keys, as the file of AUDITLOGS_TOOL_SCOPES declares them; none
    without such a file. A process reads it once."""
    return _declared(settings.AUDITLOGS_TOOL_SCOPES)[0]


def scope_of(tool: str) -> str | None:
    """Return the scope that a tool requires; None for an unknown tool."""
    return _declared(settings.AUDITLOGS_TOOL_SCOPES)[1].get(tool)


@functools.cache
def _declared(path: str) -> tuple[dict[str, ToolScope], dict[str, str]]:
    scopes = load(path) if path else {}
    return scopes, scopes_of_tools(scopes)
