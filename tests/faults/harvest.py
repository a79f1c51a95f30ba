"""Secrets planted in every input of the log, and the search for them in all output and files."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hub.demo.child import ROOT
from hub.demo.ports import HOST
from tests.away import nowhere
from tests.faults.ledger import Fields
from tests.faults.load import PATH, Answer, entry_of
from tests.faults.search import Search, read
from tests.faults.system import System
from tests.planted import Planted, jwt, needles, vendor_key

# The modes of `auditlogs.record`, and the client module.
HOWS = ("durable", "strict", "async", "client")
BATCH = 100
RECORD_SECONDS = 60.0
LONG = 600.0


@dataclass
class Found:
    """The result of a search: each secret with the file that has it, and the markers not found."""

    leaks: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    places: int = 0
    bytes: int = 0


class Harvest:
    """Sends planted secrets to a system through all its inputs, and keeps its answers and output.

    With them go markers, harmless texts: where a search does not find those, it proves nothing.
    """

    def __init__(self, system: System, name: str, random: Random) -> None:
        self._system, self._name, self._random = system, name, random
        self._planted: list[Planted] = []
        # In the name of which place each marker has to be found, by its text.
        self._markers: dict[str, str] = {}
        self._places: dict[str, bytes] = {}
        self.stored = self.logged = self.refused = 0

    def post(self, planted: Sequence[Planted], place: str = "/data/") -> None:
        """Send secrets over HTTP, and a marker that has to be found in a place."""
        entries = [*self._entries(planted), self._marked(place)]
        with self._system.caller() as caller:
            for start in range(0, len(entries), BATCH):
                answer = self._keep(caller.post(entries[start : start + BATCH]))
                assert answer.status in (201, 202), answer.body
        self.stored += len(entries)

    def record(self, planted: Sequence[Planted]) -> None:
        """Record secrets in processes of services, one for each mode and one for the client."""
        running = [
            self._start_recorder(how, self._entries(planted[number :: len(HOWS)]))
            for number, how in enumerate(HOWS)
        ]
        self.stored += sum(_taken(each) for each in running)

    def record_in_vain(self, planted: Sequence[Planted]) -> None:
        """Record secrets in a process that cannot store them: each loss is counted and logged."""
        spool = self._system.folder / "no spool"
        (spool / "spool.sqlite3").mkdir(parents=True)
        _leave_alone(spool)
        surroundings = {"MONGODB_URI": nowhere(), "AUDITLOGS_SPOOL_DIR": str(spool)}
        entries = [*self._entries(planted), self._marked("recorder")]
        self.logged += _taken(self._start_recorder("durable", entries, surroundings)) - 1

    def post_while_away(self, planted: Sequence[Planted]) -> None:
        """Send secrets over HTTP while the database is unavailable, and keep the spool's files."""
        self._system.database.pause()
        breaker = _leave_alone(self._system.spool_folder)
        self.post(planted, "spool")
        self._places |= read(self._system.spool_folder)
        self._system.database.resume()
        breaker.unlink(missing_ok=True)

    def be_refused(self, planted: Sequence[Planted]) -> None:
        """Send secrets in invalid requests, one kind of fault after the other."""
        with self._system.caller() as caller:
            for number, entry in enumerate(self._entries(planted)):
                body, path, headers = self._bad_request(number, entry)
                method = "POST" if body else "GET"
                answer = self._keep(caller.ask(method, path, body, headers))
                assert 400 <= answer.status < 500, (answer.status, number, answer.body)
                self.refused += 1

    def stored_entries(self) -> int:
        """Return how many of the entries are in the log."""
        return len(self._system.documents(self._name, "sessionId"))

    def dump(self) -> None:
        """Keep the documents as the driver returns them: the database's files may be compressed."""
        self._places |= {f"dump of {name}": data for name, data in self._system.dump().items()}

    def search(self) -> Found:
        """Search all files of the stopped system, its answers and its output."""
        system = self._system
        places = {**self._places, **read(system.folder, system.database.folder)}
        shapes = {n: p.shape for p in self._planted for c in p.canaries for n in needles(c)}
        markers = {text.encode(): place for text, place in self._markers.items()}
        search, found = Search([*shapes, *markers]), Found()
        seen: dict[bytes, set[str]] = {marker: set() for marker in markers}
        for place, data in places.items():
            found.places += 1
            found.bytes += len(data)
            for text in search.found_in(data):
                if text in markers:
                    seen[text].add(place)
                else:
                    found.leaks.append(f"{shapes[text]} in {place}: {text!r}")
        found.missed = [
            place
            for marker, place in markers.items()
            if not any(place in path for path in seen[marker])
        ]
        return found

    def _entries(self, planted: Sequence[Planted]) -> list[Fields]:
        first = len(self._planted)
        self._planted += planted
        return [
            entry_of(f"{self._name}-{first + number}", self._random)
            | {"sessionId": self._name}
            | each.fields
            for number, each in enumerate(planted)
        ]

    def _marked(self, place: str) -> Fields:
        marker = f"a harmless marker for the {place}: {os.urandom(8).hex()}"
        self._markers[marker] = place
        number = len(self._markers)
        entry = entry_of(f"{self._name}-marker-{number}", self._random)
        return entry | {"sessionId": self._name, "payload": {"note": marker}}

    def _keep(self, answer: Answer) -> Answer:
        head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        self._places[f"answer {len(self._places)}"] = head.encode() + answer.body
        return answer

    def _start_recorder(
        self, how: str, entries: Sequence[Fields], surroundings: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process that records entries; its error output goes into a file of the system."""
        environment = {
            **self._system.environment,
            "ACCOUNT": self._system.account,
            "HUB": f"http://{HOST}:{self._system.port}",
            "HUB_KEY": self._system.write_key,
            **(surroundings or {}),
        }
        log = self._system.folder / f"recorder-{how}-{len(self._planted)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.recorder", how],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )
        assert process.stdin is not None
        process.stdin.write("\n".join(map(json.dumps, entries)).encode())
        process.stdin.close()
        return process

    def _bad_request(self, number: int, entry: Fields) -> tuple[bytes, str, dict[str, str]]:
        """Return body, path and headers of an invalid request."""
        kind = {"Content-Type": "application/json"}
        text = json.dumps(entry)
        bad_entries: tuple[Fields, ...] = (
            {**entry, "result": text[:100]},
            {**entry, "extra": entry["payload"]},
            {**entry, "payload": [entry["payload"]]},
            {**entry, "action": text[:100]},
            {**entry, "actor": text[:100]},
            {**entry, "target": {"type": "order", "id": "", "name": text[:200]}},
            {**entry, "payload": {**entry["payload"], "pad": "x y " * 20_000}},
            {**entry, "timestamp": text[:100]},
            {**entry, "sessionId": f"{text[:60]}\n"},
        )
        if number % 14 < len(bad_entries):
            return json.dumps(bad_entries[number % 14]).encode(), PATH, kind
        good = text.encode()
        match number % 14 - len(bad_entries):
            case 0:
                return good[:-1], PATH, kind
            case 1:
                return good, PATH, {"Content-Type": "text/plain"}
            case 2:
                return good, PATH, {**kind, "Idempotency-Key": self._secret(vendor_key)}
            case 3:
                return good, PATH, {**kind, "Authorization": f"Bearer {self._secret(jwt)}"}
            case _:
                token = self._secret(vendor_key)
                return b"", f"{PATH}/{token}?access_token={token}", {}

    def _secret(self, make: object) -> str:
        """Return a secret that is used alone, and searched for as the others are."""
        assert callable(make)
        secret, canary = make(self._random)
        self._planted.append(Planted("alone", {}, (canary,)))
        return str(secret)


def _taken(process: subprocess.Popen[bytes]) -> int:
    """Wait for a recorder and return how many entries it has taken."""
    assert process.stdout is not None
    with process.stdout as said:
        taken = int(said.read().split()[-1])
    assert process.wait(RECORD_SECONDS) == 0
    return taken


def _leave_alone(spool_folder: Path) -> Path:
    """Open the breaker for a long time, so that no process calls the database."""
    breaker = spool_folder / "breaker"
    breaker.touch()
    later = time.time() + LONG
    os.utime(breaker, (later, later))
    return breaker
