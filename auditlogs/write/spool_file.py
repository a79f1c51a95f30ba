"""The spool's SQLite file: connections, transactions, and recovery from damage.

A damaged file is set aside (renamed), a new one takes its place, and the readable rows are copied
into it. The damaged file is kept, for a person to look at.
"""

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
# The names of a damaged file before and after its rows were recovered; a number follows.
ASIDE, KEPT = f"{FILE}.aside-", f"{FILE}.damaged-"
REPAIR_LOCK = "repair.lock"
# The database and, in write-ahead mode, its log and the log's index.
PARTS = ("", "-wal", "-shm")
ATTEMPTS = 3
OPEN_SECONDS = 0.5

# Of the schema. A file of another version is treated as damaged: its rows are copied.
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
    """The spool cannot be written or read; the message may be shown to a caller."""


class FileDamaged(Exception):
    """The file's content is not what was written to it."""


class SpoolFull(SpoolError):
    """The spool has reached its maximum size, or its disk is full."""


class SpoolFile:
    """The file of a spool, in a folder that only its owner may enter.

    Every process has one connection, used by one thread at a time.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._max_bytes = max_bytes
        # Held during each transaction, and while the process forks.
        self.lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file: int | None = None
        self._opened: tuple[int, int] | None = None
        self._length = 0

    def read(self, action: Action[T], otherwise: T, seconds: float) -> T:
        """Run an action in a transaction; without a file, return `otherwise`. Raises SpoolError."""
        return self._run(action, "BEGIN", seconds) if self._exists() else otherwise

    def write(self, action: Action[T], seconds: float) -> T:
        """Run an action in a transaction and return its result once it is on the disk.

        After a repair the action is run again, so it must be idempotent. Raises SpoolFull,
        SpoolError.
        """
        return self._run(action, "BEGIN IMMEDIATE", seconds)

    def size(self) -> int:
        """Return the bytes of the database and its write-ahead log; 0 where they cannot be read."""
        total = 0
        for part in PARTS:
            with contextlib.suppress(OSError):
                total += self.path.with_name(f"{FILE}{part}").stat().st_size
        return total

    def close(self) -> None:
        """Close the connection; the next transaction opens it again."""
        with self.lock:
            self._close()

    @contextmanager
    def locked(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Take a lock of the host for the block; yield whether this process has it.

        With `wait` it always has. The kernel releases it when the process ends, however it ends.
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
        # `Path.exists` raises PermissionError where the folder may not be entered.
        return os.path.exists(self.path)  # noqa: PTH110

    def _run(self, action: Action[T], begin: str, seconds: float) -> T:
        until = time.monotonic() + seconds
        if not self.lock.acquire(timeout=seconds):
            raise SpoolError("The spool is too busy.")
        try:
            for _ in range(ATTEMPTS):
                try:
                    result = self._transact(action, begin, max(0.0, until - time.monotonic()))
                    # Else another process has set the file aside, together with this commit.
                    if self._opened == self._identity():
                        self._check()
                        return result
                    self._close()
                except FileDamaged:
                    self._set_aside()
                except (sqlite3.Error, FileNotFoundError) as error:
                    if self._opened != self._identity():
                        # Another process set it aside during this transaction.
                        self._close()
                    elif isinstance(error, sqlite3.Error) and _is_damage(error):
                        self._set_aside()
                    else:
                        raise
        except sqlite3.Error as error:
            raise _as_spool_error(error) from error
        except OSError as error:
            raise SpoolError(f"The spool cannot be used: {error.strerror}.") from error
        except FileDamaged:
            # The new file is damaged too.
            pass
        finally:
            self.lock.release()
        raise SpoolError("The spool's file is damaged repeatedly.")

    def _transact(self, action: Action[T], begin: str, seconds: float) -> T:
        db = self._connection()
        db.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        db.execute(begin)
        try:
            result = action(db)
            db.execute("COMMIT")
        except BaseException:
            # After some errors SQLite has rolled back itself, and refuses to do so again.
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        return result

    def _connection(self) -> sqlite3.Connection:
        """Return this process's connection to the current file; open it if there is none."""
        identity = self._identity()
        if self._db is None or self._opened != identity or identity is None:
            self._close()
            if identity is None:
                self._create()
            # Identified before it is connected to, so that a replacement in between is noticed.
            self._file = os.open(self.path, os.O_RDONLY)
            self._opened = os.getpid(), os.fstat(self._file).st_ino
            self._length = 0
            self._db = self._connect()
            self._resume_recovery()
        return self._db

    def _connect(self, *, is_capped: bool = True) -> sqlite3.Connection:
        db = _open(self.path)
        try:
            (page_size,) = db.execute("PRAGMA page_size").fetchone()
            # A commit returns after fsync: https://www.sqlite.org/pragma.html#pragma_synchronous
            db.execute("PRAGMA synchronous = FULL")
            if is_capped:
                db.execute(f"PRAGMA max_page_count = {max(self._max_bytes // page_size, 16)}")
            _check_integrity(db)
        except BaseException:
            db.close()
            raise
        return db

    def _close(self) -> None:
        # Safe in a forked child too: POSIX locks belong to a process, so the parent keeps its own.
        if self._db is not None:
            self._db.close()
        # After SQLite's: closing any descriptor of a file releases all POSIX locks of the process.
        if self._file is not None:
            os.close(self._file)
        self._db = self._opened = self._file = None

    def _identity(self) -> tuple[int, int] | None:
        """Return the process's id and the current file's inode; None if there is no file."""
        try:
            return os.getpid(), self.path.stat().st_ino
        except FileNotFoundError:
            return None

    def _check(self) -> None:
        """Raise FileDamaged if the file has lost its header or its end. SQLite, with those pages in
        memory, would not notice; the next process to open the file would."""
        assert self._file is not None
        length = os.fstat(self._file).st_size
        # No operation of the spool shrinks the file.
        if length < self._length or not has_header(self._file):
            raise FileDamaged
        self._length = length

    def _create(self) -> None:
        """Create the file unless another process has done so."""
        with self.locked(REPAIR_LOCK, wait=True):
            if self._identity() is None:
                self._create_new()

    def _create_new(self) -> None:
        """Create the file under another name and rename it when it is complete.

        A write-ahead log that lies beside the path belongs to an earlier file, and is set aside.
        """
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
        """Rename the damaged file, create a new one, and copy the readable rows into it."""
        damaged = self._opened or self._identity()
        self._close()
        with self.locked(REPAIR_LOCK, wait=True):
            if damaged != self._identity():
                return
            _move(self.path, self.path.with_name(f"{ASIDE}{time.time_ns()}"))
            self._create_new()
            self._recover()

    def _resume_recovery(self) -> None:
        """Resume a recovery that a crash or a full disk has interrupted."""
        if self._asides():
            with self.locked(REPAIR_LOCK, wait=False) as is_alone:
                if is_alone:
                    self._recover()

    def _recover(self) -> None:
        for aside in self._asides():
            kept = aside.with_name(aside.name.replace(ASIDE, KEPT))
            try:
                # These entries were acknowledged, so the cap does not apply to them.
                with closing(self._connect(is_capped=False)) as new:
                    recovered = salvage(aside, new, SCHEMA)
                _move(aside, kept)
            except (sqlite3.Error, OSError, FileDamaged) as error:
                logger.error("The rows of %s cannot be recovered yet: %s", aside.name, error)  # noqa: TRY400
                return
            logger.error(
                "The spool's file was damaged and is kept as %s; %d of its rows were recovered.",
                kept.name,
                recovered,
            )

    def _asides(self) -> list[Path]:
        """Return the files that were set aside and not yet recovered, oldest first."""
        found = self.folder.glob(f"{ASIDE}*")
        return sorted(path for path in found if path.name.removeprefix(ASIDE).isdecimal())


def _open(path: Path) -> sqlite3.Connection:
    """Connect to an existing file; never create one."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=OPEN_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _move(path: Path, other: Path) -> None:
    """Rename a database with its write-ahead log, as far as they exist."""
    for part in PARTS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(f"{path.name}{part}").replace(other.with_name(f"{other.name}{part}"))


def _check_integrity(db: sqlite3.Connection) -> None:
    """Raise FileDamaged if a file has another schema or an inconsistent page. Takes about a second
    for 2 GiB."""
    for pragma, expected in (("user_version", VERSION), ("quick_check(1)", "ok")):
        if db.execute(f"PRAGMA {pragma}").fetchone() != (expected,):
            raise FileDamaged


def _is_damage(error: Exception) -> bool:
    # Python itself reports a text column that is not UTF-8, without an error code of SQLite.
    if isinstance(error, FileDamaged) or "decode to UTF-8" in str(error):
        return True
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: Exception) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def _as_spool_error(error: sqlite3.Error) -> SpoolError:
    if _code(error) == sqlite3.SQLITE_FULL:
        return SpoolFull("The spool is full.")
    return SpoolError(f"The spool cannot be used: {error}.")
