"""Entries leave the log while everything happens to it: an export while others write, connections
that are cut, and a reader that follows the log while processes are killed."""

import contextlib
import http.client
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from hub.demo.ports import HOST
from tests.factories import unique
from tests.faults.ledger import Ledger
from tests.faults.load import PATH, Caller, Load, entry_of
from tests.faults.scenario import Say, sizes
from tests.faults.system import System
from tests.faults.test_crashes import VICTIMS, crash

pytestmark = pytest.mark.slow

EXPORT = f"{PATH}/export?format=ndjson"
BATCH = 250
MIB = 1024 * 1024
ROUND_SECONDS = 180.0
CAUGHT_UP_SECONDS = 120.0


@dataclass(frozen=True)
class ExportSize:
    """How many entries there are before the start, and how often a connection is cut."""

    entries: int
    cuts: int


@sizes(short=ExportSize(600, 2), long=ExportSize(100_000, 20))
def test_an_export_while_four_write_has_each_entry_once_and_a_cut_one_shows(
    system: System, ledger: Ledger, seed: int, random: Random, say: Say, size: ExportSize
) -> None:
    name = unique("export")
    fill(system, name, size.entries, random)
    before = system.memory()
    with Load(system.port, system.write_key, ledger, seed=seed, rate=100, days=28):
        peak, lines = export(system)
        *entries, last = map(json.loads, lines)
        times = Counter(entry["requestId"] for entry in entries)
        ours = sum(1 for id in times if id.startswith(f"{name}-"))
        most = max(times.values())
        say(f"exported {len(entries):,}, of those before the start {ours:,} of {size.entries:,}")
        say(f"most often {most} times; memory {before / MIB:.0f} MiB, then up to {peak / MIB:.0f}")
        assert (ours, most, last["manifest"]["count"]) == (size.entries, 1, len(entries))
        total = sum(map(len, lines))
        noticed = [is_cut_noticed(system, place_in(total, random)) for _ in range(size.cuts)]
    say(f"cut {size.cuts} times, noticed {sum(noticed)} times")
    assert all(noticed)
    # What it takes does not grow with what is exported: 100,000 entries are some 70 MB.
    assert peak - before < 64 * MIB


def place_in(total: int, random: Random) -> int:
    """Return where to cut an answer of so many bytes: each order of magnitude is as likely, since
    what comes before a cut has to be exported."""
    return int(200 * (total / 200) ** random.random())


def fill(system: System, name: str, count: int, random: Random) -> None:
    with system.caller() as caller:
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            batch = [entry_of(f"{name}-{number}", random, days=28) for number in numbers]
            assert caller.post(batch, "packed lines").status in {201, 202}
    system.wait_until_drained()


def export(system: System) -> tuple[int, list[bytes]]:
    """Return the most memory that a web process had meanwhile, and the lines of an export."""
    peak, lines = 0, []
    with answer_of(system, system.port) as response:
        for number, line in enumerate(response):
            if number % 2_000 == 0:
                peak = max(peak, system.memory())
            lines.append(line)
    return max(peak, system.memory()), lines


@contextlib.contextmanager
def answer_of(system: System, port: int) -> Iterator[http.client.HTTPResponse]:
    """Yield the answer to an export once the caller is free to begin one."""
    until = time.monotonic() + 90
    while True:
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        connection.request("GET", EXPORT, headers={"Authorization": f"Bearer {system.read_key}"})
        response = connection.getresponse()
        if response.status in {200, 409, 429} and time.monotonic() < until:
            if response.status == 200:
                break
            connection.close()
            time.sleep(0.5)
            continue
        raise AssertionError(response.read())
    try:
        yield response
    finally:
        connection.close()


