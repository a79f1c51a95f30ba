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

from auditlogs.write.salvage import has_header, salvage

T = TypeVar("T")
Action = Callable[[sqlite3.Connection], T]

logger = logging.getLogger(__name__)

FILE = "spool.sqlite3"
# What is set aside and not yet salvaged, and what is kept of it then.
ASIDE, KEPT = f"{FILE}.aside-", f"{FILE}.damaged-"
REPAIR_LOCK = "repair.lock"
# SQLite's own, and the two that lie beside a file in its write-ahead mode.
PARTS = ("", "-wal", "-shm")
ATTEMPTS = 3
OPEN_SECONDS = 0.5

# Of the schema; what a file of another one holds moves into a new file.
VERSION = 1
SCHEMA = f"""
PRAGMA user_version = {VERSION};
CREATE TABLE waiting (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
  body BLOB NOT NULL, since REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX waiting_of ON waiting (account, since);
CREATE TABLE dead (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, account TEXT NOT NULL,
  body BLOB NOT NULL, since REAL NOT NULL, reason TEXT NOT NULL, UNIQUE (id, since)
);
CREATE TABLE keys (
  id TEXT PRIMARY KEY, digest TEXT NOT NULL, first_ms INTEGER NOT NULL,
  moved INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX keys_by_age ON keys (first_ms);
CREATE INDEX keys_to_move ON keys (moved) WHERE moved = 0;
"""


class SpoolError(Exception):
    """The spool could not take entries, or could not be read; the message is fit to be shown."""


