"""The archive: for each account and day a file with the entries that arrived on that day (UTC), and
beside it a manifest.

A day by timestamp would never be finished: an entry may come late. By arrival each entry is in the
file of one day, a late one in that of the day on which it came, and a file never has to change.
"""

import fcntl
import functools
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from auditlogs.accounts.self_audit import Caller, record_by
from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry, Target
from auditlogs.entry.times import from_ms
from auditlogs.export.compression import COMPRESSIONS
from auditlogs.export.formats import FORMATS
from auditlogs.export.stream import PAGE_BYTES, RETRY_SECONDS, Digest, patiently
from auditlogs.query.arrivals import Place
from auditlogs.query.entries import MAX_LIMIT, Entries
from auditlogs.query.slices import LOWEST
from auditlogs.storage.retention import oldest_ms

# A finished day is not read again. Hosts' clocks may differ by two minutes, and a write takes some
# seconds.
SETTLED_AFTER = timedelta(minutes=10)
DAY = timedelta(days=1)
MANIFEST = ".manifest.json"


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first or the last entry of a file, in the order of arrival."""

    id: str
    timestamp: str


class DayFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of a day as it lies on the disk: its size in bytes, and its SHA-256."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file of a day has to be. `sha256` is that of its lines, as in every export."""

    count: int
    first: Reference | None
    last: Reference | None
    sha256: str
    account: str
    day: date
    format: str
    file: DayFile

    def inner(self) -> bytes:
        """Return the manifest at the end of the file itself, which cannot say what the file is."""
        facts = msgspec.to_builtins(self)
        del facts["file"]
        return numbers.encode(facts)


def last_day(moment: datetime) -> date:
    """Return the last day that is over, with all that arrived on it."""
    return (moment - SETTLED_AFTER).date() - DAY


def first_day(moment: datetime) -> date:
    """Return the first day of which the retention has removed nothing that happened on it."""
    oldest = from_ms(oldest_ms(moment))
    return oldest.date() if oldest.time() == time() else oldest.date() + DAY


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make a folder, unless it is there, and let no other process archive into it during the block.
    Raises BlockingIOError if one does, and OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder with a folder for each account, whose days are written in one of FORMATS and of
    COMPRESSIONS. `caller` is who exports, as the entries about it say."""

    folder: Path
    format: str
    compression: str
    caller: Caller

    def has(self, account: str, day: date) -> bool:
        """Tell whether a day is finished: its manifest is the last that is written."""
        return self._manifest(account, day).exists()

    def write(self, account: str, day: date) -> Manifest:
        """Write the file of a day and its manifest, and record it: no file without an entry.

        Nothing is there under its name before it is whole. What a killed process leaves is replaced
        by the next one. Raises StorageError, NotInstalled and OSError.
        """
        form, compression = FORMATS[self.format], COMPRESSIONS[self.compression]
        own = self.folder / account
        own.mkdir(mode=0o700, exist_ok=True)
        path = own / f"{day}.{form.extension}.{compression.extension}"
        digest = Digest(form)
        with _replacing(path) as file:
            with compression.open(file, "wb") as out:
                out.write(form.opening + form.header)
                for page in read_day(account, day):
                    for entry in page:
                        out.write(digest.take(entry))
                about = {"account": account, "day": day.isoformat(), "format": self.format}
                facts = digest.facts() | about
                out.write(form.closing(numbers.encode(facts)))
            self._record(account, path.name, facts)
        on_disk = {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        manifest = msgspec.convert({**facts, "file": on_disk}, Manifest)
        with _replacing(self._manifest(account, day)) as file:
            file.write(msgspec.json.encode(manifest) + b"\n")
        return manifest

    def _manifest(self, account: str, day: date) -> Path:
        return self.folder / account / f"{day}.{FORMATS[self.format].extension}{MANIFEST}"

    def _record(self, account: str, name: str, facts: dict[str, Any]) -> None:
        caller = replace(self.caller, account=account)
        payload = {key: value for key, value in facts.items() if key != "account"}
        payload |= {"filters": [], "file": name}
        target = Target(type="export", id=f"{account}/{name}")
        record_by("logs.exported", caller, "success", target, payload, mode="strict")


def read_day(account: str, day: date) -> Iterator[list[Entry]]:
    """Yield the entries of an account that arrived on a day, page by page in that order. Raises
    StorageError once several attempts have failed."""
    entries = Entries.of(account)
    start = datetime.combine(day, time(), UTC)
    place: Place | None = Place(start, LOWEST)
    while place is not None:
        read = functools.partial(entries.arrived, place, start + DAY, MAX_LIMIT, PAGE_BYTES)
        page, place = patiently(read, RETRY_SECONDS)
        yield page


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that only its owner reads, under another name until it is whole and on disk."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except Exception:
        part.unlink(missing_ok=True)
        raise
    part.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
