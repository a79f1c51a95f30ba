"""The calls that the product's documentation prints, run as they stand there."""

import json
import os
import shutil
import subprocess
from typing import Any

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from auditlogs.models import Account
from auditlogs.recording.recorder import record_many
from tests.factories import new

LAST_HUNDRED = """\
curl https://api.balchemy.ai/api/audit-logs?limit=100 \\
-H "Authorization: Bearer YOUR_SESSION_TOKEN"
"""
BY_TYPE_AND_DATE = """\
curl "https://api.balchemy.ai/api/audit-logs?action=mcp&startDate=2026-03-01T00:00:00Z&limit=500" \\
-H "Authorization: Bearer YOUR_SESSION_TOKEN"
"""
BY_ACTOR = """\
curl "https://api.balchemy.ai/api/audit-logs?actor=AGENT_ID&dateRange=7d" \\
-H "Authorization: Bearer YOUR_SESSION_TOKEN"
"""
BY_BOT = """\
curl "https://api.balchemy.ai/api/audit-logs?botId=BOT_ID&limit=100" \\
-H "Authorization: Bearer YOUR_SESSION_TOKEN"
"""
HOST, TOKEN = "https://api.balchemy.ai", "YOUR_SESSION_TOKEN"
CALLS = {
    LAST_HUNDRED: "called created revoked",
    BY_TYPE_AND_DATE: "called",
    BY_ACTOR: "called created",
    BY_BOT: "revoked",
}


@pytest.fixture
def written(account: Account) -> dict[str, str]:
    """Entries by the names of the documentation's placeholders; their names by their ids."""
    agent = {"type": "agent", "id": "AGENT_ID", "name": "Scout"}
    entries = {
        "called": new(actor=agent, action="mcp.tool.call", result="failure"),
        "created": new(actor=agent, action="order.created"),
        "revoked": new(
            actor={"type": "user", "id": "u"}, action="api_key.revoked", bot_id="BOT_ID"
        ),
    }
    ids = record_many(list(entries.values()), account=account.id)
    return {str(id): name for id, name in zip(ids, entries, strict=True)}


def names(answer: Any, written: dict[str, str]) -> str:
    assert isinstance(answer, list)
    return " ".join(sorted(written[entry["id"]] for entry in answer))


@pytest.mark.parametrize("call", CALLS)
def test_a_documented_call_is_answered_with_a_plain_array(
    client: Client, written: dict[str, str], api_key: str, call: str
) -> None:
    url = call.split()[1].strip('"').removeprefix(HOST)
    response = client.get(url, headers={"authorization": f"Bearer {api_key}"})
    assert response.status_code == 200
    assert names(response.json(), written) == CALLS[call]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("call", CALLS)
def test_a_documented_call_works_verbatim_but_for_host_and_token(
    live_server: LiveServer, written: dict[str, str], api_key: str, call: str
) -> None:
    command = call.replace(HOST, live_server.url).replace(TOKEN, api_key)
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        timeout=30,
        check=True,
        env=os.environ | {"no_proxy": "*"},
    )
    assert names(json.loads(done.stdout), written) == CALLS[call]