def is_cut_noticed(system: System, after: int) -> bool:
    """Cut an export after so many bytes of its answer; tell whether its reader sees that."""
    # One that is being refused is short, and is not to be cut.
    with answer_of(system, system.port):
        pass
    body = b""
    for _ in range(200):
        try:
            with cutting(system.port, after) as port, _once(system, port) as response:
                if response.status != 200:
                    time.sleep(0.3)
                    continue
                for chunk in iter(lambda: response.read(65_536), b""):
                    body += chunk
        except (http.client.HTTPException, OSError):
            return not body.rstrip().endswith(b"}}")
        return b'{"manifest":' not in body.splitlines()[-1]
    return False


@contextlib.contextmanager
def _once(system: System, port: int) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request("GET", EXPORT, headers={"Authorization": f"Bearer {system.read_key}"})
        yield connection.getresponse()
    finally:
        connection.close()


@contextlib.contextmanager
def cutting(port: int, after: int) -> Iterator[int]:
    """Run a proxy that ends its connection after so many bytes of an answer; yield its port."""
    with socket.create_server((HOST, 0)) as listener:

        def relay() -> None:
            client, _ = listener.accept()
            with client, socket.create_connection((HOST, port), timeout=60) as server:
                server.sendall(client.recv(65_536))
                left = after
                with contextlib.suppress(OSError):
                    while left and (data := server.recv(min(65_536, left))):
                        client.sendall(data)
                        left -= len(data)

        thread = threading.Thread(target=relay)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)


@dataclass(frozen=True)
class FollowSize:
    """How often something is killed, and how many entries are acknowledged in each round."""

    rounds: int
    acknowledged: int


@sizes(short=FollowSize(2, 60), long=FollowSize(20, 1_100))
def test_a_reader_that_follows_misses_nothing_and_sees_nothing_twice_through_crashes(
    system: System, ledger: Ledger, seed: int, random: Random, say: Say, size: FollowSize
) -> None:
    with Follower(system) as follower:
        with Load(system.port, system.write_key, ledger, seed=seed, rate=150, days=28):
            for number in range(size.rounds):
                before = ledger.acknowledged
                ledger.wait_for(before + random.randrange(size.acknowledged), ROUND_SECONDS)
                crash(system, VICTIMS[number % len(VICTIMS)], random)
                ledger.wait_for(before + size.acknowledged, ROUND_SECONDS)
        system.wait_until_drained()
        stored = {each["requestId"] for each in system.documents(ledger.name)}
        follower.wait_for(len(stored), ledger.name)
    seen = follower.seen(ledger.name)
    missed, doubled = stored - seen.keys(), [id for id in seen if seen[id] > 1]
    say(
        f"{size.rounds} crashes, {len(stored):,} stored of {ledger.acknowledged:,} acknowledged: "
        f"missed {len(missed)}, doubled {len(doubled)}; {follower.failures} polls failed"
    )
    assert (missed, doubled) == (set(), [])
    assert len(stored) >= ledger.acknowledged >= size.rounds * size.acknowledged


class Follower:
    """A reader that follows the log from its beginning, in a thread, whatever happens to it."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._url = f"{PATH}?order=arrival&limit=1000"
        self._ids: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self.failures = 0

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def seen(self, name: str) -> Counter[str]:
        return Counter(id for id in list(self._ids) if id.startswith(f"{name}-"))

    def wait_for(self, count: int, name: str) -> None:
        """Wait until so many entries came, and then for twice as long as entries are held back."""
        until = time.monotonic() + CAUGHT_UP_SECONDS
        while len(self.seen(name)) < count and time.monotonic() < until:
            time.sleep(0.5)
        time.sleep(5)

    def _follow(self) -> None:
        with Caller(self._system.port, self._system.read_key) as caller:
            while not self._stop.is_set():
                answer = caller.ask("GET", self._url)
                if answer.status != 200:
                    self.failures += 1
                    self._stop.wait(0.2)
                    continue
                entries: list[dict[str, Any]] = json.loads(answer.body)
                self._ids += [entry["requestId"] or "" for entry in entries]
                link = re.search(r"<https?://[^/]+([^>]+)>", answer.headers["Link"])
                assert link is not None
                self._url = link[1]
                if "Retry-After" in answer.headers:
                    self._stop.wait(0.5)
