"""The demo as a newcomer runs it: its lines, its stories, and how it ends."""

import functools
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import demo_process
from tests.demo_process import ROOT, Demo
from tests.hub.demo.investigation import Investigation

Walk = Callable[[Investigation, dict[str, Any]], None]

pytestmark = [pytest.mark.demo, pytest.mark.slow]

YESTERDAY = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400))
# What a browser receives until the network rests, headers included; by the width of its window. A
# touch screen shows the buttons of the rows at once, and needs their script.
FIRST_LOAD_BYTES = {1280: 78_000, 390: 83_000}
# Any seven days hold every story; the thirty of `make demo` would take three times as long.
DAYS = 11
SETTINGS = {"AUDITLOGS_RETENTION_DAYS": str(DAYS)}
STORIES = {
    "a key that may not trade": "search=trade_execute&result=failure&action=mcp.tool.call",
    "a circuit breaker opens": "action=circuit_breaker.opened&target=jupiter",
    "it blocks trades": "action=order.rejected&result=failure",
    "a key is rotated": "action=api_key.rotated",
    "authentication fails after it": "action=auth&result=failure",
    "partial results": "result=partial",
    "an order is filled": "action=order.filled",
    "the kill switch": "action=kill_switch.activated",
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@dataclass(frozen=True)
class Before:
    """What the first run of the demo knew, how it ended, and how soon each answered."""

    api_key: str
    entries: list[dict[str, object]]
    exit_code: int
    still_listening: bool
    seconds_to_start: float
    seconds_to_start_again: float


@pytest.fixture(scope="session")
def runs(folder: Path) -> Iterator[tuple[Before, Demo]]:
    """A demo whose database was killed, and the one that was started again after it."""
    began = time.monotonic()
    first = demo_process.start(folder, **SETTINGS)
    took = time.monotonic() - began
    entries = fetch(first, f"limit=500&endDate={YESTERDAY}")
    _kill_database(first)
    code = first.process.wait(30)
    listening, began = _is_listening(first.port), time.monotonic()
    with demo_process.running(folder, **SETTINGS) as second:
        again = time.monotonic() - began
        yield Before(first.api_key, entries, code, listening, took, again), second
    assert second.process.returncode == 0
    assert not _is_listening(second.port)


@pytest.fixture(scope="session")
def before(runs: tuple[Before, Demo]) -> Before:
    return runs[0]


@pytest.fixture(scope="session")
def demo(runs: tuple[Before, Demo]) -> Demo:
    return runs[1]


def get(demo: Demo, path: str) -> Any:
    with closing(http.client.HTTPConnection("127.0.0.1", demo.port, timeout=10)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {demo.api_key}"})
        response = connection.getresponse()
        body = response.read()
    assert response.status == 200, body
    return json.loads(body)


def fetch(demo: Demo, query: str) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = get(demo, f"/api/audit-logs?{query}")
    return entries


def sign_in(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.url}/")
    page.get_by_label("User name").fill("demo")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/hub/logs")


def test_it_prints_where_the_hub_is_how_to_sign_in_and_a_key(demo: Demo) -> None:
    assert f"Hub: http://127.0.0.1:{demo.port}/hub/logs" in demo.lines
    assert "Sign in: demo / demo" in demo.lines
    assert any(line.startswith("API key: aud_") for line in demo.lines)


def test_it_says_that_it_does_not_promise_to_keep_the_data(demo: Demo) -> None:
    assert [line for line in demo.lines if "does not promise to keep" in line] or (
        "MONGODB_URI" in demo.environment
    )


def test_it_keeps_its_state_from_other_eyes(demo: Demo, folder: Path) -> None:
    assert stat.S_IMODE((folder / "state.json").stat().st_mode) == 0o600


def test_its_agents_are_counted_within_seconds(demo: Demo, page: Page) -> None:
    sign_in(page, demo)
    page.goto(f"{demo.url}/hub/agents")
    for _ in range(150):
        if page.locator("tbody tr").count() >= 12 and not page.locator(".banner").count():
            break
        time.sleep(2)
        page.reload()
    # Its own name, and not that of the agent that acts for it.
    expect(page.locator("a[href='/hub/agents/bot_7f3a21']")).to_have_text("Momentum Scout")
    expect(page.locator("tbody .failures").first).to_be_visible()
    expect(page.locator(".banner")).to_have_count(0)


def test_it_holds_the_history_of_all_days_that_are_kept(demo: Demo) -> None:
    days = [
        time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - 86_400 * n))
        for n in range(-1, DAYS + 2)
    ]
    told = [
        len(fetch(demo, f"limit=1000&startDate={start}&endDate={end}"))
        for end, start in itertools.pairwise(days)
    ]
    # In all of the thirty days it is about eight thousand: see test_seed.
    assert 7_000 < sum(told) * 30 / DAYS < 10_000
    assert max(told) < 1_000


