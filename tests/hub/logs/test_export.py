"""Export from the Logs page: the list's filters, one at a time, and how far it has come."""

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from auditlogs.entry.times import now, parse_rfc3339
from auditlogs.export import running
from auditlogs.export.formats import FORMATS
from auditlogs.export.running import Exporter
from auditlogs.models import Account, Export
from auditlogs.query.entries import Entries
from auditlogs.recording.recorder import record_many
from hub.access.visits import caller_of
from tests.factories import make_entries, new

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

EXPORT, STATUS, STOP = ("/hub/logs/export", "/hub/logs/export/status", "/hub/logs/export/stop")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def running_export(user: "User", account: Account, rf: Any) -> Export:
    request = rf.get(EXPORT)
    request.user, request.session = user, type("Session", (), {"session_key": None})()
    caller = caller_of(request)
    return running.begin(Exporter(f"user_{user.pk}", caller), {"format": "csv", "filters": []}, 9)


def test_the_menu_has_a_link_for_each_format_with_the_lists_filters(
    signed_in_client: "Client",
) -> None:
    page = signed_in_client.get("/hub/logs?result=failure&sort=actor").content.decode()
    for name in FORMATS:
        assert re.search(rf'href="{EXPORT}\?[^"]*result=failure[^"]*format={name}"', page)


def test_the_file_has_the_entries_of_the_list_and_its_entry_names_the_person(
    signed_in_client: "Client", account: Account, user: "User"
) -> None:
    wanted = make_entries(account.id, 2, result="failure")
    record_many([new(result="failure", timestamp=now() - timedelta(days=9))], account=account.id)
    response = signed_in_client.get(EXPORT, {"result": "failure", "format": "json"})
    assert response["Content-Disposition"].startswith('attachment; filename="audit-logs-')
    whole = json.loads(b"".join(response.streaming_content))  # type: ignore[attr-defined]
    # As on the page, without a range it is that of the last seven days.
    assert [entry["id"] for entry in whole["entries"]] == [str(id) for id in wanted]
    found = Entries.of(account.id).where("action", "logs.exported").page(5, payloads=True)
    (entry,) = found.entries
    limits = [
        {"parameter": "result", "value": "failure"},
        {"parameter": "dateRange", "value": "7d"},
    ]
    assert entry.payload is not None
    assert entry.payload["filters"] == whole["manifest"]["filters"] == limits
    start = parse_rfc3339(whole["manifest"]["range"]["start"])
    assert abs(now() - timedelta(days=7) - start) < timedelta(minutes=1)
    assert (entry.actor.id, entry.authentication) == (f"user_{user.pk}", "session")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("result=x", "“x” is not a result."),
        ("format=xml", "Choose one format: CSV, NDJSON, JSON, OCSF, ECS."),
        ("acter=x", "“acter”: there is no such filter. Did you mean “actor”?"),
        ("result=&limit=5", "“limit”: there is no such filter."),
        ("tool=a,,b", "“tool”: a value is missing beside a comma or after a minus."),
        ("result=success&result=failure", "More than one value was given for Result."),
    ],
)
def test_a_wrong_parameter_exports_nothing(
    query: str, sentence: str, signed_in_client: "Client"
) -> None:
    response = signed_in_client.get(f"{EXPORT}?{query}")
    assert response.status_code == 400
    page = response.content.decode()
    assert "Not exported" in page
    assert sentence in page
    assert not Export.objects.exists()


def test_a_second_one_is_refused_with_a_way_back(
    signed_in_client: "Client", running_export: Export
) -> None:
    response = signed_in_client.get(EXPORT)
    assert response.status_code == 409
    assert "You are running another export" in response.content.decode()


def test_the_status_tells_how_far_it_has_come_and_how_it_ended(
    signed_in_client: "Client", running_export: Export
) -> None:
    running.refresh(running_export, 4)
    shown = signed_in_client.get(STATUS, headers=HTMX).content.decode()
    assert "4 of 9 entries" in shown
    assert 'value="4"' in shown
    assert f'hx-get="{STATUS}?tries=1"' in shown
    running.end(running_export, 9, {})
    ended = signed_in_client.get(f"{STATUS}?tries=1", headers=HTMX).content.decode()
    assert "Exported 9 entries." in ended
    assert "hx-get" not in ended


def test_it_is_stopped_by_its_person(
    signed_in_client: "Client", running_export: Export, account: Account
) -> None:
    assert "Stopping" in signed_in_client.post(STOP, headers=HTMX).content.decode()
    assert not running.refresh(running_export, 5)
    running.end(running_export, 5, {}, reason="The export was stopped")
    shown = signed_in_client.get(f"{STATUS}?tries=1", headers=HTMX).content.decode()
    assert "ended early, after 5 entries" in shown
    assert signed_in_client.post(STOP).status_code == 302


def test_one_that_was_asked_for_is_awaited_but_not_for_ever(signed_in_client: "Client") -> None:
    assert "begins" in signed_in_client.get(STATUS, headers=HTMX).content.decode()
    shown = signed_in_client.get(f"{STATUS}?tries=20", headers=HTMX).content.decode()
    assert shown.strip() == ""
