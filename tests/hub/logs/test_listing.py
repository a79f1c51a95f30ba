"""The list: what it shows for each parameter, in which order, and what it says when empty."""

from datetime import UTC, datetime, timedelta

import pytest

from auditlogs.entry.times import format_rfc3339
from auditlogs.query import slices
from hub.logs.columns import USUAL
from tests.factories import AGENT, ORDER, SYSTEM, USER
from tests.hub.pages import Hub, link, links, rows

CORRELATION = "0f8b2c64-9d1e-4a57-b3c0-6e2f1d7a9b58"


def ago(**age: float) -> datetime:
    return datetime.now(UTC) - timedelta(**age)


def test_the_last_seven_days_are_shown_newest_first(hub: Hub) -> None:
    first, second, _ = hub.record(
        {"timestamp": ago(minutes=1)}, {"timestamp": ago(days=6)}, {"timestamp": ago(days=8)}
    )
    page = hub.logs()
    assert rows(page) == [first, second]
    assert page.one("#dateRange", "option[selected]").text == "Last 7 days"
    assert page.one("#results")["data-url"] == "/hub/logs"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?dateRange=24h", [0]),
        ("?dateRange=30d", [0, 1, 2]),
        ("?dateRange=all", [0, 1, 2]),
        ("?dateRange=7d", [0, 1]),
        ("?dateRange=custom&startDate=&endDate=", [0, 1]),
    ],
)
def test_date_range_is_the_window(hub: Hub, query: str, shown: list[int]) -> None:
    ids = hub.record(
        {"timestamp": ago(minutes=1)}, {"timestamp": ago(days=2)}, {"timestamp": ago(days=20)}
    )
    assert rows(hub.logs(query)) == [ids[number] for number in shown]


def test_start_and_end_take_the_place_of_the_range(hub: Hub) -> None:
    moments = [ago(minutes=1), ago(days=2), ago(days=20)]
    ids = hub.record(*({"timestamp": moment} for moment in moments))
    start, end = format_rfc3339(moments[2]), format_rfc3339(moments[1])
    assert rows(hub.logs(f"?startDate={start}&endDate={end}&dateRange=24h")) == [ids[2]]
    assert rows(hub.logs(f"?startDate={end}")) == ids[:2]
    page = hub.logs(f"?endDate={end}")
    assert rows(page) == [ids[2]]
    assert page.one("#dateRange", "option[selected]").text == "Custom"


def test_a_time_without_a_zone_is_in_the_zone_shown(hub: Hub) -> None:
    moment = ago(days=2).replace(second=30)
    ids = hub.record({"timestamp": moment})
    assert rows(hub.logs(f"?dateRange=custom&startDate={moment:%Y-%m-%dT%H:%M}&endDate=")) == ids
    assert rows(hub.logs(f"?dateRange=custom&startDate=&endDate={moment:%Y-%m-%dT%H:%M}")) == []


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?actor=user-1", [1]),
        ("?botId=agent-7", [0, 3]),
        ("?action=trade", [0]),
        ("?action=order.created", [0]),
        ("?result=failure", [1, 3]),
        ("?search=momentum", [0, 3]),
        ("?search=buy+sol", [0]),
        ("?target=ord-42", [0]),
        (f"?correlationId={CORRELATION}", [0]),
        (f"?correlationId={CORRELATION.replace('-', '').upper()}", [0]),
        ("?requestId=req-1", [1]),
        ("?sessionId=sess-1", [2]),
        ("?result=failure&actor=agent-7", [3]),
        ("?result=failure&action=mcp&search=scout&botId=agent-7", [3]),
        ("?actor=&result=&search=", [0, 1, 2, 3]),
        ("?search=+++", [0, 1, 2, 3]),
    ],
)
def test_every_filter_narrows_the_list(hub: Hub, query: str, shown: list[int]) -> None:
    ids = hub.record(
        {"action": "order.created", "target": ORDER, "correlation_id": CORRELATION},
        {"action": "auth.signed_in", "actor": USER, "result": "failure", "request_id": "req-1"},
        {"action": "kill_switch.activated", "actor": SYSTEM, "session_id": "sess-1"},
        {"action": "mcp.tool.call", "result": "failure"},
    )
    for htmx in (False, True):
        assert rows(hub.logs(query, htmx=htmx)) == [ids[number] for number in shown]


