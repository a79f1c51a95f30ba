"""The chart above the list: its entries by result over time, as SVG, and when trading or calls to
a provider were stopped."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import zip_longest
from zoneinfo import ZoneInfo

from auditlogs.entry.times import AHEAD_MS, DAY_MS, HOUR_MS, WEEK_MS, format_rfc3339, from_ms
from auditlogs.query.calendar import MINUTE_MS, SECOND_MS, STEPS_MS, edges, step_for
from auditlogs.query.entries import Entries
from auditlogs.query.stops import Stop, Stops
from auditlogs.query.volume import Bar, Volume
from hub.logs.links import Links
from hub.ui.times import span
from hub.ui.zones import local

# In pixels: the lane of the bands' labels above the bars, and the line on which these stand.
LANE, GROUND = 14, 80
HEIGHT = GROUND - LANE
# Lower bars could not be seen.
LEAST = 2.0
TICKS_MS = sorted({*STEPS_MS, 10 * MINUTE_MS, *(n * HOUR_MS for n in (2, 4, 12)), 5 * DAY_MS})
MAX_TICKS = 8
# Two bands closer than that, in percent of the width, share a label.
NEAR = 4.0
# The width of a character of a label, in percent of the chart's, where labels are shown.
SIGN = 0.62
TICK_LABEL = 11.0
MAX_BANDS = 50
KINDS = {"breaker": ("breaker", "breakers"), "kill_switch": ("kill switch", "kill switches")}
UNITS = (
    (WEEK_MS, "week"),
    (DAY_MS, "day"),
    (HOUR_MS, "hour"),
    (MINUTE_MS, "minute"),
    (SECOND_MS, "second"),
)


@dataclass(frozen=True, slots=True)
class ResultPart:
    """A part of a bar: the entries of one result, with its place in pixels."""

    result: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class PlacedBar:
    """A bar with its place, in percent of the width; `url` leads to its entries alone."""

    bar: Bar
    x: float
    width: float
    parts: list[ResultPart]
    is_counted: bool
    words: str
    url: str

    @property
    def numbers(self) -> str:
        bar = self.bar
        counted = f"{bar.failure} failure, {bar.partial} partial, {bar.success} success"
        return counted if self.is_counted else "not counted"


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of the axis, in percent of the width."""

    x: float
    text: str
    anchor: str
    is_day: bool


@dataclass(frozen=True, slots=True)
class Band:
    """A time when something was stopped. `label` is empty where the band before has it."""

    kind: str
    x: float
    width: float
    label: str
    label_x: float
    anchor: str
    words: str
    url: str


