"""Reading a list from its beginning, in more than one page."""

from collections.abc import Iterator

from auditlogs.entry.schema import Entry
from auditlogs.query.entries import Entries
from auditlogs.storage.mongo import TookTooLong

# The entries of a page: as their payloads have up to 64 KiB, it takes 13 MB at most.
BATCH = 200


def in_batches(entries: Entries, limit: int, *, payloads: bool = True) -> Iterator[Entry]:
    """Yield the first entries of a list, up to a limit; each batch is read when it is needed.

    Raises StorageError; TookTooLong among others where the time was over before a batch had any:
    what was not found by then may still be there.
    """
    cursor, left = None, limit
    while left > 0:
        page = entries.page(min(BATCH, left), cursor=cursor, payloads=payloads)
        if page.is_cut_short and not page.entries:
            raise TookTooLong("The log took too long to find these entries.")
        yield from page.entries
        left, cursor = left - len(page.entries), page.next
        if cursor is None:
            return
