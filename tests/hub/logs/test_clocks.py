"""Clocks that do not agree: entries dated ahead, and times that are far apart, say so."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339
from auditlogs.query.entries import Entries
from hub.logs.drawer import EntryView
from tests.factories import make_entry
from tests.hub.pages import Hub, rows

HOUR = timedelta(hours=1)


def ahead(hub: Hub, by: timedelta) -> UUID:
    # A little more, so that the page is asked for within the same minute.
    (entry,) = hub.record({"timestamp": datetime.now(UTC) + by + timedelta(seconds=30)})
    return entry


def test_an_entry_ahead_of_the_clock_is_marked_in_the_list(hub: Hub) -> None:
    entry = ahead(hub, 23 * HOUR)
    (usual,) = hub.record({})
    page = hub.logs()
    assert rows(page) == [entry, usual]
    marks = [row.all(".clock-note") for row in page.all("tbody", "tr")]
    assert [[mark.text for mark in found] for found in marks] == [["23 h ahead of the clock"], []]


def test_it_is_not_part_of_the_last_24_hours(hub: Hub) -> None:
    entry = ahead(hub, 2 * HOUR)
    (usual,) = hub.record({})
    assert rows(hub.logs("?dateRange=24h")) == [usual]
    for query in ("?dateRange=30d", "?dateRange=all", "?"):
        assert rows(hub.logs(query)) == [entry, usual]


def test_a_clock_that_is_a_moment_ahead_is_no_matter(hub: Hub) -> None:
    (entry,) = hub.record({"timestamp": datetime.now(UTC) + timedelta(seconds=20)})
    page = hub.logs("?dateRange=24h")
    assert rows(page) == [entry]
    assert page.all(".clock-note") == []


def test_the_drawer_says_it_too(hub: Hub) -> None:
    page = hub.read(f"/hub/logs/{ahead(hub, 23 * HOUR)}")
    (note,) = page.all(".clock-note")
    assert note.text == (
        "Dated 23 h ahead of the clock; recorded 23 h before its timestamp: its writer’s clock "
        "is ahead."
    )


@pytest.mark.parametrize(
    ("late", "said"),
    [
        (timedelta(0), ""),
        (timedelta(minutes=5), ""),
        (timedelta(minutes=5, seconds=1), "Recorded 5 min after its timestamp: it was sent late"),
        (timedelta(hours=2, minutes=40), "Recorded 2 h 40 min after its timestamp"),
        (timedelta(days=3, hours=4, minutes=5), "Recorded 3 d 4 h after its timestamp"),
        (timedelta(minutes=-4), ""),
        (timedelta(minutes=-6), "Recorded 6 min before its timestamp: its writer’s clock"),
    ],
)
def test_times_more_than_five_minutes_apart_say_so(late: timedelta, said: str) -> None:

    entry = make_entry(timestamp=datetime.now(UTC) - timedelta(days=7))
    recorded = format_rfc3339(entry.instant + late)
    note = EntryView(replace(entry, recorded_at=recorded), Entries.of("acc_1")).clock_note
    assert note.startswith(said)
    assert bool(note) == bool(said)


# The writer's own id


def test_an_entry_is_shown_at_the_address_of_its_writers_id(hub: Hub) -> None:
    (entry,) = hub.record({"id": "call/77 031"})
    page = hub.read("/hub/logs/call/77%20031")
    assert page.one("h1").text == "mcp.tool.call"
    assert "call/77 031" in page.text
    assert str(entry) in page.text


def test_several_entries_of_one_writers_id_are_shown_as_a_list(hub: Hub) -> None:
    moment = datetime.now(UTC)
    entries = hub.record({"id": "w"}, {"id": "w", "timestamp": moment - HOUR}, {"id": "x"})
    answer = hub.get("/hub/logs/w")
    assert (answer.status_code, answer["Location"]) == (302, "/hub/logs?writerId=w&dateRange=all")
    assert rows(hub.logs("?writerId=w&dateRange=all")) == entries[:2]


def test_an_entrys_own_id_wins(hub: Hub) -> None:
    (first,) = hub.record({})
    (other,) = hub.record({"id": str(first), "action": "order.created"})
    shown = hub.read(f"/hub/logs/{first}").one("h1").text
    assert shown == "mcp.tool.call"
    assert rows(hub.logs(f"?writerId={first}")) == [other]


@pytest.mark.parametrize("writer_id", ["unknown", "x" * 129, "a\x00b", "%F0%9F"])
def test_a_writers_id_that_no_entry_has_is_not_found(hub: Hub, writer_id: str) -> None:
    assert hub.get(f"/hub/logs/{writer_id}").status_code == 404


def test_no_writers_id_leads_to_another_account(hub: Hub) -> None:
    entry: Entry = make_entry(id="of-another-account", timestamp=datetime.now(UTC))
    assert Entries.of(hub.account).get(UUID(entry.id)) is None
    assert hub.get("/hub/logs/of-another-account").status_code == 404
