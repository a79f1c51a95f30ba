"""Changes as changes: values before and after, lists as added and removed, never a secret."""

import time
from typing import Any

import pytest

from auditlogs.entry.schema import Redaction
from auditlogs.explain.changes import MAX_CHANGES, VALUE_LENGTH, Change, changes_of
from tests.auditlogs.entry.test_reasons import failed


def changes(*given: Any, **fields: Any) -> list[Change]:
    return changes_of(failed(result="success", payload={"changes": list(given)}, **fields))


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (50, 30, Change("f", "50", "30")),
        (False, True, Change("f", "false", "true")),
        (None, "x", Change("f", None, "x")),
        ("x", None, Change("f", "x", None)),
        (["a", "b"], ["b", "c"], Change("f", None, None, ("c",), ("a",), ("b",), is_list=True)),
        (None, ["a"], Change("f", added=("a",), is_list=True)),
        ([{"a": 1}], [], Change("f", removed=('{"a":1}',), is_list=True)),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 2, "c": 2}}, Change("f.a.b", "1", "2")),
        ({"a": [1]}, {"a": [1, 2]}, Change("f.a", None, None, ("2",), (), ("1",), is_list=True)),
        (1, True, Change("f", "1", "true")),
    ],
)
def test_a_change_is_told_by_its_values(before: Any, after: Any, change: Change) -> None:
    assert changes({"field": "f", "from": before, "to": after}) == [change]


def test_a_redacted_value_is_hidden() -> None:
    hidden = [Redaction(path="/payload/changes/0/to", rule="key-name")]
    given = {"field": "apiKey", "from": "[redacted]", "to": "[redacted]"}
    assert changes(given, redactions=hidden) == [Change("apiKey", is_hidden=True)]


def test_what_is_no_list_of_changes_is_none_and_a_long_one_is_cut() -> None:
    assert changes("x", {"field": 7}, None) == []
    assert changes_of(failed(payload={"changes": {"field": "x"}})) == changes_of(failed()) == []
    many = changes(*[{"field": "f", "to": "x" * 9_000}] * 200)
    assert len(many) == MAX_CHANGES
    assert len(many[0].after or "") == VALUE_LENGTH


def test_long_lists_are_compared_in_little_time() -> None:
    before, after = (list(range(start, start + 5_000)) for start in (10_000, 20_000))
    began = time.process_time()
    (change,) = changes({"field": "f", "from": before, "to": after})
    assert change.added[-1] == change.removed[-1] == "4,980 more"
    assert time.process_time() - began < 0.2
