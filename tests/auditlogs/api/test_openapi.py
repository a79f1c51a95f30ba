"""The description of the API is true: held equal to the code, and to what a server answers."""

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest
from django.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pytest_django.live_server_helper import LiveServer

from auditlogs.accounts import keys
from auditlogs.api.description import described, routes
from auditlogs.api.openapi import OPERATIONS
from auditlogs.entry.schema import Entry, NewEntry
from auditlogs.explain.codes import PROBLEMS, ProblemSlug
from auditlogs.models import Account
from auditlogs.query.filters import FILTER_NAMES, PagingForm
from tests.api import Api, problem_of, whole
from tests.auditlogs.forms.entries import FULL

if TYPE_CHECKING:
    from schemathesis import Case


def served(path: str = "/api/openapi.json") -> dict[str, Any]:
    response = Client().get(path)
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def operations() -> list[dict[str, Any]]:
    return [each for path in served()["paths"].values() for each in path.values()]


def test_it_is_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(served()).validate()


def test_every_route_and_method_is_described_and_no_other() -> None:
    there = {(name, method) for name, (_, scopes) in routes().items() for method in scopes}
    missing = there - OPERATIONS.keys()
    assert not missing, f"auditlogs/api/openapi.py: OPERATIONS lacks {sorted(missing)}"
    assert OPERATIONS.keys() == there


def test_a_parameter_of_a_path_is_never_the_name_of_another_path() -> None:
    paths = served()["paths"]
    for path in paths:
        start, brace, _ = path.partition("{")
        names = {each.removeprefix(start) for each in paths if each.startswith(start)}
        taken = {name for name in names if name and "{" not in name}
        if brace and taken:
            (parameter,) = paths[path]["get"]["parameters"]
            assert {parameter["schema"]["not"]["const"]} == taken


def test_a_list_has_every_parameter_and_no_other() -> None:
    parameters = served()["paths"]["/api/audit-logs"]["get"]["parameters"]
    names = [each["name"] for each in parameters if each["in"] == "query"]
    assert names == [*FILTER_NAMES, *PagingForm.base_fields]
    assert all(each["description"] for each in parameters)


def test_the_fields_of_an_entry_are_those_of_its_type_in_order() -> None:
    schemas = served()["components"]["schemas"]
    assert list(schemas["ExplainedEntry"]["properties"])[-1] == "explanation"
    assert list(schemas["Entry"]["properties"]) == list(Entry.__struct_encode_fields__)
    assert schemas["Entry"]["required"] == list(Entry.__struct_encode_fields__)
    assert list(schemas["NewEntry"]["properties"]) == list(NewEntry.__struct_encode_fields__)


def test_every_error_is_described() -> None:
    text = json.dumps([each["responses"] for each in operations()])
    assert {slug for slug in get_args(ProblemSlug) if f"`{slug}`" not in text} == set()
    for each in operations():
        for status, answer in each["responses"].items():
            slugs = [slug for slug in PROBLEMS if f"`{slug}`" in answer["description"]]
            assert all(PROBLEMS[slug].status == int(status) for slug in slugs)


def test_headers_and_members_of_answers_are_described(account: Account) -> None:
    api = Api(keys.create(account, "reader", ["logs:read", "logs:export"]))
    document = served()
    there = {"/api/audit-logs": ["X-Search"], "/api/audit-logs/export": ["Content-Disposition"]}
    for path, more in there.items():
        answers = document["paths"][path]["get"]["responses"]
        assert {*more, "Server-Timing"} <= answers["200"]["headers"].keys()
        refused = {"401": "WWW-Authenticate", "403": "WWW-Authenticate", "405": "Allow"}
        for status, name in {**refused, "429": "Retry-After", "503": "Retry-After"}.items():
            assert list(answers[status]["headers"]) == [name]
    export = json.loads(whole(api.get("/api/audit-logs/export?format=json")).content)
    schemas = document["components"]["schemas"]
    Draft202012Validator(schemas["ExportManifest"]).validate(export["manifest"])
    assert export["manifest"].keys() == schemas["ExportManifest"]["properties"].keys()
    denied = api.get("/metrics")
    assert denied.json().keys() <= schemas["Problem"]["properties"].keys()
    assert "scope" in denied.json()
    assert "WWW-Authenticate" in denied


