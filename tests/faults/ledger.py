"""A client's ledger: entries sent and acknowledged, to be reconciled with the log."""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from auditlogs.entry.times import format_rfc3339
from auditlogs.storage.mongo import Document
from tests.factories import unique

Fields = dict[str, Any]

POLL_SECONDS = 0.01
ACKNOWLEDGED = {"created", "duplicate", "spooled"}


@dataclass(frozen=True)
class Reckoning:
    """The outcome of all entries that were sent.

    `lost` were acknowledged and are not in the log; `doubled` are there more than once; `altered`
    have another content than was sent.
    """

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    altered: int

    @property
    def is_flawless(self) -> bool:
        return not (self.lost or self.doubled or self.altered)

    def __str__(self) -> str:
        return (
            f"acknowledged {self.acknowledged:,}, stored {self.stored:,}, lost {self.lost:,}, "
            f"doubled {self.doubled:,}, altered {self.altered:,}"
        )


class Ledger:
    """The entries that clients have sent, by id, and which of them were acknowledged.

    Every id begins with the ledger's name, which no other ledger has.
    """

    def __init__(self) -> None:
        self.name = unique("ledger")
        self._lock = threading.Lock()
        self._sent: dict[str, str] = {}
        self._acknowledged: set[str] = set()
        self.statuses: Counter[str] = Counter()

    def sends(self, entries: Iterable[Fields]) -> None:
        """Note entries before they are sent."""
        digests = {entry["id"]: digest(entry) for entry in entries}
        with self._lock:
            self._sent |= digests

    def answered(self, entries: Iterable[Fields], statuses: Iterable[str]) -> None:
        """Note the status that the log answered for each entry."""
        with self._lock:
            for entry, status in zip(entries, statuses, strict=True):
                self.statuses[status] += 1
                if status in ACKNOWLEDGED:
                    self._acknowledged.add(entry["id"])

    @property
    def acknowledged(self) -> int:
        return len(self._acknowledged)

    def wait_for(self, acknowledged: int, seconds: float) -> None:
        """Wait until so many entries are acknowledged. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while self.acknowledged < acknowledged:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.acknowledged} are acknowledged, not {acknowledged}")
            time.sleep(POLL_SECONDS)

    def reckon(self, documents: Iterable[Document]) -> Reckoning:
        """Compare with the documents of the log."""
        found = [(document["requestId"], digest(as_sent(document))) for document in documents]
        times = Counter(id for id, _ in found)
        return Reckoning(
            acknowledged=len(self._acknowledged),
            stored=len(found),
            lost=len(self._acknowledged - times.keys()),
            doubled=times.total() - len(times),
            altered=sum(self._sent.get(id) != what for id, what in found),
        )


def digest(entry: Fields) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()


def as_sent(document: Document) -> Fields:
    """Return the entry as a client of these tests sent it, from the stored document."""
    return {
        # `_id` has only a hash of the id that the client sent.
        "id": document["requestId"],
        "requestId": document["requestId"],
        "timestamp": format_rfc3339(document["timestamp"]),
        **{name: document[name] for name in ("action", "actor", "target", "result", "duration")},
        "payload": json.loads(document["payload"]),
    }
