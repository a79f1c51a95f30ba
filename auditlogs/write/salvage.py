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

BATCH = 1_000
# https://www.sqlite.org/fileformat.html#the_database_header
MAGIC = b"SQLite format 3\0"
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


def salvage(damaged: Path, new: sqlite3.Connection, schema: str) -> int:
    """Copy every readable row of a damaged file into a new one of the same schema; return how many
    rows the new file has gained. Safe to repeat: rows that exist already are ignored."""
    recovered = 0
    with _open_damaged(damaged, schema) as old:
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
def _open_damaged(damaged: Path, schema: str) -> Iterator[sqlite3.Connection]:
    with tempfile.TemporaryDirectory(dir=damaged.parent) as folder:
        with damaged.open("rb") as file:
            is_headed = has_header(file.fileno())
        if not is_headed:
            damaged = _with_header(damaged, Path(folder), schema)
        with closing(sqlite3.connect(damaged)) as old:
            # Without it SQLite refuses to open a file that is shorter than its header says.
            old.execute("PRAGMA writable_schema = ON")
            yield old


def _with_header(damaged: Path, folder: Path, schema: str) -> Path:
    """Copy a file whose first page is lost, with the first page of a new file in its place.

    The first page says where each table begins; that is the same in all files of one schema.
    """
    with closing(sqlite3.connect(folder / "new")) as new:
        new.execute("PRAGMA journal_mode = WAL")
        new.executescript(schema)
        (page_size,) = new.execute("PRAGMA page_size").fetchone()
    page = bytearray((folder / "new").read_bytes()[:page_size])
    page[SIZES] = bytes(SIZES.stop - SIZES.start)
    copy = folder / damaged.name
    for part in ("", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(f"{damaged}{part}", f"{copy}{part}")
    with copy.open("r+b") as file:
        file.write(page)
    return copy


def _readable(db: sqlite3.Connection, query: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a query up to the first error."""
    with contextlib.suppress(sqlite3.Error):
        yield from db.execute(query)
