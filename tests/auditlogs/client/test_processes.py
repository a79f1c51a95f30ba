"""The client in processes of its own: without Django, at their end, and after a fork."""

import os
import subprocess
import sys

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.auditlogs.conftest import Read
from tests.demo_process import ROOT

pytestmark = pytest.mark.programs

BEGIN = """
import multiprocessing, os, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("django", "pymongo", "bson") or name in (
            "auditlogs.recording.recorder", "auditlogs.storage.mongo", "hub"
        ):
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, Blocker())

from auditlogs.client import Client

log = Client(os.environ["HUB_URL"], os.environ["HUB_KEY"])

def record(who):
    return log.record(
        "order.created", actor={"type": "agent", "id": who}, result="success",
        payload={"apiKey": "ak-1", "reason": "plain"},
    )
"""

# Says what only the end of the process sends.
ENDS = """
record("one")
record("two")
"""

FORKS = """
record("parent before")
if os.fork() == 0:
    assert log.flush(0.1)
    record("child")
    assert log.flush(20)
    record("child at its end")
    sys.exit()
record("parent after")
os.wait()
child = multiprocessing.get_context("fork").Process(target=record, args=["child of a library"])
child.start()
child.join()
log.flush(20)
assert log.lost == 0
"""

# As a master that loads the service before it forks its workers.
PRELOADS = """
for number in range(3):
    if os.fork() == 0:
        record(f"worker {number}")
        sys.exit()
for number in range(3):
    os.wait()
"""


# Later Pythons warn of a fork beside threads, which is what is tried here.
WARNINGS = ["-W", "error", "-W", "ignore::DeprecationWarning"]


def run(script: str, live_server: LiveServer, key: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *WARNINGS, "-c", BEGIN + script],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.fspath(ROOT),
            "HUB_URL": live_server.url,
            "HUB_KEY": key,
        },
        timeout=60,
        check=True,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("script", "who"),
    [
        (ENDS, ["one", "two"]),
        (
            FORKS,
            ["parent before", "child", "child at its end", "parent after", "child of a library"],
        ),
        (PRELOADS, ["worker 0", "worker 1", "worker 2"]),
    ],
    ids=["ends", "forks", "preloads"],
)
def test_every_entry_arrives_once_from_a_process_without_django(
    live_server: LiveServer, write_key: str, read: Read, script: str, who: list[str]
) -> None:
    done = run(script, live_server, write_key)
    assert done.stderr == ""
    entries = read(len(who))
    assert sorted(entry["actor"]["id"] for entry in entries) == sorted(who)
    assert {entry["payload"]["reason"] for entry in entries} == {"plain"}
    assert all(entry["payload"]["apiKey"].startswith("[REDACTED:") for entry in entries)
