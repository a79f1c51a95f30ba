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
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from auditlogs.write import wal
from auditlogs.write.ballast import Ballast
from auditlogs.write.losses import Losses
from auditlogs.write.salvage import has_header, is_whole, salvage

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
# Of the write-ahead log, before it is moved into the database.
LOG_BYTES = 1024 * 1024
# That a process remembers having changed.
MAX_RECENT_ROWS = 2_000
VACUUM_PAGES, VACUUMS = 200, 10
COPY_BYTES = 1024 * 1024
CHECKS, CHECK_SECONDS = 5, 0.01
FULL = "The spool is full."

# Of the schema. A file of another version is treated as damaged: its rows are copied.
# `totals` spares counting rows, which takes long when many wait.
VERSION = 2
SCHEMA = f"""
PRAGMA auto_vacuum = INCREMENTAL;
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
CREATE TABLE totals (account TEXT PRIMARY KEY, waiting INTEGER NOT NULL, dead INTEGER NOT NULL);
CREATE TRIGGER waiting_more AFTER INSERT ON waiting BEGIN
  INSERT INTO totals VALUES (new.account, 1, 0)
    ON CONFLICT (account) DO UPDATE SET waiting = waiting + 1;
END;
CREATE TRIGGER waiting_fewer AFTER DELETE ON waiting BEGIN
  UPDATE totals SET waiting = waiting - 1 WHERE account = old.account;
  DELETE FROM totals WHERE account = old.account AND waiting <= 0 AND dead <= 0;
END;
CREATE TRIGGER dead_more AFTER INSERT ON dead BEGIN
  INSERT INTO totals VALUES (new.account, 0, 1)
    ON CONFLICT (account) DO UPDATE SET dead = dead + 1;
END;
CREATE TRIGGER dead_fewer AFTER DELETE ON dead BEGIN
  UPDATE totals SET dead = dead - 1 WHERE account = old.account;
  DELETE FROM totals WHERE account = old.account AND waiting <= 0 AND dead <= 0;
END;
"""  # noqa: S608  (only the version is inserted)


class SpoolError(Exception):
    """The spool cannot be written or read; the message may be shown to a caller."""


class FileDamaged(Exception):
    """The file's content is not what was written to it."""


class SpoolFull(SpoolError):
    """The spool has reached its maximum size, or its disk is full."""


