"""The report: the table, and which bounds hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.bench.measuring import Measured
from tests.bench.peers import ADMIN, DATASETTE

# The most that a row may take, in times of its floor.
RATIOS = {
    "api 100": 1.5,
    "api 1000": 1.2,
    "one entry": 1.5,
    "logs page": 8.0,
    # record_many at 0.6 of the speed of a bare insert_many, 0.5 over HTTP, draining at 0.6.
    "batch 1000": 1 / 0.6,
    "batch 1000 over http": 1 / 0.5,
    "drain 1000": 1 / 0.6,
}
MAX_ROUND_TRIPS = 8
PAGE, PAGE_ROUND_TRIPS = "logs page", 4
# A list may take so many times what it takes on this many entries, or so many milliseconds.
BASE, GROWTH, FAST_MS = 20_000, 1.5, 20.0
BEHIND = (ADMIN, DATASETTE)


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound, the rows that break it, and whether it was measured at all."""

    text: str
    broken: Sequence[str]

    def __str__(self) -> str:
        if not self.broken:
            return f"holds: {self.text}"
        return f"BROKEN: {self.text}: {', '.join(self.broken)}"


@dataclass(frozen=True, slots=True)
class Report:
    """The rows of one run, on so many entries, and what could not be measured and why."""

    entries: int
    engine: str
    rows: Sequence[Measured]
    notes: Sequence[str]

    def bounds(self, base: Mapping[str, Measured]) -> list[Bound]:
        """Return all bounds. `base` has the rows of a run on `BASE` entries, if there was one."""
        by_name = {row.name: row for row in self.rows}
        bounds = [
            Bound(f"{name} takes at most {most:.2g} × its floor", self._over(by_name[name], most))
            for name, most in RATIOS.items()
            if name in by_name
        ]
        lists = [row for row in self.rows if row.is_list]
        bounds.append(
            Bound(
                f"lists take at most {MAX_ROUND_TRIPS} round trips",
                _named(lists, lambda row: (row.round_trips or 0) > MAX_ROUND_TRIPS),
            )
        )
        bounds.append(
            Bound(
                f"the Logs page takes at most {PAGE_ROUND_TRIPS} round trips",
                _named(
                    [row for row in self.rows if row.name == PAGE],
                    lambda row: (row.round_trips or 0) > PAGE_ROUND_TRIPS,
                ),
            )
        )
        for peer in BEHIND:
            both = [row for row in self.rows if peer in row.peers_ms]
            if both:
                behind = [row.name for row in both if row.median_ms >= row.peers_ms[peer]]
                bounds.append(Bound(f"ahead of {peer}, on {len(both)} rows", behind))
        if self.entries > BASE and base:
            grown = _named(lists, lambda row: row.name in base and _has_grown(row, base[row.name]))
            text = (
                f"lists take at most {GROWTH} × their time at {BASE:,} entries, or {FAST_MS:.0f} ms"
            )
            bounds.append(Bound(text, grown))
        return bounds

    @staticmethod
    def _over(row: Measured, most: float) -> list[str]:
        return [f"{row.ratio} ×"] if row.ratio is not None and row.ratio > most else []

    def markdown(self, bounds: Sequence[Bound]) -> str:
        peers = sorted({peer for row in self.rows for peer in row.peers_ms})
        heads = ["row", "median ms", "p95 ms", "floor ms", "ratio", "round trips", *peers]
        lines = [
            f"# {self.entries:,} entries on {self.engine}",
            "",
            "Medians of one run, in milliseconds. The floor is the barest program that reads or",
            "writes the same; the last columns are others that were asked the same.",
            "",
            f"| {' | '.join(heads)} |",
            f"|{' --- |' * len(heads)}",
        ]
        for row in self.rows:
            own = [row.median_ms, row.p95_ms, row.floor_ms, row.ratio, row.round_trips]
            cells = [*own, *(row.peers_ms.get(peer) for peer in peers)]
            lines.append(f"| {row.name} | {' | '.join(map(_cell, cells))} |")
        lines += ["", *(f"- {note}" for note in self.notes)]
        lines += ["", *(f"- {bound}" for bound in bounds)]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> str:
        """Write `bench.json` and `bench.md`, and the rows under the number of entries too, for a
        later run at another number. Return the text of the table."""
        folder.mkdir(parents=True, exist_ok=True)
        base = folder / f"bench-{BASE}.json"
        earlier = (
            msgspec.json.decode(base.read_bytes(), type=list[Measured]) if base.exists() else []
        )
        text = self.markdown(self.bounds({row.name: row for row in earlier}))
        rows = msgspec.json.format(msgspec.json.encode(self.rows))
        for name in ("bench.json", f"bench-{self.entries}.json"):
            (folder / name).write_bytes(rows)
        (folder / "bench.md").write_text(text)
        return text


def _named(rows: Sequence[Measured], is_broken: Callable[[Measured], bool]) -> list[str]:
    return [row.name for row in rows if is_broken(row)]


def _has_grown(row: Measured, base: Measured) -> bool:
    return row.median_ms > max(GROWTH * base.median_ms, FAST_MS)


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.1f}"
