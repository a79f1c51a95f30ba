"""The values of a filter as one text."""

import pytest
from hypothesis import given, strategies as st

from auditlogs.query.values import MAX_VALUES, BadValues, Values, escape, parse

# The signs that mean something stand next to each other often.
TEXTS = st.text(st.one_of(st.sampled_from("\\,-a "), st.characters()), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("", (), ()),
        ("a", ("a",), ()),
        ("a,b", ("a", "b"), ()),
        ("-a", (), ("a",)),
        ("mcp,-mcp.tool.call", ("mcp",), ("mcp.tool.call",)),
        (r"a\,b", ("a,b",), ()),
        (r"a\\,b", ("a\\", "b"), ()),
        (r"\-x", ("-x",), ()),
        (r"-\-x", (), ("-x",)),
        ("--x", (), ("-x",)),
        ("a-b", ("a-b",), ()),
        # As Windows writes names; only the three signs are ever escaped.
        (r"CORP\ada", (r"CORP\ada",), ()),
        (r"a\-b", (r"a\-b",), ()),
        ("a\\", ("a\\",), ()),
        ("a, b", ("a", " b"), ()),
        ("a,a,-b,-b", ("a",), ("b",)),
        ("a,-a", ("a",), ("a",)),
    ],
)
def test_it_reads_values_and_exclusions(
    text: str, wanted: tuple[str, ...], unwanted: tuple[str, ...]
) -> None:
    assert parse(text) == Values(wanted, unwanted)


@pytest.mark.parametrize("text", [",", "a,", ",a", "a,,b", "-", "a,-", "-,a"])
def test_it_refuses_an_empty_value(text: str) -> None:
    with pytest.raises(BadValues, match="expected a value after each minus, and between commas"):
        parse(text)


def test_it_takes_a_bounded_number_of_values() -> None:
    most = [f"v{i}" for i in range(MAX_VALUES)]
    assert parse(",".join(most)).wanted == tuple(most)
    with pytest.raises(BadValues, match="expected at most 20 values"):
        parse(",".join([*most, "-w"]))


@given(TEXTS)
def test_an_escaped_value_is_read_as_itself(value: str) -> None:
    assert parse(escape(value)) == Values.one(value)


@given(st.lists(TEXTS, max_size=5, unique=True), st.lists(TEXTS, max_size=5, unique=True))
def test_values_are_read_from_the_text_that_they_write(
    wanted: list[str], unwanted: list[str]
) -> None:
    values = Values(tuple(wanted), tuple(unwanted))
    assert parse(str(values)) == values


def test_a_value_is_taken_from_its_side_alone() -> None:
    values = Values(("a", "b"), ("c",))
    assert values.without("c", excluded=True) == Values(("a", "b"))
    assert values.without("a", excluded=False) == Values(("b",), ("c",))