class SpoolFile:
    """The file of a spool, in a folder that only its owner may enter.

    Every process has one connection, used by one thread at a time. Before and after each
    transaction it looks for damage, which SQLite itself would not notice while it has what it needs
    in memory: whether the database and its write-ahead log are still those that were opened, and
    whether the database has its header and its length.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.path = folder / FILE
        self.losses = Losses(folder)
        self._ballast = Ballast(folder)
        self._max_bytes = max_bytes
        # Held during each transaction, and while the process forks.
        self.lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        # Descriptors of the database, its write-ahead log, and the lock of all that have it open.
        self._file: int | None = None
        self._log: int | None = None
        self._users: int | None = None
        self._opened: tuple[int, int] | None = None
        self._length = 0
        # The latest actions of this process and how many rows each has changed: a second copy of
        # what they wrote, which is written again after a repair.
        self._recent: deque[tuple[int, Action[Any]]] = deque()

    def read(self, action: Action[T], otherwise: T, seconds: float) -> T:
        """Run an action in a transaction; without a file, return `otherwise`. Raises SpoolError."""
        is_there = self._db is not None or self._exists()
        return self._run(action, "BEGIN", seconds) if is_there else otherwise

    def write(self, action: Action[T], seconds: float, *, is_capped: bool = False) -> T:
        """Run an action in a transaction and return its result once it is on the disk.

        After a repair the action is run again, so it must be idempotent. With `is_capped` it may
        not let the file grow beyond its maximum size; without, it may use the space in reserve.
        Raises SpoolFull, SpoolError.
        """

        def capped(db: sqlite3.Connection) -> T:
            result = action(db)
            # New entries must not take the space with which others leave.
            if used_bytes(db) > self._max_bytes or not self._ballast.restore():
                raise SpoolFull(FULL)
            return result

        return self._run(
            capped if is_capped else action,
            "BEGIN IMMEDIATE",
            seconds,
            may_use_ballast=not is_capped,
        )

    def size(self) -> int:
        """Return the bytes of the database and its write-ahead log; 0 where they cannot be read."""
        total = 0
        for part in PARTS:
            with contextlib.suppress(OSError):
                total += self.path.with_name(f"{FILE}{part}").stat().st_size
        return total

    def shrink(self) -> None:
        """Return the space of removed rows to the disk, some of it in each call, and move the
        write-ahead log into the database. Does little when there is nothing to do."""
        if not self._exists():
            return
        self._ballast.restore()

        def vacuum(db: sqlite3.Connection) -> bool:
            # Python takes one step of the pragma, which frees one page.
            for _ in range(min(_free_pages(db), VACUUM_PAGES)):
                db.execute("PRAGMA incremental_vacuum(1)")
            return _free_pages(db) > 0

        # A full disk has no room for it; entries can leave all the same.
        with contextlib.suppress(SpoolFull):
            is_left = self.read(_free_pages, 0, OPEN_SECONDS) > 0
            for _ in range(VACUUMS):
                is_left = is_left and self._run(vacuum, "BEGIN IMMEDIATE", OPEN_SECONDS)
        with self.lock, contextlib.suppress(FileDamaged):
            # The next transaction repairs the file.
            if self._db is not None and self._log_bytes():
                self._checkpoint(self._db)

    def close(self) -> None:
        """Close the connection; the next transaction opens it again."""
        with self.lock:
            # The next process would find damage too, but without what this one remembers. And
            # SQLite moves the log into the database when it closes it, damaged or not.
            if self._db is not None and self._is_current():
                with contextlib.suppress(SpoolError, OSError, sqlite3.Error):
                    if self._is_log_broken() or not self._is_sound():
                        self._set_aside()
            self._close()

    @contextmanager
    def locked(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Take a lock of the host for the block; yield whether this process has it.

        With `wait` it always has. The kernel releases it when the process ends, however it ends.
        Raises SpoolError.
        """
        try:
            self._make_folder()
            lock = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise SpoolError(f"The spool cannot be used: {error.strerror}.") from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(lock)

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One that an administrator made may be open to others.
        if self.folder.stat().st_mode & 0o077:
            self.folder.chmod(0o700)

    def _exists(self) -> bool:
        # `Path.exists` raises PermissionError where the folder may not be entered.
        return os.path.exists(self.path)  # noqa: PTH110

    def _run(
        self, action: Action[T], begin: str, seconds: float, *, may_use_ballast: bool = False
    ) -> T:
        until = time.monotonic() + seconds
        if not self.lock.acquire(timeout=seconds):
            raise SpoolError("The spool is too busy.")
        try:
            for _ in range(ATTEMPTS):
                try:
                    result = self._transact(action, begin, max(0.0, until - time.monotonic()))
                    # Else the file was replaced, and this commit may have gone with it.
                    if self._is_current():
                        self._check()
                        return result
                except FileDamaged:
                    self._set_aside()
                except (sqlite3.Error, FileNotFoundError) as error:
                    if not self._can_retry(error, may_use_ballast):
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
        raise SpoolError("The spool's file is damaged repeatedly, or its disk is full.")

    def _transact(self, action: Action[T], begin: str, seconds: float) -> T:
        db = self._connection()
        db.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        is_write = begin != "BEGIN"
        db.execute(begin)
        changes = db.total_changes
        try:
            before = _rows(db) if is_write else 0
            result = action(db)
            after = _rows(db) if is_write else 0
            if is_write:
                self.losses.expect(before, after)
            db.execute("COMMIT")
        except BaseException:
            # After some errors SQLite has rolled back itself, and refuses to do so again.
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        if self._log is None:
            # SQLite creates it in the first transaction.
            with contextlib.suppress(FileNotFoundError):
                self._log = os.open(f"{self.path}-wal", os.O_RDONLY)
        if is_write:
            self.losses.committed(before, after)
            self._remember(db.total_changes - changes, action)
            if self._log_bytes() > LOG_BYTES:
                self._checkpoint(db)
        return result

    def _can_retry(self, error: Exception, may_use_ballast: bool) -> bool:
        """Do what can be done about an error; tell whether the action may succeed then."""
        if isinstance(error, sqlite3.Error) and _is_damage(error):
            self._set_aside()
            return True
        if _is_full(error):
            return may_use_ballast and self._make_room()
        # Else another process has replaced the file in the middle of the transaction.
        return not self._is_current()

    def _make_room(self) -> bool:
        """Free what space there is on a full disk; tell whether there was any."""
        before = self._log_bytes()
        if self._db is not None:
            self._checkpoint(self._db)
        return self._ballast.release() or self._log_bytes() < before

    def _remember(self, rows: int, action: Action[Any]) -> None:
        self._recent.append((rows, action))
        while len(self._recent) > 1 and sum(rows for rows, _ in self._recent) > MAX_RECENT_ROWS:
            self._recent.popleft()

    def _checkpoint(self, db: sqlite3.Connection) -> None:
        """Move the write-ahead log into the database and empty it, unless others are using it.

        SQLite does not verify the log then, so that damage would move too. Raises FileDamaged.
        """
        # Single pages are verified when the process ends or another one reads them; it would take
        # too long here.
        if self._is_log_broken(verify=False):
            raise FileDamaged
        db.execute("PRAGMA busy_timeout = 0")
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def _is_sound(self) -> bool:
        """Tell whether a new connection, which has no page in memory, finds the file sound."""
        try:
            self._connect().close()
        except (FileDamaged, sqlite3.DatabaseError) as error:
            return not _is_damage(error)
        return True

    def _is_log_broken(self, *, verify: bool = True) -> bool:
        if self._log is None:
            return False
        for _ in range(CHECKS):
            if not wal.is_broken(os.pread(self._log, self._log_bytes(), 0), verify=verify):
                return False
            # Another process may have begun the log anew while it was read.
            time.sleep(CHECK_SECONDS)
        return True

    def _log_bytes(self) -> int:
        return os.fstat(self._log).st_size if self._log is not None else 0

    def _connection(self) -> sqlite3.Connection:
        """Return this process's connection to the current file; open it if there is none. Raises
        FileDamaged."""
        if self._db is not None:
            if not self._is_current():
                raise FileDamaged
            return self._db
        with self.locked(REPAIR_LOCK, wait=True):
            if self._identity() is None:
                self._create_new()
                self._recover()
            # Identified before it is connected to, so that a replacement in between is noticed.
            self._file = os.open(self.path, os.O_RDONLY)
            self._opened = os.getpid(), os.fstat(self._file).st_ino
            is_first = self._join()
            if is_first:
                self._check_before_opening()
            self._db = self._connect()
            if is_first:
                self._count_losses(self._db)
        self._resume_recovery()
        return self._db

    def _join(self) -> bool:
        """Take a share in the lock of all processes that have the file open; tell whether there
        were none."""
        self._users = os.open(self.folder / "users.lock", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._users, fcntl.LOCK_SH)
            return False
        fcntl.flock(self._users, fcntl.LOCK_SH)
        return True

    def _check_before_opening(self) -> None:
        """Raise FileDamaged where SQLite, when it opens the file, would drop commits in silence."""
        log = self.path.with_name(f"{FILE}-wal")
        content = log.read_bytes() if log.exists() else b""
        # While the log holds commits, the database may be shorter than its header says.
        if wal.is_broken(content) or not (content or is_whole(self._descriptor())):
            raise FileDamaged
        for part in PARTS:
            with contextlib.suppress(FileNotFoundError):
                self.path.with_name(f"{FILE}{part}").chmod(0o600)

    def _connect(self) -> sqlite3.Connection:
        db = _open(self.path)
        try:
            # A commit returns after fsync: https://www.sqlite.org/pragma.html#pragma_synchronous
            db.execute("PRAGMA synchronous = FULL")
            # `_checkpoint` does it, and knows then that everything is in the database.
            db.execute("PRAGMA wal_autocheckpoint = 0")
            _check_integrity(db)
        except BaseException:
            db.close()
            raise
        return db

    def _close(self) -> None:
        # Safe in a forked child too: POSIX locks belong to a process, so the parent keeps its own.
        if self._db is not None:
            with _kept_in_place(self.path.with_name(f"{FILE}-wal"), not self._is_current()):
                self._db.close()
        # After SQLite's: closing any descriptor of a file releases all POSIX locks of the process.
        for descriptor in (self._file, self._log, self._users):
            if descriptor is not None:
                os.close(descriptor)
        self._db = self._opened = self._file = self._log = self._users = None
        self._length = 0

    def _identity(self) -> tuple[int, int] | None:
        """Return the process's id and the current file's inode; None if there is no file."""
        try:
            return os.getpid(), self.path.stat().st_ino
        except FileNotFoundError:
            return None

    def _is_current(self) -> bool:
        """Tell whether the files at the paths are those that this process has open."""
        return self._opened == self._identity() and self._has_own_log()

    def _has_own_log(self) -> bool:
        if self._log is None:
            return True
        try:
            return self.path.with_name(f"{FILE}-wal").stat().st_ino == os.fstat(self._log).st_ino
        except FileNotFoundError:
            return False

    def _descriptor(self) -> int:
        assert self._file is not None
        return self._file

    def _check(self) -> None:
        """Raise FileDamaged if the file has lost its header or its end. SQLite, with those pages in
        memory, would not notice; the next process to open the file would."""
        file, length = self._descriptor(), os.fstat(self._descriptor()).st_size
        # A full disk may keep SQLite from writing pages that the header counts already; but the
        # file is never shorter than both it was and the header says.
        if not has_header(file) or (length < self._length and not is_whole(file)):
            raise FileDamaged
        self._length = length
        if self._log is not None and self._log_bytes() and not wal.has_header(self._log):
            raise FileDamaged

    def _create_new(self) -> None:
        """Create the file under another name and rename it when it is complete.

        A write-ahead log that lies beside the path belongs to an earlier file, and is set aside.
        """
        aside = self._asides()[-1:] or [self.path.with_name(f"{ASIDE}{time.time_ns()}")]
        _move(self.path, aside[0])
        draft = self.path.with_name(f"{FILE}.new")
        for part in PARTS:
            draft.with_name(f"{draft.name}{part}").unlink(missing_ok=True)
        # SQLite gives a log the mode of its database.
        draft.touch(mode=0o600)
        with closing(sqlite3.connect(draft, isolation_level=None)) as db:
            db.execute("PRAGMA synchronous = FULL")
            db.executescript(SCHEMA)
            db.execute("PRAGMA journal_mode = WAL")
        draft.replace(self.path)
        self._ballast.restore()

    def _set_aside(self) -> None:
        """Move the damaged file out of the way, create a new one, and copy the readable rows into
        it. What is no longer at its path is saved through the descriptors of this process."""
        with self.locked(REPAIR_LOCK, wait=True):
            aside = self.path.with_name(f"{ASIDE}{time.time_ns()}")
            current = self._identity()
            if current is not None and self._opened in (None, current):
                if not self._has_own_log():
                    _move(
                        self.path.with_name(f"{FILE}-wal"), aside.with_name(f"{aside.name}-other")
                    )
                    self._save(self._log, f"{aside}-wal")
                _move(self.path, aside)
            elif self._opened is not None and not self._is_set_aside():
                self._save(self._file, str(aside))
                self._save(self._log, f"{aside}-wal")
            self._close()
            if self._identity() is None:
                self._create_new()
            self._recover()

    def _save(self, descriptor: int | None, copy: str) -> None:
        """Copy a file that this process has open, wherever its name has gone."""
        if descriptor is None:
            return
        with Path(copy).open("wb") as target:
            while content := os.pread(descriptor, COPY_BYTES, target.tell()):
                target.write(content)

    def _is_set_aside(self) -> bool:
        """Tell whether another process has set aside the file that this one has open."""
        inode = os.fstat(self._descriptor()).st_ino
        return any(path.stat().st_ino == inode for path in self.folder.glob(f"{FILE}.*"))

    def _resume_recovery(self) -> None:
        """Resume a recovery that a crash or a full disk has interrupted."""
        if self._asides():
            with self.locked(REPAIR_LOCK, wait=False) as is_alone:
                if is_alone:
                    self._recover()

    def _recover(self) -> None:
        """Copy the rows of all files that were set aside, and repeat what this process wrote last.
        Called with the lock for repairs."""
        asides = self._asides()
        if not asides and not self._recent:
            return
        try:
            with closing(self._connect()) as new:
                for aside in asides:
                    recovered = salvage(aside, new, SCHEMA)
                    kept = aside.with_name(aside.name.replace(ASIDE, KEPT))
                    _move(aside, kept)
                    logger.error(
                        "The spool's file was damaged and is kept as %s; %d of its rows were "
                        "recovered.",
                        kept.name,
                        recovered,
                    )
                before = _rows(new)
                for _, action in self._recent:
                    new.execute("BEGIN IMMEDIATE")
                    # It was acknowledged, so the cap does not apply to it.
                    with contextlib.suppress(SpoolFull):
                        action(new)
                    new.execute("COMMIT")
                if asides:
                    self._count_losses(new)
                else:
                    # Another process has counted what this one had a copy of as lost.
                    self.losses.found(_rows(new) - before)
        except (sqlite3.Error, OSError, FileDamaged) as error:
            logger.error("The spool's file cannot be recovered yet: %s", error)  # noqa: TRY400

    def _count_losses(self, db: sqlite3.Connection) -> None:
        """Compare the rows that there are with those that were committed."""
        lost = self.losses.settle(_rows(db))
        if lost:
            logger.error(
                "%d entries that the spool had accepted are lost; the file %s has the total.",
                lost,
                self.losses.path.name,
            )

    def _asides(self) -> list[Path]:
        """Return the files that were set aside and not yet recovered, oldest first. Of some, only
        the write-ahead log is left."""
        names = {path.name.removesuffix("-wal") for path in self.folder.glob(f"{ASIDE}*")}
        return [
            self.folder / name for name in sorted(names) if name.removeprefix(ASIDE).isdecimal()
        ]


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


