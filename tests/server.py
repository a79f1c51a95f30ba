"""A database of the tests' own: an embedded server on a free port, in a folder that goes with it."""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

START_SECONDS = 30


class Server:
    """A database process. It can be paused, as a network that swallows every packet would."""

    def __init__(self, *options: str) -> None:
        self._folder = tempfile.mkdtemp(prefix="auditlogs-")
        port = free_port()
        self.uri = f"mongodb://127.0.0.1:{port}/test"
        command = [str(Path(sys.executable).parent / "secantusd-py"), "--host", "127.0.0.1"]
        command += ["--port", str(port), "--storage-path", self._folder, "--log-level", "ERROR"]
        self._process = subprocess.Popen([*command, *options], stdin=subprocess.DEVNULL)

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def with_database(uri: str, name: str) -> str:
    """Return the URI with another database, logging in where it did before."""
    parts = urlsplit(uri)
    query = parts.query
    if parts.username and "authsource=" not in query.lower():
        source = f"authSource={parts.path.strip('/') or 'admin'}"
        query = f"{query}&{source}" if query else source
    return parts._replace(path=f"/{name}", query=query).geturl()