@pytest.mark.parametrize(
    ("sort", "shown"),
    [
        ("timestamp", [2, 1, 0]),
        ("-timestamp", [0, 1, 2]),
        ("actor", [2, 0, 1]),
        ("-actor", [0, 1, 2]),
        ("action", [1, 0, 2]),
        ("-action", [2, 0, 1]),
        ("result", [2, 1, 0]),
        ("-result", [0, 1, 2]),
    ],
)
def test_sorts_order_the_list(hub: Hub, sort: str, shown: list[int]) -> None:
    ids = hub.record(
        {"actor": AGENT, "action": "mcp.tool.call", "result": "success"},
        {"actor": AGENT, "action": "auth.signed_in", "result": "partial"},
        {"actor": USER, "action": "order.created", "result": "failure"},
    )
    assert rows(hub.logs(f"?sort={sort}")) == [ids[number] for number in shown]


# The sort in the address; the heading's state; the sort that a click leads to; the announcement.
CLICKS = [
    ("timestamp", "", "descending", "?sort=timestamp", "sort oldest first"),
    ("timestamp", "timestamp", "ascending", "?sort=-timestamp", "sort newest first"),
    ("timestamp", "-timestamp", "descending", "", "remove the sort"),
    ("timestamp", "actor", "none", "?sort=timestamp", "sort oldest first"),
    ("actor", "", "none", "?sort=actor", "sort A to Z"),
    ("actor", "actor", "ascending", "?sort=-actor", "sort Z to A"),
    ("actor", "-actor", "descending", "", "remove the sort"),
    ("action", "action", "ascending", "?sort=-action", "sort Z to A"),
    ("action", "-action", "descending", "", "remove the sort"),
    ("result", "", "none", "?sort=result", "sort failures first"),
    ("result", "result", "ascending", "?sort=-result", "sort successes first"),
    ("result", "-result", "descending", "", "remove the sort"),
]


@pytest.mark.parametrize(("column", "sort", "state", "leads_to", "effect"), CLICKS)
def test_a_heading_shows_its_state_and_leads_on(
    hub: Hub, column: str, sort: str, state: str, leads_to: str, effect: str
) -> None:
    hub.record({})
    page = hub.logs(f"?sort={sort}")
    heading = page.one(f"th.column-{column}")
    assert heading["aria-sort"] == state
    assert heading.one("a")["href"] == f"/hub/logs{leads_to}"
    assert heading.one("a")["title"].endswith(effect)
    icons = [icon["class"].split("-")[-1] for icon in heading.all("svg")]
    assert icons == ([] if state == "none" else [state])


def test_only_four_columns_can_be_sorted_and_only_one_is(hub: Hub) -> None:
    hub.record({})
    page = hub.logs("?sort=actor")
    assert [each.text for each in page.all("th")] == [
        *("Timestamp", "Actor", "Action", "Type", "Target", "Result", "Correlation")
    ]
    assert len(page.all("th")) == len(page.one("tbody", "tr").all("td")) == len(USUAL)
    assert len(page.all("th[aria-sort]")) == len(page.all("th", "a")) == 4
    assert [each.text for each in page.all("th[aria-sort]") if each["aria-sort"] != "none"] == [
        "Actor"
    ]


def test_a_sort_keeps_the_filters_and_leaves_the_page_of_the_list(hub: Hub) -> None:
    hub.record(*[{}] * 51)
    page = hub.logs("?result=success&dateRange=24h")
    older = hub.read(link(page, "Older")["href"])
    assert older.one("#sort-actor")["href"] == "/hub/logs?result=success&dateRange=24h&sort=actor"


