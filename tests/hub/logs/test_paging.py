"""Pages of a list, and how many entries it has."""

from datetime import UTC, datetime

import pytest

from auditlogs.query import entries
from tests.hub.markup import Element
from tests.hub.pages import Hub, link, links, rows


def pager(page: Element) -> list[str]:
    """Return what the pager says, what leads nowhere in brackets."""
    parts = [each for each in page.all(".pager")[0].children if isinstance(each, Element)]
    return [part.text if part.tag == "a" else f"({part.text})" for part in parts]


def test_a_list_of_one_page_has_no_pager(hub: Hub) -> None:
    hub.record(*[{}] * 50)
    page = hub.logs()
    assert len(rows(page)) == 50
    assert page.all(".pager") == []
    assert page.one(".extent").text == "1–50"


def test_older_and_newer_lead_through_the_list_and_back_as_it_was(hub: Hub) -> None:
    ids = hub.record(*[{}] * 101)
    first = hub.logs("?result=success")
    assert rows(first) == ids[:50]
    assert pager(first) == ["(Newer)", "Older"]
    second = hub.read(link(first, "Older")["href"])
    assert rows(second) == ids[50:100]
    assert second.one(".extent").text == "51–100"
    assert pager(second) == ["Newer", "Older"]

    # What is recorded meanwhile changes nothing in a list that is being read.
    hub.record(*[{"timestamp": datetime.now(UTC)}] * 3)
    third = hub.read(link(second, "Older")["href"])
    assert rows(third) == ids[100:]
    assert third.one(".extent").text == "101–101"
    assert pager(third) == ["Newer", "(Older)"]
    again = hub.read(link(third, "Newer")["href"])
    assert rows(again) == ids[50:100]
    again = hub.read(link(again, "Newer")["href"])
    assert rows(again) == ids[:50]
    assert again.one(".extent").text == "1–50"
    assert pager(again) == ["(Newer)", "Older"]
    as_of = [each.one(".toolbar-as-of", "time")["datetime"] for each in (first, third, again)]
    assert len(set(as_of)) == 1

    fresh = hub.read(link(again, "Refresh")["href"])
    assert len(set(rows(fresh)) - set(ids)) == 3


@pytest.mark.parametrize("sort", ["timestamp", "actor", "-action", "result", "-timestamp"])
def test_pages_are_next_and_previous_unless_newest_come_first(hub: Hub, sort: str) -> None:
    ids = hub.record(*[{}] * 51)
    first = hub.logs(f"?sort={sort}")
    names = ["(Newer)", "Older"] if sort == "-timestamp" else ["(Previous)", "Next"]
    assert pager(first) == names
    second = hub.read(link(first, names[1])["href"])
    assert sorted(rows(first) + rows(second)) == sorted(ids)
    assert f"sort={sort}" in second.one("#results")["data-url"]


def test_a_cursor_of_another_list_is_told_and_left_out(hub: Hub) -> None:
    ids = hub.record(*[{}] * 51)
    cursor = link(hub.logs(), "Older")["href"].partition("cursor=")[2]
    page = hub.logs(f"?result=success&cursor={cursor}")
    assert rows(page) == ids[:50]
    assert "this page of the list does not exist" in page.one(".notices").text


def test_the_count_is_a_request_of_its_own(hub: Hub) -> None:
    hub.record({"result": "failure"}, {}, {})
    page = hub.logs("?result=failure&sort=actor")
    count = page.one("#count")
    assert count["hx-trigger"] == "load"
    assert count["hx-get"] == count.one("a")["href"]
    assert count["hx-get"] == "/hub/logs/count?result=failure&sort=actor"
    assert hub.read(count["hx-get"], htmx=True).text == "of 1"
    alone = hub.read(count["hx-get"])
    assert "1 entry matches." in alone.one("main").text
    assert link(alone, "Back to the list")["href"] == "/hub/logs?result=failure&sort=actor"
    assert "3 entries match." in hub.read("/hub/logs/count").one("main").text
    assert "0 entries match." in hub.read("/hub/logs/count?result=partial").one("main").text


def test_the_count_is_bounded_and_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert entries.MAX_COUNT == 10_000
    monkeypatch.setattr(entries, "MAX_COUNT", 2)
    hub.record(*[{}] * 2)
    assert hub.read("/hub/logs/count", htmx=True).text == "of 2"
    hub.record({})
    assert hub.read("/hub/logs/count", htmx=True).text == "of 2+"
    assert "2+ entries match." in hub.read("/hub/logs/count").one("main").text


def test_large_numbers_are_grouped() -> None:
    from hub.templatetags.hub import thousands

    assert thousands(10_000) == "10,000"


def test_an_empty_list_has_no_count_to_wait_for(hub: Hub) -> None:
    page = hub.logs()
    assert page.all("#count") == []
    assert page.one(".toolbar-count").text == "No entries"
    assert "Refresh" in links(page)
