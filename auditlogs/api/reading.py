"""Bounds of reading through the API: the bytes of a page, and the readers of an account.

Without them, ten requests for a thousand large entries each took most of a gigabyte of memory.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from auditlogs.query.entries import ArrivalPage, Page
from auditlogs.query.filters import ListRequest
from auditlogs.query.order import ARRIVAL_ORDER

# Of entries as they are stored. Their JSON may be a little longer.
MAX_PAGE_BYTES = 8 * 1024 * 1024
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


def read_page(query: ListRequest) -> Page | ArrivalPage:
    """Read a page. It has fewer entries than the limit where they are large. Raises
    StorageError."""
    if query.entries.order == ARRIVAL_ORDER:
        return query.entries.arrivals(query.limit, cursor=query.cursor, max_bytes=MAX_PAGE_BYTES)
    return query.entries.page(
        query.limit,
        cursor=query.cursor,
        offset=query.offset,
        payloads=True,
        max_bytes=MAX_PAGE_BYTES,
    )
