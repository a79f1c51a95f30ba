"""The spool: where entries wait on this host's disk while the database is away.

What `put` has accepted is on the disk when it returns. An entry leaves when the database has it,
or becomes a dead letter, which stays until a person has looked at it.
"""

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

from auditlogs.entry.schema import Entry
from auditlogs.storage.indexes import KEY_SECONDS
from auditlogs.write.breaker import Breaker
from auditlogs.write.spool_file import SpoolFile

BUSY_SECONDS = 2.0
# Dead letters that are shown.
MAX_SHOWN = 20
# More than an entry of the greatest size takes, with what the log adds to it.
MAX_BODY_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class SpooledEntry:
    """An entry that waits, and how often it was refused. Its place in the queue may change when the
    file is repaired; its id does not."""

    id: str
    account: str
    body: bytes
    tries: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that the log will not take: why, and since when it is here (Unix time)."""

    id: str
    account: str
    since: float
    reason: str


@dataclass(frozen=True, slots=True)
class Depth:
    """How many entries wait, the age of the oldest in seconds, and how many are dead letters."""

    waiting: int
    oldest_seconds: float
    dead: int


@dataclass(frozen=True, slots=True)
class ClaimedKey:
    """An idempotency key as it came first: what was sent with it, and when (Unix time, ms)."""

    id: str
    digest: str
    first_ms: int


class Spool:
    """The spool in a folder. Every method raises SpoolError when the disk does not do its part."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.file = SpoolFile(folder, max_bytes)
        self.max_bytes = max_bytes
        self.breaker = Breaker(folder / "breaker")

    # Entries that wait

    def put(
        self, entries: Sequence[tuple[str, Entry]], seconds: float = BUSY_SECONDS
    ) -> list[Entry]:
        """Keep (account, entry) pairs, all or none, and return the entries that now wait.

        Where one with the same id waits already, that one stays. Raises SpoolFull, SpoolError.
        """
        since = time.time()

        def insert(db: sqlite3.Connection) -> list[Entry]:
            return [_insert(db, entry, account, since) for account, entry in entries]

        return self.file.write(insert, seconds)

    def find(self, ids: Iterable[str], seconds: float = BUSY_SECONDS) -> dict[str, Entry]:
        """Return those of these entries that wait here, by id."""
        ids = list(ids)

        def find(db: sqlite3.Connection) -> dict[str, Entry]:
            if db.execute("SELECT 1 FROM waiting LIMIT 1").fetchone() is None:
                return {}
            query = "SELECT body FROM waiting WHERE id = ?"
            rows = {each: db.execute(query, (each,)).fetchone() for each in ids}
            found = {each: _decoded(row[0]) for each, row in rows.items() if row}
            return {each: entry for each, entry in found.items() if entry}

        return self.file.read(find, {}, seconds)

    def oldest(self, limit: int) -> list[SpooledEntry]:
        """Return the first entries of the queue."""
        query = "SELECT id, account, body, tries FROM waiting ORDER BY seq LIMIT ?"
        return [SpooledEntry(*row) for row in self._rows(query, limit)]

    def remove(self, ids: Iterable[str]) -> None:
        """Take entries out: the database has them."""
        self._each("DELETE FROM waiting WHERE id = ?", [(each,) for each in ids])

    def count_rejection(self, ids: Iterable[str]) -> None:
        """Note that the database has refused these entries once more."""
        self._each("UPDATE waiting SET tries = tries + 1 WHERE id = ?", [(each,) for each in ids])

    def move_to_dead_letters(self, id: str, reason: str) -> None:
        """Make a dead letter of an entry."""

        def move(db: sqlite3.Connection) -> None:
            db.execute(
                # It may be there already, where a damaged file was repaired.
                "INSERT OR IGNORE INTO dead (id, account, body, since, reason)"
                " SELECT id, account, body, since, ? FROM waiting WHERE id = ?",
                (reason, id),
            )
            db.execute("DELETE FROM waiting WHERE id = ?", (id,))

        self.file.write(move, BUSY_SECONDS)

    def depth(self, account: str | None = None) -> Depth:
        """Return how much waits: of an account, or of all."""
        whose = "" if account is None else "WHERE account = ?"
        values = () if account is None else (account, account)
        query = (
            "SELECT count(*), min(since),"  # noqa: S608  (no text of anybody's is in it)
            f" (SELECT count(*) FROM dead {whose}) FROM waiting {whose}"
        )
        for waiting, since, dead in self._rows(query, *values):
            return Depth(waiting, max(0.0, time.time() - since) if since else 0.0, dead)
        return Depth(0, 0.0, 0)

    def check(self) -> None:
        """Raise SpoolError if nothing can be put here, SpoolFull if there is no room for it."""
        self.file.write(_try_to_insert, BUSY_SECONDS)

    def dead_letters(self) -> list[DeadLetter]:
        """Return the latest dead letters, up to 20."""
        query = "SELECT id, account, since, reason FROM dead ORDER BY seq DESC LIMIT ?"
        return [DeadLetter(*row) for row in self._rows(query, MAX_SHOWN)]

    @contextmanager
    def drain_lock(self) -> Iterator[bool]:
        """Tell whether this process alone may drain the spool during the block."""
        with self.file.locked("drain.lock", wait=False) as is_locked:
            yield is_locked

    # Idempotency keys

    def claim(self, key: ClaimedKey) -> ClaimedKey:
        """Keep an idempotency key, unless it is here already; return it as it came first."""

        def keep(db: sqlite3.Connection) -> ClaimedKey:
            db.execute("DELETE FROM keys WHERE first_ms < ?", (_oldest_key_ms(),))
            db.execute(
                "INSERT INTO keys (id, digest, first_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (key.id, key.digest, key.first_ms),
            )
            query = "SELECT id, digest, first_ms FROM keys WHERE id = ?"
            return ClaimedKey(*db.execute(query, (key.id,)).fetchone())

        return self.file.write(keep, BUSY_SECONDS)

    def correct(self, key: ClaimedKey) -> None:
        """Keep a key as the database has it: it came to another host first."""
        statement = "UPDATE keys SET digest = ?, first_ms = ?, moved = 1 WHERE id = ?"
        self._each(statement, [(key.digest, key.first_ms, key.id)])

    def unmoved_keys(self, limit: int) -> list[ClaimedKey]:
        """Return idempotency keys that the database may not know."""
        query = "SELECT id, digest, first_ms FROM keys WHERE moved = 0 LIMIT ?"
        return [ClaimedKey(*row) for row in self._rows(query, limit)]

    def mark_moved(self, keys: Iterable[ClaimedKey]) -> None:
        """Note that the database knows these keys."""
        self._each("UPDATE keys SET moved = 1 WHERE id = ?", [(key.id,) for key in keys])

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.file.read(lambda db: db.execute(query, values).fetchall(), [], BUSY_SECONDS)

    def _each(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self.file.write(lambda db: db.executemany(statement, rows), BUSY_SECONDS)


def _try_to_insert(db: sqlite3.Connection) -> None:
    """Insert as much as the greatest entry takes, and take it back."""
    db.execute("SAVEPOINT trial")
    db.execute(
        "INSERT INTO waiting (id, account, body, since) VALUES ('', '', zeroblob(?), 0)",
        (MAX_BODY_BYTES,),
    )
    db.execute("ROLLBACK TO trial")
    db.execute("RELEASE trial")


def _oldest_key_ms() -> int:
    return int((time.time() - KEY_SECONDS) * 1000)


def _insert(db: sqlite3.Connection, entry: Entry, account: str, since: float) -> Entry:
    """Insert an entry if none of its id waits; return the one that waits."""
    body = msgspec.json.encode(entry)
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
    # What the disk has damaged is no entry any more; this one is.
    db.execute("UPDATE waiting SET account = ?, body = ? WHERE id = ?", (account, body, entry.id))
    return entry


def _decoded(body: bytes) -> Entry | None:
    """Return the entry that a body holds, or None for one that cannot be read."""
    try:
        return msgspec.json.decode(body, type=Entry)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


@functools.cache
def spool() -> Spool:
    """Return this host's spool."""
    return Spool(Path(settings.AUDITLOGS_SPOOL_DIR), settings.AUDITLOGS_SPOOL_MAX_BYTES)


# The spool whose turn nobody has while the process forks.
_held: list[Spool] = []


def _hold() -> None:
    """Wait until no thread is in the middle of something: a child could never end it."""
    if spool.cache_info().currsize:
        here = spool()
        here.file.turn.acquire()
        _held.append(here)


def _release() -> None:
    while _held:
        _held.pop().file.turn.release()


def _begin_anew() -> None:
    while _held:
        here = _held.pop()
        here.file.turn.release()
        here.file.close()
    spool.cache_clear()


os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_begin_anew)
