"""An ID as a search."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict

from auditlogs.entry.times import now
from auditlogs.models import new_account_id
from auditlogs.query.filters import ListRequest, parse
from auditlogs.recording.recorder import record_many
from tests.factories import AGENT, make_entry, new
from tests.watching import sent, watcher

TRACE = "0af7651916cd43dd8448eb211c80319c"
SESSION = "C4FD3DEA-D6CD-40EC-9217-D98C74E40CC1"


@pytest.fixture(scope="module")
def account() -> str:
    account, at = new_account_id(), now() - timedelta(days=20)
    record_many(
        [
            new(timestamp=at, actor=AGENT, correlation_id=TRACE, session_id=SESSION),
            new(timestamp=at, actor=AGENT, request_id="req-2026-0001", run_id="run-2026-01"),
            new(
                timestamp=at, actor=AGENT, run_id="run-2026-02", payload={"orderId": "ord_5d0c94e1"}
            ),
            new(timestamp=now(), actor=AGENT, action="order.created", run_id="run-2025-01"),
            new(timestamp=at, actor=AGENT, id="writer-000017"),
        ],
        account=account,
    )
    return account


def search(account: str, word: str, query: str = "", bot: str | None = None) -> ListRequest:
    data = QueryDict(query, mutable=True)
    data["search"] = word
    return parse(data, account=account, bot=bot, default_range="7d", now=now(), ids="anytime")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (TRACE, "correlation ID"),
        (TRACE.upper(), "correlation ID"),
        (str(uuid.UUID(TRACE)), "correlation ID"),
        (f"00-{TRACE}-b7ad6b7169203331-01", "correlation ID"),
        ("0af76519", "correlation ID"),
        ("0af76519…319c", "correlation ID"),
        (SESSION, "session ID"),
        (SESSION.lower().replace("-", ""), "session ID"),
        ("req-2026-0001", "request ID"),
        ("req-2026", "request ID"),
        ("run-2026-01", "run ID"),
        ("run-2025", "run ID"),
        ("ord_5d0c94e1", "order ID"),
        ("ord_5d0c", "order ID"),
        ("writer-000017", "writer’s ID"),
    ],
)
def test_an_id_is_looked_up_over_all_retained_time(account: str, word: str, kind: str) -> None:
    asked = search(account, word)
    assert asked.found_id
    assert asked.found_id.kind == kind
    assert len(asked.entries.page(9).entries) == asked.entries.count().value == 1


def test_what_was_found_is_known_to_later_requests_and_nothing_else_is_believed(
    account: str,
) -> None:
    def later(known: str, account: str = account) -> tuple[ListRequest, int]:
        with watcher.watch() as commands:
            asked = parse(
                QueryDict(f"search={TRACE}"),
                account=account,
                default_range="7d",
                now=now(),
                ids="anytime",
                known_id=known,
            )
        return asked, len(commands)

    first, reads = later("")
    assert first.found_id
    assert (first.known_id, reads) == (f"correlationId:{uuid.UUID(TRACE)}", 2)
    again, reads = later(first.known_id)
    assert (again.found_id, again.known_id, reads) == (first.found_id, first.known_id, 0)
    none, reads = later("none")
    assert (none.found_id, none.known_id, reads) == (None, "none", 0)
    too_long = "x" * 999
    for bad in (
        *("x", "password:secret-1", "actor.id:agent-007", "sessionId:short", "_id:not-a-uuid"),
        *("sessionId:null\0null", f"sessionId:{too_long}"),
    ):
        assert later(bad)[0].found_id == first.found_id, bad
    # It leads to nothing of another account.
    other = later(first.known_id, new_account_id())[0]
    assert other.entries.page(9).entries == []


@pytest.mark.parametrize(
    "word",
    [
        # Two begin so; too short; no digit; two words; quoted; none.
        *("run-2026", "run-202", "order.created", "run-2025-01 x", '"run-2025-01"', "run-2026-03"),
        *("0af76519…0000", "run-2026-01 order.created"),
    ],
)
def test_any_other_search_is_for_words(account: str, word: str) -> None:
    assert search(account, word).found_id is None


def test_an_entry_is_found_by_its_own_id(account: str) -> None:
    id = uuid.UUID(make_entry(account).id)
    for word in (str(id), id.hex, str(id).upper()):
        asked = search(account, word)
        assert asked.found_id
        assert asked.found_id.kind == "entry ID"
        assert [entry.id for entry in asked.entries.page(9).entries] == [str(id)]
        assert asked.entries.count().value == 1
        assert asked.entries.holds(id)


def test_other_filters_and_given_dates_hold(account: str) -> None:
    assert search(account, TRACE, "actor=nobody").entries.page(9).entries == []
    data = QueryDict(f"search={TRACE}&dateRange=24h")
    asked = parse(data, account=account, default_range="all", now=now())
    assert asked.found_id
    assert asked.entries.page(9).entries == []


@pytest.mark.parametrize(
    ("word", "query", "count"),
    [
        (TRACE, f"correlationId={TRACE},x", 1),
        (TRACE, f"correlationId={uuid.UUID(TRACE)}", 1),
        (TRACE, "correlationId=x", 0),
        (TRACE, f"correlationId=-{TRACE}", 0),
        (TRACE, "correlationId=-x", 1),
        (SESSION, f"sessionId={uuid.UUID(SESSION).hex}", 1),
        (SESSION, f"sessionId=-{uuid.UUID(SESSION)}", 0),
        ("req-2026-0001", "requestId=req-1", 0),
        ("run-2026-01", "runId=run-2026-02", 0),
        ("ord_5d0c94e1", "orderId=ord_5d0c94e1,-o", 1),
        ("ord_5d0c94e1", "orderId=-ord_5d0c94e1", 0),
        ("writer-000017", "writerId=-writer-000017", 0),
    ],
)
def test_a_filter_of_the_ids_own_field_holds(
    account: str, word: str, query: str, count: int
) -> None:
    asked = search(account, word, query)
    assert asked.found_id
    assert len(asked.entries.page(9).entries) == asked.entries.count().value == count


def test_a_reader_of_one_bot_learns_nothing_of_others(account: str) -> None:
    assert search(account, TRACE, bot="agent-9").found_id is None
    assert search(account, "0af76519", bot="agent-9").found_id is None
    assert search(account, TRACE, bot="agent-7").found_id
    assert search(new_account_id(), TRACE).found_id is None


def test_it_sends_a_bounded_number_of_queries(account: str) -> None:
    with watcher.watch() as commands:
        search(account, "run-2026-03")
    assert len(sent(commands, "aggregate", "audit_logs")) <= 14


def test_the_pages_of_an_id_follow_each_other() -> None:
    account = new_account_id()
    record_many([new(correlation_id=TRACE) for _ in range(5)], account=account)
    page = search(account, TRACE).entries.page(2)
    assert page.next
    asked = search(account, TRACE, f"cursor={page.next.dump()}")
    assert asked.errors == {}
    assert len(asked.entries.page(9, cursor=asked.cursor).entries) == 3


@pytest.mark.parametrize(
    ("before", "meanwhile", "word", "number"),
    [
        # The word is an ID from now on.
        ([{"actor": {**AGENT, "name": "quote7788"}}] * 3, {"run_id": "quote7788"}, "quote7788", 3),
        # The beginning of one ID becomes that of two.
        ([{"correlation_id": TRACE}] * 3, {"correlation_id": TRACE[:20] + "0" * 12}, TRACE[:9], 3),
    ],
    ids=["a word", "the beginning of an ID"],
)
def test_entries_that_come_meanwhile_make_no_other_list(
    before: list[dict[str, Any]], meanwhile: dict[str, Any], word: str, number: int
) -> None:
    account = new_account_id()
    record_many([new(**each) for each in before], account=account)
    page = search(account, word).entries.page(1)
    record_many([new(**meanwhile)], account=account)
    found = len(page.entries)
    while page.next:
        asked = search(account, word, f"cursor={page.next.dump()}")
        assert asked.errors == {}
        page = asked.entries.page(1, cursor=asked.cursor)
        found += len(page.entries)
    assert found == number
