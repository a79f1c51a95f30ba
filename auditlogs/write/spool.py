"""The spool: a queue on this host's disk for entries while the database is unavailable.

What `put` has accepted is on the disk when it returns. An entry leaves the queue when the database
has confirmed it, or becomes a dead letter, which stays until a person sends it again or drops it.
"""

import atexit
import functools
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry
from auditlogs.storage.indexes import KEY_SECONDS
from auditlogs.write.breaker import Breaker
from auditlogs.write.pace import Pace
from auditlogs.write.spool_file import FULL, SpoolFile, SpoolFull, used_bytes

BUSY_SECONDS = 2.0
# The number of dead letters that are listed.
MAX_SHOWN = 20
REMOVED_AT_ONCE = 100
# More than the largest valid entry with all fields that the log adds.
MAX_BODY_BYTES = 128 * 1024

# Neither reads more rows than there are accounts with entries in the spool.
DEPTH = """
SELECT coalesce(sum(waiting), 0), coalesce(sum(dead), 0),
  (SELECT since FROM waiting ORDER BY seq LIMIT 1) FROM totals
"""
DEPTH_OF_ACCOUNT = """
SELECT coalesce(sum(waiting), 0), coalesce(sum(dead), 0),
  (SELECT min(since) FROM waiting WHERE account = ?) FROM totals WHERE account = ?
"""
DEAD_LETTERS = """
SELECT id, account, since, reason, body FROM dead
WHERE (? IS NULL OR account = ?) AND (? IS NULL OR id = ?) ORDER BY seq DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class SpooledEntry:
    """An entry in the queue, as JSON, and how often the database has rejected it. It is identified
    by its id: its position in the queue may change when the file is repaired."""

    id: str
    account: str
    body: bytes
    tries: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that the log rejects, as JSON: why, and when it was spooled (Unix time). One id may
    have several, of different times."""

    id: str
    account: str
    since: float
    reason: str
    body: bytes

    @property
    def entry(self) -> Entry | None:
        """The entry, None where the body cannot be read."""
        return _decoded(self.body)


@dataclass(frozen=True, slots=True)
class Depth:
    """The number of entries in the queue, the oldest one's age, and the number of dead letters."""

    waiting: int
    oldest_seconds: float
    dead: int


@dataclass(frozen=True, slots=True)
class ClaimedKey:
    """An idempotency key's first use: a digest of the entries, and when (Unix time, ms)."""

    id: str
    digest: str
    first_ms: int


