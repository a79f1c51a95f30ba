"""The benchmark itself: it runs, and it says what it has measured."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hub.demo.child import ROOT
from tests.bench.measuring import Measured, Row, percentile
from tests.bench.peers import ADMIN, DATASETTE, NEWCOMER
from tests.bench.report import BASE, Report

RUN_SECONDS = 300
# One row of each kind: `make bench` measures them all.
ROWS = (
    *("api 100", "one entry", "far page", "filter result", "two words", "sort actor + rare word"),
    *("by arrival", "retired + failure", "logs page", "fragment", "drawer", "count", "agents"),
    *("record one", "batch", "drain", "counting"),
)
NAMED = {
    *("api 100", "one entry", "far page", "filter result", "two words", "sort actor + rare word"),
    *("by arrival", "retired + failure, none", "logs page", "fragment", "drawer", "count"),
    "agents",
    *("record one", "batch 200", "batch 200 over http", "drain 200", "counting"),
    "first counting",
}


def measured(name: str, **other: object) -> Measured:
    fields: dict[str, object] = {
        "name": name,
        "median_ms": 10.0,
        "p95_ms": 12.0,
        "floor_ms": 10.0,
        "ratio": 1.0,
        "round_trips": 1,
        "peers_ms": {},
        "is_list": True,
    }
    return msgspec.convert(fields | other, Measured)


def broken(rows: list[Measured], entries: int = BASE, base: list[Measured] | None = None) -> str:
    """Return the bounds that rows break, as one text."""
    bounds = Report(entries, "an engine", rows, []).bounds({row.name: row for row in base or []})
    return "\n".join(str(bound) for bound in bounds if bound.broken)


# Half a minute, and `make bench` itself does the same.
@pytest.mark.faults
def test_each_kind_of_row_is_measured_and_its_floor_reads_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.bench", "--entries", "200", "--repetitions", "1"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path), "--rows", *ROWS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    rows = msgspec.json.decode((tmp_path / "bench.json").read_bytes(), type=list[Measured])
    by_name = {row.name: row for row in rows}
    assert len(by_name) == len(rows)
    assert by_name.keys() >= NAMED
    assert all(row.ratio and row.floor_ms for row in rows)
    assert {ADMIN, NEWCOMER} <= by_name["logs page"].peers_ms.keys()
    assert done.stdout == (tmp_path / "bench.md").read_text()
    assert "reads other entries" not in done.stdout
    assert "Not answered" not in done.stdout
    assert "holds: lists take at most 8 round trips" in done.stdout


def test_a_row_has_the_medians_of_itself_its_floor_and_its_peers() -> None:
    own, floor, peer = (iter(each) for each in ([4.0, 2.0, 9.0], [2.0, 1.0, 8.0], [5.0, 7.0, 6.0]))
    row = Row("a row", lambda: next(own), lambda: next(floor), {"peer": lambda: next(peer)}, 3)
    for _ in range(3):
        row.repeat()
    assert row.measured() == measured(
        "a row",
        median_ms=4.0,
        p95_ms=9.0,
        floor_ms=2.0,
        ratio=2.0,
        round_trips=3,
        peers_ms={"peer": 6.0},
        is_list=False,
    )


def test_five_in_a_hundred_are_slower_than_the_percentile_says() -> None:
    assert percentile(list(range(100)), 95) == 95
    assert percentile([7.0], 95) == 7.0


def test_rows_within_their_bounds_break_none() -> None:
    rows = [measured("api 100"), measured("logs page", ratio=7.9, round_trips=4)]
    assert broken(rows) == ""


def test_a_row_that_takes_too_long_is_named() -> None:
    assert "api 100 takes at most 1.5 × its floor: 1.6 ×" in broken(
        [measured("api 100", ratio=1.6)]
    )
    assert "round trips: a list" in broken([measured("a list", round_trips=9)])
    assert "4 round trips: logs page" in broken([measured("logs page", round_trips=5)])
    assert broken([measured("the count", round_trips=9, is_list=False)]) == ""


def test_a_row_behind_a_peer_is_named() -> None:
    rows = [
        measured("ahead", peers_ms={ADMIN: 11.0, DATASETTE: 11.0}),
        measured("behind", peers_ms={DATASETTE: 9.0}),
    ]
    assert broken(rows) == f"BROKEN: ahead of {DATASETTE}, on 2 rows: behind"


def test_a_list_that_grows_with_the_log_is_named() -> None:
    base = [measured("slow", median_ms=20.0), measured("fast", median_ms=2.0)]
    rows = [measured("slow", median_ms=31.0), measured("fast", median_ms=19.0)]
    assert broken(rows, 5 * BASE, base).endswith(": slow")
