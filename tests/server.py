"""A database of the tests' own: an embedded server, in a folder that goes with it."""

import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymongo

from hub.demo import database

# Of programs that tests start; long enough for them to do so.
SECRET_KEY = "a key for tests alone, which guards nothing at all: 7f3a21"


class Server:
    """A database process. It can be paused, as a network that swallows every packet would, and
    killed and started again."""

    def __init__(self, *options: str, is_durable: bool = True) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="auditlogs-"))
        self._options = options
        self._database = database.start(self._folder, *options, is_durable=is_durable)
        self.uri = self._database.uri

    @property
    def folder(self) -> Path:
        """Where its data are, and what it has written on its standard output and error."""
        return self._folder

    @property
    def pid(self) -> int:
        return self._database.process.process.pid

    def pause(self) -> None:
        """Stop the process where it stands; when this returns it answers nothing more."""
        process = self._database.process.process
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)

    def resume(self) -> None:
        self._database.process.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process as a crash would; its data stay."""
        self._database.process.process.kill()
        self._database.process.process.wait()

    def end(self) -> None:
        """End the process in order; its data stay."""
        self._database.stop()

    def restart(self) -> None:
        """Start the process again, at the same address and with the same data."""
        self._database = database.start(self._folder, *self._options, port=self._database.port)

    def fail(self, mode: Mapping[str, int] | str, *commands: str, **data: Any) -> None:
        """Fail commands of the log, but not those of whoever looks at it; see the documentation of
        `failCommand`. Needs the option --enable-test-commands."""
        with pymongo.MongoClient[dict[str, Any]](self.uri) as client:
            client.admin.command(
                {
                    "configureFailPoint": "failCommand",
                    "mode": mode,
                    "data": {"failCommands": list(commands), "appName": "auditlogs", **data},
                }
            )

    def stop(self) -> None:
        # Its data go with it, so it need not put them in order first.
        self._database.process.process.kill()
        self._database.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def with_database(uri: str, name: str) -> str:
    """Return the URI with another database, logging in where it did before."""
    parts = urlsplit(uri)
    query = parts.query
    if parts.username and "authsource=" not in query.lower():
        source = f"authSource={parts.path.strip('/') or 'admin'}"
        query = f"{query}&{source}" if query else source
    return parts._replace(path=f"/{name}", query=query).geturl()
