"""The window of time that a list covers: as requested, and as resolved against the clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self, get_args

from auditlogs.entry.times import AHEAD_MS, DAY_MS, format_rfc3339, from_ms, to_ms, to_ms_up
from auditlogs.storage.retention import oldest_ms

DateRange = Literal["24h", "7d", "30d", "all"]
DATE_RANGES: tuple[DateRange, ...] = get_args(DateRange)
_LENGTHS_MS: dict[DateRange, int] = {"24h": DAY_MS, "7d": 7 * DAY_MS, "30d": 30 * DAY_MS}


class StartAfterEnd(ValueError):
    """The window would end before it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time range in milliseconds since the epoch, resolved when the first page is read.

    `start` is inclusive, `end` exclusive; without an end the window includes new entries.
    `requested` is the range as requested, which stays the same while time passes; `clipped` is true
    when the requested start is older than the retention.
    """

    requested: str
    start: int
    end: int | None
    as_of: int
    clipped: bool = False

    @classmethod
    def resolve(
        cls,
        date_range: DateRange,
        start: datetime | None,
        end: datetime | None,
        now: datetime,
    ) -> Self:
        """Resolve a range against the clock; `start` wins over `date_range`.

        Raises StartAfterEnd.
        """
        as_of, oldest = to_ms(now), oldest_ms(now)
        begin = start
        if start is None and date_range in _LENGTHS_MS:
            begin = from_ms(as_of - _LENGTHS_MS[date_range])
        if begin is not None and end is not None and begin > end:
            raise StartAfterEnd
        until = None if end is None else to_ms_up(end)
        if start is None and end is None and date_range == "24h":
            # An entry ahead of the clock is not of the last 24 hours. The longer ranges show it, so
            # that nobody hides an entry by a wrong timestamp.
            until = as_of + AHEAD_MS
        requested = (
            format_rfc3339(start) if start else date_range,
            format_rfc3339(end) if end else "",
        )
        return cls(
            requested="/".join(requested),
            start=oldest if begin is None else max(to_ms_up(begin), oldest),
            end=until,
            as_of=as_of,
            # A range such as 30d was not a request for a certain day, so it is never "clipped".
            clipped=start is not None and to_ms_up(start) < oldest,
        )

    @property
    def length(self) -> DateRange | None:
        """The length of time, ending now, that the window begins with; None if it has a start of
        its own or the beginning of the log."""
        begins = self.requested.partition("/")[0]
        return next((each for each in _LENGTHS_MS if each == begins), None)

    @property
    def is_beyond_retention(self) -> bool:
        """Whether the window ends before the oldest entry that is kept."""
        return self.end is not None and self.end <= oldest_ms(from_ms(self.as_of))
