"""A Hub that is really there, and keys for it."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from pytest_django.live_server_helper import LiveServer

# Never reached where nothing hangs.
PATIENCE_SECONDS = 20.0

# Reads the account's entries over the API, oldest first, once there are so many.
Read = Callable[[int], list[dict[str, Any]]]


@pytest.fixture
def read(live_server: LiveServer, api_key: str) -> Read:
    def page(url: str) -> tuple[list[dict[str, Any]], str | None]:
        answer = urllib3.request("GET", url, headers={"Authorization": f"Bearer {api_key}"})
        assert answer.status == 200, answer.data
        following = re.match(r'<(.+)>; rel="next"', answer.headers.get("Link", ""))
        return json.loads(answer.data), following and following[1]

    def all_pages() -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        url: str | None = f"{live_server.url}/api/audit-logs?sort=timestamp&limit=1000"
        while url:
            some, url = page(url)
            entries += some
        return entries

    def read(count: int) -> list[dict[str, Any]]:
        until = time.monotonic() + PATIENCE_SECONDS
        while len(entries := all_pages()) < count and time.monotonic() < until:
            time.sleep(0.1)
        return entries

    return read
