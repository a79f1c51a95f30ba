"""Tests of tokens."""

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject

from auditlogs.entry.text import norm, pieces
from auditlogs.entry.tokens import BEGINNING, beginning_of, is_identifier, is_listed, tokens_of


@pytest.mark.parametrize(
    ("piece", "is_one"),
    [
        ("momentum", False),
        ("v2", False),
        ("sol", False),
        ("42", False),
        ("usdc2", True),
        ("7f3a21", True),
        ("01jd2mz7k3v9", True),
        ("2026", True),
        ("a" * 16, False),
        ("a" * 17, True),
        ("٢٠٢٦", True),
        ("流", False),
    ],
)
def test_it_takes_for_an_identifier_what_hardly_comes_again(piece: str, is_one: bool) -> None:
    assert is_identifier(piece) is is_one


def test_an_identifier_has_its_beginnings_as_tokens_too() -> None:
    assert tokens_of(["order", "01jd2mz7k3v9", "7f3a21", "v2"]) == [
        "01jd2mz7k3v9",
        "7f3a21",
        "order",
        "v2",
        "~01j",
        "~01jd2mz7",
        "~7f3",
    ]


@pytest.mark.parametrize(
    ("token", "is_kept"),
    [
        ("order", True),
        ("v2", True),
        ("7f3a21", False),
        ("~7f3", True),
        ("~01jd2mz7", False),
        ("~momentum", True),
    ],
)
def test_what_would_grow_with_the_log_is_not_listed(token: str, is_kept: bool) -> None:
    assert is_listed(token) is is_kept


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=24), st.data())
def test_a_piece_is_found_by_each_of_its_beginnings(text: str, data: DataObject) -> None:
    for piece in pieces(norm(text)):
        prefix = piece[: data.draw(st.integers(1, len(piece)))]
        found = tokens_of([piece])
        begins_so = [each for each in found if each.startswith((prefix, beginning_of(prefix)))]
        assert begins_so
        assert BEGINNING not in piece