def test_a_row_says_who_did_what_to_what_and_how_it_ended(hub: Hub) -> None:
    entry, bare = hub.record(
        {
            "action": "order.created",
            "target": ORDER,
            "result": "partial",
            "correlation_id": CORRELATION,
            "timestamp": ago(minutes=3, seconds=5),
        },
        {"actor": {"type": "agent", "id": "agent-without-a-name"}, "timestamp": ago(minutes=9)},
    )
    page = hub.logs("?result=partial&search=order")
    row = page.one(f"#entry-{entry}")
    cells = {each["class"].split()[0].removeprefix("column-"): each.text for each in row.all("td")}
    assert " UTC 3 minutes ago " in cells["timestamp"]
    assert cells["timestamp"].endswith(" UTC")
    assert cells["actor"] == "Momentum Scout agent-7"
    assert cells["action"] == "order.created Buy SOL"
    assert cells["type"] == "trade"
    assert cells["target"] == "Buy SOL order"
    assert cells["result"] == "Partial"
    assert cells["correlation"] == "0f8b2c64…9b58"
    assert row.one(".column-result", "svg")["class"] == "icon icon-partial"
    opened = row.one("a")
    assert opened["href"] == f"/hub/logs?result=partial&search=order&entry={entry}"
    assert opened["hx-get"] == f"/hub/logs/{entry}?result=partial&search=order"

    cells = {
        each["class"].split()[0].removeprefix("column-"): each.text
        for each in hub.logs().one(f"#entry-{bare}").all("td")
    }
    assert cells["actor"] == "agent-without-a-name agent"
    assert cells["target"] == "No target"
    assert cells["correlation"] == "No correlation IDNone"


def test_nothing_recorded_yet_says_how_to_record(hub: Hub) -> None:
    page = hub.logs("?result=failure")
    empty = page.one(".empty")
    assert empty["data-state"] == "nothing_recorded"
    assert "auditlogs.record" in empty.text
    assert page.all("table") == []


def test_nothing_matches_names_the_filters_and_offers_ways_out(hub: Hub) -> None:
    hub.record({}, {"actor": USER})
    page = hub.logs("?result=failure&actor=user-1&sort=actor&dateRange=24h")
    empty = page.one(".empty")
    assert empty["data-state"] == "nothing_matches"
    for words in ("in the last 24 hours", "Result: failure", "Actor: Ada Lovelace"):
        assert words in empty.text
    assert links(empty) == ["Clear filters, keep the range", "Look in All Time"]
    assert link(empty, "Clear filters, keep the range")["href"] == (
        "/hub/logs?sort=actor&dateRange=24h"
    )
    assert link(empty, "Look in All Time")["href"] == (
        "/hub/logs?result=failure&actor=user-1&sort=actor&dateRange=all"
    )
    assert links(hub.logs("?dateRange=all&search=absent").one(".empty")) == [
        "Clear filters, keep the range"
    ]


def test_a_window_beyond_retention_says_what_is_kept(hub: Hub) -> None:
    hub.record({})
    empty = hub.logs("?endDate=2020-01-01T00:00:00Z").one(".empty")
    assert empty["data-state"] == "beyond_retention"
    assert "30 days" in empty.text
    assert link(empty, "Look in All Time")["href"] == "/hub/logs?dateRange=all"


def test_a_start_before_retention_is_clipped_and_that_is_said(hub: Hub) -> None:
    ids = hub.record({})
    page = hub.logs("?startDate=2020-01-01T00:00:00Z")
    assert rows(page) == ids
    banner = page.one("#results", ".banner")
    assert banner.text.startswith("Entries are kept for 30 days: this list starts on")
    assert hub.logs("?dateRange=all").all("#results", ".banner") == []


