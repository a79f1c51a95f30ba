"""Following a log in the order of arrival: nothing is missed, nothing comes twice."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.http import QueryDict
from hypothesis import given, settings, strategies as st

from auditlogs.accounts import keys
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, from_ms, now
from auditlogs.models import Account, new_account_id
from auditlogs.query import arrivals, slices
from auditlogs.query.cursor import Cursor
from auditlogs.query.entries import ArrivalPage
from auditlogs.query.filters import ListRequest, parse
from auditlogs.query.selection import Selection
from auditlogs.recording.recorder import record_many
from auditlogs.storage import mongo
from auditlogs.storage.indexes import ACCOUNT_ARRIVAL_INDEX
from auditlogs.storage.retention import oldest_ms
from tests.api import LIST, Api, next_of, problem_of
from tests.factories import USER, new
from tests.watching import sent, watcher

ENTRY = {"action": "order.created", "actor": USER, "result": "success"}


def request_for(account: str, query: str = "", bot: str | None = None) -> ListRequest:
    data = QueryDict(f"order=arrival&{query}")
    request = parse(data, account=account, bot=bot, default_range="all", now=now())
    assert request.errors == {}
    return request


def read(account: str, limit: int, cursor: Cursor | None, query: str = "") -> ArrivalPage:
    given = f"{query}&cursor={cursor.dump()}" if cursor else query
    request = request_for(account, given)
    return request.entries.arrivals(limit, cursor=request.cursor)


def follow(
    account: str, limit: int, cursor: Cursor | None = None, query: str = ""
) -> tuple[list[Entry], Cursor]:
    """Read until the reader has caught up."""
    found: list[Entry] = []
    for _ in range(200):
        page = read(account, limit, cursor, query)
        found += page.entries
        cursor = page.next
        if page.is_caught_up:
            return found, cursor
    raise AssertionError("the reader never catches up")


@pytest.fixture
def at_ease() -> Iterator[time_machine.Traveller]:
    """A clock that a test moves."""
    with time_machine.travel(now(), tick=False) as clock:
        yield clock


BATCHES = st.lists(
    st.lists(st.integers(-29 * 24 * 60, 23 * 60), max_size=5), min_size=1, max_size=5
)


@settings(max_examples=15)
@given(
    batches=BATCHES,
    gaps=st.lists(st.integers(1, 60_000), min_size=5, max_size=5),
    limit=st.integers(1, 7),
)
def test_whatever_its_timestamp_each_entry_comes_once_in_the_order_of_arrival(
    batches: list[list[int]], gaps: list[int], limit: int
) -> None:
    account, written, seen = new_account_id(), [], []
    cursor: Cursor | None = None
    with time_machine.travel(now() - timedelta(hours=2), tick=False) as clock:
        for batch, gap in zip(batches, gaps, strict=False):
            moment = now()
            written += record_many(
                [new(timestamp=moment + timedelta(minutes=m)) for m in batch], account=account
            )
            entries, cursor = follow(account, limit, cursor)
            seen += entries
            clock.shift(timedelta(milliseconds=gap))
        clock.shift(arrivals.LAG + timedelta(seconds=1))
        seen += follow(account, limit, cursor)[0]
    assert sorted(entry.id for entry in seen) == sorted(map(str, written))
    arrived = [(entry.recorded_at, entry.id) for entry in seen]
    assert arrived == sorted(arrived)


def test_filters_and_a_start_hold(at_ease: time_machine.Traveller) -> None:
    account, moment = new_account_id(), now()
    old, wanted, _ = record_many(
        [
            new(timestamp=moment - timedelta(days=5), result="failure"),
            new(timestamp=moment - timedelta(days=1), result="failure"),
            new(result="success"),
        ],
        account=account,
    )
    at_ease.shift(timedelta(minutes=1))
    start = format_rfc3339(moment - timedelta(days=2))
    found, _ = follow(account, 10, query=f"result=failure&startDate={start}")
    assert [entry.id for entry in found] == [str(wanted)]
    found, _ = follow(account, 1, query="result=failure")
    assert {entry.id for entry in found} == {str(old), str(wanted)}


def test_who_follows_an_id_may_begin_before_its_first_entry(
    at_ease: time_machine.Traveller,
) -> None:
    account, id = new_account_id(), str(uuid.uuid4())
    found, cursor = follow(account, 5, query=f"search={id}")
    for number in range(2):
        record_many([new(correlation_id=id), new()], account=account)
        at_ease.shift(timedelta(minutes=1))
        more, cursor = follow(account, 5, cursor, query=f"search={id}")
        found += more
        assert len(found) == number + 1
    # Another ID with the same beginning, and a search for the beginning, change nothing.
    start = id[:9]
    found, cursor = follow(account, 5, query=f"search={start}")
    record_many([new(correlation_id=start + str(uuid.uuid4())[9:])], account=account)
    at_ease.shift(timedelta(minutes=1))
    assert (len(found), follow(account, 5, cursor, query=f"search={start}")[0]) == (2, [])


def test_a_reader_of_one_bot_follows_that_bot_alone(at_ease: time_machine.Traveller) -> None:
    account = new_account_id()
    own, _ = record_many([new(bot_id="bot-1"), new(bot_id="bot-2")], account=account)
    at_ease.shift(timedelta(minutes=1))
    page = request_for(account, bot="bot-1").entries.arrivals(10)
    assert [entry.id for entry in page.entries] == [str(own)]
    assert request_for(account, "botId=bot-2", bot="bot-1").entries.arrivals(10).entries == []


def test_an_entry_is_held_back_until_no_earlier_one_can_follow(
    at_ease: time_machine.Traveller,
) -> None:
    account = new_account_id()
    record_many([new()], account=account)
    found, cursor = follow(account, 10)
    assert found == []
    at_ease.shift(arrivals.LAG + timedelta(milliseconds=1))
    found, _ = follow(account, 10, cursor)
    assert len(found) == 1


def test_an_entry_that_validation_held_up_arrives_when_it_is_written() -> None:
    from auditlogs.recording.recorder import prepare
    from auditlogs.write.store import write

    account = new_account_id()
    entry, _ = prepare("order.created", result="success", account=account, actor=USER)
    moment = now()
    with time_machine.travel(moment + timedelta(seconds=40), tick=False) as clock:
        write([entry], account)
        clock.shift(timedelta(minutes=1))
        ((found,), _) = follow(account, 10)
    assert found.recorded_at == format_rfc3339(moment + timedelta(seconds=40))


def test_a_page_is_read_by_the_index_of_arrivals_in_few_queries(
    at_ease: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = new_account_id()
    record_many([new() for _ in range(3)], account=account)
    at_ease.shift(timedelta(minutes=1))
    monkeypatch.setattr(mongo, "is_secantus", lambda: False)
    with watcher.watch() as commands:
        page = read(account, 2, None)
    queries = sent(commands, "aggregate", mongo.ENTRIES)
    assert len(queries) <= slices.MAX_QUERIES
    assert {each.get("hint") for each in queries} == {ACCOUNT_ARRIVAL_INDEX}
    for each in queries:
        first, bounds = each["pipeline"][0]["$match"], each["pipeline"][1]["$match"]
        assert list(first) == ["account", "recordedAt"]
        assert bounds.keys() == {"_id"}
    with watcher.watch() as commands:
        read(account, 2, page.next)
    at_position = sent(commands, "aggregate", mongo.ENTRIES)[0]["pipeline"][0]["$match"]
    assert list(at_position) == ["account", "recordedAt", "_id"]
    assert isinstance(at_position["recordedAt"], datetime)


def test_what_takes_a_busy_database_too_long_is_read_in_shorter_spans(
    at_ease: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, written = new_account_id(), []
    for _ in range(6):
        written += record_many([new(), new()], account=account)
        at_ease.shift(timedelta(seconds=7))
    at_ease.shift(arrivals.LAG)
    run, timeouts = slices.run_by_arrival, []

    def busy(
        selection: Selection, recorded: mongo.Document | datetime, *rest: Any
    ) -> list[mongo.Document]:
        if isinstance(recorded, dict):
            (begin,) = (recorded[name] for name in ("$gte", "$gt") if name in recorded)
            if begin > now() - timedelta(hours=1) and recorded["$lt"] - begin > timedelta(
                seconds=5
            ):
                timeouts.append(recorded)
                raise mongo.TookTooLong("The log took too long to answer.")
        return run(selection, recorded, *rest)

    monkeypatch.setattr(slices, "run_by_arrival", busy)
    start = format_rfc3339(now() - timedelta(minutes=30))
    found, _ = follow(account, 5, query=f"startDate={start}")
    assert sorted(entry.id for entry in found) == sorted(map(str, written))
    assert timeouts


def test_a_reader_that_goes_on_while_four_write_misses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrivals, "LAG", timedelta(seconds=1))
    account, lock = new_account_id(), threading.Lock()
    written: list[str] = []

    def write_some(number: int) -> None:
        for turn in range(15):
            late = timedelta(minutes=number * 7 + turn)
            ids = record_many([new(timestamp=now() - late), new()], account=account)
            with lock:
                written.extend(map(str, ids))

    writers = [threading.Thread(target=write_some, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    seen: list[str] = []
    cursor: Cursor | None = None
    until = time.monotonic() + 60
    while time.monotonic() < until:
        is_over = not any(writer.is_alive() for writer in writers)
        page = read(account, 7, cursor)
        seen += [entry.id for entry in page.entries]
        cursor = page.next
        if is_over and page.is_caught_up and len(seen) >= len(written):
            break
    assert sorted(seen) == sorted(written)
    assert len(written) == 120


@pytest.mark.parametrize(
    "turns", [pytest.param(2, id="short"), pytest.param(60, id="long", marks=pytest.mark.faults)]
)
def test_a_reader_that_stops_for_a_week_misses_nothing_and_sees_nothing_twice(
    turns: int, account: Account, settings: Any
) -> None:
    settings.AUDITLOGS_API_RATE = "1000000/minute"
    api = Api(keys.create(account, "follower", ["logs:read"]))
    log, seen, url = mongo.entries(), Counter[str](), f"{LIST}?order=arrival&limit=19"
    written: set[str] = set()

    def write_some(random: Random) -> None:
        for _ in range(turns):
            late = [timedelta(days=random.uniform(0, 29.5)), timedelta(0), timedelta(hours=-9)]
            entries = [new(timestamp=now() - each) for each in late]
            ids = record_many(entries, account=account.id)
            with lock:
                written.update(map(str, ids))

    def follow_on(url: str) -> str:
        while True:
            page = api.get(url)
            seen.update(entry["id"] for entry in page.json())
            url = next_of(page) or ""
            if "Retry-After" in page.headers:
                return url

    lock, randoms = threading.Lock(), [Random(number) for number in range(4)]
    with (
        time_machine.travel(now() - timedelta(days=8), tick=False) as clock,
        ThreadPoolExecutor(4) as pool,
    ):
        for day in range(10):
            writing = [pool.submit(write_some, random) for random in randoms]
            if day in {0, 1, 9}:
                url = follow_on(url)
            for each in writing:
                each.result()
            # What the TTL index would remove, whose clock is not moved.
            log.delete_many(
                {"account": account.id, "timestamp": {"$lt": from_ms(oldest_ms(now()))}}
            )
            clock.shift(timedelta(days=1) if day < 8 else arrivals.LAG + timedelta(seconds=1))
        follow_on(url)
    # The server removes by its own clock too.
    stored = {str(each["_id"]) for each in log.find({"account": account.id}, {"_id": 1})}
    assert set(seen.values()) == {1}
    assert stored - seen.keys() == set()
    assert seen.keys() <= written
    assert 0.9 * len(written) < len(stored) < len(written) == 4 * 10 * 3 * turns


# The API


@pytest.fixture
def api(api_key: str) -> Api:
    return Api(api_key)


def test_the_last_page_has_a_cursor_too_and_says_when_to_ask_again(api: Api) -> None:
    response = api.get(order="arrival")
    assert (response.content, response["Retry-After"]) == (b"[]", "5")
    following = next_of(response)
    assert following is not None
    assert dict(parse_qsl(urlsplit(following).query))["order"] == "arrival"
    assert api.get(following).content == b"[]"


def test_what_is_dated_ahead_hides_nothing_from_a_reader_that_follows(
    api: Api, write_key: str, at_ease: time_machine.Traveller
) -> None:
    # datalust/seq-tickets#1570, percona/rds_exporter#123
    writer = Api(write_key)
    ahead = {**ENTRY, "timestamp": format_rfc3339(now() + timedelta(hours=23))}
    (first,) = writer.post(ahead).json()
    at_ease.shift(timedelta(minutes=1))
    page = api.get(order="arrival")
    assert [entry["id"] for entry in page.json()] == [first["id"]]
    (second,) = writer.post(ENTRY).json()
    at_ease.shift(timedelta(minutes=1))
    page = api.get(next_of(page) or "")
    assert [entry["id"] for entry in page.json()] == [second["id"]]


def test_a_poll_that_brings_nothing_is_answered_without_a_body(
    api: Api, write_key: str, at_ease: time_machine.Traveller
) -> None:
    Api(write_key).post(ENTRY)
    at_ease.shift(timedelta(minutes=1))
    url = next_of(api.get(order="arrival")) or ""
    nothing = api.get(url)
    headers: dict[str, Any] = {**api.headers, "if-none-match": nothing["ETag"]}
    again = api.client.get(url, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert next_of(again) is not None
    assert again["Retry-After"] == "5"
    Api(write_key).post(ENTRY)
    at_ease.shift(timedelta(minutes=1))
    assert len(api.client.get(url, headers=headers).json()) == 1


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson", "text/csv"])
def test_a_page_is_known_again_however_it_was_compressed(
    api: Api, write_key: str, at_ease: time_machine.Traveller, kind: str
) -> None:
    Api(write_key).post([ENTRY] * 3)
    at_ease.shift(timedelta(minutes=1))
    api.headers["accept"] = kind
    url = f"{LIST}?order=arrival"
    strong = api.get(url)["ETag"]
    api.headers["accept-encoding"] = "gzip"
    packed = api.get(url)
    assert (packed["Content-Encoding"], packed["ETag"]) == ("gzip", f"W/{strong}")
    for encoding in ("gzip", "identity"):
        for tag, status in (
            (strong, 304),
            (f"W/{strong}", 304),
            (f'"x", W/{strong}', 304),
            ("*", 304),
            (f'W/"x{strong[1:]}', 200),
        ):
            headers = {**api.headers, "accept-encoding": encoding, "if-none-match": tag}
            assert api.client.get(url, headers=headers).status_code == status, (encoding, tag)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"sort": "actor"}, "sort"),
        ({"offset": "0"}, "order"),
        ({"dateRange": "24h"}, "dateRange"),
        ({"order": "arrival", "cursor": "x"}, "cursor"),
    ],
)
def test_what_does_not_go_with_it_is_named(parameters: dict[str, str], name: str, api: Api) -> None:
    problem = problem_of(
        api.get(LIST, **{"order": "arrival"} | parameters), 400, "invalid-parameter"
    )
    assert name in str(problem)


def test_another_order_is_refused(api: Api) -> None:
    problem = problem_of(api.get(order="departure"), 400, "invalid-parameter")
    assert "expected one of arrival" in str(problem)


def test_a_cursor_of_another_order_is_refused(api: Api, write_key: str) -> None:
    for _ in range(3):
        Api(write_key).post(ENTRY)
    following = next_of(api.get(limit=1)) or ""
    cursor = dict(parse_qsl(urlsplit(following).query))["cursor"]
    problem = problem_of(api.get(order="arrival", cursor=cursor), 400, "invalid-parameter")
    assert "another account, filter or sort" in str(problem)
