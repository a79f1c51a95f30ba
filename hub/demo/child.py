"""Child processes of the demo: each in a group of its own, and none outlives its parent."""

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
# The number of this option in Linux's <sys/prctl.h>.
PR_SET_PDEATHSIG = 1


class DemoError(Exception):
    """The demo cannot go on; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started here, and whatever it started."""

    process: subprocess.Popen[bytes]

    @property
    def has_ended(self) -> bool:
        """Tell whether the process is over."""
        return self.process.poll() is not None

    def stop(self) -> None:
        """End the process, kindly at first, and then what is left of its group."""
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
    """Start a command in the project's folder, with its output here or in a file, and with this
    environment or that of its parent.

    Ctrl-C at the terminal does not reach it: it is for the parent to end its children in order.
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
    """Turn this process into a command that gets SIGTERM when its parent dies, however it dies.

    Only Linux knows how to ask for that. Elsewhere a parent that was killed leaves its children.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # It may have died before it was asked to tell.
        if os.getppid() != parent:
            return
    os.execv(command[0], command)  # noqa: S606  (the commands are the demo's own)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
