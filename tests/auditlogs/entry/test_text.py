"""The normal form of texts, their pieces, the words of a search, and the range of a prefix."""

import unicodedata

import pytest
from hypothesis import example, given, strategies as st

from auditlogs.entry.invisible import has_hidden_character
from auditlogs.entry.text import (
    MAX_SEARCH_LENGTH,
    SEPARATOR,
    mark_pieces,
    norm,
    pieces,
    prefix_range,
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
        ("e\u0301", "e"),
        ("É", "e"),
        ("Jürgen", "jurgen"),
        ("Ἀθῆναι", "αθηναι"),
        ("Ёлка", "елка"),
        ("नमस्ते", "नमस्ते"),
        ("が", "が"),
        ("①²", "12"),
        ("日本", "日本"),
    ],
)
def test_texts_that_look_or_mean_the_same_have_one_form_without_accents(
    text: str, normal: str
) -> None:
    assert norm(text) == normal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.created", ["order", "created"]),
        ("momentum scout", ["momentum", "scout"]),
        ("api_key.revoked", ["api", "key", "revoked"]),
        ("日本 bot", ["日", "本", "bot"]),
        ("ボット", ["ボ", "ッ", "ト"]),
        ("bot日本語x", ["bot", "日", "本", "語x"]),
        ("नमस्ते", ["नमस्ते"]),  # marks belong to their letters
        ("😀", []),
        # A mark of an emoji begins no piece.
        ("⚡️Scout 1️⃣", ["scout", "1️⃣"]),
        ("❤️", []),
        ("٣ eggs", ["٣", "eggs"]),
    ],
)
def test_a_piece_is_a_run_of_letters_and_digits_with_their_marks(
    text: str, expected: list[str]
) -> None:
    assert pieces(norm(text)) == expected
    assert mark_pieces(norm(text)).count(SEPARATOR) == len(expected)


@given(TEXTS.map(norm), TEXTS.map(norm))
@example("sign_in_failed", "_in")
def test_a_marked_word_is_in_a_marked_text_exactly_where_it_matches(text: str, word: str) -> None:
    if not pieces(word) or SEPARATOR in text + word:
        return
    assert (mark_pieces(word) in mark_pieces(text)) == oracle.stands_in(word, text)


@given(TEXTS)
@example("\u2167\u0345 ½")
@example("ǅ\u0301-ﷺ")
def test_the_normal_form_is_that_of_the_rules(text: str) -> None:
    assert norm(text) == oracle.norm(text)


@pytest.mark.parametrize("search", ["", " ", " \t\u3000\n "])
def test_a_search_of_white_space_has_no_words(search: str) -> None:
    assert words(search) == ()


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("  Order.Created\u3000(a+)+$ .* [ ", ("order.created", "(a+)+$", ".*", "[")),
        ('"Buy SOL" now', ("buy sol", "now")),
        ('say "a b" "c"', ("say", "a b", "c")),
        ('"buy so', ("buy", "so")),  # not typed to its end yet
        ('"" " " "', ()),
        ('5"x7"', ('5"x7"',)),
    ],
)
def test_words_are_split_at_white_space_but_not_between_quotation_marks(
    search: str, expected: tuple[str, ...]
) -> None:
    assert words(search) == expected


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
def test_every_word_of_a_search_is_found_in_the_text_that_was_searched_for(text: str) -> None:
    if '"' not in norm(text):
        found = [norm(word) for word in words(text)]
        assert all(mark_pieces(each) in mark_pieces(norm(text)) for each in found if pieces(each))
