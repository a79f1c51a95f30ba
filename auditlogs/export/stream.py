"""An export as a stream of bytes: the entries of a list, and a manifest at its end.

It reads the list page by page, from each cursor to the next. Entries have one fixed order, by the
time in their id, and no entry changes or moves in it: so each one that was stored before the start
comes exactly once, whatever is written meanwhile. An entry that arrives during the export comes if
its place is still ahead.
"""

import contextvars
import functools
import hashlib
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, Self, TypeVar

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339
from auditlogs.export import running
from auditlogs.export.formats import Format
from auditlogs.export.running import Exporter
from auditlogs.models import Export
from auditlogs.query.cursor import Cursor
from auditlogs.query.entries import MAX_LIMIT, Entries, Page
from auditlogs.query.stride import Stride
from auditlogs.storage.mongo import StorageError, TookTooLong

logger = logging.getLogger(__name__)

T = TypeVar("T")

# What a page holds in memory, as it is stored; at most this and one entry.
PAGE_BYTES = 2 * 1024 * 1024
# How much is handed to the server at a time.
CHUNK_BYTES = 64 * 1024
# Seconds before each further attempt to read a page: a failover takes about ten.
RETRY_SECONDS = (0.5, 2.0, 8.0)
# A page that took too long is read again at once, since less of it is read then: so often, with a
# quarter of the time span each.
MAX_NARROWED = 6
REFRESH_SECONDS = 1.0


class ExportStopped(Exception):
    """The export was stopped: by its caller, or since it stood still for too long."""


class Digest:
    """What a manifest says of the entries so far: their number, the first, the last, and the
    SHA-256 of their lines."""

    def __init__(self, file_format: Format) -> None:
        self.count = 0
        self._format = file_format
        self._first: Entry | None = None
        self._last: Entry | None = None
        self._sha256 = hashlib.sha256(file_format.header)

    def take(self, entry: Entry) -> bytes:
        """Return the bytes of the next entry."""
        line = self._format.row(entry)
        between = self._format.between if self.count else b""
        self._first = self._first or entry
        self._last = entry
        self.count += 1
        self._sha256.update(line)
        return between + line

    def facts(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "first": _reference(self._first),
            "last": _reference(self._last),
            "sha256": self._sha256.hexdigest(),
        }


class Stream:
    """The bytes of an export, to be iterated over once. `close` records how it ended, also where
    nobody has read it to the end or has begun to."""

    def __init__(self, file_format: Format, export: Export) -> None:
        self._format, self._digest, self._export = file_format, Digest(file_format), export
        self._reason = "The connection was cut"
        self._refreshed = time.monotonic()
        # The entry belongs to the request, which is over when the stream ends.
        self._context = contextvars.copy_context()
        self._held = ExitStack()
        self._chunks: Iterator[bytes] = iter(())

    @classmethod
    def begin(
        cls,
        entries: Entries,
        file_format: Format,
        exporter: Exporter,
        facts: dict[str, Any],
        total: int | None = None,
    ) -> Self:
        """Begin an export and read its first page.

        Raises AlreadyExporting, TooManyExports, and StorageError where that cannot be read.
        """
        with ExitStack() as stack:
            stack.enter_context(running.place())
            stream = cls(file_format, running.begin(exporter, facts, total))
            stack.callback(stream._end)
            pages = read_pages(entries)
            try:
                # Read at once: if that fails, it can still be answered.
                first = next(pages)
            except StorageError as error:
                stream._reason = str(error)
                raise
            stream._held = stack.pop_all()
        stream._chunks = stream._write(itertools.chain([first], pages))
        return stream

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        """End the export and record it, once."""
        self._held.close()

    def _end(self) -> None:
        facts, reason = self._digest.facts(), self._reason
        self._context.run(running.end, self._export, self._digest.count, facts, reason=reason)

    def _write(self, pages: Iterator[list[Entry]]) -> Iterator[bytes]:
        buffer = bytearray(self._format.opening + self._format.header)
        try:
            for page in pages:
                # One without entries too: a search can take long before the next one.
                self._refresh()
                for entry in page:
                    buffer += self._digest.take(entry)
                    if len(buffer) >= CHUNK_BYTES:
                        yield bytes(buffer)
                        buffer.clear()
                        self._refresh()
            facts = manifest(self._export, self._digest.facts())
            yield bytes(buffer) + self._format.closing(facts)
            self._reason = ""
        except (StorageError, ExportStopped) as error:
            # The response ends without its last chunk, which shows that it was cut.
            self._reason = str(error)
            raise
        finally:
            # Before the server ends the body: who has read all of it may begin another one.
            self.close()

    def _refresh(self) -> None:
        if time.monotonic() - self._refreshed < REFRESH_SECONDS:
            return
        self._refreshed = time.monotonic()
        if not running.refresh(self._export, self._digest.count):
            raise ExportStopped("The export was stopped")


def read_pages(entries: Entries) -> Iterator[list[Entry]]:
    """Yield the entries of a list page by page; the first page always, though it be empty. Raises
    StorageError once several attempts have failed."""
    cursor: Cursor | None = None
    stride = Stride()
    while True:
        read = functools.partial(_page, entries, cursor, stride)
        # Before anything was sent, the caller can try again itself.
        page = patiently(read, RETRY_SECONDS if cursor else ())
        yield page.entries
        cursor = page.next
        if cursor is None:
            return


def patiently(read: Callable[[], T], pauses: Iterable[float]) -> T:
    """Return what `read` returns, tried again while it raises StorageError: after each pause, in
    seconds, and without one up to MAX_NARROWED times where it took too long."""
    left, narrowed = iter(pauses), 0
    while True:
        try:
            return read()
        except StorageError as error:
            pause: float | None = 0.0
            if isinstance(error, TookTooLong) and narrowed < MAX_NARROWED:
                narrowed += 1
            else:
                pause = next(left, None)
            if pause is None:
                raise
            logger.warning("An export waits for the database: %s", error)
            time.sleep(pause)


def _page(entries: Entries, cursor: Cursor | None, stride: Stride) -> Page:
    return entries.page(
        MAX_LIMIT, cursor=cursor, payloads=True, max_bytes=PAGE_BYTES, stride=stride
    )


def manifest(export: Export, facts: dict[str, Any]) -> bytes:
    """Return the manifest's JSON."""
    started = format_rfc3339(export.started_at)
    asked = {name: export.facts[name] for name in ("format", "filters", "range")}
    return numbers.encode({**facts, "account": export.account, "startedAt": started, **asked})


def _reference(entry: Entry | None) -> dict[str, str] | None:
    return None if entry is None else {"id": entry.id, "timestamp": entry.timestamp}
