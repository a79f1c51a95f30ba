"""Bounds of reading through the API: the bytes of a page, and the readers of an account.

Without them, ten requests for a thousand large entries each took most of a gigabyte of memory.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from auditlogs.entry.schema import Entry, to_json
from auditlogs.intake.validation import MAX_ENTRY_BYTES
from auditlogs.query.cursor import Cursor
from auditlogs.query.entries import ArrivalPage, Page
from auditlogs.query.filters import ListRequest
from auditlogs.query.order import ARRIVAL_ORDER

MAX_PAGE_BYTES = 8 * 1024 * 1024
# An entry of the greatest size, with the fields that the log adds.
LARGEST_ENTRY = MAX_ENTRY_BYTES + 16 * 1024
# Of the threads of a process, so many may read for one account at the same time.
MAX_READERS = 4

_lock = threading.Lock()
_readers: Counter[str] = Counter()


class TooManyReaders(Exception):
    """As many requests read entries of the account in this process as may at a time."""


@contextmanager
def reader_of(account: str) -> Iterator[None]:
    """Count as one of the account's readers during the block. Raises TooManyReaders."""
    with _lock:
        if _readers[account] >= MAX_READERS:
            raise TooManyReaders
        _readers[account] += 1
    try:
        yield
    finally:
        with _lock:
            _readers[account] -= 1
            if not _readers[account]:
                del _readers[account]


def read_page(query: ListRequest) -> tuple[bytes, Page | ArrivalPage]:
    """Return a page as a JSON array of at most MAX_PAGE_BYTES, and the last part of it that was
    read, which knows the cursor to the next page.

    It has fewer entries than the limit where they are large. As only reading them tells, it reads
    as many at a time as fit if each were of the greatest size. Raises StorageError.
    """
    parts: list[bytes] = []
    left, room, cursor = query.limit, MAX_PAGE_BYTES, query.cursor
    while True:
        page = _read(query, min(left, room // LARGEST_ENTRY), cursor)
        if page.entries:
            parts.append(_items(page.entries))
            room -= len(parts[-1]) + 1
        left, cursor = left - len(page.entries), page.next
        if not (left and cursor) or page.is_cut_short or room < LARGEST_ENTRY:
            return b"[%b]" % b",".join(parts), page


def _read(query: ListRequest, limit: int, cursor: Cursor | None) -> Page | ArrivalPage:
    if query.entries.order == ARRIVAL_ORDER:
        return query.entries.arrivals(limit, cursor=cursor)
    offset = 0 if cursor else query.offset
    return query.entries.page(limit, cursor=cursor, offset=offset, payloads=True)


def _items(entries: list[Entry]) -> bytes:
    return to_json(entries)[1:-1]
