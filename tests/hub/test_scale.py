"""Pages cost what they show, however many actors and bots an account has, honest or not."""

from collections.abc import Callable
from typing import Any

import pytest
from limits import RateLimitItemPerDay

from auditlogs.models import Account
from auditlogs.query import slices
from auditlogs.write import names
from hub.agents.views import PAGE_SIZE
from hub.logs.views import MAX_ACTORS
from tests import people
from tests.counting import begin_anew, count
from tests.factories import new, store_with_keys, unique
from tests.hub.pages import Hub
from tests.watching import watcher

MANY, FEW, RENAMES = 230, 10, 100
ACTORS = "/hub/logs/actors"
PATHS = (
    *(
        "/hub/logs",
        f"{ACTORS}?search=scout+77",
        "/hub/logs?actor=agent-1",
        "/hub/logs?search=scout",
    ),
    *("/hub/agents", "/hub/agents?page=2", "/hub/agents?search=scout", "/hub/agents/bot-1"),
)
SORTS = ("/hub/logs?sort=actor", "/hub/logs?sort=-actor")


@pytest.fixture(autouse=True)
def _begin_anew() -> None:
    begin_anew()


@pytest.fixture
def new_hub(db: None) -> Callable[[], Hub]:
    def make() -> Hub:
        account = Account.objects.create(name=unique("account"))
        return Hub(people.signed_in(people.member(account)), account.id)

    return make


def honest(number: int) -> dict[str, Any]:
    actor = {"type": "agent", "id": f"agent-{number}", "name": f"Scout {number}"}
    return {"actor": actor, "bot_id": f"bot-{number}"}


def fill(hub: Hub, actors: int, renames: int = 0) -> None:
    """Record the same number of entries of however many honest actors, and some of one that sends
    another name with each."""
    flood = [
        {"actor": {"type": "agent", "id": "flooder", "name": f"n {n}"}} for n in range(renames)
    ]
    entries = [new(**each) for each in (*flood, *(honest(n % actors) for n in range(MANY)))]
    store_with_keys(entries, ["key"] * len(entries), hub.account)


def cost(hub: Hub, path: str) -> tuple[int, int]:
    """Return how many queries a page sends, and how many documents it reads."""
    before = watcher.documents
    with watcher.watch() as commands:
        assert hub.get(path).status_code == 200
    return len(commands), watcher.documents - before


def test_no_page_costs_more_with_many_actors_and_bots_than_with_ten(
    new_hub: Callable[[], Hub],
) -> None:
    few, many = new_hub(), new_hub()
    fill(few, FEW)
    fill(many, MANY)
    count()
    for path in PATHS:
        queries, documents = cost(few, path)
        assert cost(many, path)[0] <= queries, path
        # The figures of an agent are documents of days.
        assert cost(many, path)[1] <= documents + PAGE_SIZE, path
    assert cost(many, ACTORS) == (2, MAX_ACTORS + 2)
    assert f"Only {MAX_ACTORS} are listed" in many.read(ACTORS).text
    for path in SORTS:
        assert cost(many, path)[0] <= slices.MAX_QUERIES, path


def test_an_actor_that_renames_itself_slows_no_page_and_hides_no_other(
    new_hub: Callable[[], Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "NEW_NAMES", RateLimitItemPerDay(20))
    calm, flooded = new_hub(), new_hub()
    fill(calm, FEW)
    fill(flooded, FEW, renames=RENAMES)
    count()
    for path in (*PATHS, ACTORS):
        assert cost(flooded, path)[0] <= cost(calm, path)[0], path
    for path in SORTS:
        assert cost(flooded, path)[0] <= slices.MAX_QUERIES, path
    listed = [each["data-value"] for each in flooded.read(ACTORS).all("[role=option]")]
    assert set(listed) == {"", "flooder", *(f"agent-{number}" for number in range(FEW))}
