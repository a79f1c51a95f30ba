"""What has arrived in a list since: by few queries, whatever the number of readers."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from auditlogs.entry.times import now, to_ms
from auditlogs.query.entries import Entries
from auditlogs.storage.mongo import Unavailable
from hub.logs import arrivals
from hub.middleware.idle import LAST_SEEN
from tests.hub.pages import Hub, rows
from tests.watching import watcher

READERS = 50
POLL_SECONDS = 5


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Time that stands still, and no memory of other tests."""
    clock = Clock()
    monkeypatch.setattr(arrivals, "time", clock)
    arrivals.forget()
    yield clock
    arrivals.forget()


def poll(hub: Hub, since: int, query: str = "") -> int:
    """Return how many rows have arrived."""
    page = hub.read(f"/hub/logs/arrivals?since={since}{query}", htmx=True)
    return len(page.all("tr"))


def test_rows_that_have_arrived_in_the_list_are_shown_newest_first(hub: Hub, clock: Clock) -> None:
    hub.record({"timestamp": now()})
    since = to_ms(now())
    assert poll(hub, since) == 0
    newer, older, _ = hub.record({}, {}, {"result": "failure"})
    assert poll(hub, since) == 0
    clock.seconds += 1
    response = hub.get(f"/hub/logs/arrivals?since={since}&result=success", htmx=True)
    assert int(response["Hub-Newest"]) >= since
    page = hub.read(f"/hub/logs/arrivals?since={since}&result=success", htmx=True)
    assert [each["id"] for each in page.all("tr")][-2:] == [f"entry-{newer}", f"entry-{older}"]
    assert poll(hub, int(response["Hub-Newest"])) == 0


@pytest.mark.parametrize("since", ["", "x", "-1", "٣", "9" * 20, "9" * 5_000])
def test_a_time_that_is_none_is_taken_for_now(hub: Hub, since: str) -> None:
    hub.record({})
    assert not hub.read(f"/hub/logs/arrivals?since={since}", htmx=True).all("tr")


def test_a_time_ahead_of_the_clock_hides_arrivals_from_no_other_reader(
    hub: Hub, clock: Clock
) -> None:
    since = to_ms(now())
    assert poll(hub, 10**17) == 0
    hub.record({})
    clock.seconds += 1
    assert poll(hub, since) == 1


def test_only_a_list_whose_new_entries_are_at_its_top_is_polled(hub: Hub) -> None:
    hub.record(*[{}] * 51)
    page = hub.logs("?result=success")
    assert page.one("#results")["data-live"].startswith("/hub/logs/arrivals?result=success&since=")
    for query in ("?sort=actor", "?endDate=2026-01-01T00:00:00Z"):
        assert not hub.logs(query).one("#results")["data-live"]
    assert len(rows(page)) == 50


@pytest.mark.parametrize(("is_one_list", "most"), [(True, 2), (False, 1 + READERS / POLL_SECONDS)])
def test_fifty_readers_cost_a_few_queries_a_second(
    hub: Hub, clock: Clock, is_one_list: bool, most: float
) -> None:
    since, seconds = to_ms(now()) - 1, 3
    # A busy list: one read fills its page.
    hub.record(*[{}] * 60)
    # What the counters say is asked once in a while.
    poll(hub, since)
    clock.seconds += 1
    with watcher.watch() as commands:
        counted = 0
        for second in range(seconds):
            hub.record({})
            before = len(commands)
            # A fifth of the readers polls in each second.
            for reader in range(READERS // POLL_SECONDS):
                name = "" if is_one_list else f"&requestId=r-{second}-{reader}"
                poll(hub, since, name)
            counted += len(commands) - before
            clock.seconds += 1
    assert counted / seconds <= most


def test_polls_are_no_use_of_a_session(hub: Hub) -> None:
    session = hub.client.session
    session[LAST_SEEN] = seen = session.get(LAST_SEEN, to_ms(now()) // 1000) - 120
    session.save()
    poll(hub, to_ms(now()))
    assert hub.client.session[LAST_SEEN] == seen
    hub.logs()
    assert hub.client.session[LAST_SEEN] > seen


def test_a_log_that_does_not_answer_holds_up_no_other_reader(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_asked, answer = threading.Event(), threading.Event()

    def stand_still(entries: Entries, since: int) -> int | None:
        is_asked.set()
        answer.wait(5)
        raise Unavailable("The log cannot be read now.")

    monkeypatch.setattr(Entries, "newest_arrival", stand_still)
    stuck = Entries.of(hub.account)
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(arrivals.newest, stuck, 1_000)
        assert is_asked.wait(5)
        other = pool.submit(arrivals.newest, stuck, 2_000)
        assert other.result(1) == 1_000
        answer.set()
        with pytest.raises(Unavailable):
            asking.result(5)
