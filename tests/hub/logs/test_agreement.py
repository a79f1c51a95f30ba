"""What a page says of itself and what it lists are the same, for any address."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from tests.hub.markup import Element
from tests.hub.pages import Hub, rows

ACTORS = [
    {"type": "agent", "id": "agent-7", "name": "Momentum Scout"},
    {"type": "agent", "id": "agent-9", "name": "Grid Keeper"},
    {"type": "agent", "id": "agent-without-a-name"},
    {"type": "user", "id": "user-1", "name": "Ada Lovelace"},
    {"type": "system", "id": "system"},
]
ACTIONS = ["order.created", "order.filled", "auth.signed_in", "bot.created", "mcp.tool.call"]
TYPES = dict(zip(ACTIONS, ["trade", "trade", "auth", "config", "mcp"], strict=True))
RESULTS = ["failure", "partial", "success"]
HOURS = [1, 5, 20, 30, 71, 140, 200, 400, 690]
RANGES = {"24h": 24, "7d": 168, "30d": 720, "all": 720}
WORDS = {"the last 24 hours": 24, "the last 7 days": 168, "the last 30 days": 720}
# The label of a chip, and the field that it filters by.
CHIPS = {
    "Agent": "bot_id",
    "Action": "action",
    "Target": "target",
    "Correlation ID": "correlation_id",
    "Request ID": "request_id",
    "Session ID": "session_id",
}


@dataclass
class Claim:
    """What a page says that it lists: a span of time, filters, and an order."""

    start: datetime
    end: datetime | None = None
    fields: dict[str, str] = field(default_factory=dict)
    search: str = ""
    sort: str = "-timestamp"


def fleet(moment: datetime) -> list[dict[str, Any]]:
    """Return 45 entries of many kinds, none near the end of a range that an address can have."""
    made = random.Random(5)
    entries = []
    for number in range(45):
        actor = made.choice(ACTORS)
        entries.append(
            {
                "timestamp": moment - timedelta(hours=made.choice(HOURS), seconds=number),
                "actor": actor,
                "action": made.choice(ACTIONS),
                "result": made.choice(RESULTS),
                "bot_id": actor["id"] if actor["type"] == "agent" else None,
                "target": {"type": "order", "id": f"ord-{number % 4}", "name": "Buy SOL"},
                "request_id": f"req-{number % 3}",
                "session_id": f"sess-{number % 2}",
                "correlation_id": f"corr-{number % 5}",
            }
        )
    return entries


def addresses(seed: int, moment: datetime) -> Iterator[str]:
    """Yield queries with good, bad, empty, repeated and unknown parameters, in any order."""
    choice = random.Random(seed)
    times = [
        (moment - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:00:00Z")
        for hours in (3, 12, 50, 300)
    ]
    pools: dict[str, list[str]] = {
        "dateRange": ["24h", "7d", "30d", "all", "custom", "99d"],
        "startDate": [*times, "yesterday", times[1].removesuffix("Z")],
        "endDate": [*times, "2026-02-30T00:00:00Z"],
        "actor": [*(str(actor["id"]) for actor in ACTORS), "nobody", "a" * 300],
        "botId": ["agent-7", "agent-9", "b" * 300],
        "action": [*ACTIONS, "trade", "mcp", "system", "everything", "Order Created"],
        "result": [*RESULTS, "lost"],
        "search": ["scout", "buy so", "ord", "nobody", "a b c d e f g h i", "s" * 300, "\0"],
        "target": ["ord-1", "ord-2", "t" * 300],
        "correlationId": ["corr-1", "corr-9"],
        "requestId": ["req-1", "req-2"],
        "sessionId": ["sess-0", "sess-7"],
        "sort": ["timestamp", "-timestamp", "actor", "-actor", "action", "-result", "size"],
        "cursor": ["stale"],
        "colour": ["red"],
        "limit": ["9"],
    }
    while True:
        names = choice.sample(list(pools), choice.choice([0, 1, 1, 2, 2, 3, 4, 6]))
        pairs = [(name, choice.choice(pools[name])) for name in names]
        if pairs and choice.random() < 0.4:
            name = choice.choice(names)
            pairs.append((name, choice.choice([*pools[name], ""])))
        choice.shuffle(pairs)
        yield f"?{urlencode(pairs)}"


def claim_of(page: Element, moment: datetime) -> Claim:
    """Read what a page says from its controls, the messages at them, and its chips."""
    claim = Claim(moment - timedelta(hours=168))
    messages = {
        each["id"].removesuffix("-message"): each.text for each in page.all(".field-message")
    }
    shown = next(
        filter(None, (messages[name] for name in ("dateRange", "startDate", "endDate"))), ""
    )
    if shown:
        _read_sentence(claim, shown.partition("Showing ")[2].rstrip("."), moment)
    else:
        _read_range(claim, page, moment)
    for name, key in (("actor", "actor"), ("action", "action_type"), ("result", "result")):
        if value := page.one(f"select#{name}").all("option[selected]"):
            claim.fields[key] = value[0]["value"]
    for chip in page.all(".chip"):
        label = chip.one(".chip-label").text.removesuffix(":")
        claim.fields[CHIPS[label]] = chip.one(".chip-text")["title"]
    claim.fields = {key: value for key, value in claim.fields.items() if value}
    claim.search = "" if messages["search"] else page.one("#search")["value"]
    claim.sort = page.one("#sort", "option[selected]")["value"] or "-timestamp"
    return claim


def _read_range(claim: Claim, page: Element, moment: datetime) -> None:
    chosen = page.one("#dateRange", "option[selected]")["value"]
    if chosen != "custom":
        claim.start = moment - timedelta(hours=RANGES[chosen])
        return
    start, end = (page.one(f"#{name}")["data-instant"] for name in ("startDate", "endDate"))
    claim.start = datetime.fromisoformat(start) if start else moment - timedelta(hours=720)
    claim.end = datetime.fromisoformat(end) if end else None


def _read_sentence(claim: Claim, sentence: str, moment: datetime) -> None:
    ago = re.search(r"from (\d+ \w+) ago", sentence)
    words = f"the last {ago[1]}" if ago else sentence
    claim.start = moment - timedelta(hours=WORDS.get(words, 720))
    times = dict(re.findall(r"(from|until) (\w+ \d+, \d\d:\d\d) UTC", sentence))
    for word, text in times.items():
        years = (moment.year, moment.year - 1)
        read = [datetime.strptime(f"{year} {text} +0000", "%Y %b %d, %H:%M %z") for year in years]
        instant = next(each for each in read if each <= moment)
        if word == "from":
            claim.start = instant
        else:
            claim.end = instant


def expected(claim: Claim, entries: list[dict[str, Any]], ids: list[UUID]) -> list[UUID]:
    """Return the ids of the entries that a claim describes, in its order."""
    found = [
        (entry, entry_id)
        for entry, entry_id in zip(entries, ids, strict=True)
        if claim.start <= entry["timestamp"]
        and (claim.end is None or entry["timestamp"] < claim.end)
        and all(_value(entry, key) == value for key, value in claim.fields.items())
        and all(_has_word(entry, word) for word in claim.search.lower().split())
    ]
    # First by time, the newest first: the sort by the key keeps that among equals.
    found.sort(key=lambda pair: pair[0]["timestamp"], reverse=claim.sort != "timestamp")
    if claim.sort.lstrip("-") != "timestamp":
        keys: dict[str, Callable[[dict[str, Any]], Any]] = {
            "actor": lambda entry: ((entry["actor"].get("name") or entry["actor"]["id"]).lower(),),
            "action": lambda entry: entry["action"],
            "result": lambda entry: entry["result"],
        }
        key = keys[claim.sort.lstrip("-")]
        found.sort(key=lambda pair: key(pair[0]), reverse=claim.sort.startswith("-"))
    return [entry_id for _, entry_id in found]


def _value(entry: dict[str, Any], key: str) -> str | None:
    if key == "action_type":
        return TYPES[entry["action"]]
    value = entry[key]
    return str(value["id"]) if isinstance(value, dict) else value


def _has_word(entry: dict[str, Any], word: str) -> bool:
    actor, target = entry["actor"], entry["target"]
    texts = (entry["action"], actor["id"], actor.get("name") or "", *target.values())
    tokens = re.split(r"[^a-z0-9]+", " ".join(texts).lower())
    return any(token.startswith(word) for token in tokens)


def check(hub: Hub, seed: int, number: int) -> None:
    """Compare what the pages of many addresses say with what they list, count and link to."""
    moment = datetime.now(UTC)
    entries = fleet(moment)
    ids = hub.record(*entries)
    for query, _ in zip(addresses(seed, moment), range(number), strict=False):
        page = hub.logs(query)
        claim = claim_of(page, moment)
        wanted = expected(claim, entries, ids)
        assert rows(page) == wanted, query
        shown = page.one("#results")["data-url"]
        assert rows(hub.read(shown, htmx=True)) == wanted, (query, shown)
        if wanted:
            count = hub.read(page.one("#count")["hx-get"], htmx=True).text
            assert count == f"of {len(wanted)}", query
        own_range = "startDate" in shown or "endDate" in shown or "dateRange" in shown
        has_message = "Showing" in page.one("#dateRange-message").text
        if not (own_range or has_message):
            filters = len(claim.fields) + bool(claim.search)
            assert page.one("#filter-count").text == str(filters), query
            assert bool(page.one("#clear-all").all("a")) == bool(filters), query
        for chip in page.all(".chip"):
            fewer = Claim(claim.start, claim.end, dict(claim.fields), claim.search, claim.sort)
            del fewer.fields[CHIPS[chip.one(".chip-label").text.removesuffix(":")]]
            left = hub.read(chip.one("a")["href"], htmx=True)
            assert rows(left) == expected(fewer, entries, ids), query


def test_controls_count_links_and_list_agree_for_any_address(hub: Hub) -> None:
    check(hub, seed=1, number=30)


def test_a_range_that_has_an_end_says_where_it_begins(hub: Hub) -> None:
    moment = datetime.now(UTC)
    entries = fleet(moment)
    ids = hub.record(*entries)
    end = f"{moment - timedelta(hours=12):%Y-%m-%dT%H}:00:00Z"
    for chosen in ("24h", "7d", "30d", "all"):
        page = hub.logs(f"?dateRange={chosen}&startDate=yesterday&endDate={end}")
        claim = claim_of(page, moment)
        assert claim.start == moment - timedelta(hours=RANGES[chosen])
        assert claim.end == datetime.fromisoformat(end)
        assert rows(page) == expected(claim, entries, ids)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10, 20))
def test_controls_count_links_and_list_agree_for_a_thousand_addresses(hub: Hub, seed: int) -> None:
    check(hub, seed=seed, number=1_000)