@pytest.mark.parametrize("story", STORIES)
def test_every_story_is_told_in_the_last_seven_days(demo: Demo, story: str) -> None:
    assert fetch(demo, f"dateRange=7d&{STORIES[story]}")


@pytest.mark.parametrize("action_type", ["auth", "trade", "config", "mcp", "system"])
def test_every_action_type_is_there(demo: Demo, action_type: str) -> None:
    assert fetch(demo, f"action={action_type}&limit=1")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to run")
def test_the_specifications_curl_calls_work(demo: Demo) -> None:
    scout = fetch(demo, "search=momentum+scout&limit=1")[0]
    actor, bot = scout["actor"], scout["botId"]
    assert isinstance(actor, dict)
    calls = (
        "limit=100",
        f"action=mcp&startDate={_days_ago(20)}&limit=500",
        f"actor={quote(actor['id'])}&dateRange=7d",
        f"botId={quote(str(bot))}&limit=100",
    )
    for query in calls:
        done = subprocess.run(
            [
                *("curl", "-sf", f"{demo.url}/api/audit-logs?{query}"),
                *("-H", f"Authorization: Bearer {demo.api_key}"),
            ],
            capture_output=True,
            check=True,
        )
        assert json.loads(done.stdout), query


def test_manage_py_reaches_the_same_data_without_any_setting(demo: Demo) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "manage.py", "create_api_key", "second"),
            *("--account", "demo", "--scope", "logs:read"),
        ],
        cwd=ROOT,
        env=demo.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    second = Demo(demo.process, demo.environment, demo.port, [f"API key: {done.stdout.strip()}"])
    # The oldest, because the fleet goes on recording.
    oldest = "sort=timestamp&limit=1"
    assert fetch(second, oldest) == fetch(demo, oldest) != []


@pytest.mark.browser
def test_the_five_steps_of_an_investigation(demo: Demo, page: Page) -> None:
    sign_in(page, demo)

    # Step 1: filter by actor.
    page.get_by_label("Actor").click()
    page.get_by_label("Actor").fill("momentum")
    page.get_by_role("option", name="Momentum Scout").click()
    expect(page).to_have_url(f"{demo.url}/hub/logs?actor=agent_7f3a21")

    # Step 2: failures first.
    page.get_by_role("link", name="Result").click()
    expect(page).to_have_url(f"{demo.url}/hub/logs?actor=agent_7f3a21&sort=result")
    rows = page.locator("tbody tr")
    expect(rows.first).to_contain_text("Failure")
    expect(page.locator("tbody .name").filter(has_text="Momentum Scout").first).to_be_visible()

    # Step 3: the payload says why.
    rows.filter(has_text="trade_execute").first.click()
    drawer = page.locator("#drawer")
    expect(drawer).to_contain_text("Insufficient scope: trade")
    expect(drawer.locator(".payload")).to_contain_text("403")
    expect(drawer.locator(".payload")).to_contain_text("scout-read")

    # Step 4: the correlation ID leads to everything of the operation.
    correlation = drawer.locator("dt", has_text="Correlation ID").locator("xpath=..")
    copied = correlation.locator("code").inner_text()
    correlation.get_by_role("button", name="Copy Correlation ID").click()
    expect(page.locator("[role=status]", has_text="Correlation ID copied")).to_have_count(1)
    drawer.get_by_role("link", name="All entries of this correlation").click()
    expect(page.locator(".chip")).to_contain_text(copied)

    # Step 5: which scope the key carried, and which it needed.
    page.locator("tbody tr").filter(has_text="trade_execute").first.click()
    expect(drawer.locator(".payload")).to_contain_text("requiredScope")
    expect(drawer).to_contain_text("The key scout-read lacked the scope trade")
    drawer.get_by_role("link", name="Scopes and Access Control").click()
    expect(page.get_by_role("region", name="trade")).to_contain_text("trade_execute")


