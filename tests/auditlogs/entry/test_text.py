"""Words, tokens, and the range that stands for a prefix."""

import unicodedata

import pytest
from hypothesis import example, given, strategies as st

from auditlogs.entry.invisible import has_hidden_character
from auditlogs.entry.text import (
    MAX_SEARCH_LENGTH,
    norm,
    prefix_range,
    tokens,
    words,
)
from tests.auditlogs.query import oracle

# What a database can hold: every code point but the halves of surrogate pairs.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Order", "order"),
        ("Straße", "strasse"),
        ("Ａｄａ", "ada"),
        ("ﬁre", "fire"),
        ("Ⅷ", "viii"),
        ("e\u0301", "é"),
        ("É", "é"),
        ("①²", "12"),
        ("日本", "日本"),
    ],
)
def test_texts_that_look_or_mean_the_same_have_one_form_and_accents_stay(
    text: str, normal: str
) -> None:
    assert norm(text) == normal


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("order.created", {"order.created", "order", "created"}),
        ("Momentum Scout", {"momentum scout", "momentum", "scout"}),
        ("api_key.revoked", {"api_key.revoked", "api", "key", "revoked"}),
        ("a-1 b", {"a-1 b", "a-1", "a", "1", "b"}),
        ("日本 bot", {"日本 bot", "日本", "bot"}),
        ("नमस्ते", {"नमस्ते"}),  # marks belong to their letters
        ("😀", {"😀"}),  # no piece, but still a whole value
        ("٣ eggs", {"٣ eggs", "٣", "eggs"}),
        ("a\u3000b", {"a b", "a", "b"}),
        ("二〇二六", {"二〇二六", "二", "二六"}),  # a number that is no digit
    ],
)
def test_a_value_is_found_whole_by_its_words_and_by_its_pieces(text: str, found: set[str]) -> None:
    assert set(tokens([text])) == found


@given(st.lists(st.none() | TEXTS, max_size=4))
@example(["\u2167\u0345 ½", None, "ǅ\u0301-ﷺ"])
def test_tokens_are_those_of_the_rules_sorted_and_distinct(values: list[str | None]) -> None:
    expected = set().union(*(oracle.tokens(value) for value in values if value))
    assert tokens(values) == sorted(expected)


@pytest.mark.parametrize("search", ["", " ", " \t\u3000\n "])
def test_a_search_of_white_space_has_no_words(search: str) -> None:
    assert words(search) == ()


def test_words_are_split_at_white_space_alone_and_nothing_is_stripped() -> None:
    assert words("  Order.Created\u3000(a+)+$ .* [ ") == ("order.created", "(a+)+$", ".*", "[")


@given(TEXTS.filter(bool), TEXTS)
@example("\ud7ff", "\ue000")
@example("a\U0010ffff", "b")
@example("\U0010ffff", "\U0010ffff\U0010ffff")
@example("a", "a")
@example("ab", "a")
def test_the_range_of_a_prefix_holds_what_begins_with_it_and_nothing_else(
    word: str, text: str
) -> None:
    for candidate in (text, word + text, word[:-1] + text):
        low, high = prefix_range(word)
        is_within = low <= candidate and (high is None or candidate < high)
        assert is_within == candidate.startswith(word)


def test_the_range_of_a_prefix_never_ends_in_half_a_surrogate_pair() -> None:
    low, high = prefix_range("a\ud7ff")
    assert (low, high) == ("a\ud7ff", "a\ue000")


@given(TEXTS.filter(lambda text: not has_hidden_character(text, is_name=True)))
def test_the_normal_form_of_visible_text_holds_no_control_character(text: str) -> None:
    # Or a name could hold the separator, and sort as another's.
    assert not any(unicodedata.category(char) == "Cc" for char in norm(text))


@given(st.text(max_size=MAX_SEARCH_LENGTH))
def test_every_word_of_a_search_finds_the_text_that_was_searched_for(text: str) -> None:
    found = tokens([text])
    assert all(any(token.startswith(word) for token in found) for word in words(text))
