"""Bounds of reading through the API: the bytes of a page, and the readers of an account."""

import contextlib

import pytest

from auditlogs.accounts import keys
from auditlogs.api import reading
from auditlogs.api.reading import MAX_PAGE_BYTES, MAX_READERS, reader_of
from auditlogs.models import Account
from auditlogs.query import parts
from auditlogs.storage import mongo
from tests.api import LIST, Api, next_of, problem_of
from tests.factories import make_entries, unique
from tests.watching import sent, watcher

LARGE = {"text": "x y " * 15_000}


@pytest.fixture
def large(account: Account) -> list[str]:
    return [str(id) for id in make_entries(account.id, 140, payload=LARGE)]


def test_a_page_of_large_entries_is_short_and_the_next_ones_have_the_rest(
    api_key: str, large: list[str]
) -> None:
    api, found, path, sizes = Api(api_key), [], f"{LIST}?limit=1000", []
    while path:
        response = api.get(path)
        sizes.append(len(response.content))
        found += [entry["id"] for entry in response.json()]
        path = next_of(response) or ""
    assert sorted(found) == sorted(large)
    assert max(sizes) <= MAX_PAGE_BYTES
    assert min(sizes[:-1]) > MAX_PAGE_BYTES / 2


@pytest.mark.parametrize("sort", ["actor", "result"])
def test_a_page_of_large_entries_by_another_key_goes_on_where_it_stopped(
    sort: str, api_key: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_PAGE_BYTES", 4_000)
    written: list[str] = []
    for number, result in enumerate(("failure", "partial", "success")):
        actor = {"type": "agent", "id": f"agent-{number}"}
        payload = {"text": "x y " * 200}
        ids = make_entries(account.id, 4, payload=payload, result=result, actor=actor)
        written += map(str, ids)
    monkeypatch.setattr(parts, "FEW", 3)
    api, found, path = Api(api_key), [], f"{LIST}?limit=1000&sort={sort}"
    while path:
        response = api.get(path)
        found += [entry["id"] for entry in response.json()]
        assert 1 <= len(response.json()) <= 4
        path = next_of(response) or ""
    assert found == written


def test_an_entry_that_is_larger_than_a_page_is_a_page(
    api_key: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_PAGE_BYTES", 10)
    make_entries(account.id, 2)
    assert len(Api(api_key).ids()) == 1


def test_a_page_of_many_entries_is_read_in_one_query(api_key: str, account: Account) -> None:
    make_entries(account.id, 251)
    with watcher.watch() as commands:
        assert len(Api(api_key).ids(limit=250)) == 250
    assert len(sent(commands, "aggregate", mongo.ENTRIES)) == 1
    assert "getMore" not in [next(iter(command)) for command in commands]


def test_one_accounts_readers_leave_threads_to_others(
    api_key: str, account: Account, db: None
) -> None:
    other = Account.objects.create(name=unique("account"))
    others = Api(keys.create(other, "reader", ["logs:read"]))
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_READERS):
            stack.enter_context(reader_of(account.id))
        refused = Api(api_key).get()
        problem_of(refused, 429, "rate-limited")
        assert refused["Retry-After"] == "1"
        assert others.get().status_code == 200
    assert Api(api_key).get().status_code == 200
    assert not reading._readers
