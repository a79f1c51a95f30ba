"""What tells tabs and printed lists apart."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import USER
from tests.hub.markup import Element
from tests.hub.pages import Hub


def title(page: Element) -> str:
    (found,) = page.all("title")
    return found.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "Logs · Hub"),
        ("?dateRange=7d&sort=actor", "Logs · Hub"),
        ("?result=failure&dateRange=24h", "failure · Last 24h · Logs · Hub"),
        ("?search=slippage&startDate=2020-11-01T00:00:00Z", "slippage · Custom · Logs · Hub"),
        ("?dateRange=all", "All Time · Logs · Hub"),
    ],
)
def test_a_tab_is_named_after_the_filters(query: str, expected: str, hub: Hub) -> None:
    page = hub.logs(query)
    assert title(page) == expected
    (results,) = page.all("#results")
    assert results["data-title"] == expected


def test_an_actor_is_named_by_its_name(hub: Hub) -> None:
    hub.record({"actor": USER})
    assert title(hub.logs(f"?actor={USER['id']}")) == f"{USER['name']} · Logs · Hub"


def test_a_tab_with_an_entry_is_named_after_the_entry(hub: Hub) -> None:
    (entry,) = hub.record({"action": "order.created", "result": "failure"})
    assert title(hub.logs(f"?entry={entry}")) == "order.created failure · Logs · Hub"
    drawer = hub.read(f"/hub/logs/{entry}", htmx=True)
    (heading,) = drawer.all("#drawer-title")
    assert heading["data-title"] == "order.created failure · Logs · Hub"


def test_a_printed_list_says_what_it_is_a_list_of(hub: Hub) -> None:
    hub.record({"result": "failure"})
    start, end = (datetime.now(UTC).date() + timedelta(days=days) for days in (-7, 7))
    page = hub.logs(f"?result=failure&startDate={start}T10:00:00Z&endDate={end}T00:00:00Z")
    (head,) = page.all(".print-head")
    said = {each.all("dt")[0].text: each.all("dd")[0].text for each in head.all("div")}
    assert said["Range"] == f"from {start} 10:00:00.000 UTC until {end} 00:00:00.000 UTC"
    assert (said["Filters"], said["Order"]) == ("Result: failure", "Newest first")
    assert said["Read"].startswith(f"{datetime.now(UTC):%Y-%m-%d }")
    assert said["Account"]
