"""What the arrivals of entries say about the clock of their writer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from auditlogs.entry.schema import Entry
from auditlogs.entry.times import parse_rfc3339
from hub.ui.times import span

# Clocks that are kept by NTP, and a network between them.
IN_STEP = timedelta(seconds=2)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """The difference between arrival and timestamp of some entries of one writer.

    A delay only ever adds to it, so the smallest is the offset of the clock (as the clock filter of
    NTP takes it), negative for one that is ahead; what the largest has more than that is delay.
    """

    offset: timedelta
    delay: timedelta

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Self | None:
        """Return the clock that some entries show; None without any."""
        late = [parse_rfc3339(each.recorded_at) - each.instant for each in entries]
        return cls(min(late), max(late) - min(late)) if late else None

    @property
    def is_in_step(self) -> bool:
        return abs(self.offset) < IN_STEP

    @property
    def offset_text(self) -> str:
        """Return "In step", "5 min ahead" or "5 min behind"."""
        if self.is_in_step:
            return "In step"
        return f"{_length(abs(self.offset))} {'ahead' if self.offset < timedelta(0) else 'behind'}"

    @property
    def delay_text(self) -> str:
        """Return "Up to 5 min late"; empty where the delay is shorter than `IN_STEP`."""
        return f"Up to {_length(self.delay)} late" if self.delay >= IN_STEP else ""


def _length(length: timedelta) -> str:
    return span(length + MINUTE / 2) if length >= MINUTE else f"{int(length.total_seconds())} s"
