"""A busy day: 200 people and 20 scripts use a Hub, a worker and a database, each a process.

Prints how long answers took and how much memory each process had. It fails if an answer was an
error. An answer of 429 or 503 that says when to come again is none, and is counted apart.
"""

import argparse
import csv
import os
import subprocess
import sys
from pathlib import Path

import django

from hub.demo.child import ROOT
from hub.demo.ports import HOST
from tests.load.memory import MIB, Memory, is_flat
from tests.server import SECRET_KEY

# For the models alone: the processes that are measured have settings of their own.
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "hub.settings",
    "SECRET_KEY": SECRET_KEY,
    "HTTPS": "false",
}
django.setup()
from tests.faults.system import System  # noqa: E402

PEOPLE, SCRIPTS, ENTRIES = 200, 20, 20_000
# So many begin in each second.
ARRIVING = 10
PREPARE_SECONDS = 600
STOP_SECONDS = 60
# What scripts may ask of a Hub whose owner has changed nothing.
RATE = "1200/minute;200/10 second"
SHOWN = ("Name", "Request Count", "Failure Count", "50%", "95%", "99%", "Max Response Time")


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--scripts", type=int, default=SCRIPTS)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    given = parser.parse_args()
    with System(web_processes=2, AUDITLOGS_API_RATE=RATE) as system:
        made = _prepare(system, given.people, given.scripts, given.entries)
        with Memory(lambda: _processes(system)) as memory:
            rows = _locust(system, made, given.people, given.scripts, given.minutes)
    return _report(rows, memory)


def _prepare(system: System, people: int, scripts: int, entries: int) -> Path:
    sys.stderr.write(f"Recording {entries:,} entries ...\n")
    file = system.folder / "load.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.load.prepare", *map(str, (people, scripts, entries))],
        cwd=ROOT,
        env=system.environment,
        stdout=subprocess.PIPE,
        timeout=PREPARE_SECONDS,
        check=True,
    )
    file.write_bytes(done.stdout)
    return file


def _processes(system: System) -> dict[str, list[int]]:
    web = {f"web {n}": [pid] for n, pid in enumerate(system.web_processes(), 1)}
    return {
        **web,
        "worker": [system.worker.process.pid],
        "database": [system.database.pid],
    }


def _locust(
    system: System, made: Path, people: int, scripts: int, minutes: float
) -> list[dict[str, str]]:
    """Let locust run, and return the rows of its statistics."""
    statistics = system.folder / "locust"
    seconds = round(minutes * 60)
    command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("people.py"))]
    command += [
        "--headless",
        "--only-summary",
        "--loglevel",
        "WARNING",
        "--host",
        f"http://{HOST}:{system.port}",
    ]
    command += ["-u", str(people + scripts), "-r", str(ARRIVING), "-t", f"{seconds}s"]
    # Its own exit code would say that there were failures, which the report counts.
    command += ["--csv", str(statistics), "--exit-code-on-error", "0"]
    subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ
        | {"LOAD_FILE": str(made), "LOAD_PEOPLE": str(people), "LOAD_SCRIPTS": str(scripts)},
        stdout=subprocess.DEVNULL,
        timeout=seconds + STOP_SECONDS,
        check=True,
    )
    with Path(f"{statistics}_stats.csv").open() as file:
        rows = list(csv.DictReader(file))
    with Path(f"{statistics}_failures.csv").open() as file:
        for row in csv.DictReader(file):
            sys.stdout.write(f"{row['Name']}: {row['Error']}, {row['Occurrences']} times\n")
    return rows


def _report(rows: list[dict[str, str]], memory: Memory) -> int:
    """Print the tables, and return 1 if there were errors or a process grew."""
    heads = ("asked", "count", "errors", "median ms", "p95 ms", "p99 ms", "most ms")
    sys.stdout.write(f"{heads[0]:20}{''.join(f'{head:>11}' for head in heads[1:])}\n")
    for row in rows:
        name, *figures = (row[column] for column in SHOWN)
        cells = "".join(f"{float(each or 0):11,.0f}" for each in figures)
        sys.stdout.write(f"{name:20}{cells}\n")
    errors = sum(int(row["Failure Count"]) for row in rows if row["Name"] == "Aggregated")
    sys.stdout.write(f"\n{'process':20}{'middle MiB':>11}{'end MiB':>11}\n")
    grown: list[str] = []
    for name in memory.samples:
        middle, last = memory.thirds(name)
        sys.stdout.write(f"{name:20}{middle / MIB:11,.0f}{last / MIB:11,.0f}\n")
        # The embedded engine keeps in memory what it has read, up to the size of its cache.
        if name != "database" and not is_flat(middle, last):
            grown.append(name)
    sys.stdout.write(f"\n{errors} errors; {', '.join(grown) or 'no process'} grew\n")
    return 1 if errors or grown else 0


if __name__ == "__main__":
    sys.exit(main())
