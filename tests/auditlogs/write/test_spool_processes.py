"""The spool among processes of their own."""

import os
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from django.conf import settings

from auditlogs.write.spool import Spool, spool
from tests.auditlogs.write.forks import Forked, put
from tests.factories import queued

BYTES = 1 << 24


def count(folder: Path) -> int:
    counting = Forked(_count, folder)
    waiting: int = counting.pipe.recv()
    assert counting.end() == ""
    return waiting


def _count(folder: Path, pipe: Connection) -> None:
    pipe.send(Spool(folder, BYTES).depth().waiting)


def _put_and_end(folder: Path, pipe: Connection) -> None:
    here = Spool(folder, BYTES)
    put(here)
    here.file.close()


def _put_when_told(folder: Path, pipe: Connection) -> None:
    here = Spool(folder, BYTES)
    pipe.recv()
    put(here, 20)


def _fork_while_others_put(folder: Path, pipe: Connection) -> None:
    """Send how many more entries were acknowledged than are there."""
    settings.AUDITLOGS_SPOOL_DIR = str(folder)
    is_over, acknowledged = threading.Event(), []

    def work() -> None:
        while not is_over.is_set():
            put(spool())
            acknowledged.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        # Before the fork: a child inherits the locks that RE2 holds in other threads, too.
        account, entry = queued()
        child = os.fork()
        if not child:
            try:
                spool().put([(account, entry)])
            except BaseException as error:  # noqa: BLE001 - the child must end here, whatever it is
                sys.stderr.write(f"{error}\n")
                os._exit(1)
            os._exit(0)
        if not os.waitpid(child, 0)[1]:
            acknowledged.append(1)
    is_over.set()
    for thread in threads:
        thread.join()
    pipe.send(len(acknowledged) - spool().depth().waiting)


def test_a_process_that_ends_takes_nothing_from_those_that_go_on(tmp_path: Path) -> None:
    here = Spool(tmp_path, BYTES)
    for number in range(3):
        put(here)
        if number == 0:
            # Had this process lost its lock of the file, that one would take the log with it.
            assert Forked(_put_and_end, tmp_path).end() == ""
    assert count(tmp_path) == 4


def test_many_may_begin_a_spool_at_once(tmp_path: Path) -> None:
    beginning = [Forked(_put_when_told, tmp_path) for _ in range(4)]
    for each in beginning:
        each.pipe.send("now")
    assert [each.end() for each in beginning] == [""] * 4
    assert count(tmp_path) == 80


def test_a_child_that_is_forked_while_others_put_may_put_too(tmp_path: Path) -> None:
    forking = Forked(_fork_while_others_put, tmp_path)
    missing = forking.pipe.recv()
    assert forking.end() == ""
    assert missing == 0
