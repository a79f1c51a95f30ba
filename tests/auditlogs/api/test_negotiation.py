"""The media types of a list."""

import csv
import io
import json

import pytest

from auditlogs.accounts import agent_keys
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.api.negotiation import by_preference, preferred
from auditlogs.models import Account
from tests.api import LIST, Api, next_of, problem_of
from tests.factories import make_entries

JSON, NDJSON, CSV = OFFERED = ["application/json", "application/x-ndjson", "text/csv"]


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/*", CSV),
        ("text/csv; charset=utf-8", CSV),
        ("TEXT/CSV", CSV),
        ("application/json, text/csv", JSON),
        ("text/csv, */*", CSV),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("application/json;q=0.2, text/csv;q=0.9, application/x-ndjson;q=0.5", CSV),
        # The most specific range decides, not the one with the highest quality.
        ("application/json;q=0, */*", NDJSON),
        ("*/*, text/csv;q=0, application/json;q=0.1", NDJSON),
        ("text/*;q=0.5, text/csv;q=0, application/*;q=0.1", JSON),
        ("text/html", None),
        ("*/*;q=0", None),
        ("text/csv;q=0.000", None),
        ("application/xml, image/*", None),
    ],
)
def test_the_most_specific_range_decides_and_then_the_quality(
    accept: str, wanted: str | None
) -> None:
    assert preferred(accept, OFFERED) == wanted


def test_the_ranges_of_a_header_are_put_in_order_without_those_refused() -> None:
    given = "a/b;q=0, text/plain;version=1.0.0;q=0.5,, c/d;q=0.9, */*"
    assert by_preference(given) == "*/*, c/d;q=0.9, text/plain;version=1.0.0;q=0.5"


@pytest.fixture
def api(api_key: str, account: Account) -> Api:
    make_entries(account.id, 3, payload={"sum": 12.50})
    return Api(api_key)


def test_a_list_comes_as_json_lines_or_csv_with_the_same_entries_and_links(api: Api) -> None:
    plain = api.get(limit=2)
    assert plain["Content-Type"] == JSON
    entries = plain.json()
    api.headers["accept"] = NDJSON
    lines = api.get(limit=2)
    assert lines["Content-Type"] == NDJSON
    assert lines["Vary"].startswith("Accept, Authorization")
    assert [json.loads(line) for line in lines.content.splitlines()] == entries
    assert next_of(lines) is not None
    api.headers["accept"] = CSV
    table = api.get(limit=2)
    assert table["Content-Type"] == CSV
    rows = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert [row["id"] for row in rows] == [entry["id"] for entry in entries]
    assert next_of(table) is not None


def test_other_types_are_refused_with_those_there_are(api: Api) -> None:
    api.headers["accept"] = "application/xml"
    response = api.get()
    assert "text/csv" in problem_of(response, 406, "not-acceptable")["detail"]
    assert response["Vary"].startswith("Accept, Authorization")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/pdf", 406),
        ("application/json;q=0, */*", 406),
        ("text/csv", 406),
        ("application/json", 200),
        ("application/*", 200),
        ("*/*", 200),
        ("", 200),
    ],
)
def test_what_comes_as_json_alone_is_refused_to_who_accepts_none(
    api: Api, account: Account, accept: str, status: int
) -> None:
    (id,) = make_entries(account.id, 1)
    key, _ = agent_keys.create(account, COMMAND_LINE, name="scout", agent="a-1", scopes=["read"])
    if accept:
        api.headers["accept"] = accept
    for path in (f"{LIST}/{id}", "/api/review", f"/api/keys/{key.public_id}"):
        response = api.get(path)
        assert response.status_code == status, path
        assert response["Vary"].startswith("Accept, Authorization")
        if status == 406:
            assert JSON in problem_of(response, 406, "not-acceptable")["detail"]