@pytest.fixture(scope="module")
def review_of(demo: Demo) -> Callable[[int], dict[str, Any]]:
    """Gives the review of the day so many days ago, which is asked for once."""
    while not get(demo, "/api/review")["countedAt"]:
        time.sleep(1)
    return functools.cache(lambda days: get(demo, f"/api/review?day={_days_ago(days)[:10]}"))


@pytest.fixture(scope="module")
def responder(demo: Demo, browser: Browser) -> Iterator[Page]:
    """A page of somebody who has signed in."""
    context = browser.new_context(timezone_id="UTC")
    page = context.new_page()
    sign_in(page, demo)
    yield page
    context.close()


def refused_scope(way: Investigation, _: dict[str, Any]) -> None:
    way.click(way.part("Missing scopes").get_by_role("link", name=": trade"))
    way.open_newest()
    way.reads(way.drawer, "The key scout-read lacked the scope trade, which trade_execute needs.")
    way.reads(way.drawer, "would have passed this check with trade")
    way.click(way.drawer.get_by_role("link", name="Change scopes of scout-read"))
    expect(way.page.get_by_role("checkbox", name="trade")).to_be_checked()
    way.reads(way.page.locator("main"), "Change scopes")


def open_breaker(way: Investigation, review: dict[str, Any]) -> None:
    row = way.part("Breakers and kill switches").get_by_role("row", name="jupiter breaker")
    (breaker,) = (e for e in review["breakersAndKillSwitches"]["items"] if e["name"] == "jupiter")
    blocked = breaker["blockedTrades"]
    expect(row).to_contain_text(f"{blocked['count']} trades {blocked['worth']['USDC']:,.0f} USDC")
    way.click(row.get_by_role("link", name="blocked"))
    expect(way.rows).to_have_count(blocked["count"])
    way.open_newest()
    way.reads(way.drawer, "The circuit breaker of jupiter was open, so nothing was sent to it.")
    way.reads(way.drawer, "after it had opened")
    way.click(way.drawer.get_by_role("link", name="the breaker opened after 5 failures"))
    way.reads(way.drawer, "jupiter · 5 of 5 failures")


def rotated_key(way: Investigation, review: dict[str, Any]) -> None:
    (spike,) = review["authenticationSpikes"]["items"]
    way.reads(way.part("Authentication spikes"), "key rotated")
    way.click(way.part("Authentication spikes").get_by_role("link", name="refused"))
    expect(way.rows).to_have_count(spike["count"])
    way.open_newest()
    way.reads(way.drawer, "The key sweep-trade was rotated, and its former secret was used.")
    way.reads(way.drawer, "before this, rotated by")
    way.click(way.drawer.get_by_role("link", name="Open sweep-trade"))
    way.reads(way.page.locator("main"), "Before and after the last rotation")


def life_of_an_order(way: Investigation, review: dict[str, Any]) -> None:
    created = review["totals"]["ordersCreated"]["count"]
    way.click(way.page.get_by_role("link", name=": Orders created"))
    expect(way.rows).to_have_count(created)
    way.open_newest()
    story = way.drawer.get_by_role("region", name="Order ord_")
    way.reads(story, "Created")
    assert story.get_by_role("listitem").count() > 1
    way.click(story.get_by_role("link").last)
    way.reads(way.page.locator("main"), "Order ord_")


def executed_otherwise(way: Investigation, _: dict[str, Any]) -> None:
    way.click(way.part("Executed with other arguments").get_by_role("link").first)
    way.reads(way.drawer, "The arguments are not those that were approved.")
    way.reads(way.drawer, "It was executed with other arguments than were approved.")
    way.reads(way.drawer, "Other arguments than were approved: amount")
    way.click(way.drawer.get_by_role("link", name="All entries of this approval"))
    expect(way.rows.filter(has_text="order.approved")).to_have_count(1)


