"""A demo of the tests' own, as `make demo` starts it, in a folder that goes with it."""

import os
import signal
import subprocess
import sys
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

    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]
    port: int
    lines: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_key(self) -> str:
        return self._said("API key: ")

    @property
    def write_key(self) -> str:
        return self._said("Write key: ")

    def _said(self, beginning: str) -> str:
        return next(line for line in self.lines if line.startswith(beginning)).split()[-1]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask the demo to end and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which the demo keeps its state in this folder."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | {"DEMO_DIR": str(folder)}


def start(folder: Path, **settings: str) -> Demo:
    """Start a demo with these settings and wait until it has printed its lines, into a file."""
    folder.mkdir(exist_ok=True)
    port, output = free_port(), folder / "output.txt"
    surroundings = environment(folder) | settings
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub.demo", "--port", str(port)],
            cwd=ROOT,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    return Demo(process, surroundings, port, _read_until_ready(process, output))


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Demo]:
    """Run a demo with these settings for as long as the block runs."""
    demo = start(folder, **settings)
    try:
        yield demo
    finally:
        demo.stop()


def _read_until_ready(process: subprocess.Popen[bytes], output: Path) -> list[str]:
    until = time.monotonic() + START_SECONDS
    while True:
        lines = output.read_text().splitlines()
        if any(line.startswith("Write key: ") for line in lines):
            return lines
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            raise RuntimeError("the demo did not start:\n" + "\n".join(lines))
        time.sleep(0.1)
