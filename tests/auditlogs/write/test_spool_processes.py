"""The spool among processes of their own: two objects in one process share what SQLite knows of
their file, and so prove nothing of two processes."""

import os
import subprocess
import sys
from pathlib import Path

from auditlogs.recording.recorder import prepare
from auditlogs.write.spool import Spool
from tests.demo_process import ROOT
from tests.factories import AGENT

BEGINNING = """
import os, sys, threading, time
from pathlib import Path
import django
django.setup()
from auditlogs.recording.recorder import prepare
from auditlogs.write.spool import Spool, spool
from tests.factories import AGENT

def put(here, count=1):
    for _ in range(count):
        entry, account = prepare("order.created", result="success", account="a", actor=AGENT)
        here.put([(account, entry)])
"""
COUNT = "print(Spool(Path(sys.argv[1]), 1 << 24).depth().waiting)"
PUT_AND_END = "here = Spool(Path(sys.argv[1]), 1 << 24); put(here); here.file.close()"
PUT_WHEN_TOLD = """
here = Spool(Path(sys.argv[1]), 1 << 24)
sys.stdin.read(1)
put(here, 20)
"""
FORK_WHILE_OTHERS_PUT = """
is_over, acknowledged = threading.Event(), []

def work():
    while not is_over.is_set():
        put(spool())
        acknowledged.append(1)

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(10):
    # Before the fork: a child inherits the locks that RE2 holds in other threads, too.
    entry, account = prepare("order.created", result="success", account="a", actor=AGENT)
    child = os.fork()
    if not child:
        try:
            spool().put([(account, entry)])
        except BaseException as error:
            sys.stderr.write(f"{error}\\n")
            os._exit(1)
        os._exit(0)
    if not os.waitpid(child, 0)[1]:
        acknowledged.append(1)
is_over.set()
for thread in threads:
    thread.join()
print(len(acknowledged) - spool().depth().waiting)
"""


def start(script: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", BEGINNING + script, str(folder)],
        cwd=ROOT,
        env=os.environ | {"AUDITLOGS_SPOOL_DIR": str(folder), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(script: str, folder: Path) -> str:
    process = start(script, folder)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return out.strip()


def test_a_process_that_ends_takes_nothing_from_those_that_go_on(tmp_path: Path) -> None:
    here = Spool(tmp_path, 1 << 24)
    for number in range(3):
        entry, account = prepare("order.created", result="success", account="a", actor=AGENT)
        here.put([(account, entry)])
        if number == 0:
            # Had this process lost its lock of the file, that one would take the log with it.
            run(PUT_AND_END, tmp_path)
    assert run(COUNT, tmp_path) == "4"


def test_many_may_begin_a_spool_at_once(tmp_path: Path) -> None:
    processes = [start(PUT_WHEN_TOLD, tmp_path) for _ in range(4)]
    for process in processes:
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in processes] == [""] * 4
    assert run(COUNT, tmp_path) == "80"


def test_a_child_that_is_forked_while_others_put_may_put_too(tmp_path: Path) -> None:
    assert run(FORK_WHILE_OTHERS_PUT, tmp_path) == "0"
