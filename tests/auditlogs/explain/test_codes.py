"""The codes the log knows, compared with those that the sources record and the API answers."""

import ast
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import mcp.types
import pytest

from auditlogs.api import self_audit
from auditlogs.explain.codes import (
    HUB_CODES,
    KNOWN_CODES,
    MCP_CODES,
    PLATFORM_CODES,
    PROBLEMS,
    known_code,
)
from auditlogs.intake import validation
from hub.demo import history

ROOT = Path(__file__).resolve().parents[3]
# Here a code is what a document says to a caller, or of a field; no entry has it.
NOT_RECORDED = {
    f"auditlogs/{name}.py"
    for name in ("api/problems", "api/ingest", "query/filters", "storage/mongo")
}


def nodes(but: Collection[str] = ()) -> list[ast.AST]:
    """Return every node of the program's sources."""
    files = [file for folder in ("auditlogs", "hub") for file in (ROOT / folder).rglob("*.py")]
    read = [file for file in files if file.relative_to(ROOT).as_posix() not in but]
    assert len(read) > 60
    return [node for file in read for node in ast.walk(ast.parse(file.read_text()))]


def texts(node: ast.AST | None) -> set[str]:
    """Return the texts that an expression can be, where it says so itself."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.IfExp):
        return texts(node.body) | texts(node.orelse)
    return set()


def given(name: str, among: list[ast.AST]) -> Iterator[ast.AST | None]:
    """Yield each expression that is given as the argument, the key or the item of a name."""
    functions = [(node, node.name, 0) for node in among if isinstance(node, ast.FunctionDef)]
    # Whoever calls a class calls its `__init__`, without the first argument.
    functions += [
        (inner, node.name, 1)
        for node in among
        if isinstance(node, ast.ClassDef)
        for inner in node.body
        if isinstance(inner, ast.FunctionDef) and inner.name == "__init__"
    ]
    places = {
        called: arguments.index(name) - given_itself
        for function, called, given_itself in functions
        if name in (arguments := [argument.arg for argument in function.args.args])
    }
    for node in among:
        if isinstance(node, ast.keyword) and node.arg == name:
            yield node.value
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (value for key, value in pairs if texts(key) == {name})
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            if texts(node.targets[0].slice) == {name}:
                yield node.value
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in places and len(node.args) > places[called]:
                yield node.args[places[called]]


def test_every_code_that_the_sources_record_is_known() -> None:
    found = set(chain.from_iterable(map(texts, given("code", nodes(NOT_RECORDED)))))
    found |= {code for code, _ in self_audit.WHY_INVALID.values()}
    # Of each way to say one: as a key, an argument in order, a named one, an item.
    ways = {"revoked-key", "permission-denied", "circuit_breaker_open", "partial_fill", "state"}
    assert ways | {"partial_success", "insufficient-scope"} <= found
    assert found - KNOWN_CODES.keys() == set()


def test_every_code_of_the_demos_entries_is_known_and_every_known_one_occurs() -> None:
    days = [date(2026, 3, 2) + timedelta(n) for n in range(14)]
    told = [entry.payload or {} for day in days for entry in history.entries_of_day(day)]
    found = {payload.get("code") for payload in told} - {None}
    assert found - HUB_CODES.keys() == PLATFORM_CODES.keys()


def test_the_codes_of_mcp_are_those_of_its_sdk() -> None:
    sdk = vars(mcp.types)
    assert {str(sdk[name]) for name in sdk if name.isupper() and isinstance(sdk[name], int)} == (
        MCP_CODES.keys()
    )


def test_no_code_is_declared_twice() -> None:
    assert len(KNOWN_CODES) == len(HUB_CODES) + len(PLATFORM_CODES) + len(MCP_CODES)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"code": "circuit_breaker_open"}, "circuit_breaker_open"),
        ({"code": -32602}, "-32602"),
        ({}, None),
        (None, None),
    ],
)
def test_a_payloads_code_is_known_or_it_is_not(
    payload: dict[str, object] | None, code: str | None
) -> None:
    assert known_code(payload) == code


@pytest.mark.parametrize("odd", ["unheard_of", "", " csrf", None, True, 4.5, [], {}, ["csrf"]])
def test_what_is_no_code_is_not_known(odd: object) -> None:
    assert known_code({"code": odd}) is None


def test_every_problem_of_the_api_is_listed_with_its_status_and_no_other() -> None:
    found: set[tuple[str, Any]] = {(slug, 422) for slug in get_args(validation.Code)}
    found -= {("id-conflict", 422)}
    for node in nodes():
        if not isinstance(node, ast.Call):
            continue
        called, given = getattr(node.func, "attr", getattr(node.func, "id", "")), node.args
        if called in {"problem", "BadBody"} and isinstance(given[0], ast.Constant):
            found |= {(slug, given[0].value) for slug in texts(given[1])}
        elif called == "unavailable":
            found |= {(slug, 503) for slug in texts(given[0])}
    # Whose name is chosen where a body or a question has several faults.
    found |= {("invalid-parameter", 400), ("unknown-parameter", 400)}
    assert {(slug, problem.status) for slug, problem in PROBLEMS.items()} == found
