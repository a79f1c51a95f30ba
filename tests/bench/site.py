"""A server that is measured, as a process of its own, and the one connection that asks it."""

import contextlib
import http.client
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from hub.demo import child
from hub.demo.ports import HOST, accepts, free_port
from tests.bench.measuring import NotAnswered

START_SECONDS = 60.0
ANSWER_SECONDS = 60.0
POLL_SECONDS = 0.02
# Servers close a connection that is idle for longer.
IDLE_SECONDS = 1.0
SHOWN_BYTES = 200


class Site:
    """A running server. Its output goes to a file in the folder."""

    def __init__(
        self, folder: Path, name: str, command: list[str], environment: Mapping[str, str], port: int
    ) -> None:
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as output:
            self._child = child.start(*command, output=output, environment=environment)
        self._connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
        self._used_at = float("-inf")
        until = time.monotonic() + START_SECONDS
        while not accepts(port):
            if self._child.has_ended or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"{name} did not start:\n{self._log.read_text()[-2_000:]}")
            time.sleep(POLL_SECONDS)

    @classmethod
    def gunicorn(
        cls, folder: Path, name: str, application: str, environment: Mapping[str, str], *more: str
    ) -> Self:
        """Start a WSGI application, all of them in the same way: one process with threads."""
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", application, f"--bind={HOST}:{port}"]
        command += ["--worker-class=gthread", "--threads=8", "--log-level=warning"]
        command += ["--graceful-timeout=1", "--no-control-socket", *more]
        return cls(folder, name, command, {**os.environ, **environment}, port)

    def ask(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> float:
        """Send a request, read the whole answer and return how long it took, in milliseconds.

        An answer of 202 says that entries wait. Raises NotAnswered for one that is no success.
        """
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            self._connection.close()
        if self._connection.sock is None:
            self._connection.connect()
        began = time.perf_counter()
        self._connection.request("GET" if body is None else "POST", path, body, dict(headers or {}))
        response = self._connection.getresponse()
        answer = response.read()
        took = (time.perf_counter() - began) * 1_000
        self._used_at = time.monotonic()
        if response.status not in (200, 201, 202):
            raise NotAnswered(f"{response.status} {answer[:SHOWN_BYTES]!r}", took)
        return took

    def stop(self) -> None:
        """Kill the server: what it has written goes with its folder."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.process.pid, signal.SIGKILL)
        self._child.process.wait()