class FileDamaged(Exception):
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
        # Whose turn it is; nobody's while the process forks, so that no child inherits a half.
        self.turn = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._head: int | None = None
        self._opened: tuple[int, int] | None = None
        self._length = 0

    def read(self, action: Action[T], otherwise: T, seconds: float) -> T:
        """Return what an action reads; `otherwise` where there is no file. Raises SpoolError."""
        return self._run(action, "BEGIN", seconds) if self._exists() else otherwise

    def write(self, action: Action[T], seconds: float) -> T:
        """Run an action and return its result when what it wrote is on the disk.

        It may be run more than once, so it must come to the same. Raises SpoolFull, SpoolError.
        """
        return self._run(action, "BEGIN IMMEDIATE", seconds)

    def size(self) -> int:
        """Return the bytes that the file takes, with what is written ahead of it; none where its
        folder may not be entered."""
        total = 0
        for part in PARTS:
            with contextlib.suppress(OSError):
                total += self.path.with_name(f"{FILE}{part}").stat().st_size
        return total

    def close(self) -> None:
        """Close the connection; it opens again when it is needed."""
        with self.turn:
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

    def _exists(self) -> bool:
        # Unlike a path's own method, it raises nothing where the folder may not be entered.
        return os.path.exists(self.path)  # noqa: PTH110

    def _run(self, action: Action[T], begin: str, seconds: float) -> T:
        until = time.monotonic() + seconds
        if not self.turn.acquire(timeout=seconds):
            raise SpoolError("The spool is too busy.")
        try:
            for _ in range(ATTEMPTS):
                try:
                    result = self._transact(action, begin, max(0.0, until - time.monotonic()))
                    # Another process may have set the file aside, with what was just written.
                    if self._opened == self._identity():
                        self._check()
                        return result
                    self._close()
                except FileDamaged:
                    self._set_aside()
                except (sqlite3.Error, FileNotFoundError) as error:
                    if self._opened != self._identity():
                        # It was set aside in the middle of this.
                        self._close()
                    elif isinstance(error, sqlite3.Error) and _is_damage(error):
                        self._set_aside()
                    else:
                        raise
        except sqlite3.Error as error:
            raise _named(error) from error
        except OSError as error:
            raise SpoolError(f"The spool cannot be used: {error.strerror}.") from error
        except FileDamaged:
            # The new file too.
            pass
        finally:
            self.turn.release()
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
            if identity is None:
                self._create()
            # Named before it is connected to: what takes its place in between is noticed.
            self._head = os.open(self.path, os.O_RDONLY)
            self._opened = os.getpid(), os.fstat(self._head).st_ino
            self._length = 0
            self._db = self._connect()
            self._go_on_salvaging()
        return self._db

    def _connect(self, *, is_capped: bool = True) -> sqlite3.Connection:
        db = _opened(self.path)
        try:
            (page_size,) = db.execute("PRAGMA page_size").fetchone()
            # Each commit reaches the disk before it returns.
            db.execute("PRAGMA synchronous = FULL")
            if is_capped:
                db.execute(f"PRAGMA max_page_count = {max(self._max_bytes // page_size, 16)}")
            _check_whole(db)
        except BaseException:
            db.close()
            raise
        return db

    def _close(self) -> None:
        # In a forked process, too: locks are each process's own, so that this frees nobody else's.
        if self._db is not None:
            self._db.close()
        # Not before: closing any descriptor of a file frees every lock that SQLite has of it.
        if self._head is not None:
            os.close(self._head)
        self._db = self._opened = self._head = None

    def _identity(self) -> tuple[int, int] | None:
        """Return what tells this process and the file at the path now from any other."""
        try:
            return os.getpid(), self.path.stat().st_ino
        except FileNotFoundError:
            return None

    def _check(self) -> None:
        """Raise FileDamaged if the file has lost its head or its end, which SQLite, while it has the
        pages in memory, would not notice before the next process does."""
        assert self._head is not None
        length = os.fstat(self._head).st_size
        # It never shrinks of itself.
        if length < self._length or not has_header(self._head):
            raise FileDamaged
        self._length = length

    def _create(self) -> None:
        """Put a new file in its place, unless another process has done so."""
        with self.locked(REPAIR_LOCK, wait=True):
            if self._identity() is None:
                self._begin()

    def _begin(self) -> None:
        """Put a new file in its place when it is whole: nobody sees it before, and what lies
        beside the place belongs to the one before."""
        aside = self._asides()[-1:] or [self.path.with_name(f"{ASIDE}{time.time_ns()}")]
        _move(self.path, aside[0])
        draft = self.path.with_name(f"{FILE}.new")
        for part in PARTS:
            draft.with_name(f"{draft.name}{part}").unlink(missing_ok=True)
        with closing(sqlite3.connect(draft, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.executescript(SCHEMA)
        draft.replace(self.path)

    def _set_aside(self) -> None:
        """Rename the damaged file, begin a new one, and move into it what can still be read."""
        damaged = self._opened or self._identity()
        self._close()
        with self.locked(REPAIR_LOCK, wait=True):
            if damaged != self._identity():
                return
            _move(self.path, self.path.with_name(f"{ASIDE}{time.time_ns()}"))
            self._begin()
            self._salvage()

    def _go_on_salvaging(self) -> None:
        """Move what a process that ended, or a full disk, has left in a file that is set aside."""
        if self._asides():
            with self.locked(REPAIR_LOCK, wait=False) as is_alone:
                if is_alone:
                    self._salvage()

    def _salvage(self) -> None:
        for aside in self._asides():
            kept = aside.with_name(aside.name.replace(ASIDE, KEPT))
            try:
                # It was accepted once; so no cap keeps it out.
                with closing(self._connect(is_capped=False)) as new:
                    recovered = salvage(aside, new, SCHEMA)
                _move(aside, kept)
            except (sqlite3.Error, OSError, FileDamaged) as error:
                logger.error("What is in %s cannot be recovered yet: %s", aside.name, error)  # noqa: TRY400
                return
            logger.error(
                "The spool's file was damaged. It is kept as %s; %d of its rows were recovered.",
                kept.name,
                recovered,
            )

    def _asides(self) -> list[Path]:
        """Return the files that were set aside and not yet salvaged, in their order."""
        found = self.folder.glob(f"{ASIDE}*")
        return sorted(path for path in found if path.name.removeprefix(ASIDE).isdecimal())


def _opened(path: Path) -> sqlite3.Connection:
    """Connect to a file that is there; none is made."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=OPEN_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _move(path: Path, other: Path) -> None:
    """Rename a file with its parts, as far as they are there."""
    for part in PARTS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(f"{path.name}{part}").replace(other.with_name(f"{other.name}{part}"))


def _check_whole(db: sqlite3.Connection) -> None:
    """Raise FileDamaged if a file is not of the schema, or a page of it not what SQLite has written; a
    second for 2 GiB."""
    for question, answer in (("user_version", VERSION), ("quick_check(1)", "ok")):
        if db.execute(f"PRAGMA {question}").fetchone() != (answer,):
            raise FileDamaged


def _is_damage(error: Exception) -> bool:
    # The second is raised by Python, which has no code for it, at a text that was never written so.
    if isinstance(error, FileDamaged) or "decode to UTF-8" in str(error):
        return True
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: Exception) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def _named(error: sqlite3.Error) -> SpoolError:
    if _code(error) == sqlite3.SQLITE_FULL:
        return SpoolFull("The spool is full.")
    return SpoolError(f"The spool cannot be used: {error}.")