@contextmanager
def _kept_in_place(log: Path, is_stale: bool) -> Iterator[None]:
    """Keep a write-ahead log at its path. SQLite, when it closes the last connection to a file that
    was replaced, removes the log by its name, which is then that of the new file's log."""
    link = log.with_name(f"{log.name}.{os.getpid()}")
    if is_stale:
        with contextlib.suppress(OSError):
            link.hardlink_to(log)
    yield
    with contextlib.suppress(OSError):
        if is_stale and not log.exists():
            link.rename(log)
        link.unlink(missing_ok=True)


def _rows(db: sqlite3.Connection) -> int:
    """Return the number of entries in the queue and dead letters."""
    (rows,) = db.execute("SELECT coalesce(sum(waiting + dead), 0) FROM totals").fetchone()
    return int(rows)


def _free_pages(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA freelist_count").fetchone()[0])


def used_bytes(db: sqlite3.Connection) -> int:
    """Return the bytes of the pages that hold something."""
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


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
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_SHORT_READ:
        return True
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_full(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and _code(error) == sqlite3.SQLITE_FULL


def _code(error: Exception) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def _as_spool_error(error: sqlite3.Error) -> SpoolError:
    if _is_full(error):
        return SpoolFull(FULL)
    return SpoolError(f"The spool cannot be used: {error}.")
