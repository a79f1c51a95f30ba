"""Text comparison: normalization, the tokens of a field, the words of a search."""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby

MAX_SEARCH_LENGTH = 200
MAX_SEARCH_WORDS = 8

# Entries cannot contain control characters in these texts, so this one sorts below every
# character of a name: comparing joined texts equals comparing the pairs (name, id).
SEPARATOR = "\x1f"

LAST_CODE_POINT = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)


def norm(text: str) -> str:
    """Return text normalized for comparison: NFKC, then case folding; accents stay."""
    return unicodedata.normalize("NFKC", text).casefold()


def tokens(values: Iterable[str | None]) -> list[str]:
    """Return the sorted, distinct tokens of field values, as stored for the search."""
    distinct: set[str] = set()
    for value in values:
        if value:
            whole = norm(value)
            distinct.update((whole, *whole.split(), *_pieces(whole)))
    return sorted(distinct)


def is_piece(text: str) -> bool:
    """Return whether a text is all letters, marks and digits."""
    return all(map(_is_word_character, text))


def words(search: str) -> tuple[str, ...]:
    """Split a search at white space; no other character is removed."""
    return tuple(norm(search).split())


def prefix_range(word: str) -> tuple[str, str | None]:
    """Return the range [start, end) of all texts that begin with `word`, in code point order.

    The end is None where no text is greater than the prefix.
    """
    for end in range(len(word), 0, -1):
        following = ord(word[end - 1]) + 1
        if following in SURROGATES:
            following = SURROGATES.stop
        if following <= LAST_CODE_POINT:
            return word, word[: end - 1] + chr(following)
    return word, None


def _pieces(text: str) -> Iterator[str]:
    """Yield the runs of letters, marks and digits."""
    for is_word, run in groupby(text, _is_word_character):
        if is_word:
            yield "".join(run)


def _is_word_character(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LM" or category == "Nd"
