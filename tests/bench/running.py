"""One run: load, count, ask, write, report. Imported once the settings are known."""

import pickle
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import track

from auditlogs.recording.recorder import MAX_BATCH
from auditlogs.storage import mongo
from tests.bench import history
from tests.bench.floor import FLOORS, Hints, connect
from tests.bench.log import Log
from tests.bench.measuring import Row, Work, interleave
from tests.bench.peers.running import Peer, start
from tests.bench.questions import API, Question, Questions
from tests.bench.report import Report
from tests.bench.site import Site
from tests.bench.writing import CountingRows, Writing

READ_SECONDS, WRITE_SECONDS = 180.0, 60.0
# A row that writes is repeated more rarely than one that reads: it is slower, and the log grows.
FEWER = 3


class Run:
    """A run on so many entries. What it starts ends with the stack."""

    def __init__(
        self,
        stack: ExitStack,
        folder: Path,
        count: int,
        console: Console,
        beginnings: tuple[str, ...] = (),
    ) -> None:
        """`beginnings` are those of the names of rows; without any, all rows are measured."""
        self._stack, self._folder, self._console = stack, folder, console
        self._log = Log(count)
        stack.callback(mongo.client().close)
        stack.callback(connect().close)
        self._hub = self._serve("hub", "hub.wsgi", {}, "--config=python:hub.serving")
        self._beginnings = beginnings or ("",)
        # What the report says beside the rows.
        self._notes: list[str] = []

    def report(self, repetitions: int) -> Report:
        """Measure every row so many times, if there is time for it."""
        log, live = self._log, history.live()
        self._notes += [log.load(self._console), log.sizes()]
        counting = CountingRows(log.written, live)
        self._stack.callback(counting.end)
        first = counting.first(log.account)
        first.repeat()
        asked = self._asked(counting)
        if repetitions > 1:
            for row in asked:
                row.warm()
        interleave(asked, repetitions, READ_SECONDS, self._console, "Asking")
        writing = Writing(log.written, min(MAX_BATCH, log.count), live, self._hub, log.write_key)
        rows = [*writing.rows(), counting.next()]
        written = [row for row in rows if row.name.startswith(self._beginnings)]
        fewer = max(1, repetitions // FEWER)
        interleave(written, fewer, WRITE_SECONDS, self._console, "Recording")
        self._notes += [
            f"The database took too long for a call, whose entries went to the spool: {each}."
            for each in writing.spooled
        ]
        everything = [*asked, *written, first]
        self._notes += [
            f"Not answered: {row.name}, {each}, {times} times."
            for row in everything
            for each, times in Counter(row.refusals).items()
        ]
        engine = "SecantusDB" if mongo.is_secantus() else "the database of MONGODB_URI"
        measured = [row.measured() for row in everything]
        return Report(log.count, engine, measured, self._notes)

    def _serve(
        self, name: str, application: str, environment: Mapping[str, str], *options: str
    ) -> Site:
        site = Site.gunicorn(self._folder, name, application, environment, *options)
        self._stack.callback(site.stop)
        return site

    def _start_peers(self) -> dict[str, Peer]:
        log = self._log
        self._console.print("Starting the peers ...")
        peers = start(self._stack, self._folder, log.account, log.documents())
        self._notes += [f"{name} is not measured: {why}." for name, why in peers.missing.items()]
        return peers.running

    def _asked(self, counting: CountingRows) -> list[Row]:
        """Return the rows of all questions."""
        log, peers = self._log, self._start_peers()
        every = Questions(log.account, log.count, log.until, log.example(), log.key)
        questions = [each for each in every if each.name.startswith(self._beginnings)]
        hints = Hints()
        floors = [
            hints.faster(question.floor)
            for question in track(questions, "Finding the floors", console=self._console)
        ]
        file = self._folder / "floors"
        file.write_bytes(pickle.dumps(floors))
        floor = self._serve("floor", "tests.bench.floor", {FLOORS: str(file)})
        self._console.print("Counting for good what was loaded ...")
        counting.settle()
        # What is read once in a process is not of any question.
        log.get(API, log.headers(API))
        return [
            self._row(question, peers, _asking(floor, f"/{number}", {}))
            for number, question in enumerate(
                track(questions, "Counting round trips", console=self._console)
            )
        ]

    def _row(self, question: Question, peers: Mapping[str, Peer], floor: Work) -> Row:
        """Return the row of a question, with the round trips that it takes."""
        headers = self._log.headers(question.path, is_fragment=question.is_fragment)
        answer, round_trips = self._log.ask(question.path, headers)
        is_of_api = question.is_list and question.path.startswith(API)
        if is_of_api and answer and not self._log.has_entries_of(question.floor, answer):
            self._notes.append(f"{question.name}: the floor reads other entries.")
        asked = {
            name: _asking(peer.site, question.peers[name], peer.headers)
            for name, peer in peers.items()
            if name in question.peers
        }
        own = _asking(self._hub, question.path, headers)
        return Row(question.name, own, floor, asked, round_trips, question.is_list)


def _asking(site: Site, path: str, headers: Mapping[str, str]) -> Work:
    return lambda: site.ask(path, headers)