def test_a_list_that_was_cut_short_says_how_far_it_looked_and_goes_on(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = hub.record({"timestamp": ago(minutes=1)}, {"timestamp": ago(days=2)})
    monkeypatch.setattr(slices, "BUDGET_SECONDS", 0)
    found, path = [], "/hub/logs"
    for _ in range(40):
        page = hub.read(path)
        found += rows(page)
        onwards = [each for each in page.all("a") if each.text == "Continue"]
        if not onwards:
            break
        assert "Searched back to" in page.one("#results").text
        assert "No entries" not in page.one(".toolbar-count").text
        path = onwards[0]["href"]
    assert found == ids


def test_the_end_of_a_list_that_has_gone_leads_back(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.record({"timestamp": ago(minutes=1)})
    monkeypatch.setattr(slices, "BUDGET_SECONDS", 0)
    page = hub.logs("?result=failure&dateRange=24h")
    for _ in range(40):
        onwards = [each for each in page.all("a") if each.text == "Continue"]
        if not onwards:
            break
        page = hub.read(onwards[0]["href"])
    assert page.one(".empty")["data-state"] == "end"
    assert link(page, "Back to the first page")["href"] == (
        "/hub/logs?result=failure&dateRange=24h"
    )


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("htmx", [False, True])
def test_a_database_that_is_away_leaves_the_filters_there(hub: Hub, htmx: bool) -> None:
    query = "?actor=agent-7&botId=agent-7&result=failure&search=order&sort=actor"
    page = hub.logs(query, htmx=htmx, status=503)
    empty = page.one(".empty")
    assert empty["data-state"] == "unavailable"
    assert "cannot be reached" in empty.text
    assert link(empty, "Retry")["href"] == f"/hub/logs{query}"
    assert page.one(".chip").text == "Agent: agent-7"
    if not htmx:
        assert page.one("#search")["value"] == "order"
        assert page.one("#result", "option[selected]")["value"] == "failure"
        assert page.one("#actor", "option[selected]")["value"] == "agent-7"


@pytest.mark.parametrize(
    "page",
    [
        "logs?actor=agent-7&botId=agent-7",
        "logs/arrivals?since=1",
        "logs/actors",
        "review",
        "agents",
    ],
)
def test_nothing_waits_twice_for_a_database_that_is_away(
    hub: Hub, unreachable: list[str], page: str
) -> None:
    assert hub.get(f"/hub/{page}").status_code == 503
    assert len(unreachable) == 1
    # Nor does what is asked right after it.
    hub.get(f"/hub/{page}")
    assert len(unreachable) == 1


@pytest.mark.usefixtures("unreachable")
def test_without_a_database_the_rest_says_so_too(hub: Hub) -> None:
    known = "01a20950-b9be-826b-b349-98920bde1351"
    assert "could not be counted" in hub.read("/hub/logs/count").one("main").text
    assert hub.get("/hub/logs/actors").status_code == 503
    assert hub.read(f"/hub/logs/{known}", status=503).one("h1").text == "Not available"
    drawer = hub.read(f"/hub/logs/{known}", htmx=True, status=503)
    assert "cannot be read now" in drawer.one("[role=alert]").text


def test_a_log_that_takes_too_long_says_what_makes_it_quick(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.record({})
    hub.logs()
    monkeypatch.setattr(slices, "QUERY_SECONDS", 1e-6)
    empty = hub.logs("?search=momentum", status=503).one(".empty")
    assert empty["data-state"] == "too_long"
    assert "a shorter range" in empty.text
    assert "could not be counted" in hub.read("/hub/logs/count").one("main").text


def test_a_correlation_read_oldest_first_tells_the_time_between_its_steps(hub: Hub) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    hub.record(
        *[
            {"correlation_id": "c-1", "timestamp": at + timedelta(seconds=seconds)}
            for seconds in (4.3, 0)
        ]
    )
    page = hub.logs("?correlationId=c-1&sort=timestamp")
    assert [each.text for each in page.all(".step")] == ["+4.3 s"]
    assert not hub.logs("?correlationId=c-1").all(".step")
    assert not hub.logs("?sort=timestamp").all(".step")
