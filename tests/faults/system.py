"""A complete system for tests: database, Hub and worker, as processes that can be killed."""

import contextlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

import pymongo
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from auditlogs.entry.text import prefix_range
from auditlogs.storage.mongo import ENTRIES, Document
from hub.demo import child
from hub.demo.child import ROOT, Child
from hub.demo.ports import HOST, accepts, free_port
from tests.faults.load import Caller
from tests.server import SECRET_KEY, Server

START_SECONDS = 30.0
POLL_SECONDS = 0.05
# Of questions whose answers cost the system time that its work needs.
SLOW_POLL_SECONDS = 1.0


class System:
    """A database, a Hub of some web processes that share a port, and a worker.

    Their files and output are in one folder (the database has another), deleted at the end.
    """

    def __init__(self, *, web_processes: int = 2, **settings: str) -> None:
        self._stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="auditlogs-faults-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.spool_folder = self.folder / "spool"
        self.port = free_port()
        self._web_processes = web_processes
        try:
            # Test commands are what sets failpoints.
            self.database = Server("--enable-test-commands")
            self._stack.callback(self.database.stop)
            self.environment = self._environment(settings)
            self._keys = self._prepare()
            self.hub = self._start("hub", *_gunicorn(self.port, web_processes))
            self.worker = self.start_worker()
            self.wait_until(lambda: accepts(self.port), "the Hub takes connections")
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def account(self) -> str:
        return self._keys["account"]

    @property
    def write_key(self) -> str:
        return self._keys["write_key"]

    @property
    def read_key(self) -> str:
        return self._keys["read_key"]

    def kill_web_process(self, random: Random) -> None:
        """Kill one of gunicorn's workers; gunicorn starts another."""
        os.kill(random.choice(self.web_processes()), signal.SIGKILL)

    def kill_worker(self) -> None:
        self.worker.process.kill()
        self.worker.process.wait()

    def stop(self) -> None:
        """Stop every process; their files stay."""
        for each in (self.hub, self.worker):
            each.stop()
        self.database.end()

    def restart_worker(self) -> None:
        self.worker = self.start_worker()

    def caller(self) -> Caller:
        """Return a client of the API that may write."""
        return Caller(self.port, self.write_key)

    def web_processes(self) -> list[int]:
        pid = self.hub.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def memory(self) -> int:
        """Return the bytes in memory of the largest web process."""
        return max(_resident(pid) for pid in self.web_processes())

    def documents(self, name: str, field: str = "requestId") -> list[Document]:
        """Return the log's entries whose `field` begins with a name."""
        low, high = prefix_range(name)
        return self.account_documents(ENTRIES, {field: {"$gte": low, "$lt": high}})

    def account_documents(
        self, collection: str, wanted: Mapping[str, Any] | None = None
    ) -> list[Document]:
        """Return the account's documents of a collection."""
        # A client with another application name, which no failpoint applies to.
        options: CodecOptions[Document] = CodecOptions(
            tz_aware=True, uuid_representation=UuidRepresentation.STANDARD
        )
        with pymongo.MongoClient[Document](self.database.uri) as client:
            log = client.get_default_database().get_collection(collection, options)
            return list(log.find({"account": self.account, **(wanted or {})}))

    def dump(self) -> dict[str, bytes]:
        """Return the raw documents of each collection."""
        with pymongo.MongoClient(self.database.uri, document_class=RawBSONDocument) as client:
            log = client.get_default_database()
            names = log.list_collection_names()
            return {name: b"".join(each.raw for each in log[name].find()) for name in names}

    def readiness(self) -> dict[str, Any]:
        """Return what /readyz reports to staff, with its HTTP status as `code`; empty without an
        answer."""
        with self.caller() as caller:
            answer = caller.ask("GET", "/readyz", headers={"Cookie": self._keys["staff_cookie"]})
        return {"code": answer.status, **json.loads(answer.body)} if answer.status else {}

    def wait_until_drained(self, seconds: float = 120.0) -> None:
        """Wait until the spool is empty, as long as it gets emptier: how fast it does depends on
        the machine. Raises TimeoutError if it has not for so many seconds."""
        least, until = math.inf, time.monotonic() + seconds
        while (report := self.readiness()).get("status") != "ready":
            depth = report.get("spool", {}).get("depth", math.inf)
            if depth < least:
                least, until = depth, time.monotonic() + seconds
            if time.monotonic() > until:
                raise TimeoutError(f"stands still for {seconds:.0f} s: {report}")
            time.sleep(SLOW_POLL_SECONDS)

    def wait_until(
        self,
        is_so: Callable[[], bool],
        what: str,
        seconds: float = START_SECONDS,
        pause: float = POLL_SECONDS,
    ) -> None:
        """Wait until a condition is true, and try it with pauses. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > until:
                logged = (self.folder / "worker.log").read_text()[-1_000:]
                raise TimeoutError(
                    f"not {what} within {seconds:.0f} s: {self.readiness()} {logged}"
                )
            time.sleep(pause)

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        own = {
            "MONGODB_URI": self.database.uri,
            "DATABASE_URL": f"sqlite:///{self.folder / 'hub.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "hub.settings",
            "SECRET_KEY": SECRET_KEY,
            "HTTPS": "false",
            "AUDITLOGS_SPOOL_DIR": str(self.spool_folder),
            "AUDITLOGS_API_RATE": "1000000/second",
        }
        others = {name: text for name, text in os.environ.items() if "AUDITLOGS_" not in name}
        return {**others, **own, **settings}

    def _prepare(self) -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.prepare"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=START_SECONDS,
        )
        made: dict[str, str] = json.loads(done.stdout)
        return made

    def start_worker(self) -> Child:
        """Start another worker."""
        return self._start("worker", "manage", "worker")

    def _start(self, name: str, module: str, *arguments: str) -> Child:
        with (self.folder / f"{name}.log").open("ab") as output:
            started = child.start(
                sys.executable,
                *("-m", module, *arguments),
                output=output,
                environment=self.environment,
            )
        self._stack.callback(_end, started)
        return started


def _gunicorn(port: int, processes: int) -> list[str]:
    return [
        *("gunicorn", "hub.wsgi:application", "--config=python:hub.serving"),
        f"--bind={HOST}:{port}",
        *("--worker-class=gthread", f"--workers={processes}", "--threads=16"),
        *("--graceful-timeout=1", "--log-level=warning", "--no-control-socket"),
    ]


def _end(started: Child) -> None:
    """Kill a process and its children: their files are deleted anyway."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.process.pid, signal.SIGKILL)
    started.process.wait()


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
