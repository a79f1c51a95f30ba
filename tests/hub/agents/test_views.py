"""The agents of an account: their list and the page of each, from the kept counters."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import pytest
import time_machine
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from auditlogs.accounts import keys
from auditlogs.counters import tallies
from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.models import Account
from auditlogs.storage import counts, mongo
from hub.agents import views
from hub.agents.detail import reason_of
from hub.agents.sparkline import columns, sparkline
from hub.ui.times import short_time
from tests.counting import begin_anew, count
from tests.factories import USER, make_entry
from tests.hub.markup import Element, read
from tests.hub.pages import Hub, link, rows, without_token
from tests.people import signed_in
from tests.watching import sent, watcher

AGENTS = "/hub/agents"
SCOUT = {"type": "agent", "id": "agent-1", "name": "Momentum Scout"}
TURTLE = {"type": "agent", "id": "agent-2", "name": "DCA Turtle"}


@pytest.fixture(autouse=True)
def _begin_anew() -> None:
    begin_anew()


@pytest.fixture
def middle_of_an_hour() -> Iterator[Any]:
    """An instant soon, that no border between hours comes near."""
    at = from_ms(counts.start_of("hour", to_ms(now()))) + timedelta(minutes=90)
    with time_machine.travel(at, tick=False) as clock:
        yield clock


def cells(page: Element) -> list[list[str]]:
    return [
        [" ".join(part.text for part in row.all(".two-lines")[0].all("bdi") + row.all("small"))]
        + [cell.text for cell in row.all("td")[1:6]]
        for row in page.all("tbody", "tr")
    ]


def failed(bot: str, **fields: Any) -> dict[str, Any]:
    return {"actor": SCOUT, "bot_id": bot, "result": "failure", **fields}


def test_it_lists_each_agent_with_what_it_did_the_last_active_first(
    hub: Hub, middle_of_an_hour: Any
) -> None:
    hours = {n: now() - timedelta(hours=n) for n in (1, 23, 24, 167, 168, 400)}
    hub.record(
        {"actor": TURTLE, "bot_id": "bot-2", "timestamp": hours[1]},
        *(failed("bot-1", timestamp=hours[n]) for n in (23, 24, 167, 168, 400)),
        {"actor": USER, "bot_id": "bot-3", "timestamp": hours[400]},
    )
    count()
    page = hub.read(AGENTS)
    assert cells(page) == [
        ["DCA Turtle bot-2", "1 hour ago", "1", "0", "1", "0"],
        ["Momentum Scout bot-1", "23 hours ago", "1", "1", "3", "3"],
        ["bot-3 bot-3", short_time(hours[400], now()), "0", "0", "0", "0"],
    ]
    assert [span.text for span in page.all("tbody", ".failures")] == ["1", "3"]
    assert page.all("tbody", "a")[1]["href"] == "/hub/agents/bot-1"
    assert "24 h is this hour and the 23 before it" in page.text


def test_a_small_chart_says_what_it_shows(hub: Hub, middle_of_an_hour: Any) -> None:
    hub.record(*(failed("bot-1", timestamp=now() - timedelta(hours=h)) for h in (30, 30, 2)))
    count()
    chart = hub.read(AGENTS).one("tbody", "svg.sparkline")
    assert chart["role"] == "img"
    assert chart["aria-label"] == "3 failures in 7 days, most of them about 30 hours ago"
    assert chart.get("style") is None
    assert chart.all("path")[1]["d"].count("M") == 2


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([0, 0], ""), ([1, 0], "M1.5 23v-5.5"), ([8, 4], "M1.5 23v-22M5.5 23v-11")],
)
def test_a_column_is_as_high_as_its_value(values: list[int], drawn: str) -> None:
    assert read(sparkline(values, "x")).all("path")[1]["d"] == drawn


def test_one_among_many_can_still_be_seen() -> None:
    heights = [column.height for column in columns([("a", 1), ("b", 1_000_000), ("c", 0)])]
    assert heights[0] > 5
    assert heights[1:] == [100, 0]


def test_what_is_dated_ahead_belongs_to_now(hub: Hub) -> None:
    hub.record({"actor": SCOUT, "bot_id": "bot-1", "timestamp": now() + timedelta(hours=3)})
    count()
    assert cells(hub.read(AGENTS))[0][2] == "1"


def test_an_agent_is_found_by_its_name_or_an_id(hub: Hub) -> None:
    hub.record(failed("bot-1"), {"actor": TURTLE, "bot_id": "bot-2"})
    count()
    for search in ("MOMENTUM", "bot-1", "agent-1", " scout "):
        assert [row[0] for row in cells(hub.read(f"{AGENTS}?search={search}"))] == [
            "Momentum Scout bot-1"
        ]
    page = hub.read(f"{AGENTS}?search=<b>nobody")
    assert "No agent has <b>nobody in its name or id." in page.text
    assert link(page, "Show all agents")["href"] == AGENTS
    assert page.one("#search")["value"] == "<b>nobody"


def test_many_agents_are_shown_in_pages(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    hub.record(*({"actor": SCOUT, "bot_id": f"bot-{n}"} for n in range(5)))
    count()
    shown: list[str] = []
    page = hub.read(f"{AGENTS}?search=bot")
    assert "1–2 of 5 agents" in page.one(".toolbar-count").text
    assert page.one(".pager-place").text == "Page 1 of 3"
    assert page.one("title").text == "Agents · Page 1 · Hub"
    shown += [row[0] for row in cells(page)]
    for _ in range(2):
        page = hub.read(f"{AGENTS}{link(page, 'Next')['href']}")
        shown += [row[0] for row in cells(page)]
    assert shown == [f"Momentum Scout bot-{n}" for n in range(5)]
    assert [a["href"] for a in page.all("a[rel=prev]")] == ["?search=bot&page=2"]
    for odd in ("0", "x", "99999999999999999999", "-1"):
        assert cells(hub.read(f"{AGENTS}?page={odd}"))


def test_an_account_without_agents_is_told_how_they_come(hub: Hub) -> None:
    page = hub.read(AGENTS)
    assert page.one(".empty")["data-state"] == "nothing_counted"
    assert "Nothing counted yet" in page.text
    count()
    assert "No agents yet" in hub.read(AGENTS).text


def test_it_says_when_it_was_counted_and_when_that_is_long_ago(hub: Hub) -> None:
    hub.record(failed("bot-1"))
    count()
    counted_at = counts.counted_at()
    assert counted_at
    page = hub.read(AGENTS)
    assert f"as of {counted_at:%H:%M:%S} UTC" in page.text
    assert not page.all(".banner")
    with time_machine.travel(counted_at + timedelta(seconds=125), tick=False):
        for path in (AGENTS, f"{AGENTS}/bot-1"):
            assert "last finished counting at" in hub.read(path).one(".banner").text


def test_it_says_that_there_are_more_agents_than_are_counted(
    hub: Hub, middle_of_an_hour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "MAX_VALUES", 1)
    hub.record(failed("bot-1"), failed("bot-2"))
    count()
    assert "more than 2,000 agents were active" in hub.read(AGENTS).one(".banner").text


def test_an_agents_page_has_its_figures_and_leads_to_its_log(hub: Hub) -> None:
    (newest, *_) = hub.record(
        failed("bot-1", action="order.rejected", payload={"reason": "Circuit breaker is open"}),
        failed("bot-1", payload={"error": "Insufficient scope: trade", "code": "x"}),
        {"actor": SCOUT, "bot_id": "bot-1"},
        {"actor": TURTLE, "bot_id": "bot-2", "result": "failure"},
    )
    count()
    page = hub.read(f"{AGENTS}/bot-1")
    assert page.one("h1").text == "Momentum Scout"
    assert [code.text for code in page.all(".agent-ids", "code")] == ["bot-1", "agent-1"]
    assert page.one(".agent-ids", "button")["data-copy-text"] == "bot-1"
    tiles = [dd.text for dd in page.all(".tiles", "dd")]
    assert tiles[1:] == ["3", "2", "3", "2"]
    assert link(page, "Activity log")["href"] == "/hub/logs?botId=bot-1"
    assert link(page, "Failures")["href"] == "/hub/logs?botId=bot-1&result=failure"
    recent = page.all(".recent", "li")
    assert [item.one("small").text for item in recent] == [
        "Circuit breaker is open",
        "Insufficient scope: trade",
    ]
    opened = recent[0].one("a")["href"]
    assert f"entry={newest}" in opened
    assert hub.read(opened).one(f"#entry-{newest}")["aria-current"] == "true"


def test_an_agents_days_lead_to_their_entries(hub: Hub, middle_of_an_hour: Any) -> None:
    today, before = hub.record(
        failed("bot-1"), failed("bot-1", timestamp=now() - timedelta(days=2))
    )
    count()
    page = hub.read(f"{AGENTS}/bot-1")
    days = [[cell.text for cell in row.all("td")] for row in page.all(".plain", "tbody", "tr")]
    assert days == [["1", "1"], ["0", "0"], ["1", "1"]]
    charts = page.all(".chart", "svg")
    assert [chart["aria-label"] for chart in charts] == [
        "Failures: 2 in 3 days, highest 1 a day",
        "Entries: 2 in 3 days, highest 1 a day",
    ]
    assert [len(chart.all(".chart-column")) for chart in charts] == [2, 2]
    links = [a["href"] for a in page.all(".plain", "a.failures")]
    assert [rows(hub.read(url)) for url in links] == [[today], [before]]


def test_an_unknown_agent_and_another_accounts_are_the_same(hub: Hub) -> None:
    make_entry(actor=TURTLE, bot_id="their-bot")
    hub.record(failed("bot-1"))
    count()
    answers = {
        without_token(hub.get(f"{AGENTS}/{bot}").content).replace(bot.encode(), b"")
        for bot in ("their-bot", "no-such-bot", "x" * 3_000, "a/b", "%00", "%ED%A0%80")
    }
    assert len(answers) == 1
    assert hub.get(f"{AGENTS}/their-bot").status_code == 404
    assert "Turtle" not in hub.read(AGENTS).text


@pytest.mark.parametrize("bot", ["a/b", "bot?x=1#y", "бот 1", "%2F&amp;", "'\"<b>"])
def test_any_id_has_a_page(hub: Hub, bot: str) -> None:
    hub.record(failed(bot))
    count()
    url = hub.read(AGENTS).one("tbody", "a")["href"]
    page = hub.read(url)
    assert page.all(".agent-ids", "code")[0].text == bot
    assert rows(hub.read(link(page, "Activity log")["href"]))


@pytest.mark.parametrize("bot", ["x/../y", "../y", "x/.", "/", "//y", "%2E%2E", "..."])
def test_no_browser_takes_an_id_for_a_way_up(hub: Hub, bot: str) -> None:
    (entry,) = hub.record(failed(bot), failed("y"))[:1]
    count()
    listed = [each["href"] for each in hub.read(AGENTS).all("tbody", "a")]
    for here, urls in {
        AGENTS: listed,
        f"/hub/logs/{entry}": [link(hub.read(f"/hub/logs/{entry}"), bot)["href"]],
    }.items():
        # As a browser does, without dot segments.
        opened = [hub.read(urljoin(f"http://testserver{here}", url)) for url in urls]
        assert bot in [page.all(".agent-ids", "code")[0].text for page in opened]


@pytest.mark.parametrize("bot", [".", ".."])
def test_an_id_that_no_path_can_have_leads_to_its_entries(hub: Hub, bot: str) -> None:
    (entry,) = hub.record(failed(bot))
    count()
    listed = hub.read(AGENTS).one("tbody", "a")["href"]
    from_entry = link(hub.read(f"/hub/logs/{entry}"), bot)["href"]
    assert listed == from_entry == f"/hub/logs?botId={bot}&dateRange=all"
    assert rows(hub.read(listed)) == [entry]


def test_an_agent_that_is_not_counted_yet_has_its_page_from_the_log(hub: Hub) -> None:
    hub.record(failed("bot-1", payload={"error": "too soon"}))
    page = hub.read(f"{AGENTS}/bot-1")
    assert page.one("h1").text == "Momentum Scout"
    assert "This agent is not counted yet" in page.text
    assert "too soon" in page.one(".recent").text
    assert not page.all(".chart")


def test_an_agent_without_failures_has_none(hub: Hub) -> None:
    hub.record({"actor": SCOUT, "bot_id": "bot-1"})
    count()
    assert "No failures within retention." in hub.read(f"{AGENTS}/bot-1").text


def test_admins_see_the_keys_that_are_the_bots_alone(
    hub: Hub, account: Account, admin: User
) -> None:
    hub.record(failed("bot-1"))
    keys.create(account, "scout-read", ["logs:read"], bot="bot-1")
    old = keys.find(keys.create(account, "scout-old", ["logs:write"], bot="bot-1"))
    assert old
    keys.revoke(old)
    keys.create(account, "another's", ["logs:read"], bot="bot-2")
    count()
    seen = Hub(signed_in(admin), account.id).read(f"{AGENTS}/bot-1").all("section")[-1]
    assert [item.one("bdi").text for item in seen.all("li")] == ["scout-old", "scout-read"]
    assert [item.all("span")[-1].text for item in seen.all("li")] == ["Revoked", "Active"]
    assert "scout-read" not in hub.read(f"{AGENTS}/bot-1").text


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, ""),
        ({"tool": "x"}, ""),
        ({"error": 5, "reason": "because"}, "because"),
        ({"error": " ", "code": "kill_switch_active"}, "kill_switch_active"),
        ({"error": " two\n lines "}, "two lines"),
        ({"message": "m" * 500}, "m" * 199 + "…"),
    ],
)
def test_a_reason_is_one_line_of_what_the_payload_says(
    payload: dict[str, Any] | None, reason: str
) -> None:
    assert reason_of(make_entry(payload=payload)) == reason


def test_the_drawer_leads_from_an_entry_to_its_agent(hub: Hub) -> None:
    (entry,) = hub.record(failed("bot-1"))
    for htmx in (True, False):
        page = hub.read(f"/hub/logs/{entry}", htmx=htmx)
        assert link(page, "bot-1")["href"] == "/hub/agents/bot-1"


def test_the_list_is_three_questions_and_none_of_them_to_the_log(
    hub: Hub, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    hub.record(*(failed(f"bot-{n}") for n in range(20)))
    count()
    with watcher.watch() as commands, django_assert_max_num_queries(3):
        hub.read(AGENTS)
    assert len(commands) == len(sent(commands, "find", mongo.COUNTERS)) == 3
    assert all(0 < command["maxTimeMS"] <= 5_000 for command in commands)


def test_a_log_that_cannot_be_reached_is_told(hub: Hub, unreachable: list[str]) -> None:
    page = hub.read(AGENTS, status=503)
    assert "cannot be reached" in page.text


def test_only_members_see_agents(hub: Hub, client: Any) -> None:
    client.logout()
    for path in (AGENTS, f"{AGENTS}/bot-1"):
        assert client.get(path)["Location"].startswith("/hub/sign-in?next=")
        assert client.post(path).status_code == 405
