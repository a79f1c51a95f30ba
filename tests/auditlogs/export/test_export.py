"""Export over the API: every entry of a list once, and a manifest that shows a cut."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.signals import request_finished
from django.db import close_old_connections

from auditlogs.accounts import keys
from auditlogs.accounts.self_audit import Caller
from auditlogs.entry.times import HOUR_MS, now, parse_rfc3339, to_ms
from auditlogs.export import running, stream
from auditlogs.export.formats import FORMATS
from auditlogs.export.running import Exporter
from auditlogs.models import Account, ApiKey, Export
from auditlogs.query import parts, slices
from auditlogs.query.entries import Entries
from auditlogs.query.selection import Leading, Selection
from auditlogs.query.slices import Slice
from auditlogs.recording.recorder import record_many
from auditlogs.storage import mongo
from auditlogs.storage.mongo import Document, StorageError, TookTooLong, Unavailable
from tests.api import LIST, Api, problem_of
from tests.factories import make_entries, new, unique
from tests.watching import sent, watcher

EXPORT = f"{LIST}/export"
DAY = timedelta(days=1)


@pytest.fixture
def api(account: Account) -> Api:
    return Api(keys.create(account, "exporter", ["logs:export"]))


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_LIMIT", 4)
    monkeypatch.setattr(stream, "CHUNK_BYTES", 1)


def body_of(response: Any) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def cut(response: Any) -> None:
    """Close a response as the server does when the connection is gone."""
    # The test client closes what was begun as it does at the end.
    response._iterator.close()
    if response.closed:
        return
    # The test's transaction is in the connection that this would close.
    request_finished.disconnect(close_old_connections)
    try:
        response.close()
    finally:
        request_finished.connect(close_old_connections)


def exported(account: str) -> list[dict[str, Any]]:
    """Return result and payload of the entries about exports, newest first."""
    found = Entries.of(account).where("action", "logs.exported").page(100, payloads=True).entries
    return [{"result": each.result, **(each.payload or {})} for each in found]


def test_ndjson_has_every_entry_once_and_a_manifest_of_what_came_before(
    api: Api, account: Account
) -> None:
    ids = [str(id) for id in make_entries(account.id, 10)]
    response = api.get(EXPORT, format="ndjson")
    assert response["Content-Type"] == "application/x-ndjson"
    assert response["Content-Disposition"].endswith('.ndjson"')
    *lines, last = body_of(response).splitlines(keepends=True)
    entries = [json.loads(line) for line in lines]
    assert [entry["id"] for entry in entries] == ids
    manifest = json.loads(last)["manifest"]
    first, end = ({name: each[name] for name in ("id", "timestamp")} for each in entries[::9])
    assert (manifest["count"], manifest["first"], manifest["last"]) == (10, first, end)
    assert manifest["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert manifest["account"] == account.id


def test_json_is_one_object_with_the_same_entries_and_the_same_digest(
    api: Api, account: Account
) -> None:
    make_entries(account.id, 5)
    lines = body_of(api.get(EXPORT)).splitlines(keepends=True)[:-1]
    whole = json.loads(body_of(api.get(EXPORT, format="json", action="mcp.tool.call")))
    assert whole["entries"] == [json.loads(line) for line in lines]
    assert whole["manifest"]["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert list(whole) == ["entries", "manifest"]


def test_csv_ends_with_a_row_that_has_the_manifest(api: Api, account: Account) -> None:
    ids = [str(id) for id in make_entries(account.id, 5)]
    body = body_of(api.get(EXPORT, format="csv"))
    names, *rows, last = csv.reader(io.StringIO(body.decode(), newline=""))
    assert [row[names.index("id")] for row in rows] == ids
    assert {len(row) for row in (names, *rows, last)} == {len(names)}
    manifest = json.loads(last[1])
    assert last[0] == "#manifest"
    before = body[: body.rindex(b"#manifest")]
    assert manifest["sha256"] == hashlib.sha256(before).hexdigest()


@pytest.mark.parametrize(("name", "field"), [("ocsf", "class_uid"), ("ecs", "@timestamp")])
def test_a_standard_form_has_an_event_for_each_entry(
    name: str, field: str, api: Api, account: Account
) -> None:
    make_entries(account.id, 3)
    *lines, last = body_of(api.get(EXPORT, format=name)).splitlines()
    assert [field in json.loads(line) for line in lines] == [True] * 3
    assert json.loads(last)["manifest"]["count"] == 3


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_to_export_is_an_empty_file_with_a_manifest(name: str, api: Api) -> None:
    body = body_of(api.get(EXPORT, format=name))
    assert b'"count":0' in body.replace(b'""', b'"')


def test_filters_and_sort_hold_and_are_recorded_with_the_count(api: Api, account: Account) -> None:
    make_entries(account.id, 3)
    wanted = make_entries(account.id, 6, result="failure", actor={"type": "user", "id": "ada"})
    query = {"result": "failure", "actor": "ada", "sort": "timestamp"}
    lines = body_of(api.get(EXPORT, **query)).splitlines()
    assert [json.loads(line)["id"] for line in lines[:-1]] == [str(id) for id in wanted[::-1]]
    (entry,) = exported(account.id)
    assert entry["result"] == "success"
    assert (entry["format"], entry["count"], entry["keyName"]) == ("ndjson", 6, "exporter")
    assert {each["parameter"]: each["value"] for each in entry["filters"]} == query
    assert entry["sha256"] == json.loads(lines[-1])["manifest"]["sha256"]


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ({}, 30, None),
        ({"dateRange": "24h"}, 1, 0),
        ({"dateRange": "7d"}, 7, None),
        ({"startDate": f"{now() - DAY * 3:%Y-%m-%dT%H:%M:%SZ}"}, 3, None),
        ({"startDate": "2020-01-01T00:00:00Z"}, 30, None),
        ({"dateRange": "30d", "endDate": f"{now() - DAY * 2:%Y-%m-%dT%H:%M:%SZ}"}, 30, 2),
    ],
)
def test_the_manifest_and_the_entry_name_the_range_that_was_applied(
    query: dict[str, str], start: int, end: int | None, api: Api, account: Account
) -> None:
    manifest = json.loads(body_of(api.get(EXPORT, **query)))["manifest"]
    (entry,) = exported(account.id)
    assert entry["range"] == manifest["range"]
    for days, name in ((start, "start"), (end, "end")):
        value = manifest["range"][name]
        if days is None:
            assert value is None
        else:
            moment = parse_rfc3339(value)
            assert abs(now() - DAY * days - moment) < timedelta(minutes=10)


@pytest.mark.parametrize("sort", ["-timestamp", "timestamp", "actor", "-result"])
def test_each_entry_comes_once_while_others_are_written(
    sort: str, api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "FEW", 3)
    moment, written = now(), 0
    before = set()
    for number in range(4):
        actor = {"type": "agent", "id": f"agent-{number}"}
        ids = record_many(
            [new(timestamp=moment - timedelta(days=d), actor=actor) for d in range(6)],
            account=account.id,
        )
        before |= set(map(str, ids))
    response = api.get(EXPORT, sort=sort)
    seen = []
    for chunk in response:
        seen += [json.loads(line) for line in chunk.splitlines()]
        if written < 20:
            written += 1
            late = timedelta(days=written % 6, minutes=written)
            record_many([new(timestamp=moment - late), new()], account=account.id)
    ids_seen = [entry["id"] for entry in seen[:-1]]
    assert len(ids_seen) == len(set(ids_seen)) == seen[-1]["manifest"]["count"]
    assert before <= set(ids_seen)


def test_a_key_of_a_bot_exports_that_bots_entries_alone(account: Account) -> None:
    own = make_entries(account.id, 2, bot_id="bot-1")
    make_entries(account.id, 2, bot_id="bot-2")
    api = Api(keys.create(account, "bound", ["logs:export"], bot="bot-1"))
    *lines, last = body_of(api.get(EXPORT)).splitlines()
    assert {json.loads(line)["id"] for line in lines} == set(map(str, own))
    its_bot, other = ({"parameter": "botId", "value": f"bot-{number}"} for number in (1, 2))
    assert json.loads(last)["manifest"]["filters"] == [its_bot]
    assert b'"count":0' in body_of(api.get(EXPORT, botId="bot-2"))
    body_of(api.get(EXPORT, botId="bot-1"))
    recorded = [each["filters"] for each in exported(account.id)]
    assert recorded == [[its_bot], [other, its_bot], [its_bot]]


def test_a_key_without_the_scope_is_refused_with_its_name(api_key: str) -> None:
    assert problem_of(Api(api_key).get(EXPORT), 403, "insufficient-scope")["scope"] == "logs:export"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"format": "xml"}, "format: expected one of csv, ndjson, json, ocsf, ecs"),
        ({"format": ["csv", "json"]}, "format: expected one value"),
        ({"cursor": "x"}, "cursor: not a known parameter"),
        ({"limit": "5"}, "limit: not a known parameter"),
        ({"acter": "x"}, "did you mean actor?"),
        ({"result": "x"}, "result: expected one of"),
    ],
)
def test_a_wrong_parameter_is_named(query: dict[str, Any], named: str, api: Api) -> None:
    response = api.get(EXPORT, **query)
    assert response.status_code == 400
    assert named in response.json()["detail"]


def test_head_has_the_headers_of_get_and_begins_no_export(api: Api, account: Account) -> None:
    make_entries(account.id, 1)
    with time_machine.travel(now(), tick=False):
        head = api.client.head(f"{EXPORT}?format=csv", headers=api.headers)
        assert not Export.objects.exists()
        response = api.get(EXPORT, format="csv")
        # Neither takes it the place of one that is running.
        assert api.client.head(EXPORT, headers=api.headers).status_code == 200
        assert body_of(response)
    assert body_of(head) == b""
    assert _steady(head) == _steady(response)
    assert "Content-Length" not in head
    assert len(exported(account.id)) == 1


def _steady(response: Any) -> dict[str, str]:
    """Return the headers but those of the one request."""
    own = {"x-request-id", "x-correlation-id", "server-timing"}
    return {name: value for name, value in response.items() if name.lower() not in own}


def test_one_export_at_a_time_for_each_caller(api: Api, account: Account) -> None:
    make_entries(account.id, 3)
    first = api.get(EXPORT)
    problem = problem_of(api.get(EXPORT), 409, "export-running")
    assert "another export" in problem["detail"]
    assert api.get(EXPORT)["Retry-After"] == "5"
    others = Api(keys.create(account, "other", ["logs:export"]))
    assert body_of(others.get(EXPORT))
    assert body_of(first)
    assert body_of(api.get(EXPORT))


def test_its_caller_is_free_and_its_entry_there_before_the_body_ends(
    account: Account,
) -> None:
    make_entries(account.id, 3)
    exporter = Exporter("key_of_nobody", Caller(account.id))
    facts: dict[str, Any] = {"format": "ndjson", "filters": [], "range": None}
    of_all = (Entries.of(account.id), FORMATS["ndjson"], exporter, facts)
    first = stream.Stream.begin(*of_all)
    # The server sends the end of the body after this and closes the stream last.
    lines = b"".join(first).splitlines()
    second = stream.Stream.begin(*of_all)
    (entry,) = exported(account.id)
    assert (entry["result"], entry["count"]) == ("success", len(lines) - 1)
    first.close()
    second.close()
    assert [each["result"] for each in exported(account.id)] == ["partial", "success"]


def test_a_persons_session_tokens_are_one_caller(account: Account, user: Any) -> None:
    one, other = (Api(keys.create_session_token(user, account)) for _ in range(2))
    first = one.get(EXPORT)
    problem_of(other.get(EXPORT), 409, "export-running")
    cut(first)


def test_a_process_runs_few_exports_at_once(account: Account) -> None:
    callers = [
        Api(keys.create(account, unique("key"), ["logs:export"]))
        for _ in range(running.MAX_EXPORTS + 1)
    ]
    *responses, refused = [each.get(EXPORT) for each in callers]
    problem_of(refused, 429, "rate-limited")
    for response in responses:
        cut(response)
    assert body_of(callers[-1].get(EXPORT))


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_one_that_was_cut_is_recorded_as_partial_and_frees_its_caller(
    taken: int, api: Api, account: Account
) -> None:
    make_entries(account.id, 10)
    response = api.get(EXPORT)
    chunks: Iterator[bytes] = iter(response)
    for _ in range(taken):
        next(chunks)
    cut(response)
    (entry,) = exported(account.id)
    assert (entry["result"], entry["count"]) == ("partial", taken)
    assert entry["reason"] == "The connection was cut"
    assert body_of(api.get(EXPORT))


def test_a_crashed_one_is_recorded_once_and_frees_its_caller_after_a_minute(
    api: Api, account: Account
) -> None:
    key = ApiKey.objects.get(account=account)
    response = api.get(EXPORT)
    Export.objects.filter(pk=key.public_id).update(count=7)
    with time_machine.travel(now() + timedelta(seconds=59), tick=False):
        running.record_crashed()
        problem_of(api.get(EXPORT), 409, "export-running")
    with time_machine.travel(now() + timedelta(seconds=61), tick=False):
        running.record_crashed()
        running.record_crashed()
        (entry,) = exported(account.id)
        assert (entry["result"], entry["count"]) == ("partial", 7)
        assert "crash" in entry["reason"]
        assert body_of(api.get(EXPORT))
    cut(response)


def test_one_whose_place_was_taken_stops(
    api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "REFRESH_SECONDS", 0.0)
    make_entries(account.id, 9)
    response = api.get(EXPORT)
    chunks: Iterator[bytes] = iter(response)
    next(chunks)
    with time_machine.travel(now() + timedelta(seconds=61), tick=False):
        second = api.get(EXPORT)
        with pytest.raises(stream.ExportStopped):
            list(chunks)
        cut(response)
        assert body_of(second)


@pytest.mark.parametrize(
    "query", [{}, {"sort": "timestamp"}, {"sort": "actor"}, {"search": "scout"}]
)
def test_what_takes_a_busy_database_too_long_is_read_in_smaller_parts(
    query: dict[str, str], api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_LIMIT", 10)
    moment = now()
    entries = [new(timestamp=moment - timedelta(hours=9 * number)) for number in range(20)]
    ids = record_many(entries, account=account.id)
    run, timeouts = slices.run, []

    def busy(
        selection: Selection, leading: Leading, part: Slice, *stages: Document, **more: Any
    ) -> list[Document]:
        if "$sort" in stages[0] and part.width(to_ms(moment)) > 10 * HOUR_MS:
            timeouts.append(part)
            raise TookTooLong("The log took too long to answer.")
        return run(selection, leading, part, *stages, **more)

    monkeypatch.setattr(slices, "run", busy)
    lines = body_of(api.get(EXPORT, **query)).splitlines()
    assert sorted(json.loads(line)["id"] for line in lines[:-1]) == sorted(map(str, ids))
    assert json.loads(lines[-1])["manifest"]["count"] == 20
    assert timeouts


def test_each_page_of_a_list_by_time_is_one_query_and_nothing_is_counted(
    api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_LIMIT", 20)
    moment = now()
    hours = range(0, 240, 2)
    record_many([new(timestamp=moment - timedelta(hours=h)) for h in hours], account=account.id)
    response = api.get(EXPORT)
    with watcher.watch() as commands:
        assert b'"count":120' in body_of(response)
    queries = sent(commands, "aggregate", mongo.ENTRIES)
    assert len(queries) <= 120 // 20 * 2
    assert not [each for each in queries if {"$count": "value"} in each["pipeline"]]


@pytest.mark.parametrize("failure", [Unavailable, TookTooLong])
def test_a_failure_of_the_database_is_waited_for_and_then_cuts_the_export(
    failure: type[StorageError], api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_entries(account.id, 9)
    page, failures = Entries.page, iter([True, False, True, True])

    def failing(*args: Any, **more: Any) -> Any:
        if more.get("cursor") and next(failures, False):
            raise failure("The log's database cannot be reached.")
        return page(*args, **more)

    monkeypatch.setattr(Entries, "page", failing)
    monkeypatch.setattr(stream, "RETRY_SECONDS", (0.0,))
    monkeypatch.setattr(stream, "MAX_NARROWED", 0)
    response = api.get(EXPORT)
    with pytest.raises(failure):
        list(response)
    cut(response)
    (entry,) = exported(account.id)
    assert (entry["result"], entry["count"]) == ("partial", 8)
    assert "cannot be reached" in entry["reason"]


def test_a_database_that_is_away_at_the_start_is_answered(
    api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **more: Any) -> Any:
        raise Unavailable("The log's database cannot be reached.")

    with monkeypatch.context() as patch:
        patch.setattr(Entries, "page", away)
        problem_of(api.get(EXPORT), 503, "database-unavailable")
    assert body_of(api.get(EXPORT))
