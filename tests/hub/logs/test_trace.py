"""The link from an entry to its trace: filled in, padded, and gone when the trace is."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django.fixtures import Settings

from hub.logs.trace import Trace, trace_of
from tests.hub.pages import Hub

CORRELATION = "0af76519-16cd-43dd-8448-eb211c80319c"
TRACE = "0af7651916cd43dd8448eb211c80319c"
AT = datetime(2026, 11, 20, 14, 2, 11, 384_000, tzinfo=UTC)
URL = (
    "https://grafana.example.com/explore?panes=%7B%22q%22%3A%22{trace_id}%22%7D&from={from}&to={to}"
)


@pytest.fixture(autouse=True)
def configured(settings: Settings) -> None:
    settings.AUDITLOGS_TRACE_URL = URL
    settings.AUDITLOGS_TRACE_RETENTION_HOURS = 48


def trace(age: timedelta = timedelta(0), correlation_id: str = CORRELATION) -> Trace:
    found = trace_of(correlation_id, AT, AT + age)
    assert found is not None
    return found


def test_a_trace_is_looked_for_from_an_hour_before_the_entry_to_an_hour_after_it() -> None:
    query = parse_qs(urlsplit(trace().url).query)
    assert query["panes"] == [f'{{"q":"{TRACE}"}}']
    (begin,), (end,) = query["from"], query["to"]
    assert int(end) - int(begin) == 2 * 3_600_000
    assert int(begin) == int(AT.timestamp() * 1000) - 3_600_000


@pytest.mark.parametrize(("hours", "note"), [(48, "2 days"), (24, "1 day"), (36, "36 hours")])
def test_a_trace_that_has_expired_is_not_linked_and_says_why(
    hours: int, note: str, settings: Settings
) -> None:
    settings.AUDITLOGS_TRACE_RETENTION_HOURS = hours
    kept, expired = trace(timedelta(hours=hours)), trace(timedelta(hours=hours, seconds=1))
    assert (kept.has_expired, expired.has_expired, expired.url) == (False, True, "")
    assert expired.expired_note == f"traces are kept for {note}."
    assert expired.id == TRACE


def test_without_an_explorer_the_id_alone_is_there(settings: Settings) -> None:
    settings.AUDITLOGS_TRACE_URL = ""
    assert trace(timedelta(days=300)) == Trace(TRACE, "", has_expired=False)


@pytest.mark.parametrize(
    "correlation_id", [None, "order 7", "00000000-0000-0000-0000-000000000000"]
)
def test_what_cannot_be_a_trace_has_none(correlation_id: str | None) -> None:
    assert trace_of(correlation_id, AT, AT) is None


def test_the_drawer_opens_the_trace_and_copies_its_id(hub: Hub) -> None:
    (entry,) = hub.record({"correlation_id": CORRELATION})
    page = hub.read(f"/hub/logs/{entry}")
    (link,) = [link for link in page.all("a") if link.text == "Open trace"]
    assert TRACE in link.attributes["href"]
    assert link.attributes["rel"] == "noopener noreferrer"
    (button,) = [each for each in page.all("button") if each.text == "Copy as trace ID"]
    assert button.attributes["data-copy-text"] == TRACE


def test_an_old_entry_says_that_its_trace_has_expired(hub: Hub) -> None:
    at = datetime.now(UTC) - timedelta(days=3)
    (entry,) = hub.record({"correlation_id": CORRELATION, "timestamp": at})
    page = hub.read(f"/hub/logs/{entry}")
    assert "Trace expired: traces are kept for 2 days." in page.text
    assert "Open trace" not in page.text
