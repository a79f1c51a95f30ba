"""Example calls of the API with a new key, ready to paste into a shell."""

import json
import shlex

from django.http import HttpRequest
from django.urls import reverse


def call_with(request: HttpRequest, key: str, scopes: list[str], agent: str) -> str:
    """Return a call that the scopes of a key allow; empty where they allow none yet."""
    if "logs:read" in scopes:
        return reading_call(request, key)
    return _writing_call(request, key, agent) if "logs:write" in scopes else ""


def reading_call(request: HttpRequest, key: str) -> str:
    """Return the call that fetches the last 100 entries."""
    url = request.build_absolute_uri(reverse("api_entries"))
    return f'curl "{url}?limit=100" \\\n  -H "Authorization: Bearer {key}"'


def _writing_call(request: HttpRequest, key: str, agent: str) -> str:
    url = request.build_absolute_uri(reverse("api_entries"))
    actor = {"type": "agent", "id": agent}
    entry = {"action": "order.created", "result": "success", "actor": actor}
    # The agent's ID is text from a program, and must not become shell syntax.
    body = shlex.quote(json.dumps(entry, ensure_ascii=False))
    return (
        f'curl "{url}" \\\n  -H "Authorization: Bearer {key}" \\\n'
        f'  -H "Content-Type: application/json" \\\n  -d {body}'
    )
