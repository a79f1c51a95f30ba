"""Every list against the oracle: random entries, random parameters, the real database."""

import re
import string
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import event, given, settings, strategies as st
from hypothesis.strategies import DataObject, DrawFn, SearchStrategy

from auditlogs.entry.schema import Entry
from auditlogs.entry.times import from_ms, now, to_ms
from auditlogs.intake.validation import summary_of
from auditlogs.models import new_account_id
from auditlogs.query import parts, slices, sort_values
from auditlogs.query.entries import Page
from auditlogs.query.filters import EXACT_FILTERS, ListRequest, parse
from auditlogs.recording.recorder import new_entry
from auditlogs.redaction import Redactor
from auditlogs.storage import mongo
from auditlogs.storage.indexes import LeadingFilter
from tests.auditlogs.query.oracle import KEPT, RANGES, Asked, Written, expected
from tests.factories import store_with_keys

pytestmark = pytest.mark.slow

REDACTOR = Redactor()
A_QUARTER = max(1, settings().max_examples // 4)
MAX_PAGES = 2_000
MS = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

# Few and near: equal names under different ids, no name at all, forms that fold together,
# names that begin one another, punctuation that sorts below letters, other scripts.
NAMES = [
    *("Ada", "ada", "ADA", "Ada B", "ada-b", "a", "ab", "a b", "Zed", "Ａda", "ada!"),
    *("Straße", "STRASSE", "ﬁre", "İda", "日本", "日本 bot", "é", "e\u0301", "😀", "😀 x"),
    *("⚡️Scout", "❤️", "1️⃣ Ağa", "العَرَبِيَّة", "한국어", "ก็"),
]
IDS = [
    "ada",
    "Zed",
    "a",
    "a-1",
    "a-10",
    "agent.7",
    "日本",
    "ⅷ",
    "$ne",
    "[",
    "ab",
    "a,b",
    "-a",
    "a\\",
]
# Written with and without hyphens, and beside one that begins alike.
UUIDS = ["c4fd3dead6cd40ec9217d98c74e40cc1", "C4FD3DEA-D6CD-40EC-9217-D98C74E40CC1"]
UUIDS += ["c4fd3dea-0000-40ec-9217-d98c74e40cc1"]
IDS += UUIDS
ACTIONS = [
    *(("order.created", "trade"), ("order.filled", "trade"), ("mcp.tool.call", "mcp")),
    *(("auth.signed_in", "auth"), ("api_key.revoked", "config"), ("mcp.tool", "mcp")),
    *(("custom.thing", "trade"), ("custom.thing", "system"), ("custom.thing_2", "config")),
]
ACTION_NAMES = [name for name, _ in ACTIONS]
RESULTS = ["success", "failure", "partial"]
OUTCOMES = ["allowed", "deferred", "denied", "modified"]
HEX = "0af7651916cd43dd8448eb211c80319c"
CORRELATIONS = [HEX, str(uuid.UUID(HEX)), str(uuid.UUID(HEX)).upper(), f"{HEX}0", "c-1"]
SORTS = ["-timestamp", "timestamp", "actor", "-actor", "action", "-action", "result", "-result"]

# Entries are written a little before the moment they are asked for, `AGO`, so that some of them
# have gone by then. They lie at the edges of slices, ranges and the retention, and beside them.
AGO = 20 * MINUTE
EDGES = [timedelta(0), 6 * HOUR, 12 * HOUR, 18 * HOUR, DAY, 30 * HOUR, 2 * DAY, 4 * DAY, 5 * DAY]
EDGES += [7 * DAY, 20 * DAY, -HOUR, -23 * HOUR, KEPT - 10 * MINUTE, KEPT + 10 * MINUTE]


# A reason is found by rules of its own, and one writer's ID is of one entry.
HAS_OTHER_TESTS = {"reason", "writerId"}


def rarely(strategy: SearchStrategy[Any], otherwise: Any = None) -> SearchStrategy[Any]:
    return st.one_of(st.just(otherwise), st.just(otherwise), strategy)


def moments(asked_at: datetime) -> SearchStrategy[datetime]:
    beside = st.sampled_from([0, 0, 0, -1, 1, 777])
    return st.builds(lambda edge, by: asked_at - edge + by * MS, st.sampled_from(EDGES), beside)


def populations(asked_at: datetime, max_size: int = 20) -> SearchStrategy[list[dict[str, Any]]]:
    """Entries as a writer sends them, under Python names."""
    ids, names = st.sampled_from(IDS), st.one_of(st.none(), st.sampled_from(NAMES))
    actor_types, target_types = st.sampled_from(["agent", "user"]), st.sampled_from(["bot", "key"])
    principals = st.fixed_dictionaries({"type": actor_types, "id": ids})
    # One sentence is all that an entry is summed up by, where it is no success.
    payloads = st.fixed_dictionaries(
        {"error": st.sampled_from(["Ada B refused it", "no é", "日本 agent.7!"])},
        optional={
            "keyName": ids,
            "keyId": ids,
            "tool": ids,
            "code": st.sampled_from(["c-1", 403]),
            "provider": ids,
            "orderId": ids,
            "requiredScope": ids,
        },
    )
    entries = st.builds(
        lambda action, **fields: {"action": action[0], "action_type": action[1], **fields},
        st.sampled_from(ACTIONS),
        timestamp=moments(asked_at),
        actor=st.fixed_dictionaries({"type": actor_types, "id": ids, "name": names}),
        result=st.sampled_from(RESULTS),
        target=rarely(st.fixed_dictionaries({"type": target_types, "id": ids, "name": names})),
        correlation_id=rarely(st.sampled_from(CORRELATIONS)),
        request_id=rarely(st.sampled_from(["r-1", "r-2", "order-17"])),
        session_id=rarely(st.sampled_from(["s-1", "s-2"])),
        bot_id=rarely(ids),
        asserted_by=rarely(st.sampled_from(["key_1", "key_12"])),
        decision=rarely(
            st.fixed_dictionaries({"outcome": st.sampled_from(OUTCOMES)}, optional={"policy": ids})
        ),
        agent=rarely(st.sampled_from([{"version": "2.4"}, {"version": "2.4", "model": "m"}])),
        on_behalf_of=rarely(st.lists(principals, max_size=3)),
        run_id=rarely(st.sampled_from(["run-1", "run-2", "run-0001", UUIDS[0]])),
        approval=rarely(st.just({"id": "ap-1", "outcome": "granted"})),
        source_ip=rarely(st.sampled_from(["192.0.2.1", "2001:db8::1"])),
        payload=rarely(payloads),
    )
    few, many = st.lists(entries, max_size=2), st.lists(entries, min_size=4, max_size=max_size)
    return st.one_of(many, many, few)


@st.composite
def searches(draw: DrawFn) -> str:
    """Words that mostly stand in something an entry holds, in any case."""
    whole = st.sampled_from([*NAMES, *IDS, *ACTION_NAMES, "key", "bot", "refused it"])
    start = st.builds(lambda text, end: text[:end], whole, st.integers(1, 6))
    other = st.text(string.ascii_letters + '1.-_$" ß日\u0301', max_size=3)
    within = st.builds(lambda text, at: text[at:], whole, st.integers(0, 4))
    quoted = st.builds('"{}"'.format, within)
    between = draw(st.sampled_from([" ", "  ", "\u3000"]))
    if draw(st.booleans()):
        ids = st.sampled_from([*CORRELATIONS, *UUIDS, "order-17", "order-170", "run-0001"])
        return draw(ids)[: draw(st.integers(8, 40))]
    search = between.join(
        draw(st.lists(st.one_of(start, within, whole, quoted, other), max_size=3))
    )
    return draw(st.sampled_from([search, search.upper(), search.lower()]))


@st.composite
def filter_texts(draw: DrawFn, values: SearchStrategy[str]) -> str:
    """One value, or several and exclusions, with the signs that belong to a value escaped."""
    chosen = draw(st.lists(values, min_size=1, max_size=draw(st.sampled_from([1, 1, 3]))))
    escaped = (re.sub(r"^-|[\\,]", r"\\\g<0>", value) for value in chosen)
    signs = st.sampled_from(["", "", "-"])
    return ",".join(draw(signs) + value for value in escaped)


@st.composite
def questions(draw: DrawFn, asked_at: datetime) -> Asked:
    """What may be asked of a list. A bound may lie between two milliseconds."""
    beside = st.sampled_from([0, 0, 1, -1])
    bounds = st.builds(
        lambda moment, by: moment + timedelta(microseconds=by), moments(asked_at), beside
    )
    ids = st.sampled_from(IDS)
    values: dict[str, SearchStrategy[str]] = {
        "actor": ids,
        "botId": ids,
        "action": st.sampled_from([*ACTION_NAMES, "trade", "mcp", "config", "custom.other"]),
        "result": st.sampled_from(RESULTS),
        "target": ids,
        "correlationId": st.sampled_from(CORRELATIONS),
        "requestId": st.just("r-1"),
        "sessionId": st.just("s-1"),
        "assertedBy": st.just("key_1"),
        "decision": st.sampled_from(OUTCOMES),
        "approval": st.just("ap-1"),
        "policy": ids,
        "client": st.sampled_from(["2.4", "2.4 m"]),
        "runId": st.just("run-1"),
        "principal": ids,
        "key": ids,
        "tool": ids,
        "code": st.sampled_from(["c-1", "403"]),
        "provider": ids,
        "orderId": ids,
        "requiredScope": ids,
        "sourceIp": st.just("2001:db8::1"),
    }
    assert {*values, *HAS_OTHER_TESTS} == {*EXACT_FILTERS}
    # More at once would find nothing.
    names = draw(rarely(st.sets(st.sampled_from(sorted(values)), max_size=2), set()))
    return Asked(
        now=asked_at,
        bot=draw(rarely(ids)),
        range=draw(st.sampled_from(["all", "all", *RANGES])),
        start=draw(rarely(bounds)),
        end=draw(rarely(bounds)),
        sort=draw(st.sampled_from(SORTS)),
        equal={name: draw(filter_texts(values[name])) for name in sorted(names)},
        search=draw(rarely(searches(), "")),
    )


def answerable_questions(asked_at: datetime) -> SearchStrategy[Asked]:
    return questions(asked_at).filter(lambda asked: not starts_after_end(asked))


def write(account: str, fields: list[dict[str, Any]]) -> list[Written]:
    keys = [each["asserted_by"] for each in fields]
    sent = [new_entry({k: v for k, v in each.items() if k != "asserted_by"}) for each in fields]
    ids = store_with_keys(sent, keys, account)
    # What they say has tests of its own.
    summaries = [summary_of(each, REDACTOR) for each in sent]
    return [Written(*each) for each in zip(ids, fields, summaries, strict=True)]


def ask(account: str, asked: Asked, limit: int, cursor: str = "", **more: Any) -> ListRequest:
    """Ask for a list as a URL does, from anywhere on earth."""
    zone = timezone(timedelta(hours=5, minutes=45))
    parameters = {
        "dateRange": asked.range,
        "startDate": asked.start.astimezone(zone).isoformat() if asked.start else "",
        "endDate": asked.end.astimezone(zone).isoformat() if asked.end else "",
        "sort": asked.sort,
        "search": asked.search,
        "limit": str(limit),
        "cursor": cursor,
        **asked.equal,
        **more,
    }
    return parse(
        QueryDict(urlencode(parameters)),
        account=account,
        bot=asked.bot,
        default_range="all",
        now=asked.now,
    )


def starts_after_end(asked: Asked) -> bool:
    start = asked.start or (asked.now - RANGES[asked.range] if asked.range in RANGES else None)
    return bool(start and asked.end and start > asked.end)


def read(request: ListRequest) -> Page:
    assert request.errors == {}
    return request.entries.page(request.limit, cursor=request.cursor, offset=request.offset)


def pages(account: str, asked: Asked, limit: int) -> Iterator[Page]:
    """Follow a list to its end, each page a second later."""
    page = read(ask(account, asked, limit))
    yield page
    for _ in range(MAX_PAGES):
        if page.next is None:
            return
        asked = later(asked)
        page = read(ask(account, asked, limit, page.next.dump()))
        yield page
    raise AssertionError("the list never ends")


def later(asked: Asked) -> Asked:
    fields = asked.__dict__ | {"now": asked.now + timedelta(seconds=1)}
    return Asked(**fields)


def ids_of(*some: Page) -> list[uuid.UUID]:
    return [uuid.UUID(entry.id) for page in some for entry in page.entries]


@contextmanager
def no_time_to_read() -> Iterator[None]:
    """Let each page read no more than a single slice of time, here a wide one."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(slices, "BUDGET_SECONDS", 0))
        stack.enter_context(mock.patch.object(parts, "FEW", 0))
        stack.enter_context(mock.patch.object(sort_values, "FIRST_NOTES", 2))
        # Of every filter, because an attribute of a class goes before the instances' slots.
        stack.enter_context(mock.patch.object(LeadingFilter, "first_slice_ms", 5 * DAY // MS))
        yield


def any_plan() -> SearchStrategy[AbstractContextManager[Any]]:
    """Take few entries for few or for many, by an engine of each kind."""
    return st.builds(patched, st.sampled_from([5_000, 3, 0]), st.sampled_from(ENGINES))


# Whether the engine reads slices to their end, and whether it serves none by arrays.
ENGINES = ((True, False), (False, False), (False, True))


@contextmanager
def patched(few: int, engine: tuple[bool, bool]) -> Iterator[None]:
    """Read in many small parts, unless `few` entries are a few."""
    fewest, most, than_counters, notes = (50, 2_500, 200, 250) if few else (1, 3, 0, 2)
    with (
        mock.patch.object(parts, "FEW", few),
        mock.patch.object(parts, "FEWEST_AT_ONCE", fewest),
        mock.patch.object(parts, "MOST_AT_ONCE", most),
        mock.patch.object(parts, "FEWER_THAN_COUNTERS", than_counters),
        mock.patch.object(sort_values, "FIRST_NOTES", notes),
        mock.patch.object(sort_values, "MORE_NOTES", notes),
        mock.patch.object(slices, "reads_to_the_end", return_value=engine[0]),
        mock.patch.object(mongo, "is_documentdb", return_value=engine[1]),
        # So that no page is cut short.
        mock.patch.object(slices, "MAX_QUERIES", 1_000),
    ):
        yield


def soon() -> datetime:
    """Return the moment that lists are asked for, `AGO` from now, in whole milliseconds."""
    return from_ms(to_ms(now() + AGO))


@given(data=st.data(), limit=st.integers(1, 7))
def test_following_a_list_to_its_end_and_back_yields_every_entry_once(
    data: DataObject, limit: int
) -> None:
    asked_at, account = soon(), new_account_id()
    written = write(account, data.draw(populations(asked_at)))
    for asked in data.draw(st.lists(questions(asked_at), min_size=2, max_size=3)):
        if starts_after_end(asked):
            assert ask(account, asked, limit).errors.keys() & {"startDate", "endDate"}
            continue
        wanted = expected(written, asked)
        event(f"{len(wanted)} of {len(written)}")
        with data.draw(any_plan()):
            forth, back = there_and_back(account, asked, limit)
        assert ids_of(*forth) == wanted
        assert [len(page.entries) for page in forth] == full_pages(len(wanted), limit)
        assert [page.first for page in forth] == ordinals(forth)
        assert [ids_of(page) for page in back] == [ids_of(page) for page in forth[:-1]]
        assert [page.first for page in back] == ordinals(back)
        assert not any(page.is_cut_short for page in forth + back)


@given(data=st.data(), limit=st.integers(1, 7))
@settings(max_examples=A_QUARTER)
def test_a_list_cut_short_by_the_clock_loses_nothing_on_the_way(
    data: DataObject, limit: int
) -> None:
    asked_at, account = soon(), new_account_id()
    written = write(account, data.draw(populations(asked_at, max_size=6)))
    asked = data.draw(answerable_questions(asked_at))
    wanted = expected(written, asked)
    with no_time_to_read():
        forth, back = there_and_back(account, asked, limit)
    assert ids_of(*forth) == wanted
    assert [page.first for page in forth] == ordinals(forth)
    assert ids_of(*back, forth[-1]) == wanted


def there_and_back(account: str, asked: Asked, limit: int) -> tuple[list[Page], list[Page]]:
    """Follow a list to its end, and from there to its beginning; return both, as they lie."""
    forth = list(pages(account, asked, limit))
    back = list(pages_before(account, asked, limit, forth[-1]))
    return forth, back[::-1]


def pages_before(account: str, asked: Asked, limit: int, page: Page) -> Iterator[Page]:
    """Follow a list back to its beginning."""
    for _ in range(MAX_PAGES):
        if page.previous is None:
            return
        page = read(ask(account, later(asked), limit, page.previous.dump()))
        yield page
    raise AssertionError("the list never begins")


def ordinals(some: list[Page]) -> list[int]:
    return [1 + sum(len(page.entries) for page in some[:i]) for i in range(len(some))]


def full_pages(count: int, limit: int) -> list[int]:
    """Return the sizes of the pages of a list; an empty list is one empty page."""
    return [limit] * ((count - 1) // limit) + [(count - 1) % limit + 1] if count else [0]


@given(data=st.data(), limit=st.integers(1, 7), offset=st.integers(0, 12))
def test_a_list_agrees_with_itself_however_it_is_asked(
    data: DataObject, limit: int, offset: int
) -> None:
    asked_at, account = soon(), new_account_id()
    written = write(account, data.draw(populations(asked_at)))
    for asked in data.draw(st.lists(questions(asked_at), min_size=2, max_size=3)):
        if starts_after_end(asked):
            continue
        wanted = expected(written, asked)
        request = ask(account, asked, limit, offset=str(offset))
        with data.draw(any_plan()):
            page = read(request)
            count = request.entries.count()
            held = [each.id for each in written if request.entries.holds(each.id)]
            around = [request.entries.neighbours(entry) for entry in page.entries]
        assert ids_of(page) == wanted[offset : offset + limit]
        assert page.first == min(offset, len(wanted)) + 1
        assert (page.next is not None) == (len(wanted) > offset + limit)
        assert (count.value, count.is_more) == (len(wanted), False)
        assert sorted(held) == sorted(wanted)
        assert around == [neighbours(wanted, entry) for entry in page.entries]


def neighbours(ids: list[uuid.UUID], entry: Entry) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    padded = [None, *ids, None]
    place = padded.index(uuid.UUID(entry.id))
    return padded[place - 1], padded[place + 1]


@given(data=st.data(), limit=st.integers(1, 4), is_hurried=st.booleans())
@settings(max_examples=A_QUARTER)
def test_what_is_recorded_meanwhile_hides_no_entry_and_repeats_none(
    data: DataObject, limit: int, is_hurried: bool
) -> None:
    asked_at, account = soon(), new_account_id()
    written = write(account, data.draw(populations(asked_at, max_size=10)))
    asked = data.draw(answerable_questions(asked_at))
    meanwhile = data.draw(populations(asked_at))
    wanted = expected(written, asked)
    found: list[uuid.UUID] = []
    with no_time_to_read() if is_hurried else nullcontext():
        for page in pages(account, asked, limit):
            found += ids_of(page)
            more = [meanwhile.pop() for _ in range(min(3, len(meanwhile)))]
            written += write(account, more)
    assert [id for id in found if id in wanted] == wanted
    assert len(found) == len(set(found))
    assert set(found) <= set(expected(written, asked))
