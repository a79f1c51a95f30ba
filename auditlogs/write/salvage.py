"""Salvage: copying the readable rows of a damaged spool file into a new one."""

import contextlib
import itertools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from auditlogs.write import wal

BATCH = 1_000
# https://www.sqlite.org/fileformat.html#the_database_header
MAGIC = b"SQLite format 3\0"
HEADER_BYTES = 100
# The header's fields for the file's size and its free pages; when they are zero, SQLite measures
# the file itself.
SIZES = slice(28, 40)
# The columns that are copied. Positions in a queue (`seq`) are assigned anew, as those of two
# files may collide.
COLUMNS = {
    "waiting": ("id", "account", "body", "since"),
    "dead": ("id", "account", "body", "since", "reason"),
    "keys": ("id", "digest", "first_ms"),
}


def has_header(file: int) -> bool:
    """Tell whether an open file (a descriptor) begins with SQLite's header."""
    return os.pread(file, len(MAGIC), 0) == MAGIC


def is_whole(file: int) -> bool:
    """Tell whether an open file (a descriptor) has SQLite's header, and the length stated there."""
    header = os.pread(file, HEADER_BYTES, 0)
    if not header.startswith(MAGIC) or len(header) < HEADER_BYTES:
        return False
    page_size = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    return os.fstat(file).st_size >= pages * page_size


def salvage(damaged: Path, new: sqlite3.Connection, schema: str) -> int:
    """Copy every readable row of a damaged file into a new one; return how many the new file has
    gained. The damaged file is copied before it is opened, as SQLite would change it.

    Safe to repeat: rows that exist already are ignored.
    """
    recovered = 0
    with _open_copy(damaged, schema) as old:
        for table, columns in COLUMNS.items():
            names, marks = ", ".join(columns), ", ".join("?" * len(columns))
            insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
            # A query stops at the first bad page, so the table is read from both ends.
            for order in ("", "DESC"):
                rows = _readable(old, f"SELECT {names} FROM {table} ORDER BY rowid {order}")  # noqa: S608
                while batch := list(itertools.islice(rows, BATCH)):
                    new.execute("BEGIN IMMEDIATE")
                    recovered += new.executemany(insert, batch).rowcount
                    new.execute("COMMIT")
    return recovered


@contextmanager
def _open_copy(damaged: Path, schema: str) -> Iterator[sqlite3.Connection]:
    with tempfile.TemporaryDirectory(dir=damaged.parent) as name:
        copy = Path(name) / "damaged"
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(damaged, copy)
        log = Path(f"{damaged}-wal")
        content = log.read_bytes() if log.exists() else b""
        if content:
            repaired = wal.rebuilt(content) if wal.is_broken(content) else content
            Path(f"{copy}-wal").write_bytes(repaired)
        _ensure_header(copy, Path(name), schema)
        with closing(sqlite3.connect(copy)) as old:
            # Without it SQLite refuses to open a file that is shorter than its header says.
            old.execute("PRAGMA writable_schema = ON")
            yield old


def _ensure_header(copy: Path, folder: Path, schema: str) -> None:
    """Where the first page is lost, put that of a new file in its place.

    The first page says where each table begins; that is the same in all files of one schema.
    """
    with copy.open("a+b") as file:
        if os.pread(file.fileno(), len(MAGIC), 0) == MAGIC:
            return
    with closing(sqlite3.connect(folder / "new")) as new:
        new.executescript(schema)
        (page_size,) = new.execute("PRAGMA page_size").fetchone()
    page = bytearray((folder / "new").read_bytes()[:page_size])
    page[SIZES] = bytes(SIZES.stop - SIZES.start)
    # Both version numbers say that the file has a write-ahead log.
    page[18:20] = b"\x02\x02"
    with copy.open("r+b") as file:
        file.write(page)


def _readable(db: sqlite3.Connection, query: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a query up to the first error."""
    with contextlib.suppress(sqlite3.Error):
        yield from db.execute(query)
