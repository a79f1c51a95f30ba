"""The spool's SQLite file: opened, written in transactions, and set aside when it is damaged."""

import contextlib
import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from auditlogs.salvage import has_head, salvage

T = TypeVar("T")
Action = Callable[[sqlite3.Connection], T]

logger = logging.getLogger(__name__)

FILE = "spool.sqlite3"
# SQLite's own, and the two that lie beside a file in its write-ahead mode.
PARTS = ("", "-wal", "-shm")
ATTEMPTS = 3

SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
  body BLOB NOT NULL, since REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS waiting_of ON waiting (account, since);
CREATE TABLE IF NOT EXISTS dead (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, account TEXT NOT NULL,
  body BLOB NOT NULL, since REAL NOT NULL, reason TEXT NOT NULL, UNIQUE (id, since)
);
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY, digest TEXT NOT NULL, first_ms INTEGER NOT NULL
);
"""


class SpoolError(Exception):
    """The spool could not take entries, or could not be read; the message is fit to be shown."""


class Damaged(Exception):
    """The file is not what was written to it."""


class SpoolFull(SpoolError):
    """The spool has its greatest size, or its disk is full."""


class SpoolFile:
    """The file of a spool, in a folder that its owner alone may enter.

    Every process has one connection, which its threads take turns at.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._max_bytes = max_bytes
        self._turn = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._length = 0

    def read(self, action: Action[T], otherwise: T, seconds: float) -> T:
        """Return what an action reads; `otherwise` where there is no file. Raises SpoolError."""
        return self._run(action, "BEGIN", seconds) if self.path.exists() else otherwise

    def write(self, action: Action[T], seconds: float) -> T:
        """Run an action and return its result when what it wrote is on the disk.

        It may be run more than once, so it must come to the same. Raises SpoolFull, SpoolError.
        """
        return self._run(action, "BEGIN IMMEDIATE", seconds)

    def size(self) -> int:
        """Return the bytes that the file takes, with what is written ahead of it."""
        parts = [self.path.with_name(f"{FILE}{part}") for part in PARTS]
        return sum(part.stat().st_size for part in parts if part.exists())

    def close(self) -> None:
        """Close the connection; it opens again when it is needed."""
        with self._turn:
            self._close()

    @contextmanager
    def locked(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Tell whether this process has a lock of the host, which it keeps during the block.

        Raises SpoolError.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self.folder / name).open("w")
        except OSError as error:
            raise SpoolError(f"The spool cannot be used: {error.strerror}.") from error
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True

    def _run(self, action: Action[T], begin: str, seconds: float) -> T:
        if not self._turn.acquire(timeout=seconds):
            raise SpoolError("The spool is too busy.")
        try:
            for _ in range(ATTEMPTS):
                try:
                    result = self._transact(action, begin, seconds)
                    # Another process may have set the file aside, with what was just written.
                    if self._opened == self._identity():
                        self._check()
                        return result
                    self._close()
                except Damaged:
                    self._set_aside()
                except sqlite3.Error as error:
                    if not _is_damage(error):
                        raise _named(error) from error
                    self._set_aside()
        except OSError as error:
            raise SpoolError(f"The spool cannot be used: {error.strerror}.") from error
        finally:
            self._turn.release()
        raise SpoolError("The spool's file is damaged again and again.")

    def _transact(self, action: Action[T], begin: str, seconds: float) -> T:
        db = self._connection()
        db.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        db.execute(begin)
        try:
            result = action(db)
            db.execute("COMMIT")
        except BaseException:
            # SQLite has rolled back by itself after some failures.
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        return result

    def _connection(self) -> sqlite3.Connection:
        """Return this process's connection to the file that is there now."""
        identity = self._identity()
        if self._db is None or self._opened != identity or identity is None:
            self._close()
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = self._connect()
            self._opened = self._identity()
            self._length = 0
        return self._db

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            (page_size,) = db.execute("PRAGMA page_size").fetchone()
            db.execute("PRAGMA journal_mode = WAL")
            # Each commit reaches the disk before it returns.
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA max_page_count = {max(self._max_bytes // page_size, 16)}")
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone():
                db.executescript(SCHEMA)
            _check_pages(db)
        except BaseException:
            db.close()
            raise
        return db

    def _close(self) -> None:
        if self._db is not None and self._opened_here():
            self._db.close()
        self._db = self._opened = None

    def _opened_here(self) -> bool:
        # A connection that a parent process has opened is the parent's to close.
        return self._opened is not None and self._opened[0] == os.getpid()

    def _identity(self) -> tuple[int, int] | None:
        """Return what tells this process and the file at the path now from any other."""
        try:
            return os.getpid(), self.path.stat().st_ino
        except FileNotFoundError:
            return None

    def _check(self) -> None:
        """Raise Damaged if the file has lost its head or its end, which SQLite, while it has the
        pages in memory, would not notice before the next process does."""
        length = self.path.stat().st_size
        # It never shrinks of itself.
        if length < self._length or not has_head(self.path):
            raise Damaged
        self._length = length

    def _set_aside(self) -> None:
        """Rename the damaged file, begin a new one, and move into it what can still be read."""
        damaged = self._opened or self._identity()
        self._close()
        with self.locked("repair.lock", wait=True):
            if damaged != self._identity():
                return
            aside = self.path.with_name(f"{FILE}.damaged-{time.time_ns()}")
            for part in PARTS:
                with contextlib.suppress(FileNotFoundError):
                    self.path.with_name(f"{FILE}{part}").replace(f"{aside}{part}")
            with closing(self._connect()) as new:
                recovered = salvage(aside, self.path, new)
            logger.error(
                "The spool's file was damaged. It is kept as %s; %d of its rows were recovered.",
                aside.name,
                recovered,
            )


def _check_pages(db: sqlite3.Connection) -> None:
    """Raise Damaged if a page is not what SQLite has written; a second for 2 GiB."""
    if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise Damaged


def _is_damage(error: sqlite3.Error) -> bool:
    # Raised by Python, which has no code for it, at a text that was never written so.
    if "decode to UTF-8" in str(error):
        return True
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _named(error: sqlite3.Error) -> SpoolError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return SpoolFull("The spool is full.")
    return SpoolError(f"The spool cannot be used: {error}.")
