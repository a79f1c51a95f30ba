"""docs/siem.md runs: its program follows a real Hub, and each receiver gets every entry once."""

import json
import pathlib
import re
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import yaml
from pytest_django.live_server_helper import LiveServer

from auditlogs.entry.schema import Entry
from tests.api import Api
from tests.demo_process import ROOT

PAGE = (ROOT / "docs" / "siem.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
FOLLOWER, *RECEIVERS = [text for kind, text in BLOCKS if kind == "python"]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "audit-logs.json").read_text())


class Stopped(Exception):
    """The follower has read to the end."""


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.bodies.append(body)  # type: ignore[attr-defined]
        created = [{"create": {"status": 201}}] * body.count('{"create"')
        answer = json.dumps({"items": created}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.bodies = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ids(write_key: str) -> list[str]:
    actor = {"type": "agent", "id": "agent_1"}
    entries = [
        {"action": "mcp.tool.call", "result": "success", "actor": actor, "payload": {"n": n}}
        for n in range(5)
    ]
    return [receipt["id"] for receipt in Api(write_key).post(entries).json()]


@pytest.mark.parametrize("receive", RECEIVERS, ids=["otel", "splunk", "elastic", "vector"])
def test_a_receiver_gets_every_entry_once(
    receive: str,
    ids: list[str],
    api_key: str,
    live_server: LiveServer,
    receiver: HTTPServer,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from auditlogs.query import arrivals

    # As if the entries were stored a while ago.
    monkeypatch.setattr(arrivals, "LAG", timedelta(0))
    monkeypatch.chdir(tmp_path)
    polls = 0

    def sleep(seconds: float) -> None:
        nonlocal polls
        polls += seconds > 0
        if polls == 2:
            raise Stopped

    address = f"http://127.0.0.1:{receiver.server_port}"
    names: dict[str, Any] = {
        "pathlib": pathlib,
        "requests": requests,
        "sys": sys,
        "time": SimpleNamespace(sleep=sleep),
        **dict.fromkeys(("COLLECTOR", "SPLUNK", "ELASTIC"), address),
        **dict.fromkeys(("HEC_TOKEN", "ELASTIC_KEY"), "token"),
        "HUB": live_server.url,
        "API_KEY": api_key,
    }
    exec(receive, names)
    for _ in range(2):
        # The second run goes on from where the first stopped.
        with pytest.raises(Stopped):
            exec(FOLLOWER, names)
        polls = 0
    received = "".join([*receiver.bodies, capsys.readouterr().out])  # type: ignore[attr-defined]
    times = 2 if "_bulk" in receive else 1
    assert {id: received.count(id) for id in ids} == dict.fromkeys(ids, times)


def test_the_blocks_of_other_programs_can_be_read() -> None:
    for kind, text in BLOCKS:
        if kind == "yaml":
            assert yaml.safe_load(text)
        if kind == "json":
            assert json.loads(text)


def test_the_dashboard_asks_what_the_api_answers(api_key: str) -> None:
    fields = set(Entry.__struct_encode_fields__)
    for panel in DASHBOARD["panels"]:
        (target,) = panel["targets"]
        assert {column["selector"].partition(".")[0] for column in target["columns"]} <= fields
        url = re.sub(r"\$\{__\w+:date:iso\}", "2026-11-01T00:00:00Z", target["url"])
        assert Api(api_key).get(url).status_code == 200
