"""The page of the daily review, and the same as JSON."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from auditlogs.accounts import keys
from auditlogs.entry.times import now
from auditlogs.models import Account
from tests.api import Api, problem_of
from tests.counting import begin_anew, count
from tests.hub.pages import Hub

REVIEW = "/hub/review"
SCOUT = {"type": "agent", "id": "agent-1", "name": "Momentum Scout"}
LACKING: dict[str, Any] = {
    "actor": SCOUT,
    "bot_id": "bot-1",
    "result": "failure",
    "payload": {"tool": "trade", "keyName": "scout-read", "requiredScope": "trade"},
}


@pytest.fixture(autouse=True)
def _begin_anew() -> None:
    begin_anew()


def test_the_page_tells_failures_by_reason_and_each_figure_leads_to_its_entries(hub: Hub) -> None:
    hub.record(
        LACKING,
        {**LACKING, "timestamp": now() - timedelta(hours=1)},
        {"actor": {**SCOUT, "id": "agent-2", "name": "<b>"}, "bot_id": "bot-2"},
    )
    count()
    page = hub.read(REVIEW)
    assert "Key lacks a scope" in page.text
    assert "Momentum Scout" in page.text
    failures = page.all("table")[0]
    (link,) = failures.all("a")
    assert link.text.strip() == "2"
    listed = hub.read(link["href"])
    assert "2" in listed.one(".toolbar-count").text


def test_an_empty_account_has_a_review_that_says_so(hub: Hub) -> None:
    page = hub.read(f"{REVIEW}?day=never&zone=Mars")
    assert "Nothing failed." in page.text
    assert "is not a date of the last year, such as 2026-11-23. Showing the last" in page.text
    assert "is not a time zone, such as Europe/Berlin. Showing times in UTC." in page.text


def test_the_api_answers_with_the_same_figures_and_their_lists(hub: Hub, account: Account) -> None:
    hub.record(LACKING, {**LACKING, "bot_id": "bot-2"})
    count()
    secret = keys.create(account, "r", ["logs:read"])
    body = Api(secret).get("/api/review").json()
    (line,) = body["failuresByReason"]["items"]
    assert (line["reason"], line["count"], len(line["agents"])) == ("missing_scope", 2, 2)
    assert len(Api(secret).get(line["entries"]).json()) == 2
    assert dict(parse_qsl(urlsplit(line["agents"][0]["entries"]).query))["botId"] == "bot-1"


def test_a_bots_key_gets_the_review_of_its_bot(hub: Hub, account: Account) -> None:
    hub.record(LACKING, {**LACKING, "bot_id": "bot-2"})
    count()
    secret = keys.create(account, "r", ["logs:read"], bot="bot-2")
    answer = Api(secret).get("/api/review")
    body = answer.json()
    assert (body["botId"], body["totals"]["failures"]["count"]) == ("bot-2", 1)
    assert "bot-1" not in answer.text


def test_a_parameter_that_is_wrong_is_named(api_key: str) -> None:
    problem = problem_of(
        Api(api_key).get("/api/review?day=1&days=2&zone=x"), 400, "invalid-parameter"
    )
    assert {each["parameter"] for each in problem["errors"]} == {"day", "days", "zone"}


def test_a_breaker_that_is_still_open_leads_to_what_it_blocked(hub: Hub, account: Account) -> None:
    breaker = {"actor": {"type": "system", "id": "system"}, "payload": {"provider": "<i>"}}
    terms = {"pair": "SOL/USDC", "amount": 2, "price": 150, "provider": "<i>"}
    hub.record(
        {**breaker, "action": "circuit_breaker.opened", "timestamp": now() - timedelta(minutes=5)},
        {
            "action": "order.rejected",
            "result": "failure",
            "payload": {**terms, "code": "circuit_breaker_open"},
        },
    )
    (row,) = hub.read(REVIEW).all("[aria-labelledby=stopped]", "tbody", "tr")
    assert "<i> breaker" in row.text
    assert "still open" in row.text
    assert "300 USDC" in row.text
    _, blocked = row.all("a")
    assert blocked.text.strip() == "1 trade"
    assert "1" in hub.read(blocked["href"]).one(".toolbar-count").text
    secret = keys.create(account, "r", ["logs:read"])
    (told,) = Api(secret).get("/api/review").json()["breakersAndKillSwitches"]["items"]
    assert (told["name"], told["end"], told["endedBy"]) == ("<i>", None, None)
    assert told["blockedTrades"]["worth"] == {"USDC": 300}
    assert len(Api(secret).get(told["blockedTrades"]["entries"]).json()) == 1
