"""The last resort: an entry that nothing could keep is counted and written to standard error."""

import contextlib
import json
import sys
import threading

import msgspec

from auditlogs.entry.schema import Entry

_lock = threading.Lock()
_count = 0


def lose(entry: Entry, account: str, reason: str) -> None:
    """Count an entry as lost and write it, without its secrets, as one line of JSON."""
    global _count  # noqa: PLW0603  (it is this process's one counter)
    with _lock:
        _count += 1
    line = {"lost": reason, "account": account, "entry": msgspec.to_builtins(entry)}
    # In ASCII, so that nothing in it can break the line or steer a terminal.
    # Where there is no standard error either, the caller goes on all the same.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()


def count() -> int:
    """Return how many entries this process has lost since it began."""
    return _count