def test_scopes_are_those_that_the_endpoints_require() -> None:
    paths = served()["paths"]
    assert "`logs:write`" in paths["/api/audit-logs"]["post"]["description"]
    assert paths["/api/openapi.json"]["get"]["security"] == []
    metrics = paths["/metrics"]["get"]
    assert "`metrics:read`" in metrics["description"]
    assert metrics["security"] == [{"bearer": []}, {}]


def test_readiness_is_described_as_everyone_and_staff_are_told(staff_client: Client) -> None:
    document = served()
    answers = document["paths"]["/readyz"]["get"]["responses"]
    assert answers["200"]["content"] == answers["503"]["content"]
    schema = {
        **answers["200"]["content"]["application/json"]["schema"],
        "components": document["components"],
    }
    for client, name in ((Client(), "PublicReadiness"), (staff_client, "Readiness")):
        told = client.get("/readyz").json()
        Draft202012Validator(schema).validate(told)
        assert list(told) == document["components"]["schemas"][name]["required"]


def test_an_entry_is_valid_by_the_published_schema(api_key: str, write_key: str) -> None:
    schema = served("/api/schemas/entry/1")
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "/api/schemas/entry/1"
    writer = {"action": "order.created", "result": "success", "actor": {"type": "agent", "id": "a"}}
    assert Api(write_key).post(writer).status_code == 201
    entry = Api(api_key).get().json()[0]
    validator = Draft202012Validator(schema)
    validator.validate(entry)
    validator.validate(json.loads(json.dumps(entry | {"timestamp": FULL.timestamp})))
    del entry["summary"]
    assert not validator.is_valid(entry)


OPEN = ["/api/openapi.json", "/api/schemas/entry/1", "/api/docs", "/readyz", "/metrics"]


@pytest.mark.parametrize("path", OPEN)
def test_an_open_address_is_only_read_and_takes_no_key(path: str, api_key: str) -> None:
    client = Client(enforce_csrf_checks=True)
    for method in ("post", "put", "patch", "delete", "options"):
        response = getattr(client, method)(path)
        problem_of(response, 405, "method-not-allowed")
        assert response["Allow"] == "GET, HEAD"
    for name in ("access_token", "token", "a"):
        problem_of(client.get(path, {name: api_key}), 400, "key-in-query")
    problem_of(client.get(f"{path}?{'a=1&' * 1_100}"), 400, "bad-request")


@pytest.mark.parametrize("path", OPEN[:2])
def test_it_needs_no_key_and_takes_no_parameter(path: str) -> None:
    assert Client().get(path)["Cache-Control"] == "no-cache"
    problem_of(Client().post(path), 405, "method-not-allowed")
    problem_of(Client().get(path, {"a": "b"}), 400, "unknown-parameter")


def ask(server: str, key: str, examples: int, start: int = 0) -> int:
    """Send generated requests to every operation; fail on an answer that is not described. Returns
    how many were sent."""
    # Half a second, which each process would pay that only collects the tests.
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.result import Ok
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    schema = schemathesis.openapi.from_dict(described())
    sent = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()

        @seed(start)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def send(case: "Case[Any]") -> None:
            nonlocal sent
            sent += 1
            case.call_and_validate(
                base_url=server,
                headers={"Authorization": f"Bearer {key}"},
                checks=[
                    not_a_server_error,
                    status_code_conformance,
                    content_type_conformance,
                    response_schema_conformance,
                ],
            )

        send()
    return sent


@pytest.fixture
def open_key(account: Any, settings: Any) -> str:
    settings.AUDITLOGS_API_RATE = "1000000/minute"
    return keys.create(account, "everything", list(keys.SCOPES))


def test_a_server_answers_as_described(live_server: LiveServer, open_key: str) -> None:
    assert ask(live_server.url, open_key, 4) >= 20


@pytest.mark.faults
@pytest.mark.parametrize("part", range(5))
def test_a_server_answers_as_described_4_000_times(
    live_server: LiveServer, open_key: str, part: int
) -> None:
    sent = 0
    while sent < 4_000:
        sent += ask(live_server.url, open_key, 200, start=part * 10_000 + sent)
