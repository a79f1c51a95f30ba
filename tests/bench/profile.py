"""Where the time of a Logs page goes: `python -m tests.bench.profile`.

The page is rendered in this process, under Python's profiler, which measures the time of the
processor: waiting for the database is the rest of the whole. It slows down calls of Python more
than the work of libraries in C: read the shares, not the times.
"""

import argparse
import cProfile
import heapq
import pstats
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path

from rich.console import Console

from hub.demo.child import ROOT
from tests.bench import surroundings

PAGES = 30
MAX_LINES = 25
PATHS = {"Logs page": "/hub/logs", "api 100": "/api/audit-logs"}
# A function of the profile: its file, line and name.
Function = tuple[str, int, str]


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.bench.profile", description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000)
    given = parser.parse_args()
    with ExitStack() as stack:
        surroundings.enter(stack)
        from auditlogs.storage import mongo
        from tests.bench.log import Log

        log = Log(given.entries)
        stack.callback(mongo.client().close)
        log.load(Console(stderr=True))
        for name, path in PATHS.items():
            headers = log.headers(path)
            log.get(path, headers)
            began = time.perf_counter()
            for _ in range(PAGES):
                log.get(path, headers)
            whole = (time.perf_counter() - began) / PAGES * 1_000
            profile = cProfile.Profile(time.process_time)
            with profile:
                for _ in range(PAGES):
                    log.get(path, headers)
            sys.stdout.write(f"\n{name}: {whole:.1f} ms, not profiled\n\n")
            sys.stdout.write(f"{table(pstats.Stats(profile))}\n")


def table(stats: pstats.Stats) -> str:
    """Return the time within each package, and the project's functions that took most with all that
    they called."""
    within: dict[str, float] = {}
    below: dict[str, float] = {}
    for function, (_, _, own, with_calls, _) in _functions(stats):
        package = _package(function[0])
        within[package] = within.get(package, 0.0) + own
        if own_name := _own_name(function):
            below[own_name] = max(below.get(own_name, 0.0), with_calls)
    total = sum(within.values())
    return "\n".join(
        [
            *_lines("package", within, total),
            "",
            *_lines("function, with what it calls", below, total),
        ]
    )


def _functions(
    stats: pstats.Stats,
) -> Iterable[tuple[Function, tuple[int, int, float, float, object]]]:
    found: dict[Function, tuple[int, int, float, float, object]] = stats.stats  # type: ignore[attr-defined]
    return found.items()


def _lines(title: str, times: dict[str, float], total: float) -> list[str]:
    head = f"{title:64}{'ms a page':>10}{'share':>7}"
    return [
        head,
        *(
            f"{name:64}{seconds / PAGES * 1_000:10.2f}{seconds / total:7.0%}"
            for name, seconds in heapq.nlargest(MAX_LINES, times.items(), key=itemgetter(1))
            if seconds / total >= 0.005
        ),
    ]


def _package(file: str) -> str:
    """Return the package of a file: a library, or a room of the project's own."""
    path = Path(file)
    if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / ".venv"):
        return "/".join(path.relative_to(ROOT).parts[:2])
    if "site-packages" in path.parts:
        after = path.parts[path.parts.index("site-packages") + 1 :]
        return "/".join(after[:2]) if after[0] == "django" else after[0]
    if path.parts and path.is_absolute():
        return "Python's library"
    return "calls in C, also of packages" if file == "~" else file


def _own_name(function: Function) -> str | None:
    path = Path(function[0])
    if not path.is_relative_to(ROOT) or path.is_relative_to(ROOT / ".venv"):
        return None
    if path.relative_to(ROOT).parts[0] == "tests":
        return None
    return f"{path.relative_to(ROOT)} {function[2]}"


if __name__ == "__main__":
    main()
