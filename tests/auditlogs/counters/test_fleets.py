"""The fleet that is kept for the pages of agents: the roster, and figures by hour of some bots."""

from collections import defaultdict
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from auditlogs.counters import fleets
from auditlogs.entry.times import DAY_MS, HOUR_MS, now, to_ms
from auditlogs.models import new_account_id
from auditlogs.recording.recorder import record_many
from auditlogs.storage import counts, fleet
from auditlogs.storage.fleet import Hour, Listed
from tests.counting import count_account
from tests.factories import USER, new

BOTS = [f"bot-{number}" for number in range(7)]

# Among the first to run: they count the whole log, which other tests fill.
pytestmark = pytest.mark.slow


@pytest.fixture
def account() -> str:
    account = new_account_id()
    start = now()
    record_many(
        [
            new(
                bot_id=BOTS[number % 7],
                actor=USER
                if number % 2
                else {"type": "agent", "id": f"a-{number % 7}", "name": f"Scout {number}"},
                result=("success", "failure", "partial")[number % 3],
                timestamp=start - timedelta(hours=3 * number),
            )
            for number in range(40)
        ],
        account=account,
    )
    count_account(account)
    return account


def test_days_hold_the_counted_hours_of_the_bots_that_are_asked_for(account: str) -> None:
    wanted = {"bot-2", "bot-5", "unknown"}
    expected: dict[int, dict[str, list[Hour]]] = defaultdict(lambda: defaultdict(list))
    for span in counts.kept(account, "hour", 0):
        for tally in span.tallies:
            if tally.bot in wanted:
                hour = Hour(span.start % DAY_MS // HOUR_MS, tally.entries, tally.failures)
                expected[counts.start_of("day", span.start)][tally.bot].append(hour)
    days = fleet.days(account, wanted, to_ms(now() - timedelta(days=10)))
    assert {day.start: day.hours for day in days if day.hours} == expected
    assert [day.start for day in days] == sorted(day.start for day in days)


def test_the_roster_has_each_agent_with_its_last_entry_and_newest_name(account: str) -> None:
    newest: dict[str, Listed] = {}
    for span in counts.kept(account, "day", 0):
        for tally in span.tallies:
            seen = Listed(tally.bot, tally.last_ms, tally.agent, tally.name, True, tally.last_ms)
            acted = newest.get(tally.bot, seen) if tally.agent is None else seen
            newest[tally.bot] = replace(acted, last_ms=tally.last_ms)
    expected = sorted(newest.values(), key=lambda each: -each.last_ms)
    # When an agent acted is known of each span alone, and the roster is made of shorter ones.
    roster = [replace(each, acted_ms=0) for each in fleet.roster(account)]
    assert roster == [replace(each, acted_ms=0) for each in expected]
    assert len(expected) == len(BOTS)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_its_newest_name_does_not_depend_on_the_order_in_which_days_are_counted(
    order: tuple[int, ...],
) -> None:
    account, today = new_account_id(), counts.start_of("day", to_ms(now()))
    # Today only a person acted on the bot.
    acted = [(None, None), ("a-1", "New"), ("a-1", "Old")]
    for token, number in enumerate(order, start=1):
        day, (agent, name) = today - number * DAY_MS, acted[number]
        tally = counts.Tally("bot-1", 1, 0, 0, day + HOUR_MS, agent, name)
        fleets.keep(account, day, [counts.Span(day, [tally], {}, {})], token)
    (listed,) = fleet.roster(account)
    assert (listed.name, listed.last_ms) == ("New", today + HOUR_MS)


def test_an_agent_that_acts_for_another_names_a_bot_only_where_no_other_acted(account: str) -> None:
    start, router = now(), {"type": "agent", "id": "router-1", "name": "Router"}
    scout = {"type": "agent", "id": "a-1", "name": "Scout"}
    sent: list[dict[str, Any]] = [
        *({"bot_id": "bot-1", "on_behalf_of": [scout, USER]}, {"bot_id": "bot-8"}),
        {"bot_id": "bot-9", "on_behalf_of": [scout]},
        {"bot_id": "router-1", "on_behalf_of": [scout]},
    ]
    record_many([new(actor=router, timestamp=start, **each) for each in sent], account=account)
    count_account(account)
    names = {each.bot: (each.agent, each.name) for each in fleet.roster(account)}
    assert names["bot-1"][0] == "a-1"
    assert {names[bot] for bot in ("bot-8", "bot-9", "router-1")} == {("router-1", "Router")}
    assert {each.bot: each.last_ms for each in fleet.roster(account)}["bot-1"] == to_ms(start)


def test_a_day_that_is_counted_again_after_newer_ones_changes_no_name(account: str) -> None:
    before = fleet.roster(account)
    day = counts.start_of("day", to_ms(now() - timedelta(days=2)))
    fleets.keep(account, day, counts.kept(account, "hour", day, day + DAY_MS), 1)
    assert fleet.roster(account) == before


def test_a_lower_fencing_token_replaces_nothing(account: str) -> None:
    day = counts.start_of("day", to_ms(now()))
    before = fleet.roster(account), fleet.days(account, BOTS, day)
    span = counts.Span(day, [counts.Tally("late", 1, 1, 0, to_ms(now()), None, None)], {}, {})
    fleets.keep(account, day, [span], 0)
    assert (fleet.roster(account), fleet.days(account, BOTS, day)) == before


def test_the_last_active_are_listed_where_there_are_too_many(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fleet.roster(account)
    monkeypatch.setattr(fleets, "MAX_LISTED", 3)
    day = counts.start_of("day", to_ms(now()))
    fleets.keep(account, day, counts.kept(account, "hour", day), 1)
    assert fleet.roster(account) == before[:3]
