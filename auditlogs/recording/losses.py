"""Lost entries, which nothing could store: counted and written to standard error."""

import contextlib
import json
import sys
import threading

import msgspec

from auditlogs import metrics
from auditlogs.entry.schema import Entry

_lock = threading.RLock()
_count = 0


def lose(entry: Entry, account: str, reason: str) -> None:
    """Count an entry, redacted, as lost and write it to standard error as one line of JSON."""
    global _count  # noqa: PLW0603  (one counter for the process)
    with _lock:
        _count += 1
    metrics.LOST.inc()
    line = {"lost": reason, "account": account, "entry": msgspec.to_builtins(entry)}
    # In ASCII, so that no character ends the line or controls a terminal. The caller must go on
    # without a standard error, with what stands in for it, and in a handler of a signal, where
    # writing to it may be a RuntimeError.
    with contextlib.suppress(Exception):
        sys.stderr.write(json.dumps(line, default=str) + "\n")
        sys.stderr.flush()


def count() -> int:
    """Return how many entries this process has lost."""
    return _count
