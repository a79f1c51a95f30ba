"""Reading a list from its beginning, in more than one page."""

from collections.abc import Iterator

from auditlogs.entry.schema import Entry
from auditlogs.query.entries import Entries

# Read at once, as entries have payloads of up to 64 KiB.
BATCH = 200


def in_batches(entries: Entries, limit: int) -> Iterator[Entry]:
    """Yield the first entries of a list with their payloads, up to a limit; each batch is read when
    it is needed. Raises StorageError."""
    cursor, left = None, limit
    while left > 0:
        page = entries.page(min(BATCH, left), cursor=cursor, payloads=True)
        yield from page.entries
        left, cursor = left - len(page.entries), page.next
        if cursor is None or not page.entries:
            return
