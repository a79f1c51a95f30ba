"""Leader election for counting, so that of all workers one counts.

One document holds the leader, its fencing token and the progress of counting. It is replaced by
compare-and-swap, so two workers cannot both acquire the lease. Every acquisition has a higher
fencing token, and counters written under a higher token cannot be replaced under a lower one.
"""

import secrets
import time
from datetime import timedelta

from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.storage import mongo
from auditlogs.storage.counts import FORMAT, LEASE_ID, TOKEN_FIELD, Progress, progress_in
from auditlogs.storage.mongo import Document

# Long enough for one slow database operation between two renewals.
LEASE_SECONDS = 30.0
RENEW_SECONDS = 5.0
SECONDS = 5.0


class LeaseLost(Exception):
    """Another worker has acquired the lease."""


class LeaderLease:
    """A worker's lease: acquire it, renew it while counting, release it at the end."""

    def __init__(self) -> None:
        self._holder = secrets.token_hex(8)
        # The lease document as this worker last wrote it; None while it does not hold the lease.
        self._document: Document | None = None
        self._renewed_at = 0.0

    def acquire(self) -> Progress | None:
        """Acquire the lease if it is free or expired; return the progress to continue from, or None
        if another worker holds it. Raises StorageError."""
        with mongo.time_limit(SECONDS):
            stored = mongo.counters().find_one({"_id": LEASE_ID})
        if stored and stored["until"] > now() and stored["holder"] != self._holder:
            return None
        self._document = stored
        token = stored[TOKEN_FIELD] + 1 if stored else 1
        # Counters of another version are not used: everything is counted again.
        progress = progress_in(stored) or Progress()
        return progress if self._swap(token, progress, LEASE_SECONDS) else None

    @property
    def is_held(self) -> bool:
        """Whether this worker holds the lease, as far as it knows."""
        return self._document is not None

    @property
    def token(self) -> int:
        """The fencing token of this lease. Raises LeaseLost."""
        if self._document is None:
            raise LeaseLost
        token: int = self._document[TOKEN_FIELD]
        return token

    def renew(self, progress: Progress) -> None:
        """Renew the lease and store the progress, if the last renewal is a few seconds ago.

        The first `counted_at` is stored at once, because readers wait for it. Raises LeaseLost and
        StorageError.
        """
        if self._document is None:
            raise LeaseLost
        is_first = progress.counted_at and self._document["countedAt"] is None
        is_due = time.monotonic() - self._renewed_at >= RENEW_SECONDS
        if (is_first or is_due) and not self._swap(self.token, progress, LEASE_SECONDS):
            raise LeaseLost

    def release(self, progress: Progress) -> None:
        """Store the progress and let another worker acquire the lease. Raises StorageError."""
        if self._document is not None:
            self._swap(self.token, progress, 0.0)
            self._document = None

    def _swap(self, token: int, progress: Progress, seconds: float) -> bool:
        """Replace the lease document unless another worker has done so since it was read."""
        before = self._document
        document = {
            "_id": LEASE_ID,
            "holder": self._holder,
            TOKEN_FIELD: token,
            # BSON dates have milliseconds. The comparison below needs exactly the stored value.
            "until": from_ms(to_ms(now() + timedelta(seconds=seconds))),
            "at": progress.at,
            "id": progress.id,
            "countedAt": progress.counted_at,
            "format": FORMAT,
            "first": _first(progress),
        }
        expected = {field: before[field] for field in (TOKEN_FIELD, "until")} if before else None
        with mongo.time_limit(SECONDS):
            # Token 0 matches no document, so that without one before, only an insert succeeds.
            is_swapped = mongo.replace_counters(document, expected or {TOKEN_FIELD: 0})
        self._document = document if is_swapped else None
        self._renewed_at = time.monotonic()
        return is_swapped


def _first(progress: Progress) -> Document | None:
    if progress.first_until is None:
        return None
    return {"account": progress.first_account, "until": progress.first_until}
