"""The JSON API."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from auditlogs.accounts import keys
from auditlogs.entry.schema import to_json
from auditlogs.entry.times import now
from auditlogs.models import PLATFORM_ACCOUNT, Account, ApiKey, new_account_id
from auditlogs.query.entries import Entries
from auditlogs.recording.recorder import record_many
from hub.models import Membership
from tests.api import LIST, Api, next_of, problem_of
from tests.factories import AGENT, ORDER, USER, make_entries, make_entry, new, unique
from tests.watching import sent, watcher


@pytest.fixture
def api(api_key: str) -> Api:
    return Api(api_key)


# The list


def test_the_list_is_a_plain_array_newest_first(api: Api, account: Account) -> None:
    ids = make_entries(account.id, 5)
    response = api.get()
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert "Authorization" in response["Vary"]
    entries = response.json()
    assert isinstance(entries, list)
    assert [entry["id"] for entry in entries] == [str(id) for id in ids]
    assert next_of(response) is None


def test_an_account_without_entries_has_an_empty_list(api: Api) -> None:
    response = api.get()
    assert (response.status_code, response.content) == (200, b"[]")


def test_an_entry_is_the_same_in_the_list_and_alone(api: Api, account: Account) -> None:
    entry = make_entry(account.id, target=ORDER, payload={"a": {"apiKey": "x", "n": [1, None]}})
    alone = api.get(f"{LIST}/{entry.id}")
    assert alone["Content-Type"] == "application/json"
    assert alone["Cache-Control"] == "no-store"
    assert alone.content == to_json(entry)[:-1] + b',"explanation":null}'
    assert api.get().content == to_json([entry])
    assert alone.json()["redactions"] == [{"path": "/payload/a/apiKey", "rule": "key-name"}]


def test_a_list_has_a_hundred_entries_unless_asked_otherwise(api: Api, account: Account) -> None:
    ids = [str(id) for id in make_entries(account.id, 103)]
    assert api.ids() == ids[:100]
    assert api.ids(limit=1000) == ids
    assert api.ids(limit=2) == ids[:2]
    assert api.ids(limit=2, offset=101) == ids[101:]
    assert api.ids(offset=103) == []
    assert api.ids(offset=10_000) == []


def test_following_the_link_to_its_end_yields_everything_once(api: Api, account: Account) -> None:
    ids = [str(id) for id in make_entries(account.id, 7, actor=USER)]
    make_entries(account.id, 2, actor=AGENT)
    for sort in ("-timestamp", "timestamp", "actor", "-action", "result"):
        found: list[str] = []
        url: str | None = f"{LIST}?actor=user-1&limit=3&sort={sort}&offset=1"
        sizes = []
        while url is not None:
            response = api.get(url)
            found += [entry["id"] for entry in response.json()]
            sizes.append(len(response.json()))
            url = next_of(response)
        assert sizes == [3, 3]
        assert found == (ids[::-1] if sort == "timestamp" else ids)[1:]


def test_a_link_keeps_what_was_asked_and_drops_the_offset(api: Api, account: Account) -> None:
    make_entries(account.id, 4)
    link = next_of(api.get(search="mcp tool", botId="agent-7", limit=1, offset=1))
    assert link is not None
    names = [pair.partition("=")[0] for pair in link.partition("?")[2].split("&")]
    assert sorted(names) == ["botId", "cursor", "limit", "search"]
    assert api.get(link).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ({"action": "trade"}, "created filled"),
        ({"action": "order.created"}, "created"),
        ({"actor": "agent-7"}, "created called"),
        ({"actor": "agent"}, ""),
        ({"botId": "agent-7"}, "created called"),
        ({"botId": "bot-9"}, "filled"),
        ({"result": "failure"}, "called"),
        ({"target": "ord-42"}, "created filled"),
        ({"search": "momentum"}, "created called"),
        ({"search": "ord fill"}, "filled"),
        ({"search": "LOVELACE"}, "filled"),
        ({"correlationId": "0AF7651916CD43DD8448EB211C80319C"}, "created"),
        ({"correlationId": "0af76519-16cd-43dd-8448-eb211c80319c"}, "created"),
        ({"requestId": "r-1"}, "created called"),
        ({"sessionId": "s-1"}, "called"),
        ({"actor": "agent-7", "action": "mcp", "result": "failure"}, "called"),
        ({"actor": "agent-7", "result": "partial"}, ""),
        ({"dateRange": "24h"}, "called"),
        ({"dateRange": "7d"}, "created called"),
        ({"dateRange": "30d"}, "created called filled"),
        ({"dateRange": "all"}, "created called filled"),
        ({}, "created called filled"),
    ],
)
def test_every_parameter_keeps_what_it_says(
    api: Api, account: Account, parameters: dict[str, str], wanted: str
) -> None:
    at = now()
    three = {
        "created": new(
            timestamp=at - timedelta(days=2),
            action="order.created",
            target=ORDER,
            correlation_id="0AF76519-16CD-43DD-8448-EB211C80319C",
            request_id="r-1",
        ),
        "called": new(timestamp=at, result="failure", request_id="r-1", session_id="s-1"),
        "filled": new(
            timestamp=at - timedelta(days=20),
            action="order.filled",
            actor=USER,
            target=ORDER,
            result="partial",
            bot_id="bot-9",
        ),
    }
    ids = record_many(list(three.values()), account=account.id)
    names = {str(id): name for id, name in zip(ids, three, strict=True)}
    assert sorted(names[id] for id in api.ids(**parameters)) == sorted(wanted.split())


def test_a_start_is_inclusive_and_an_end_exclusive(api: Api, account: Account) -> None:
    at = now().replace(microsecond=500_000) - timedelta(hours=1)
    moments = [at + timedelta(milliseconds=i) for i in range(4)]
    ids = [str(i) for i in record_many([new(timestamp=m) for m in moments], account=account.id)]
    start, end = (moment.isoformat(timespec="milliseconds") for moment in (moments[1], moments[3]))
    assert api.ids(startDate=start, endDate=end) == [ids[2], ids[1]]
    assert api.ids(startDate=end) == [ids[3]]
    assert api.ids(endDate=start) == [ids[0]]
    assert api.ids(startDate=start, endDate=start) == []
    assert api.ids(dateRange="24h", startDate=end) == [ids[3]]


@pytest.mark.parametrize("end", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_an_end_before_anything_leaves_nothing(api: Api, account: Account, end: str) -> None:
    make_entry(account.id)
    assert api.ids(endDate=end) == []
    assert api.ids(endDate="9999-12-31T23:59:59Z") != []


@pytest.mark.parametrize("search", [".*", "[", "$", "^", "\\"])
def test_a_search_without_a_letter_or_a_digit_finds_nothing(
    api: Api, account: Account, search: str
) -> None:
    make_entry(account.id, actor={"type": "user", "id": "u", "name": f"x {search} y"})
    assert api.ids(search=search) == []


@pytest.mark.parametrize(
    "search", ["(a+)+$", "a.*", "[a", "mom.*", "^mcp", "$ne", "\\w", "agent.7"]
)
def test_a_search_that_looks_like_a_pattern_finds_only_what_holds_it(
    api: Api, account: Account, search: str
) -> None:
    make_entry(account.id)
    assert api.ids(search=search) == []
    holder = make_entry(account.id, actor={"type": "user", "id": "u", "name": f"x {search} y"})
    assert api.ids(search=search) == [holder.id]


@pytest.mark.parametrize("name", ["actor", "botId", "target", "requestId", "sessionId"])
@pytest.mark.parametrize("value", ['{"$gt": ""}', "[$ne]=x", "' || '1'=='1", "$where", "*"])
def test_an_operator_in_a_value_is_a_text_like_any_other(
    api: Api, account: Account, name: str, value: str
) -> None:
    make_entry(account.id, target=ORDER, request_id="r", session_id="s")
    assert api.ids(**{name: value}) == []


def test_a_head_is_a_get_without_a_body(api: Api, account: Account) -> None:
    make_entries(account.id, 2)
    head = api.client.head(f"{LIST}?limit=1", headers=api.headers)
    assert (head.status_code, head.content) == (200, b"")
    assert next_of(head) is not None
    assert head["Cache-Control"] == "no-store"


def test_a_page_costs_one_question_and_entries_alone_too(api: Api, account: Account) -> None:
    ids = make_entries(account.id, 3)
    # What the counters say is remembered.
    api.get(limit=2)
    with watcher.watch() as commands:
        api.get(limit=2)
        api.get(f"{LIST}/{ids[0]}")
    assert len(commands) == len(sent(commands, "aggregate", "audit_logs")) == 2


# Who may


@pytest.mark.parametrize(
    "header",
    [
        *("", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer {key} x", "Token {key}", "{key}"),
        *("Bearer {key}x", "Bearer {wrong}", "Bearer {unknown}", "Bearer aud_", "Bearer ключ"),
        *("Bearer " + "x" * 5_000, "Bearer {key}, Bearer {key}"),
    ],
)
def test_without_a_valid_key_nothing_is_answered(client: Client, api_key: str, header: str) -> None:
    wrong = api_key[:-1] + ("0" if api_key[-1] != "0" else "1")
    ApiKey.objects.filter(name="gone").delete()
    unknown = keys.create(Account.objects.create(name=unique("account")), "gone", ["logs:read"])
    ApiKey.objects.filter(name="gone").delete()
    sent = header.format(key=api_key, wrong=wrong, unknown=unknown)
    response = client.get(LIST, headers={"authorization": sent} if sent else {})
    problem_of(response, 401, "unauthorized")
    challenge = 'Bearer realm="audit-logs"' + (', error="invalid_token"' if sent else "")
    assert response["WWW-Authenticate"] == challenge


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_scheme_of_a_key_may_be_written_in_any_case(
    client: Client, api_key: str, scheme: str
) -> None:
    assert client.get(LIST, headers={"authorization": f"{scheme}{api_key}"}).status_code == 200


def test_a_mistyped_key_is_told_without_asking_the_database(
    client: Client, api_key: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        client.get(LIST, headers={"authorization": f"Bearer {api_key[:-1]}!"})
    # That it was used is kept once a minute.
    for queries in (2, 1):
        with django_assert_num_queries(queries):
            client.get(LIST, headers={"authorization": f"Bearer {api_key}"})


def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(
    user: User, account: Account, client: Client
) -> None:
    def made(**more: Any) -> str:
        return keys.create(account, unique("key"), ["logs:read"], **more)

    with time_machine.travel(now() - timedelta(hours=2), tick=False):
        expired = made(expires_at=now() + timedelta(hours=1))
    revoked, unknown, right = made(), made(), made()
    for text in (revoked, unknown):
        key = keys.find(text)
        assert key
        key.delete() if text == unknown else keys.revoke(key)
    no_longer = keys.create_session_token(user, account)
    Membership.objects.filter(user=user).delete()
    mistyped = right[:-1] + ("0" if right[-1] != "0" else "1")
    wrong = (expired, revoked, unknown, no_longer, mistyped, "aud_", "auds_", "nonsense")
    headers = [*(f"Bearer {text}" for text in wrong), f"Basic {right}", right]
    answers = [client.get(LIST, headers={"authorization": header}) for header in headers]
    for answer in answers:
        problem_of(answer, 401, "unauthorized")
        del answer["X-Request-ID"]
    assert len({(answer.content, *sorted(answer.items())) for answer in answers}) == 1


def test_a_session_token_reads_and_writes_nothing(user: User, account: Account) -> None:
    entry = make_entry(account.id)
    api = Api(keys.create_session_token(user, account))
    assert api.ids() == [entry.id]
    problem = problem_of(api.post({}), 403, "insufficient-scope")
    assert problem["scope"] == "logs:write"


@pytest.mark.parametrize(
    "name",
    [
        *("access_token", "ACCESS-TOKEN", "token", "api_key", "apikey", "x-api-key", "auth_token"),
        *("authorization", "bearer", "session_token", "secret"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "head", "delete"])
def test_a_key_in_an_address_is_refused_before_anything_else(
    api_key: str, name: str, method: str, django_assert_num_queries: Any
) -> None:
    api = Api(api_key)
    with django_assert_num_queries(0):
        response = getattr(api.client, method)(f"{LIST}?{name}={api_key}", headers=api.headers)
    assert response.status_code == 400
    if method != "head":
        problem_of(response, 400, "key-in-query")
        assert api_key.encode() not in response.content


@pytest.mark.parametrize(
    "path", [f"{LIST}?search={{}}", f"{LIST}?key={{}}", f"{LIST}/x?y=a{{}}b", f"{LIST}/{{}}"]
)
def test_what_looks_like_a_key_is_refused_whatever_it_is_called(
    user: User, account: Account, api_key: str, path: str
) -> None:
    for text in (api_key, keys.create_session_token(user, account)):
        problem_of(Api(api_key).get(path.format(text)), 400, "key-in-query")
        problem_of(Client().get(path.format(text)), 400, "key-in-query")


def test_nothing_of_a_key_in_an_address_is_kept(api_key: str, account: Account) -> None:
    Api(api_key).get(f"{LIST}?access_token={api_key}")
    Api(api_key).get(f"{LIST}/{api_key}")
    denied = [
        entry
        for entry in Entries.of(PLATFORM_ACCOUNT).page(100, payloads=True).entries
        if (entry.payload or {}).get("code") == "key-in-query"
    ]
    in_path, in_query = (entry.target for entry in denied[:2])
    assert in_path
    assert in_path.id.startswith(f"{LIST}/")
    assert in_query
    assert in_query.id == LIST
    assert all(api_key not in f"{entry}" for entry in denied)
    assert Entries.of(account.id).count().value == 0


def test_a_key_that_is_sent_as_the_id_of_its_request_is_kept_nowhere(account: Account) -> None:
    text = keys.create(account, "weak", [])
    response = Client().get(LIST, headers={"authorization": f"Bearer {text}", "x-request-id": text})
    assert response.status_code == 403
    (entry,) = Entries.of(account.id).page(10, payloads=True).entries
    assert text not in f"{entry}"


def test_a_signed_in_person_has_no_way_in_without_a_key(signed_in_client: Client) -> None:
    response = signed_in_client.get(LIST)
    problem_of(response, 401, "unauthorized")
    assert not response.cookies


def test_a_key_decides_whoever_is_signed_in(signed_in_client: Client) -> None:
    other = Account.objects.create(name=unique("account"))
    entry = make_entry(other.id)
    key = keys.create(other, "reader", ["logs:read"])
    response = signed_in_client.get(LIST, headers={"authorization": f"Bearer {key}"})
    assert [each["id"] for each in response.json()] == [entry.id]
    assert not response.cookies


def test_a_key_without_the_scope_is_refused_with_its_name(account: Account) -> None:
    entry = make_entry(account.id)
    weak = Api(keys.create(account, "weak", []))
    for path in (LIST, f"{LIST}/{entry.id}"):
        response = weak.get(path)
        problem = problem_of(response, 403, "insufficient-scope")
        assert problem["scope"] == "logs:read"
        assert problem["detail"] == "The request requires the scope logs:read."
        assert response["WWW-Authenticate"] == (
            'Bearer realm="audit-logs", error="insufficient_scope", scope="logs:read"'
        )


def test_an_account_sees_its_own_entries_only(api: Api, account: Account) -> None:
    at = now()
    same = [new(id="w-1", timestamp=at)]
    own, foreign = (record_many(same, account=a)[0] for a in (account.id, new_account_id()))
    assert api.ids() == [str(own)]
    assert api.ids(search="mcp", sort="actor") == [str(own)]
    assert api.get(f"{LIST}/{own}").status_code == 200
    assert api.get(f"{LIST}/{foreign}").status_code == 404


# What is not there


def test_what_is_not_there_and_what_is_anothers_look_the_same(api: Api) -> None:
    foreign = make_entry()
    unknown = uuid.UUID(foreign.id).int ^ 1
    paths = [
        foreign.id,
        str(uuid.UUID(int=unknown)),
        str(uuid.UUID(int=0)),
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "nonsense",
        "%00",
        "$ne",
        foreign.id.replace("-", ""),
        "x" * 5_000,
        "../audit-logs",
    ]
    answers = [api.get(f"{LIST}/{path}") for path in paths]
    for answer in answers:
        problem_of(answer, 404, "not-found")
    assert len({answer.content for answer in answers}) == 1
    # Each request has an ID of its own.
    for answer in answers:
        del answer["X-Request-ID"]
    assert len({tuple(sorted(answer.items())) for answer in answers[:6]}) == 1


def test_an_entry_is_found_in_either_case_of_its_id(api: Api, account: Account) -> None:
    entry = make_entry(account.id)
    assert api.get(f"{LIST}/{entry.id.upper()}").json()["id"] == entry.id


def test_an_entry_beyond_the_retention_is_not_there(
    api: Api, account: Account, settings: Any
) -> None:
    entry = make_entry(account.id, timestamp=now() - timedelta(days=3))
    settings.AUDITLOGS_RETENTION_DAYS = 2
    problem_of(api.get(f"{LIST}/{entry.id}"), 404, "not-found")
    assert api.ids(dateRange="all") == api.ids(startDate="2020-01-01T00:00:00Z") == []


def test_no_address_beside_them_is_known(client: Client) -> None:
    for path in ("/api/", "/api/audit-log", f"{LIST}/", f"{LIST}/x/y", "/api/audit-logs.json"):
        problem_of(client.get(path), 404, "not-found")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
def test_nothing_can_be_changed_or_deleted(api: Api, account: Account, method: str) -> None:
    entry = make_entry(account.id)
    for path, allowed in ((LIST, "GET, HEAD, POST"), (f"{LIST}/{entry.id}", "GET, HEAD")):
        if method.upper() not in allowed:
            response = getattr(api.client, method)(path, headers=api.headers)
            problem_of(response, 405, "method-not-allowed")
            assert response["Allow"] == allowed
    assert Entries.of(account.id).count().value == 1


# What is not understood


def test_each_bad_and_unknown_parameter_is_named(api: Api) -> None:
    response = api.get(limit="0", startDate="soon", botid="b", actor=["a", "b"], result="failure")
    problem = problem_of(response, 400, "invalid-parameter")
    assert [(e["parameter"], e["code"]) for e in problem["errors"]] == [
        ("actor", "invalid-parameter"),
        ("botid", "unknown-parameter"),
        ("startDate", "invalid-parameter"),
        ("limit", "invalid-parameter"),
    ]
    for error in problem["errors"]:
        assert f"{error['parameter']}: {error['detail']}" in problem["detail"]


@pytest.mark.parametrize("name", ["botid", "actor[$ne]", "actor.id", "$where", "", "x" * 5_000])
def test_an_unknown_parameter_widens_nothing(api: Api, account: Account, name: str) -> None:
    make_entry(account.id)
    problem = problem_of(api.get(**{name: "x"}), 400, "unknown-parameter")
    assert [error["parameter"] for error in problem["errors"]] == [name[:64]]


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "1001"},
        {"limit": "-1"},
        {"offset": "10001"},
        {"offset": "1" + "0" * 12},
        {"cursor": "x"},
        {"cursor": "x", "offset": "1"},
        {"sort": "payload"},
        {"action": "order"},
        {"startDate": "2026-03-02T00:00:00Z", "endDate": "2026-03-01T00:00:00Z"},
        {"search": "y" * 10_240},
        {"search": " ".join("abcdefghi")},
        {"actor": "\x00"},
        {"dateRange": "90d"},
    ],
)
def test_a_value_out_of_bounds_is_refused_and_not_clamped(
    api: Api, account: Account, parameters: dict[str, str]
) -> None:
    make_entry(account.id)
    with watcher.watch() as commands:
        response = api.get(**parameters)
    problem = problem_of(response, 400, "invalid-parameter")
    assert {error["parameter"] for error in problem["errors"]} <= parameters.keys()
    assert len(response.content) < 1_000
    assert commands == []


def test_more_parameters_than_anyone_needs_are_not_even_read(api: Api) -> None:
    response = api.get(f"{LIST}?{'&'.join('a=1' for _ in range(2_000))}")
    problem = problem_of(response, 400, "bad-request")
    assert problem["detail"] == "Send at most 1,000 parameters."


def test_one_entry_takes_no_parameters(api: Api, account: Account) -> None:
    entry = make_entry(account.id)
    problem = problem_of(api.get(f"{LIST}/{entry.id}", limit=1), 400, "unknown-parameter")
    assert [error["parameter"] for error in problem["errors"]] == ["limit"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("actor=%FF%FE", "actor"),
        ("%FF=1", "\ufffd"),
        ("search=%C3", "search"),
        ("key=%ED%A0%80", "key"),
    ],
)
def test_bytes_that_are_no_text_are_an_error_of_their_parameter(
    api: Api, query: str, name: str
) -> None:
    # Before the type of the answer is looked at.
    response = api.get(f"{LIST}?limit=1&{query}", headers={"Accept": "application/pdf"})
    problem = problem_of(response, 400, "invalid-parameter")
    assert [error["parameter"] for error in problem["errors"]] == [name]
    assert "UTF-8" in problem["detail"]
    assert api.get(f"{LIST}?actor=%EF%BF%BD%C3%A9+%2B").json() == []