def failing_version(way: Investigation, _: dict[str, Any]) -> None:
    failures = way.part("Failures by agent and reason")
    way.click(failures.get_by_role("link", name=": Invalid arguments"))
    way.open_newest()
    way.reads(way.drawer, "grid_levels: expected at most 5 levels, got 8")
    since = way.drawer.get_by_role("region", name="What changed since it last succeeded")
    way.reads(since, "2.5.0")
    way.click(since.locator(".changed").get_by_role("link").first)
    way.reads(way.page.get_by_role("region", name="Changes"), "2.5.0")


def has_items(part: str) -> Callable[[dict[str, Any]], bool]:
    return lambda review: bool(review[part]["items"])


# What a day has in its review if the story happened in it, and the way to the remedy.
INVESTIGATIONS: dict[str, tuple[Callable[[dict[str, Any]], bool], Walk]] = {
    "a refused scope": (has_items("missingScopes"), refused_scope),
    "an open breaker": (
        lambda review: any(
            each["name"] == "jupiter" for each in review["breakersAndKillSwitches"]["items"]
        ),
        open_breaker,
    ),
    "a rotated key": (has_items("authenticationSpikes"), rotated_key),
    "the life of an order": (lambda review: True, life_of_an_order),
    "other arguments": (has_items("executedWithOtherArguments"), executed_otherwise),
    "a new version that fails": (
        lambda review: any(
            each["reason"] == "invalid_arguments" for each in review["failuresByReason"]["items"]
        ),
        failing_version,
    ),
}


@pytest.mark.browser
@pytest.mark.parametrize("story", INVESTIGATIONS)
def test_the_review_leads_to_the_remedy_within_four_clicks_on_a_laptop_and_a_phone(
    demo: Demo, responder: Page, review_of: Callable[[int], dict[str, Any]], story: str
) -> None:
    happened, walk = INVESTIGATIONS[story]
    review = next(filter(happened, map(review_of, range(1, 11))))
    for width, height in ((1440, 900), (390, 844)):
        responder.set_viewport_size({"width": width, "height": height})
        way = Investigation(responder, demo.url, review["start"][:10])
        way.begin()
        walk(way, review)


@pytest.mark.browser
def test_each_review_prints_on_one_page(
    demo: Demo, responder: Page, review_of: Callable[[int], dict[str, Any]]
) -> None:
    for review in map(review_of, (1, 2)):
        responder.goto(f"{demo.url}/hub/review?day={review['start'][:10]}")
        printed = responder.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type /Page\b", printed)) == 1


@pytest.mark.browser
def test_the_first_load_stays_small_on_a_laptop_and_a_phone(demo: Demo, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, demo)
    state = context.storage_state()
    context.close()

    for width, limit in FIRST_LOAD_BYTES.items():
        is_phone = width == 390
        context = browser.new_context(
            storage_state=state,
            viewport={"width": width, "height": 844},
            has_touch=is_phone,
            is_mobile=is_phone,
        )
        page = context.new_page()
        sizes: list[int] = []
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.on(
            "Network.loadingFinished", lambda it, to=sizes: to.append(it["encodedDataLength"])
        )
        page.goto(f"{demo.url}/hub/logs", wait_until="networkidle")
        context.close()
        assert len(sizes) > 8, "the assets were not counted"
        assert sum(sizes) < limit


def test_a_taken_port_is_said_in_one_line(demo: Demo, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub.demo", "--port", str(demo.port)],
        cwd=ROOT,
        env=demo_process.environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"Port {demo.port} is taken" in done.stderr
    assert "make demo PORT=" in done.stderr


def test_a_dead_database_ends_the_demo(before: Before) -> None:
    assert before.exit_code == 1
    assert not before.still_listening


def test_it_starts_again_quickly_and_keeps_data_and_key(before: Before, demo: Demo) -> None:
    assert before.seconds_to_start_again < before.seconds_to_start / 2
    assert demo.api_key == before.api_key
    assert fetch(demo, f"limit=500&endDate={YESTERDAY}") == before.entries != []


def _kill_database(demo: Demo) -> None:
    """Kill the demo's database as the system would that runs out of memory."""
    children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children")
    for child in children.read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"secantusd" in command:
            os.kill(int(child), signal.SIGKILL)
            return
    raise AssertionError("the demo has no database")


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _days_ago(days: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86_400))
