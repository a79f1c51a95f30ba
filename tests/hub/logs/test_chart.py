"""The chart above the list, as the server draws it."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from auditlogs.query.entries import Entries
from auditlogs.storage.mongo import Unavailable
from tests.factories import SYSTEM
from tests.hub.markup import Element
from tests.hub.pages import Hub, rows

CHART = "/hub/logs/chart"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


def bars(page: Element) -> list[Element]:
    return [each for each in page.all("a") if "data-chart-bar" in each.attributes]


def bands(page: Element) -> list[str]:
    return [each["aria-label"] for each in page.all("a") if "data-chart-band" in each.attributes]


def between(start: datetime, end: datetime) -> str:
    return f"?startDate={start:%Y-%m-%dT%H:%M:%SZ}&endDate={end:%Y-%m-%dT%H:%M:%SZ}"


def stop(action: str, minutes: int, provider: str | None = "jupiter") -> dict[str, object]:
    payload = {"provider": provider} if provider else None
    at = NOON + timedelta(minutes=minutes)
    return {"action": action, "actor": SYSTEM, "payload": payload, "timestamp": at}


def test_a_bar_leads_to_the_entries_that_it_counts(hub: Hub) -> None:
    at = NOON + timedelta(minutes=7)
    (failed, _) = hub.record({"timestamp": at, "result": "failure"}, {"timestamp": NOON})
    query = between(NOON, NOON + timedelta(hours=1))
    page = hub.read(f"{CHART}{query}", htmx=True)
    assert len(bars(page)) == 60
    (bar,) = [each for each in bars(page) if each["data-failure"] == "1"]
    assert "startDate=" in bar["href"]
    assert bar["aria-label"].startswith(f"{NOON:%b} {NOON.day}, 12:07–12:08: 1 failure")
    assert rows(hub.read(bar["href"])) == [failed]
    said = [row.text for row in page.all("[role=row]")]
    assert any("12:07" in text and "1 0 0" in text for text in said)


def test_filters_hold_for_the_chart_whether_counters_know_them_or_not(hub: Hub) -> None:
    hub.record({"request_id": "r-1"}, {"result": "failure"}, {"result": "failure"})
    for query, failures in (("", 2), ("?result=success", 0), ("?requestId=r-1", 0)):
        page = hub.read(f"{CHART}{query}", htmx=True)
        assert sum(int(bar["data-failure"]) for bar in bars(page)) == failures
        assert sum(int(bar["data-success"]) for bar in bars(page)) == 1


@pytest.mark.parametrize(
    ("query", "entries"),
    [
        ("?startDate=9999-12-31T23:59:59.999Z", 0),
        ("?endDate=9999-12-31T23:59:59.999Z", 2),
        ("?startDate=0001-01-01T00:00:00Z&endDate=9999-12-31T23:59:59Z", 2),
        ("?endDate=0001-01-01T00:00:00Z", 0),
    ],
)
def test_a_range_of_ages_has_bars_of_what_can_be_recorded(
    hub: Hub, query: str, entries: int
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(hours=23)
    hub.record({}, {"timestamp": tomorrow})
    hub.client.cookies["zone"] = "Pacific/Kiritimati"
    page = hub.read(f"{CHART}{query}", htmx=True)
    assert page.one("li.chart-success").text == f"{entries} success"
    assert 0 < len(bars(page)) <= 34


@pytest.mark.parametrize(
    ("cookie", "clock"),
    [
        ("Asia/Kathmandu", "17:45"),
        ("Europe/Atlantis", "12:00"),
        ("../../etc/passwd", "12:00"),
        ("America", "12:00"),
        ("x" * 5_000, "12:00"),
        ("", "12:00"),
    ],
)
def test_bars_are_told_in_the_zone_that_is_shown(hub: Hub, cookie: str, clock: str) -> None:
    hub.client.cookies["zone"] = cookie
    page = hub.read(f"{CHART}{between(NOON, NOON + timedelta(hours=1))}", htmx=True)
    assert f", {clock}–" in bars(page)[0]["aria-label"]


def test_a_breaker_that_was_open_is_a_band_that_leads_to_its_entries(hub: Hub) -> None:
    hub.record(
        stop("circuit_breaker.opened", -90),
        stop("circuit_breaker.half_opened", 5),
        stop("circuit_breaker.closed", 10),
        stop("circuit_breaker.opened", 20, "raydium"),
        stop("kill_switch.activated", 30, None),
        stop("kill_switch.released", 31, None),
        # Over before the range begins.
        stop("circuit_breaker.opened", -300, "orca"),
        stop("circuit_breaker.closed", -290, "orca"),
    )
    page = hub.read(f"{CHART}{between(NOON, NOON + timedelta(hours=1))}", htmx=True)
    jupiter, raydium, switch = bands(page)
    assert jupiter.startswith("jupiter breaker open, ")
    assert "1 h 40 min" in jupiter
    assert raydium.startswith("raydium breaker open, since ")
    assert switch.startswith("Kill switch on, ")
    href = next(each["href"] for each in page.all("a") if each.get("aria-label") == jupiter)
    assert parse_qs(urlsplit(href).query)["provider"] == ["jupiter"]
    assert len(rows(hub.read(href))) == 3


def test_without_scripts_the_chart_is_a_page_of_its_own(hub: Hub) -> None:
    hub.record({})
    (link,) = [each for each in hub.logs("?result=success").all("a") if "over time" in each.text]
    page = hub.read(link["href"])
    assert bars(page)[-1]["href"].startswith("/hub/logs?result=success&startDate=")
    assert "result=success" in next(each["href"] for each in page.all("a") if "Back" in each.text)


def test_a_chart_that_cannot_be_read_says_so_by_its_status(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("The database cannot be reached.")

    monkeypatch.setattr(Entries, "volume", fail)
    assert hub.get(CHART, htmx=True).status_code == 503
    hub.logs()
