"""What has arrived in a list since a page of it was read: for the pill "14 new" and for Live.

Readers poll every few seconds, so the newest arrival of an account is looked up once a second at
most, whatever their number, and a list is read again only when it has changed.
"""

import threading
import time
from dataclasses import dataclass

from cachetools import LRUCache

from auditlogs.entry.schema import Entry
from auditlogs.entry.times import now, parse_rfc3339, to_ms
from auditlogs.query.entries import Entries

PROBE_SECONDS = 1.0
# As many entries as a page of the list has.
LIMIT = 50
# The accounts and the lists that one process remembers.
MAX_KEPT = 500
# An entry becomes visible some time after its arrival: clocks of hosts differ, and writes wait.
# The page leaves out what it shows already.
MARGIN_MS = 15_000


@dataclass(frozen=True, slots=True)
class Probe:
    """The newest arrival of an account, in ms, and when it was looked up, by the monotonic clock in
    seconds."""

    newest: int
    at: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest entries of a list, as they were read after an arrival."""

    newest: int
    entries: list[Entry]


_lock = threading.Lock()
_probes: LRUCache[str, Probe] = LRUCache(MAX_KEPT)
_readings: LRUCache[str, Reading] = LRUCache(MAX_KEPT)


def newest(entries: Entries, since: int) -> int:
    """Return when the newest arrival of the account reached the log, in ms; `since`, in ms, where
    none has since. Raises StorageError."""
    account = entries.account
    with _lock:
        kept = _probes.get(account)
        if kept is not None and time.monotonic() - kept.at < PROBE_SECONDS:
            return kept.newest
        # An instant ahead of the clock would hide all arrivals until then, from every reader.
        low = kept.newest if kept else min(since, to_ms(now()))
        # Readers who come meanwhile get what is known: they neither ask the same nor wait for it.
        _probes[account] = Probe(low, time.monotonic())
    found = entries.newest_arrival(low) or low
    with _lock:
        _probes[account] = Probe(found, time.monotonic())
    return found


def since(entries: Entries, arrived: int) -> list[Entry]:
    """Return the newest entries of a list that have arrived since an instant in ms, or somewhat
    before it; at most as many as a page has. Raises StorageError."""
    current = newest(entries, arrived)
    if current <= arrived:
        return []
    with _lock:
        kept = _readings.get(entries.fingerprint)
    if kept is None or kept.newest != current:
        kept = Reading(current, entries.page(LIMIT).entries)
        with _lock:
            _readings[entries.fingerprint] = kept
    return [each for each in kept.entries if _arrival(each) >= arrived - MARGIN_MS]


def forget() -> None:
    """Forget what was read."""
    with _lock:
        _probes.clear()
        _readings.clear()


def _arrival(entry: Entry) -> int:
    return to_ms(parse_rfc3339(entry.recorded_at))
