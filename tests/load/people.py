"""For locust: people who look at the Logs page, and scripts that read and write by the API.

LOAD_FILE names the file with the sessions of the people and the keys of the scripts.
"""

import itertools
import json
import os
import random
import re
import uuid
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, task

API, PAGE = "/api/audit-logs", "/hub/logs"
FRAGMENT = {"HX-Request": "true"}
OVERLOAD = (429, 503)
NEXT = re.compile(r'href="(/hub/logs\?[^"]*cursor=[^"]*)"')
ENTRY = re.compile(r"[?&;]entry=([0-9a-f-]{36})")
WORDS = ("momentum", "jupiter", "ord_", "timeout", "scout", "noor")
FILTERS = ("result=failure", "action=trade", "action=mcp", "dateRange=24h", "dateRange=all")

_made: dict[str, Any] = json.loads(Path(os.environ["LOAD_FILE"]).read_text())
_sessions = itertools.cycle(_made["sessions"])
_keys = itertools.cycle(_made["keys"])


class Caller(FastHttpUser):
    """Somebody who asks the Hub. An answer that says when to come again is not an error: it is
    counted under the name `overload`."""

    abstract = True
    headers: dict[str, str]

    def ask(
        self, path: str, name: str, *, headers: dict[str, str] | None = None, body: Any = None
    ) -> str:
        """Return the text of the answer, empty where it is none of success."""
        asked: AbstractContextManager[Any] = self.client.request(
            "GET" if body is None else "POST",
            path,
            name=name,
            json=body,
            headers={**self.headers, **(headers or {})},
            catch_response=True,
        )
        with asked as response:
            if response.status_code in OVERLOAD and response.headers.get("Retry-After"):
                response.request_meta["name"] = f"overload {response.status_code}"
                response.success()
                return ""
            # 202 is for entries that are in the spool.
            if response.status_code not in (200, 201, 202):
                response.failure(f"status {response.status_code}")
                return ""
            response.success()
            text: str = response.text or ""
            return text


class Person(Caller):
    """Looks at the list, filters, searches, opens entries, goes on, and reads what it shows."""

    fixed_count = int(os.environ.get("LOAD_PEOPLE", "200"))
    wait_time = between(10, 30)

    def on_start(self) -> None:
        self.headers = {"Cookie": next(_sessions)}
        self.page = ""

    @task(4)
    def look(self) -> None:
        self.page = self.ask(PAGE, "page")

    @task(4)
    def filter(self) -> None:
        self.page = self.ask(f"{PAGE}?{random.choice(FILTERS)}", "fragment", headers=FRAGMENT)

    @task(3)
    def search(self) -> None:
        path = f"{PAGE}?dateRange=all&search={random.choice(WORDS)}"
        self.page = self.ask(path, "search", headers=FRAGMENT)

    @task(3)
    def open(self) -> None:
        if found := ENTRY.findall(self.page):
            self.ask(f"{PAGE}/{random.choice(found)}", "drawer", headers=FRAGMENT)

    @task(2)
    def go_on(self) -> None:
        if found := NEXT.findall(self.page):
            path = found[-1].replace("&amp;", "&")
            self.page = self.ask(path, "next page", headers=FRAGMENT)

    @task(1)
    def count(self) -> None:
        self.ask(f"{PAGE}/count?{random.choice(FILTERS)}", "count", headers=FRAGMENT)

    @task(1)
    def agents(self) -> None:
        self.ask("/hub/agents", "agents")


class Script(Caller):
    """Reads the newest entries, and writes what it has done."""

    fixed_count = int(os.environ.get("LOAD_SCRIPTS", "20"))
    wait_time = between(2, 6)

    def on_start(self) -> None:
        self.headers = {"Authorization": f"Bearer {next(_keys)}"}

    @task(2)
    def write(self) -> None:
        entries = [_entry() for _ in range(random.choice((1, 1, 1, 10)))]
        self.ask(API, "write", body=entries)

    @task(1)
    def read(self) -> None:
        self.ask(f"{API}?limit=100", "read")


def _entry() -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "action": random.choice(("order.created", "order.filled", "order.cancelled")),
        "actor": {"type": "agent", "id": "agent_load", "name": "Load Runner"},
        "target": {"type": "order", "id": f"ord_{random.getrandbits(48):012x}"},
        "result": random.choice(("success", "success", "failure")),
        "duration": float(random.randrange(2_000)),
        "payload": {"pair": "SOL/USDC", "amount": random.random()},
    }
