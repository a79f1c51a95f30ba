"""What a page costs: a bounded number of questions to each database."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django import DjangoAssertNumQueries

from auditlogs.query import slices
from auditlogs.storage.mongo import ACTORS, COUNTERS, DICTIONARY, ENTRIES
from tests.factories import USER
from tests.hub.pages import Hub, link
from tests.watching import sent, watcher

# The session, the person, the account that the person belongs to.
SQL_QUERIES = 3
# Those, the saved views, and how the person wants the list.
SQL_QUERIES_OF_LIST = 5


@contextmanager
def costs(lists: int, names: int, actors: int = 0, counters: int = 0) -> Iterator[None]:
    """Fail unless the block reads the log, its dictionary, its actors and its counters exactly that
    often."""
    with watcher.watch() as commands:
        yield
    assert len(sent(commands, "aggregate", ENTRIES)) == lists
    assert len(sent(commands, "find", DICTIONARY)) == names
    assert len(sent(commands, "find", ACTORS)) == actors
    assert len(sent(commands, "find", COUNTERS)) == counters
    assert len(commands) == lists + names + actors + counters


def test_a_full_page_is_one_read_of_the_log_and_none_of_the_names(
    hub: Hub, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    hub.record(*[{}, {"actor": USER}] * 60)
    with (
        costs(lists=1, names=0, counters=slices.reads_to_the_end()),
        django_assert_max_num_queries(SQL_QUERIES_OF_LIST),
    ):
        page = hub.logs()
    with costs(lists=1, names=0), django_assert_max_num_queries(SQL_QUERIES_OF_LIST):
        hub.logs(htmx=True)
    with costs(lists=1, names=0), django_assert_max_num_queries(SQL_QUERIES_OF_LIST):
        hub.read(link(page, "Older")["href"], htmx=True)


def test_names_are_looked_up_once_each(hub: Hub) -> None:
    hub.record(*[{}] * 51)
    with costs(lists=1, names=2, counters=slices.reads_to_the_end()):
        hub.logs("?actor=agent-7&botId=agent-7", htmx=True)


@pytest.mark.parametrize("count", [1, 40])
def test_the_cost_of_a_page_does_not_grow_with_its_rows(hub: Hub, count: int) -> None:
    hub.record(*[{}] * count)
    slices_of_seven_days = 5
    with watcher.watch() as commands:
        hub.logs()
    assert len(commands) <= slices_of_seven_days


def test_the_count_is_one_read(
    hub: Hub, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    hub.record({})
    # An engine that reads slices to their end asks the counters first.
    with (
        costs(lists=1, names=0, counters=slices.reads_to_the_end()),
        django_assert_max_num_queries(SQL_QUERIES),
    ):
        hub.read("/hub/logs/count", htmx=True)


def test_the_actors_are_read_from_their_notes_or_the_dictionary_alone(hub: Hub) -> None:
    hub.record({})
    with costs(lists=0, names=1, actors=1):
        hub.read("/hub/logs/actors?search=a")


def test_the_drawer_reads_the_entry_whether_the_list_holds_it_and_its_neighbours(
    hub: Hub,
) -> None:
    ids = hub.record(*[{}] * 3)
    with costs(lists=4, names=0, counters=slices.reads_to_the_end()):
        hub.read(f"/hub/logs/{ids[1]}", htmx=True)
    with costs(lists=1, names=0):
        hub.read(f"/hub/logs/{ids[1]}")


@pytest.mark.parametrize("search", ["ord_5d0c94e1", "agent-2026-01"], ids=["an ID", "a word"])
def test_a_search_is_looked_up_as_an_id_once_and_not_by_what_its_page_asks_for(
    hub: Hub, search: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = {"type": "agent", "id": "agent-2026-01"}
    entry, _ = hub.record(*[{"actor": actor, "payload": {"orderId": "ord_5d0c94e1"}}] * 2)

    def reads(path: str) -> int:
        with watcher.watch() as commands:
            assert hub.get(path, htmx=True).status_code == 200
        return len(commands)

    page = hub.logs(f"?search={search}&dateRange=24h")
    results, row = page.one("#results"), page.one(f"#entry-{entry}")
    parts = {
        "count": page.one("#count")["hx-get"],
        "chart": results["data-chart"],
        "live": results["data-live"],
        "entry": row.one(".open-entry")["hx-get"],
    }
    listed = reads(f"/hub/logs?search={search}&dateRange=24h")
    monkeypatch.setattr("hub.logs.arrivals.PROBE_SECONDS", 600.0)
    reads(parts["live"])
    looked_up = {
        name: reads(path.partition("&known=")[0]) - reads(path) for name, path in parts.items()
    }
    assert 5 <= looked_up["count"] < listed
    assert set(looked_up.values()) == {looked_up["count"]}
    # The neighbours of an entry are those of the same list.
    drawer = hub.read(parts["entry"], htmx=True)
    assert "known=" in drawer.one("#entry-next")["hx-get"]
    assert "known=" not in drawer.one("#entry-next")["href"]
    # Nor does a page that only names the list.
    assert reads(f"/hub/views/new?list=search%3D{search}") == 0
    # An address that somebody wrote does not say what a search is.
    assert reads(f"/hub/logs?search={search}&dateRange=24h&known=none") == listed
