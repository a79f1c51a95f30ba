"""Measuring: every row in turn, again and again, each beside its floor and its peers."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from rich.console import Console
from rich.progress import track

# Does something once, and returns how long it took, in milliseconds.
Work = Callable[[], float]


class NotAnswered(Exception):
    """A request that the server did not carry out, such as one that took it too long."""

    def __init__(self, what: str, milliseconds: float) -> None:
        super().__init__(what)
        self.milliseconds = milliseconds


# As many repetitions as a median needs at least, whatever they take; but a floor or a peer that
# takes longer than this is measured once.
FEWEST = 3
SLOW_MS = 1_000


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the report, in milliseconds. `floor_ms` is the floor's median and `ratio` the row's
    to it; `peers_ms` has the medians of those that were asked the same."""

    name: str
    median_ms: float
    p95_ms: float
    floor_ms: float | None
    ratio: float | None
    round_trips: int | None
    peers_ms: dict[str, float]
    is_list: bool


@dataclass(slots=True)
class Row:
    """What is measured under a name."""

    name: str
    work: Work
    floor: Work | None = None
    peers: Mapping[str, Work] = field(default_factory=dict)
    round_trips: int | None = None
    is_list: bool = False
    times: dict[str, list[float]] = field(default_factory=dict)
    # What was said instead of an answer, by the row itself, its floor or a peer.
    refusals: list[str] = field(default_factory=list)

    def warm(self) -> None:
        """Do everything once that is not bare: the first answers of a process compile templates and
        connect."""
        for who, work in {"own": self.work, **self.peers}.items():
            self._time(who, work)

    def repeat(self) -> None:
        """Do everything once, and note the times."""
        floor = {} if self.floor is None else {"floor": self.floor}
        for who, work in {**floor, "own": self.work, **self.peers}.items():
            times = self.times.setdefault(who, [])
            if who == "own" or not times or times[-1] < SLOW_MS:
                times.append(self._time(who, work))

    def _time(self, who: str, work: Work) -> float:
        try:
            return work()
        except NotAnswered as refusal:
            self.refusals.append(f"{who}: {refusal}")
            return refusal.milliseconds

    def measured(self) -> Measured:
        own = self.times["own"]
        median = statistics.median(own)
        floor = statistics.median(self.times["floor"]) if "floor" in self.times else None
        peers = {who: round(statistics.median(self.times[who]), 2) for who in self.peers}
        return Measured(
            name=self.name,
            median_ms=round(median, 2),
            p95_ms=round(percentile(own, 95), 2),
            floor_ms=None if floor is None else round(floor, 2),
            ratio=None if floor is None else round(median / floor, 2),
            round_trips=self.round_trips,
            peers_ms=peers,
            is_list=self.is_list,
        )


def interleave(
    rows: Sequence[Row], repetitions: int, seconds: float, console: Console, title: str
) -> None:
    """Measure all rows by turns, so that a busy moment of the machine falls on all alike: so many
    times, or as often as the seconds allow, but at least `FEWEST` times."""
    until = time.monotonic() + seconds
    for number in track(range(repetitions), title, console=console):
        if number >= FEWEST and time.monotonic() > until:
            break
        for row in rows:
            row.repeat()


def took(work: Callable[[], object]) -> float:
    """Return how long a call takes, in milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000


def percentile(times: Sequence[float], percent: int) -> float:
    """Return the time that so many percent of the times do not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
