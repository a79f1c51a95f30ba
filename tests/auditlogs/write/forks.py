"""Processes of their own for the spool: two objects in one process share what SQLite knows of their
file, and so prove nothing of two processes."""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from auditlogs.write.spool import Spool
from tests.factories import queued

# Each is forked from a process that has imported everything, which would take most of its time.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])
END_SECONDS = 60.0


class Forked:
    """A process that runs a function with a folder and a pipe, of which this is the other end."""

    def __init__(self, work: Callable[[Path, Connection], None], folder: Path) -> None:
        self._log = folder.with_name(f"{folder.name} {id(self)}.log")
        self.pipe, theirs = FORKS.Pipe()
        self._process = FORKS.Process(target=_run, args=(work, folder, theirs, self._log))
        self._process.start()
        theirs.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.join(END_SECONDS)

    def end(self) -> str:
        """Wait until the process ends, and return what it has written to its standard error."""
        self._process.join(END_SECONDS)
        assert self._process.exitcode == 0, self._log.read_text()
        return self._log.read_text()


class Writer(Forked):
    """A process that puts as many entries into the spool as it is asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(_write, folder)

    def put(self, count: int) -> set[str]:
        """Return the ids of the entries that were put."""
        self.pipe.send(count)
        ids: list[str] = self.pipe.recv()
        return set(ids)

    def end(self) -> str:
        self.pipe.send(0)
        return super().end()


def put(spool: Spool, count: int = 1) -> list[str]:
    ids = []
    for _ in range(count):
        account, entry = queued({"text": "word " * 40})
        spool.put([(account, entry)])
        ids.append(entry.id)
    return ids


def _write(folder: Path, pipe: Connection) -> None:
    spool = Spool(folder, 1 << 30)
    while count := pipe.recv():
        pipe.send(put(spool, count))
    spool.file.close()


def _run(
    work: Callable[[Path, Connection], None], folder: Path, pipe: Connection, log: Path
) -> None:
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    work(folder, pipe)