class Spool:
    """The spool in a folder. Every method raises SpoolError when the file cannot be used."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.file = SpoolFile(folder, max_bytes)
        self.max_bytes = max_bytes
        self.breaker = Breaker(folder / "breaker")
        # Of what this process drains.
        self.pace = Pace()

    def put(
        self, entries: Sequence[tuple[str, Entry]], seconds: float = BUSY_SECONDS
    ) -> list[Entry]:
        """Add (account, entry) pairs, all or none, and return the queue's entries of these ids: an
        entry that was spooled earlier with the same id stays. Raises SpoolFull, SpoolError."""
        since = time.time()

        def insert(db: sqlite3.Connection) -> list[Entry]:
            return [_insert(db, entry, account, since) for account, entry in entries]

        return self.file.write(insert, seconds, is_capped=True)

    def find(self, ids: Iterable[str], seconds: float = BUSY_SECONDS) -> dict[str, Entry]:
        """Return the queue's entries of these ids, by id."""
        ids = list(ids)

        def find(db: sqlite3.Connection) -> dict[str, Entry]:
            # Almost always the queue is empty, and this is asked for every entry that is written.
            if db.execute("SELECT 1 FROM waiting LIMIT 1").fetchone() is None:
                return {}
            query = "SELECT body FROM waiting WHERE id = ?"
            rows = {each: db.execute(query, (each,)).fetchone() for each in ids}
            found = {each: _decoded(row[0]) for each, row in rows.items() if row}
            return {each: entry for each, entry in found.items() if entry}

        return self.file.read(find, {}, seconds)

    def oldest(self, limit: int) -> list[SpooledEntry]:
        query = "SELECT id, account, body, tries FROM waiting ORDER BY seq LIMIT ?"
        return [SpooledEntry(*row) for row in self._rows(query, limit)]

    def remove(self, ids: Iterable[str]) -> None:
        rows = [(each,) for each in ids]
        # Each transaction takes space in the log before it frees any, of which a full disk has
        # little.
        for start in range(0, len(rows), REMOVED_AT_ONCE):
            part = rows[start : start + REMOVED_AT_ONCE]
            self._each("DELETE FROM waiting WHERE id = ?", part)

    def count_rejection(self, ids: Iterable[str]) -> None:
        self._each("UPDATE waiting SET tries = tries + 1 WHERE id = ?", [(each,) for each in ids])

    def move_to_dead_letters(self, id: str, reason: str) -> None:
        def move(db: sqlite3.Connection) -> None:
            db.execute(
                # After a repair the file may hold an entry and its dead letter.
                "INSERT OR IGNORE INTO dead (id, account, body, since, reason)"
                " SELECT id, account, body, since, ? FROM waiting WHERE id = ?",
                (reason, id),
            )
            db.execute("DELETE FROM waiting WHERE id = ?", (id,))

        self.file.write(move, BUSY_SECONDS)

    def depth(self, account: str | None = None) -> Depth:
        """Return the depth for an account, or for all accounts."""
        query = DEPTH if account is None else DEPTH_OF_ACCOUNT
        for waiting, dead, since in self._rows(query, *[account] * query.count("?")):
            return Depth(waiting, max(0.0, time.time() - since) if since else 0.0, dead)
        return Depth(0, 0.0, 0)

    def check(self) -> None:
        """Raise SpoolError if no entry can be added, SpoolFull if there is no room for one."""

        def try_to_insert(db: sqlite3.Connection) -> bool:
            db.execute("SAVEPOINT trial")
            db.execute(
                "INSERT INTO waiting (id, account, body, since) VALUES ('', '', zeroblob(?), 0)",
                (MAX_BODY_BYTES,),
            )
            has_room = used_bytes(db) <= self.max_bytes
            db.execute("ROLLBACK TO trial")
            db.execute("RELEASE trial")
            return has_room

        if not self.file.write(try_to_insert, BUSY_SECONDS, is_capped=True):
            raise SpoolFull(FULL)

    def dead_letters(self, account: str | None = None) -> list[DeadLetter]:
        """Return the newest dead letters of an account, or of all, at most MAX_SHOWN."""
        rows = self._rows(DEAD_LETTERS, account, account, None, None, MAX_SHOWN)
        return [DeadLetter(*row) for row in rows]

    def dead_letter(self, id: str, account: str | None = None) -> DeadLetter | None:
        """Return the newest dead letter of an id, of an account or of any; None without one."""
        rows = self._rows(DEAD_LETTERS, account, account, id, id, 1)
        return DeadLetter(*rows[0]) if rows else None

    def revive(self, letter: DeadLetter) -> bool:
        """Put a dead letter back into the queue; tell whether it was there and no entry with its id
        was in the queue."""

        def move(db: sqlite3.Connection) -> bool:
            new = db.execute(
                "INSERT INTO waiting (id, account, body, since)"
                " SELECT id, account, body, since FROM dead WHERE id = ? AND since = ?"
                " ON CONFLICT (id) DO NOTHING",
                (letter.id, letter.since),
            )
            return bool(new.rowcount) and _delete_letter(db, letter)

        return self.file.write(move, BUSY_SECONDS)

    def drop(self, letter: DeadLetter) -> bool:
        """Delete a dead letter for good; tell whether it was there."""
        return self.file.write(lambda db: _delete_letter(db, letter), BUSY_SECONDS)

    @contextmanager
    def drain_lock(self) -> Iterator[bool]:
        """Yield whether this process has the right to drain the spool during the block."""
        with self.file.locked("drain.lock", wait=False) as is_locked:
            yield is_locked

    def claim(self, key: ClaimedKey) -> ClaimedKey:
        """Keep an idempotency key unless it is known, and return its first use."""

        def keep(db: sqlite3.Connection) -> ClaimedKey:
            db.execute("DELETE FROM keys WHERE first_ms < ?", (_oldest_key_ms(),))
            db.execute(
                "INSERT INTO keys (id, digest, first_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (key.id, key.digest, key.first_ms),
            )
            query = "SELECT id, digest, first_ms FROM keys WHERE id = ?"
            return ClaimedKey(*db.execute(query, (key.id,)).fetchone())

        return self.file.write(keep, BUSY_SECONDS, is_capped=True)

    def correct(self, key: ClaimedKey) -> None:
        """Replace a key's first use by the database's, where another host received it earlier."""
        statement = "UPDATE keys SET digest = ?, first_ms = ?, moved = 1 WHERE id = ?"
        self._each(statement, [(key.digest, key.first_ms, key.id)])

    def unmoved_keys(self, limit: int) -> list[ClaimedKey]:
        """Return idempotency keys that may be missing in the database."""
        query = "SELECT id, digest, first_ms FROM keys WHERE moved = 0 LIMIT ?"
        return [ClaimedKey(*row) for row in self._rows(query, limit)]

    def mark_moved(self, keys: Iterable[ClaimedKey]) -> None:
        self._each("UPDATE keys SET moved = 1 WHERE id = ?", [(key.id,) for key in keys])

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.file.read(lambda db: db.execute(query, values).fetchall(), [], BUSY_SECONDS)

    def _each(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self.file.write(lambda db: db.executemany(statement, rows), BUSY_SECONDS)


def _oldest_key_ms() -> int:
    return int((time.time() - KEY_SECONDS) * 1000)


def _insert(db: sqlite3.Connection, entry: Entry, account: str, since: float) -> Entry:
    """Insert an entry unless the queue has one of its id; return the queue's one."""
    body = numbers.encode(entry)
    new = db.execute(
        "INSERT INTO waiting (id, account, body, since) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        (entry.id, account, body, since),
    )
    if new.rowcount:
        return entry
    (waiting,) = db.execute("SELECT body FROM waiting WHERE id = ?", (entry.id,)).fetchone()
    if earlier := _decoded(waiting):
        return earlier
    # The disk has damaged the earlier one, so there is nothing left that could stay.
    db.execute("DELETE FROM waiting WHERE id = ?", (entry.id,))
    return _insert(db, entry, account, since)


def _delete_letter(db: sqlite3.Connection, letter: DeadLetter) -> bool:
    found = db.execute("DELETE FROM dead WHERE id = ? AND since = ?", (letter.id, letter.since))
    return bool(found.rowcount)


def _decoded(body: bytes) -> Entry | None:
    """Return the entry, or None for a body that cannot be read."""
    try:
        return numbers.decode_as(body, Entry)
    except (msgspec.MsgspecError, ValueError):
        return None


@functools.cache
def spool() -> Spool:
    """Return this process's handle of the host's spool."""
    current = Spool(Path(settings.AUDITLOGS_SPOOL_DIR), settings.AUDITLOGS_SPOOL_MAX_BYTES)
    # Else the interpreter closes the file, and SQLite does not look for damage when it is closed.
    atexit.register(current.file.close)
    return current


# The spool whose lock is held while the process forks.
_locked: list[Spool] = []


def _lock_before_fork() -> None:
    """Wait until no thread is within a transaction: a child would inherit a lock for ever."""
    if spool.cache_info().currsize:
        current = spool()
        current.file.lock.acquire()
        _locked.append(current)


def _unlock_in_parent() -> None:
    while _locked:
        _locked.pop().file.lock.release()


def _reset_in_child() -> None:
    # SQLite's connections must not be used across a fork: https://www.sqlite.org/howtocorrupt.html
    while _locked:
        inherited = _locked.pop()
        inherited.file.lock.release()
        inherited.file.close()
    spool.cache_clear()


os.register_at_fork(
    before=_lock_before_fork, after_in_parent=_unlock_in_parent, after_in_child=_reset_in_child
)
