"""No entry can be stored: strictly audited actions do not run; others do, and losses are logged."""

import contextlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from pytest_django.fixtures import Settings

import auditlogs
from auditlogs.recording import losses
from auditlogs.recording.recorder import prepare, record_many
from auditlogs.storage.indexes import ensure_indexes
from auditlogs.write.spool import spool
from auditlogs.write.spool_file import SpoolFull
from auditlogs.write.store import CannotStore
from tests.away import connected_to, impatience
from tests.factories import AGENT, new
from tests.faults.scenario import Say, sizes, variants
from tests.server import Server

Absence = Literal["swallows every packet", "refuses connections"]
Fault = Literal["full", "unusable"]
MAX_SECONDS = 1.0
SPOOL_BYTES = 100_000
SECRET = "correct-horse-battery-staple"


@dataclass(frozen=True)
class Size:
    """The number of attempts."""

    times: int


@contextmanager
def hopeless(absence: Absence, fault: Fault, settings: Settings, folder: Path) -> Iterator[None]:
    """A log whose database has just become unavailable, and whose spool accepts nothing."""
    server = Server()
    try:
        settings.AUDITLOGS_SPOOL_MAX_BYTES = SPOOL_BYTES
        spool_folder = folder / "spool"
        if fault == "unusable":
            spool_folder.touch()
        with connected_to(server.uri, settings, spool_folder):
            ensure_indexes()
            record_many([new()], account="acc_x")
            (server.pause if absence == "swallows every packet" else server.kill)()
            if fault == "full":
                fill()
            # As if the database had just gone.
            spool().breaker.record_success()
            yield
    finally:
        server.stop()


def fill() -> None:
    """Fill the spool until not even a small entry has room."""
    large, small = ({"text": "x y " * 2_000}, None)
    for payload in (large, small):
        with contextlib.suppress(SpoolFull):
            for _ in range(SPOOL_BYTES):
                entry, account = prepare(
                    "order.created", result="success", account="x", actor=AGENT, payload=payload
                )
                spool().put([(account, entry)])
    with pytest.raises(SpoolFull):
        spool().check()


@sizes(short=Size(10), long=Size(100))
@pytest.mark.parametrize("fault", ["full", "unusable"])
@pytest.mark.parametrize("absence", variants("swallows every packet", "refuses connections"))
def test_what_cannot_be_recorded_does_not_run_where_that_is_asked_for(
    settings: Settings, tmp_path: Path, say: Say, absence: Absence, fault: Fault, size: Size
) -> None:
    ran, seconds = 0, []
    with hopeless(absence, fault, settings, tmp_path):
        for _ in range(size.times):
            began = time.monotonic()
            with (
                pytest.raises(CannotStore),
                auditlogs.audited("order.created", mode="strict", account="acc_x", actor=AGENT),
            ):
                ran += 1
            seconds.append(time.monotonic() - began)
            began = time.monotonic()
            with pytest.raises(CannotStore):
                auditlogs.record(
                    "order.created", result="success", mode="strict", account="acc_x", actor=AGENT
                )
            seconds.append(time.monotonic() - began)
    say(
        f"database {absence}, spool {fault}: the action ran {ran} of {size.times} times; "
        f"{len(seconds)} calls raised, the slowest within {max(seconds):.2f} s"
    )
    assert ran == 0
    assert max(seconds) < MAX_SECONDS


@sizes(short=Size(10), long=Size(100))
def test_what_may_run_unrecorded_runs_and_each_loss_is_counted_and_told(
    settings: Settings,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    say: Say,
    size: Size,
) -> None:
    ran, before = 0, losses.count()
    with hopeless("swallows every packet", "full", settings, tmp_path), impatience(0.2):
        capfd.readouterr()
        for number in range(size.times):
            payload = {"n": number, "password": SECRET, "note": f"a\nline, password={SECRET}"}
            with auditlogs.audited("order.created", account="acc_x", actor=AGENT, payload=payload):
                ran += 1
    lost, told = losses.count() - before, capfd.readouterr().err
    lines = [json.loads(line) for line in told.splitlines()]
    say(f"the action ran {ran} of {size.times} times; losses counted {lost}, told {len(lines)}")
    assert ran == lost == len(lines) == size.times
    assert [line["entry"]["payload"]["n"] for line in lines] == list(range(size.times))
    assert SECRET not in told
