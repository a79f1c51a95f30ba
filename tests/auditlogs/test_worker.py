"""The worker: what it does beside draining and counting."""

import threading
from datetime import timedelta

import pytest
import time_machine

from auditlogs import worker
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.entry.times import now
from auditlogs.export import running
from auditlogs.export.running import Exporter
from auditlogs.models import PLATFORM_ACCOUNT, Export
from auditlogs.query.entries import Entries
from tests.factories import unique


@pytest.mark.usefixtures("db")
def test_it_records_an_export_that_a_crash_has_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, ticks = threading.Event(), iter([False, True])
    monkeypatch.setattr(stop, "wait", lambda _: next(ticks))
    # The test's transaction is in the connection that this would close.
    monkeypatch.setattr(worker, "close_old_connections", lambda: None)
    export = running.begin(Exporter(unique("exporter"), COMMAND_LINE), {"format": "csv"})
    with time_machine.travel(now() + timedelta(seconds=61), tick=False):
        worker.watch_exports(stop)
    assert Export.objects.get(pk=export.pk).ended_at is not None
    (entry,) = Entries.of(PLATFORM_ACCOUNT).where("target.id", export.run).page(9).entries
    assert (entry.action, entry.result) == ("logs.exported", "partial")
