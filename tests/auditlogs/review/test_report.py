"""The daily review: every figure is what its list holds, counted in plain Python."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from auditlogs.counters import tallies
from auditlogs.entry.times import DAY_MS, from_ms, now, parse_rfc3339, to_ms
from auditlogs.models import new_account_id
from auditlogs.query.figures import Figure
from auditlogs.query.values import parse
from auditlogs.recording.recorder import record_many
from auditlogs.review import report
from auditlogs.review.days import Days, parse_days
from auditlogs.review.report import Report, review
from auditlogs.storage import mongo
from auditlogs.storage.counts import FailureCount, Span, start_of
from tests.counting import count_account
from tests.factories import SYSTEM, USER, new
from tests.watching import sent, watcher

AGENT = {"type": "agent", "id": "agent-1", "name": "Scout"}
ZONES = ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"]
KINDS: list[dict[str, Any]] = [
    {"action": "order.created"},
    {
        "result": "failure",
        "payload": {"tool": "trade", "keyName": "scout,read", "keyId": "k-1", "code": "x"},
    },
    {
        "result": "failure",
        "payload": {"tool": "trade", "keyId": "k-1", "requiredScope": "trade"},
        "decision": {"outcome": "denied", "policy": "tool-scopes"},
    },
    {
        "result": "failure",
        "payload": {
            "provider": "jupiter",
            "error": "Circuit breaker is open",
            "pair": "SOL/USDC",
            "amount": 2,
            "price": 150,
        },
        "action": "order.rejected",
        "actor": SYSTEM,
    },
    {"action": "circuit_breaker.opened", "actor": SYSTEM, "payload": {"provider": "jupiter"}},
    {"action": "circuit_breaker.closed", "actor": SYSTEM, "payload": {"provider": "jupiter"}},
    {"result": "partial", "decision": {"outcome": "denied", "policy": "-limits"}},
    {
        "result": "failure",
        "action": "auth.sign_in_failed",
        "payload": {"keyName": "scout,read", "keyId": "k-1", "code": "key_rotated"},
    },
]
ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(["bot-1", "bot-2", None]),
        # Quarters of an hour ago: around midnights of every zone, and in the days before.
        st.integers(0, 4 * 24 * 4),
    ),
    min_size=1,
    max_size=25,
)


def keeps(entry: Mapping[str, Any], filters: Mapping[str, str]) -> bool:
    """Tell whether a stored entry is in the list with these filters, in plain Python."""
    facts: dict[str, set[str]] = {}
    for fact in entry["facts"]:
        name, _, value = fact.partition("=")
        facts.setdefault(name, set()).add(value)
    own = {"botId": {entry["botId"]}, "result": {entry["result"]}}
    own["action"] = {entry["action"], entry["actionType"]}
    at = entry["timestamp"]
    return all(
        at >= parse_rfc3339(text)
        if name == "startDate"
        else at < parse_rfc3339(text)
        if name == "endDate"
        else bool({*parse(text).wanted} & (own.get(name) or facts.get(name, set())))
        for name, text in filters.items()
    )


def figures(found: Report) -> Iterator[Figure]:
    """Yield every figure of a review."""
    yield from (total.figure for total in found.totals)
    lines = [*found.failures.lines, *found.scopes.lines, *found.denials.lines]
    lines += [spike.line for spike in found.spikes.lines]
    yield from (each.blocked for each in found.stopped.lines)
    for line in lines:
        yield line.figure
        yield from (part.figure for part in line.parts.lines)


@hypothesis_settings(max_examples=10)
@given(
    ENTRIES,
    st.sampled_from(ZONES),
    st.sampled_from([None, 0, -1]),
    st.sampled_from([None, "bot-1"]),
)
def test_each_figure_is_the_number_of_entries_of_its_list(
    entries: list[tuple[dict[str, Any], str | None, int]],
    zone: str,
    day: int | None,
    bot: str | None,
) -> None:
    account, moment = new_account_id(), now()
    record_many(
        [
            new(
                **{
                    "actor": AGENT,
                    **kind,
                    "bot_id": own,
                    "timestamp": moment - timedelta(minutes=15 * ago),
                }
            )
            for kind, own, ago in entries
        ],
        account=account,
    )
    count_account(account)
    place = ZoneInfo(zone)
    asked = None if day is None else moment.astimezone(place).date() + timedelta(days=day)
    found = review(account, Days.of(asked, place, moment), bot)
    log = list(mongo.entries().find({"account": account}))
    for figure in figures(found):
        assert figure.filters is not None
        assert figure.count == sum(keeps(each, figure.filters) for each in log)
    failures = next(total for total in found.totals if total.name == "failures")
    assert failures.figure.count == sum(line.figure.count for line in found.failures.lines)
    start, end = (from_ms(ms) for ms in found.days.spans[-1])
    mine = [each for each in log if each["botId"] and bot in (None, each["botId"])]
    seen: dict[tuple[str, str], datetime] = {}
    for each in sorted(mine, key=lambda entry: entry["timestamp"]):
        for fact in each["facts"]:
            if fact.startswith("tool="):
                seen.setdefault((each["botId"], fact.removeprefix("tool=")), each["timestamp"])
    new_tools = {pair for pair, at in seen.items() if start <= at < end}
    assert {(s.bot, s.value) for s in found.first_seen.lines if s.kind == "tool"} == new_tools
    acted = {each["botId"] for each in mine if start <= each["timestamp"] < end}
    first = from_ms(found.days.spans[0][0])
    before = {each["botId"] for each in mine if first <= each["timestamp"] < start}
    assert {each.bot for each in found.silent.lines} == before - acted


def test_a_spike_of_refused_sign_ins_comes_with_what_was_done_to_the_key_before() -> None:
    account, moment = new_account_id(), now()
    key = {"type": "api_key", "id": "k-1", "name": "sweep-trade"}
    refused: dict[str, Any] = {
        "action": "auth.sign_in_failed",
        "result": "failure",
        "bot_id": "bot-1",
    }
    refused["payload"] = {"keyName": "sweep-trade", "code": "invalid_key", "error": "Key rotated"}
    record_many(
        [
            new(action="api_key.rotated", target=key, timestamp=moment - timedelta(minutes=30)),
            *(
                new(**refused, timestamp=moment - timedelta(minutes=minutes))
                for minutes in (20, 12, 11, 5)
            ),
        ],
        account=account,
    )
    count_account(account)
    (spike,) = review(account, Days.of(None, ZoneInfo("UTC"), moment)).spikes.lines
    assert spike.line.figure.count == 4
    assert to_ms(spike.line.last) == to_ms(moment - timedelta(minutes=5))
    assert [(change.action, change.target) for change in spike.changes] == [
        ("api_key.rotated", "sweep-trade")
    ]


MINUTE = timedelta(minutes=1)
BREAKER = {"actor": SYSTEM, "payload": {"provider": "jupiter"}}
HOUR = timedelta(hours=1)


def blocked(**terms: Any) -> dict[str, Any]:
    payload = {"provider": "jupiter", "code": "circuit_breaker_open", **terms}
    return {"action": "order.rejected", "result": "failure", "payload": payload}


def test_a_breaker_says_how_long_it_was_open_and_what_it_blocked() -> None:
    account = new_account_id()
    # A midnight at which half an hour later is not the future.
    moment = (now() - HOUR).replace(hour=0, minute=0, second=0, microsecond=0)
    sol = {"pair": "SOL/USDC", "price": 150}
    record_many(
        [
            # It was open for an hour, half of it in the next day.
            new(**BREAKER, action="circuit_breaker.opened", timestamp=moment - HOUR / 2),
            new(**blocked(**sol, amount="2"), timestamp=moment - HOUR / 4),
            new(**blocked(**sol, amount=0.5), timestamp=moment - HOUR / 3),
            new(**blocked(**sol, amount=7), timestamp=moment + MINUTE),
            new(**BREAKER, action="circuit_breaker.closed", timestamp=moment + HOUR / 2),
            # Not blocked by it: before it, and by another one.
            new(**blocked(**sol, amount=9), timestamp=moment - HOUR),
            new(**blocked(provider="orca"), timestamp=moment - HOUR / 4),
            new(action="kill_switch.activated", actor=USER, timestamp=moment - HOUR),
        ],
        account=account,
    )
    day = (moment - HOUR).date()
    found = review(account, Days.of(day, ZoneInfo("UTC"), now())).stopped.lines
    switch, breaker = found
    assert (switch.stop.kind, switch.stop.end, switch.blocked.count) == ("kill_switch", None, 0)
    assert switch.length >= now() - moment + HOUR - MINUTE
    assert (breaker.stop.name, breaker.length, breaker.blocked.is_more) == ("jupiter", HOUR, False)
    assert breaker.blocked.count == 2
    assert breaker.worth == {"USDC": Decimal(375)}
    log = list(mongo.entries().find({"account": account}))
    assert breaker.blocked.filters is not None
    assert sum(keeps(each, breaker.blocked.filters) for each in log) == 2


def test_what_was_executed_with_other_arguments_than_were_approved_is_named() -> None:
    account, moment = new_account_id(), now()
    order = {"type": "order", "id": "ord-1", "name": "Sell SOL/USDC"}
    one, other = (digit * 64 for digit in "12")

    def approval(number: int, digest: str) -> dict[str, Any]:
        return {"id": f"ap_{number}", "outcome": "granted", "argumentsHash": digest}

    entries = []
    for number, digest in ((1, one), (2, other)):
        given = {"approval": approval(number, one), "target": order, "actor": USER}
        entries += [
            new(**given, action="order.approved", timestamp=moment - 2 * MINUTE),
            new(approval=approval(number, digest), timestamp=moment - MINUTE),
        ]
    record_many(entries, account=account)
    (found,) = review(account, Days.of(None, ZoneInfo("UTC"), moment)).altered.lines
    assert (found.target, found.by) == ("Sell SOL/USDC", "Ada Lovelace")
    assert found.filters == {"approval": "ap_2", "dateRange": "all"}


def test_the_round_trips_do_not_grow_with_the_log() -> None:
    with watcher.watch() as commands:
        review(new_account_id(), Days.of(None, ZoneInfo("UTC"), now()))
    # Entries are read for breakers and kill switches, and for approvals.
    read = sent(commands, "aggregate", mongo.ENTRIES)
    assert sent(commands, "find", mongo.ENTRIES) == []
    assert (len(commands) - len(read), len(read)) <= (5, 4)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 11, 1), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Kathmandu", date(2026, 11, 1), 24),
    ],
)
def test_a_day_is_from_midnight_to_midnight_of_its_zone(zone: str, day: date, hours: float) -> None:
    days = Days.of(day, ZoneInfo(zone), datetime(2026, 11, 5, tzinfo=UTC))
    assert len(days.spans) == 8
    assert (days.end - days.start).total_seconds() / 3600 == hours
    local = days.start.astimezone(ZoneInfo(zone))
    assert (local.date(), local.hour, local.minute) == (day, 0, 0)
    assert [end for _, end in days.spans[:-1]] == [start for start, _ in days.spans[1:]]


@pytest.mark.parametrize(
    ("day", "zone", "wrong"),
    [
        ("2026-11-01", "Asia/Kolkata", []),
        ("yesterday", "Mars/Olympus", ["zone", "day"]),
        ("2020-01-01", "../etc/passwd", ["zone", "day"]),
        ("", "a" * 5_000, ["zone"]),
        ("2026-11-01", "\0", ["zone"]),
    ],
)
def test_a_wrong_day_or_zone_is_said_and_ignored(day: str, zone: str, wrong: list[str]) -> None:
    days, errors = parse_days(day, zone, datetime(2026, 11, 5, tzinfo=UTC))
    assert list(errors) == wrong
    assert len(days.spans) == 8


def test_two_thousand_different_keys_scopes_and_policies_are_each_looked_at_a_few_times() -> None:
    account, moment = new_account_id(), now()
    today = start_of("day", to_ms(moment))
    spans = [
        Span(start, [], {"types": [], "actions": []}, {}, [denied(n, start) for n in range(2_000)])
        for start in range(today - 8 * DAY_MS, today, DAY_MS)
    ]
    tallies.keep(account, {"day": spans}, 1)
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call") and frame.f_code.co_filename == report.__file__

    sys.setprofile(count)
    try:
        found = review(account, Days.of(from_ms(today - 1).date(), ZoneInfo("UTC"), moment))
    finally:
        sys.setprofile(None)
    assert calls < 60 * 8 * 2_000
    assert (len(found.denials.lines), found.denials.more) == (20, 1_980)
    (line,) = found.scopes.lines
    assert (len(line.parts.lines), line.parts.more) == (20, 1_980)


def denied(number: int, at: int) -> FailureCount:
    key, policy = f"key-{number:04}", f"policy-{number:04}"
    return FailureCount(
        "bot-1", "auth", "missing_scope", "trade", key, policy, "", True, 1, 0, 0, at, at
    )
