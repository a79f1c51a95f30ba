"""How fast it is, beside the barest program and beside others: `python -m tests.bench`.

Times are of one run on one machine: read the ratios.
"""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from hub.demo.child import ROOT
from tests.bench import surroundings


def main() -> None:
    """Measure, write the report, and print it."""
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=ROOT / "build")
    parser.add_argument("--rows", nargs="+", default=(), help="how the names of rows begin")
    given = parser.parse_args()
    if given.entries < surroundings.FEWEST_ENTRIES:
        parser.error(f"expected at least {surroundings.FEWEST_ENTRIES} entries")
    with ExitStack() as stack:
        folder = surroundings.enter(stack)
        from tests.bench.running import Run

        run = Run(stack, folder, given.entries, Console(stderr=True), tuple(given.rows))
        report = run.report(given.repetitions)
    sys.stdout.write(report.write(given.folder))


if __name__ == "__main__":
    main()
