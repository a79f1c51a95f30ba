"""One run: load, count, ask, write, report. Imported once the settings are known."""

import pickle
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import track

from auditlogs.recording.recorder import MAX_BATCH
from auditlogs.storage import mongo
from tests.bench import history
from tests.bench.floor import FLOORS, Hints
from tests.bench.log import Log
from tests.bench.measuring import Row, Work, interleave
from tests.bench.peers import running as peers
from tests.bench.questions import API, Question, Questions
from tests.bench.report import Report
from tests.bench.site import Site
from tests.bench.writing import CountingRows, Writing

READ_SECONDS, WRITE_SECONDS = 180.0, 60.0
# A row that writes is repeated more rarely than one that reads: it is slower, and the log grows.
FEWER = 3


def run(stack: ExitStack, folder: Path, count: int, repetitions: int, console: Console) -> Report:
    """Measure on so many entries; what is started ends with the stack."""
    log = Log(stack, count)
    loaded = log.load(console)
    sizes = log.sizes()
    live = history.live()
    counting = CountingRows(log.written, live)
    stack.callback(counting.end)
    first = counting.first(log.account)
    first.repeat()
    hub = Site.gunicorn(folder, "hub", "hub.wsgi", {}, "--config=python:hub.serving")
    stack.callback(hub.stop)
    console.print("Starting the peers ...")
    others = peers.start(stack, folder, log.account, log.documents())
    asked = _asked(stack, folder, log, hub, others, console)
    interleave(asked, repetitions, READ_SECONDS, console, "Asking")
    writing = Writing(log.written, min(MAX_BATCH, count), live, hub, log.write_key)
    written = [*writing.rows(), counting.next()]
    fewer = max(1, repetitions // FEWER)
    interleave(written, fewer, WRITE_SECONDS, console, "Recording")
    engine = "SecantusDB" if mongo.is_secantus() else "the database of MONGODB_URI"
    rows = [row.measured() for row in (*asked, *written, first)]
    spooled = [
        f"The database took too long for a call that recorded, which went to the spool: {each}."
        for each in writing.spooled
    ]
    missing = [f"{name} is not measured: {why}." for name, why in others.missing.items()]
    return Report(count, engine, rows, [loaded, sizes, *missing, *spooled])


def _asked(
    stack: ExitStack, folder: Path, log: Log, hub: Site, others: peers.Peers, console: Console
) -> list[Row]:
    """Return the rows of all questions."""
    questions = list(Questions(log.account, log.count, log.until, log.example(), log.key))
    hints = Hints(mongo.client())
    floors = [
        hints.faster(question.floor)
        for question in track(questions, "Finding the floors", console=console)
    ]
    file = folder / "floors"
    file.write_bytes(pickle.dumps(floors))
    # What is read once in a process is not of any question.
    log.get(API, log.headers(API))
    served = Site.gunicorn(folder, "floor", "tests.bench.floor", {FLOORS: str(file)})
    stack.callback(served.stop)
    return [
        _row(question, number, log, hub, served, others)
        for number, question in enumerate(track(questions, "Counting round trips", console=console))
    ]


def _row(
    question: Question, number: int, log: Log, hub: Site, served: Site, others: peers.Peers
) -> Row:
    """Return the row of a question, with the round trips that it takes."""
    headers = log.headers(question.path, is_fragment=question.is_fragment)
    asked = {
        name: _asking(peer.site, question.peers[name], peer.headers)
        for name, peer in others.running.items()
        if name in question.peers
    }
    return Row(
        question.name,
        _asking(hub, question.path, headers),
        _asking(served, f"/{number}", {}),
        asked,
        log.round_trips(question.path, headers),
        question.is_list,
    )


def _asking(site: Site, path: str, headers: Mapping[str, str]) -> Work:
    return lambda: site.ask(path, headers)
