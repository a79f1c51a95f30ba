"""The first entries of a list, read in more than one page."""

from datetime import timedelta

import pytest

from auditlogs.entry.times import now
from auditlogs.models import new_account_id
from auditlogs.query import batches, slices
from auditlogs.query.batches import in_batches
from auditlogs.query.entries import Entries
from auditlogs.recording.recorder import record_many
from auditlogs.storage.mongo import TookTooLong
from tests.factories import make_entries, new


def test_the_first_entries_are_read_page_after_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)
    account = new_account_id()
    make_entries(account, 6)
    listed = Entries.of(account).page(6).entries
    assert [each.id for each in in_batches(Entries.of(account), 5)] == [e.id for e in listed[:5]]
    assert len(list(in_batches(Entries.of(account), 9))) == 6


def test_entries_that_were_not_found_in_time_are_not_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = new_account_id()
    record_many([new(timestamp=now() - timedelta(days=20))], account=account)
    monkeypatch.setattr(slices, "BUDGET_SECONDS", 0)
    with pytest.raises(TookTooLong):
        list(in_batches(Entries.of(account), 1))
