"""Salvage: what can still be read of a damaged file of the spool moves into a new one."""

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
MAGIC = b"SQLite format 3\0"
# Where the first page says how large the file is and which pages are free; SQLite can do without.
SIZES = slice(28, 40)
# What moves; places in a queue are given anew.
COLUMNS = {
    "waiting": ("id", "account", "body", "since"),
    "dead": ("id", "account", "body", "since", "reason"),
    "keys": ("id", "digest", "first_ms"),
}


def has_header(file: int) -> bool:
    """Tell whether an open file begins as SQLite's do."""
    return os.pread(file, len(MAGIC), 0) == MAGIC


def salvage(aside: Path, new: sqlite3.Connection, schema: str) -> int:
    """Copy every row that a damaged file still gives into a new one of the same schema; return how
    many those were."""
    recovered = 0
    with _legible(aside, schema) as old:
        for table, columns in COLUMNS.items():
            names, marks = ", ".join(columns), ", ".join("?" * len(columns))
            insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
            # From both ends up to the damage.
            for order in ("", "DESC"):
                rows = _readable(old, f"SELECT {names} FROM {table} ORDER BY rowid {order}")  # noqa: S608
                while batch := list(itertools.islice(rows, BATCH)):
                    new.execute("BEGIN IMMEDIATE")
                    recovered += new.executemany(insert, batch).rowcount
                    new.execute("COMMIT")
    return recovered


@contextmanager
def _legible(aside: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Open a damaged file, as far as that goes."""
    with tempfile.TemporaryDirectory(dir=aside.parent) as folder:
        with aside.open("rb") as file:
            is_legible = has_header(file.fileno())
        if not is_legible:
            aside = _with_head(aside, Path(folder), schema)
        with closing(sqlite3.connect(aside)) as old:
            # Else a file that is too short would not be opened at all.
            old.execute("PRAGMA writable_schema = ON")
            yield old


def _with_head(aside: Path, folder: Path, schema: str) -> Path:
    """Copy a file that has lost its first page, which says where each table begins. It is the same
    in every file of a schema, so that a new one's does as well."""
    with closing(sqlite3.connect(folder / "new")) as new:
        new.execute("PRAGMA journal_mode = WAL")
        new.executescript(schema)
        (page_size,) = new.execute("PRAGMA page_size").fetchone()
    page = bytearray((folder / "new").read_bytes()[:page_size])
    page[SIZES] = bytes(SIZES.stop - SIZES.start)
    copy = folder / aside.name
    for part in ("", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(f"{aside}{part}", f"{copy}{part}")
    with copy.open("r+b") as file:
        file.write(page)
    return copy


def _readable(db: sqlite3.Connection, query: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a query as far as the damage lets it."""
    with contextlib.suppress(sqlite3.Error):
        yield from db.execute(query)
