"""A demo of the tests' own, as `make demo` starts it, in a folder that goes with it."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.demo.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
# What would lead the demo to somebody else's data.
FOREIGN = ("MONGODB_URI", "SECRET_KEY", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "DEBUG")
START_SECONDS = 180
STOP_SECONDS = 30


@dataclass(frozen=True)
class Demo:
    """A running demo, and what it has printed."""

    process: subprocess.Popen[str]
    environment: Mapping[str, str]
    port: int
    lines: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_key(self) -> str:
        return next(line for line in self.lines if line.startswith("API key: ")).split()[-1]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask the demo to end and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which the demo keeps its state in this folder."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | {"DEMO_DIR": str(folder)}


def start(folder: Path) -> Demo:
    """Start a demo and wait until it has printed its three lines."""
    port, surroundings = free_port(), environment(folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "hub.demo", "--port", str(port)],
        cwd=ROOT,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = _read_until_ready(process)
    return Demo(process, surroundings, port, lines)


@contextmanager
def running(folder: Path) -> Iterator[Demo]:
    """Run a demo for as long as the block runs."""
    demo = start(folder)
    try:
        yield demo
    finally:
        demo.stop()


def _read_until_ready(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    output: queue.SimpleQueue[str] = queue.SimpleQueue()
    stdout = process.stdout

    def hand_over() -> None:
        for line in stdout:
            output.put(line)

    threading.Thread(target=hand_over, daemon=True).start()
    lines: list[str] = []
    until = time.monotonic() + START_SECONDS
    while not any(line.startswith("API key: ") for line in lines):
        try:
            lines.append(output.get(timeout=0.2).rstrip())
        except queue.Empty:
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise RuntimeError("the demo did not start:\n" + "\n".join(lines)) from None
    return lines
