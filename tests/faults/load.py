"""Clients that write through the API, each over its own connection, and keep a ledger."""

import contextlib
import gzip
import http.client
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Self

from auditlogs.entry.times import format_rfc3339, now
from hub.demo.ports import HOST
from tests.factories import AGENT, ORDER
from tests.faults.ledger import Fields, Ledger

PATH = "/api/audit-logs"
ANSWER_SECONDS = 30.0
# Most services send each entry at once; some send batches.
SIZES = (1, 1, 1, 2, 5, 20, 100)
FORMS = ("array", "lines", "packed lines")
MAX_TRIES = 20
PAUSE_SECONDS = 0.05
NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    """An answer: its status (0 if none came), the request's monotonic time, and its duration."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    asked_at: float = 0.0
    seconds: float = 0.0


class Caller:
    """One client with one connection, which is reopened after an error."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
        self._key = {"Authorization": f"Bearer {key}"}

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and return the answer; its status is 0 if none came."""
        asked_at = time.monotonic()
        try:
            self._connection.request(method, path, body, {**self._key, **(headers or {})})
            response = self._connection.getresponse()
            answer = response.status, response.read(), dict(response.getheaders())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            answer = NO_ANSWER, b"", {}
        return Answer(*answer, asked_at, time.monotonic() - asked_at)

    def post(self, entries: Sequence[Fields], form: str = "array") -> Answer:
        return self.ask("POST", PATH, *packed(entries, form))

    def post_and_hang_up(self, entries: Sequence[Fields]) -> None:
        """Send entries and close the connection before any answer can come."""
        body, headers = packed(entries, "array")
        with contextlib.suppress(OSError):
            self._connection.request("POST", PATH, body, {**self._key, **headers})
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def packed(entries: Sequence[Fields], form: str) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers of entries in a form."""
    if form == "array":
        return json.dumps(list(entries)).encode(), {"Content-Type": "application/json"}
    lines = "\n".join(json.dumps(entry) for entry in entries).encode()
    headers = {"Content-Type": "application/x-ndjson"}
    if form == "lines":
        return lines, headers
    return gzip.compress(lines, 1), {**headers, "Content-Encoding": "gzip"}


def entry_of(id: str, random: Random, days: float = 0.0) -> Fields:
    """Return an entry as a client sends it, with nothing that redaction could change; it happened
    up to so many days ago."""
    return {
        "id": id,
        "requestId": id,
        "timestamp": format_rfc3339(now() - timedelta(days=random.uniform(0, days))),
        "action": random.choice(("order.created", "order.filled", "order.cancelled")),
        "actor": dict(AGENT),
        "target": dict(ORDER),
        "result": random.choice(("success", "failure", "partial")),
        "duration": float(random.randrange(10_000)),
        "payload": {
            "amount": random.random(),
            "note": "an order like others " * random.randrange(9),
        },
    }


class Load:
    """Clients that write continuously during a block, and note each entry in the ledger."""

    def __init__(
        self,
        port: int,
        key: str,
        ledger: Ledger,
        *,
        seed: int,
        clients: int = 4,
        rate: float | None = None,
        sizes: Sequence[int] = SIZES,
        tries: int = MAX_TRIES,
        days: float = 0.0,
    ) -> None:
        """Offer `rate` entries a second in total; without it, as many as the log accepts."""
        self._port, self._key, self._ledger = port, key, ledger
        self._clients, self._rate, self._sizes, self._tries = clients, rate, sizes, tries
        self._seed, self._days = seed, days
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        self._threads = [
            threading.Thread(target=self._write, args=(number,), name=f"client-{number}")
            for number in range(self._clients)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    def _write(self, number: int) -> None:
        random = Random(f"{self._seed}-{number}")
        due = time.monotonic()
        with Caller(self._port, self._key) as caller:
            for batch in self._batches(number, random):
                self._send(caller, batch, random)
                if self._rate:
                    due += len(batch) * self._clients / self._rate
                    self._stop.wait(max(0.0, due - time.monotonic()))

    def _batches(self, number: int, random: Random) -> Iterator[list[Fields]]:
        count = 0
        while not self._stop.is_set():
            size = random.choice(self._sizes)
            name = f"{self._ledger.name}-{self._seed}-{number}"
            ids = [f"{name}-{count + place}" for place in range(size)]
            yield [entry_of(id, random, self._days) for id in ids]
            count += size

    def _send(self, caller: Caller, batch: list[Fields], random: Random) -> None:
        """Send a batch until it is acknowledged; now and then it is given up instead."""
        self._ledger.sends(batch)
        form = random.choice(FORMS)
        for _ in range(self._tries):
            answer = caller.post(batch, form)
            self.answers.append(answer)
            if answer.status in (200, 201, 202, 409):
                said = json.loads(answer.body)
                entries = said["entries"] if answer.status == 409 else said
                self._ledger.answered(batch, [each["status"] for each in entries])
                return
            if self._stop.is_set() or random.random() < 0.3:
                return
            self._stop.wait(PAUSE_SECONDS)


def percentile(answers: Sequence[Answer], percent: int) -> float:
    """Return the time that so many percent of the answers took at most, in seconds."""
    times = [answer.seconds for answer in answers]
    return statistics.quantiles(times, n=100)[percent - 1] if len(times) > 1 else 0.0