class Chart:
    """The chart of a list in a zone. Raises StorageError when it is made."""

    def __init__(self, entries: Entries, links: Links, zone: ZoneInfo) -> None:
        window = entries.window
        self.zone, self._links = zone, links
        # An entry of a clock that is ahead by less than that still counts as of now.
        end = window.as_of + AHEAD_MS if window.end is None else window.end
        if window.end and links.parameters.get("dateRange") == "24h":
            end = window.as_of
        # No entry is dated later than a day ahead: ages after that would take all the bars.
        latest = window.as_of + DAY_MS
        self._start = min(window.start, latest)
        end = max(min(end, latest), self._start + 1)
        self.step = step_for(self._start, end)
        self._edges = edges(self._start, end, self.step, zone)
        self.volume: Volume = entries.volume(self._edges)
        self._stops: Stops = entries.stops()

    @property
    def caption(self) -> str:
        """How long a bar is: "Per 30 minutes"."""
        length, unit = next(each for each in UNITS if self.step % each[0] == 0)
        number = self.step // length
        return f"Per {unit}" if number == 1 else f"Per {number} {unit}s"

    @cached_property
    def highest(self) -> int:
        return max(bar.total for bar in self.volume.bars)

    @cached_property
    def total(self) -> Bar:
        bars = self.volume.bars
        return Bar(
            self._edges[0],
            self._edges[-1],
            failure=sum(bar.failure for bar in bars),
            partial=sum(bar.partial for bar in bars),
            success=sum(bar.success for bar in bars),
        )

    @property
    def is_zoomed(self) -> bool:
        return "startDate" in self._links.parameters

    @property
    def unzoomed_url(self) -> str:
        return self._links.without("startDate", "endDate")

    @property
    def counted_from(self) -> str:
        """From when bars were counted, in words; empty where all were."""
        start = self.volume.counted_from
        return "" if start is None else self._moment(start)

    @property
    def stops_known_from(self) -> str:
        start = self._stops.known_from
        return "" if start is None else self._moment(start)

    @cached_property
    def columns(self) -> list[PlacedBar]:
        return [self._column(bar) for bar in self.volume.bars]

    @cached_property
    def not_counted(self) -> float:
        """The width of what was not counted, at the left end, in percent."""
        uncounted = [each for each in self.columns if not each.is_counted]
        return round(uncounted[-1].x + uncounted[-1].width, 3) if uncounted else 0.0

    @cached_property
    def ticks(self) -> list[Tick]:
        first, last = self._edges[0], self._edges[-1]
        step = next((s for s in TICKS_MS if last - first <= s * MAX_TICKS), self.step)
        inner = [
            ms
            for ms in edges(first, last, step, self.zone)
            if TICK_LABEL < self._x(ms) < 100 - TICK_LABEL
        ]
        start = Tick(0, self._day(first), "start", False)
        end = Tick(100, self._tick(last), "end", False)
        return [start, *(self._inner_tick(ms) for ms in inner), end]

    @cached_property
    def bands(self) -> list[Band]:
        return list(self._labelled(self._stops.stops[-MAX_BANDS:]))

    def _column(self, bar: Bar) -> PlacedBar:
        start, end = max(bar.start, self._start), bar.end
        began, ended = format_rfc3339(from_ms(start)), format_rfc3339(from_ms(end))
        counted_from = self.volume.counted_from
        return PlacedBar(
            bar,
            self._x(bar.start),
            round(self._x(bar.end) - self._x(bar.start), 3),
            list(self._parts(bar)),
            counted_from is None or bar.start >= counted_from,
            self._range(start, end),
            self._links.changed(startDate=began, endDate=ended, dateRange=None),
        )

    def _parts(self, bar: Bar) -> Iterator[ResultPart]:
        """Yield the parts of a bar from the ground up: failures first, so that they compare."""
        y = float(GROUND)
        for result in ("failure", "partial", "success"):
            number: int = getattr(bar, result)
            if number:
                height = round(max(LEAST, number / self.highest * HEIGHT), 1)
                # Several low parts of a high bar are higher together than their share.
                height = min(height, max(y - LANE, LEAST))
                y = round(y - height, 1)
                yield ResultPart(result, y, height)

    def _labelled(self, stops: list[Stop]) -> Iterator[Band]:
        shown: list[tuple[Stop, float, float]] = []
        for stop in stops:
            low = self._x(max(stop.start, self._edges[0]))
            high = self._x(min(stop.end or self._edges[-1], self._edges[-1]))
            shown.append((stop, low, round(high - low, 3)))
        clusters: list[list[tuple[Stop, float, float]]] = []
        for each in shown:
            if clusters and each[1] - clusters[-1][-1][1] < NEAR:
                clusters[-1].append(each)
            else:
                clusters.append([each])
        taken = 0.0
        for cluster, following in zip_longest(clusters, clusters[1:]):
            _, first, _ = cluster[0]
            _, last, width = cluster[-1]
            end = min(last + width, 100.0)
            after = (following[0][1] if following else 100.0) - end
            label, is_left = self._fitting([stop for stop, _, _ in cluster], after, first - taken)
            taken = end if is_left or not label else end + len(label) * SIGN
            for number, (stop, low, length) in enumerate(cluster):
                yield Band(
                    stop.kind,
                    low,
                    length,
                    "" if number else label,
                    first if is_left else end,
                    "end" if is_left else "start",
                    f"{_what(stop)}, {self._when(stop)}",
                    Links(stop.filters).here,
                )

    def _fitting(self, stops: list[Stop], after: float, before: float) -> tuple[str, bool]:
        """Return the longest label that has room after the bands, or else before them, and whether
        it is before; an empty label where none has."""
        for label in self._labels(stops):
            needed = len(label) * SIGN + 1
            if needed <= after:
                return label, False
            if needed <= before:
                return label, True
        return "", False

    def _labels(self, stops: list[Stop]) -> Iterator[str]:
        """Yield what the bands can be called, the longest first."""
        names = Counter(_what(stop) for stop in stops)
        if len(stops) == 1:
            yield f"{_what(stops[0])}, {self._length(stops[0])}"
        yield ", ".join(name if n == 1 else f"{name} {n} times" for name, n in names.items())
        kinds = Counter(stop.kind for stop in stops)
        yield ", ".join(
            KINDS[kind][0] if n == 1 else f"{n} {KINDS[kind][1]}" for kind, n in kinds.items()
        )

    def _length(self, stop: Stop) -> str:
        if stop.end is None:
            return f"since {self._moment(stop.start)}"
        seconds = (stop.end - stop.start) // SECOND_MS
        return span(timedelta(seconds=seconds)) if seconds >= 60 else f"{seconds} s"

    def _when(self, stop: Stop) -> str:
        if stop.end is None:
            return f"since {self._moment(stop.start)}"
        return f"{self._range(stop.start, stop.end)}, {self._length(stop)}"

    def _inner_tick(self, ms: int) -> Tick:
        is_day = self.step < DAY_MS and self._tick(ms) == self._day(ms)
        return Tick(self._x(ms), self._tick(ms), "middle", is_day)

    def _x(self, ms: int) -> float:
        first, last = self._edges[0], self._edges[-1]
        return round((ms - first) / (last - first) * 100, 3)

    def _tick(self, ms: int) -> str:
        moment = local(ms, self.zone)
        if self.step >= DAY_MS or (moment.hour, moment.minute, moment.second) == (0, 0, 0):
            return self._day(ms)
        return f"{moment:%H:%M:%S}" if self.step < MINUTE_MS else f"{moment:%H:%M}"

    def _day(self, ms: int) -> str:
        moment = local(ms, self.zone)
        return f"{moment:%b} {moment.day}"

    def _moment(self, ms: int) -> str:
        moment = local(ms, self.zone)
        seconds = ":%S" if self.step < MINUTE_MS or ms % MINUTE_MS else ""
        return f"{self._day(ms)}, {moment.strftime(f'%H:%M{seconds}')}"

    def _range(self, start: int, end: int) -> str:
        """Return "Nov 24, 05:00–05:30", with both days where they differ."""
        first, last = self._moment(start), self._moment(end)
        day, _, clock = last.partition(", ")
        return f"{first}–{clock if first.startswith(f'{day}, ') else last}"


def _what(stop: Stop) -> str:
    if stop.kind == "breaker":
        return f"{stop.name} breaker open" if stop.name else "Breaker open"
    return f"Kill switch on: {stop.name}" if stop.name else "Kill switch on"
