"""Leading: of all workers one counts. Who, and how far they have come, is one document.

It is only ever replaced by whoever has read it as it is, so two can never both have taken the lead.
Whoever took it last has the highest term, and no one of an earlier term can change what they have
counted.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auditlogs.entry.times import EPOCH, from_ms, now, to_ms
from auditlogs.query.slices import LOWEST
from auditlogs.storage import mongo
from auditlogs.storage.mongo import Document

LEAD = "lead"
# For how long a lead holds; its holder renews it long before.
LEAD_SECONDS = 30.0
RENEW_SECONDS = 5.0
SECONDS = 5.0


class LostLead(Exception):
    """Another worker leads by now."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far counting has come: every entry that reached the log before `at`, and of those at that
    instant every one up to `id`, is counted for good; and at `counted_at` all that there was."""

    at: datetime = EPOCH
    id: UUID = LOWEST
    counted_at: datetime | None = None


class Lead:
    """A worker's hold on the lead. What it knows of the document is as it last wrote it."""

    def __init__(self) -> None:
        self._holder = secrets.token_hex(8)
        self._held: Document | None = None
        self._renewed_at = 0.0

    def take(self) -> Progress | None:
        """Take the lead where nobody has it; return how far counting has come, None where another
        worker leads. Raises StorageError."""
        with mongo.time_limit(SECONDS):
            found = mongo.counters().find_one({"_id": LEAD})
        if found and found["until"] > now() and found["holder"] != self._holder:
            return None
        self._held = found
        term = found["term"] + 1 if found else 1
        progress = _progress(found) if found else Progress()
        return progress if self._replace(term, progress, LEAD_SECONDS) else None

    @property
    def is_held(self) -> bool:
        """Tell whether this worker leads, as far as it knows."""
        return self._held is not None

    @property
    def term(self) -> int:
        """Return the number of this term of leading. Raises LostLead."""
        if self._held is None:
            raise LostLead
        term: int = self._held["term"]
        return term

    def keep(self, progress: Progress) -> None:
        """Renew the lead when it is time, and note how far counting has come; at once where that
        was not known at all. Raises LostLead and StorageError."""
        if self._held is None:
            raise LostLead
        is_first = progress.counted_at and self._held["countedAt"] is None
        is_due = time.monotonic() - self._renewed_at >= RENEW_SECONDS
        if (is_first or is_due) and not self._replace(self.term, progress, LEAD_SECONDS):
            raise LostLead

    def leave(self, progress: Progress) -> None:
        """Let another worker lead at once. Raises StorageError."""
        if self._held is not None:
            self._replace(self.term, progress, 0.0)
            self._held = None

    def _replace(self, term: int, progress: Progress, seconds: float) -> bool:
        """Replace the document, unless another worker has done so since it was read."""
        held = self._held
        document = {
            "_id": LEAD,
            "holder": self._holder,
            "term": term,
            # As the database keeps it, so that it can be compared.
            "until": from_ms(to_ms(now() + timedelta(seconds=seconds))),
            "at": progress.at,
            "id": progress.id,
            "countedAt": progress.counted_at,
        }
        as_read = {"term": held["term"], "until": held["until"]} if held else {"term": 0}
        with mongo.time_limit(SECONDS):
            is_done = mongo.replace_counters(document, as_read)
        self._held = document if is_done else None
        self._renewed_at = time.monotonic()
        return is_done


def counted_at() -> datetime | None:
    """Return when all that had reached the log was counted last, or None. Raises StorageError."""
    with mongo.time_limit(SECONDS):
        found = mongo.counters().find_one({"_id": LEAD}, {"countedAt": 1})
    return found["countedAt"] if found else None


def _progress(document: Document) -> Progress:
    return Progress(document["at"], document["id"], document["countedAt"])
