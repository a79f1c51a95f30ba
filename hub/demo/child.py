"""Child processes of the demo. Each leads a process group, and is stopped with its parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 8.0
# From Linux's <sys/prctl.h>.
PR_SET_PDEATHSIG = 1


class DemoError(Exception):
    """The demo cannot continue; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child process with its process group."""

    process: subprocess.Popen[bytes]

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> None:
        """Send SIGTERM to the process, and after STOP_SECONDS SIGKILL to the rest of its group."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)


def start(
    *command: str,
    output: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start a command in the project's folder; output and environment are the parent's by default.

    Ctrl-C at the terminal does not reach it, so that the parent can stop its children in order.
    """
    return Child(
        subprocess.Popen(  # noqa: S603  (the commands are the demo's own)
            [sys.executable, "-m", "hub.demo.child", str(os.getpid()), *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    )


def _become(parent: int, command: list[str]) -> None:
    """Replace this process by a command that gets SIGTERM when its parent dies.

    Only Linux offers this. Elsewhere the children of a parent that was killed keep running.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # The parent may have died before the call above.
        if os.getppid() != parent:
            return
    os.execv(command[0], command)  # noqa: S606  (the commands are the demo's own)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
