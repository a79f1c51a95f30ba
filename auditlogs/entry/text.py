"""How words are compared: one normal form, the tokens of a field, the words of a search."""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby

MAX_SEARCH_LENGTH = 200
MAX_SEARCH_WORDS = 8

# Control characters are refused in every indexed text, so that this one sorts below
# anything a name can hold: (name, id) compares as the joined text does.
SEPARATOR = "\x1f"

# Invisible characters that reorder or hide text, and so let one name pass for another.
DECEPTIVE = frozenset(
    "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)

LAST_CODE_POINT = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)


def norm(text: str) -> str:
    """Return the form in which texts are compared: NFKC, then casefold; accents stay."""
    return unicodedata.normalize("NFKC", text).casefold()


def tokens(values: Iterable[str | None]) -> list[str]:
    """Return the sorted, distinct tokens under which these field values are found."""
    found: set[str] = set()
    for value in values:
        if value:
            whole = norm(value)
            found.update((whole, *whole.split(), *_pieces(whole)))
    return sorted(found)


def is_piece(text: str) -> bool:
    """Tell whether a text is all letters, marks and digits."""
    return all(map(_is_of_piece, text))


def words(search: str) -> tuple[str, ...]:
    """Split a search at white space only, nothing stripped; none when there is only white space."""
    return tuple(norm(search).split())


def prefix_range(word: str) -> tuple[str, str | None]:
    """Return (from, before): every text that starts with `word` and no other, by code point.

    `before` is None where nothing lies above the prefix.
    """
    for end in range(len(word), 0, -1):
        following = ord(word[end - 1]) + 1
        if following in SURROGATES:
            following = SURROGATES.stop
        if following <= LAST_CODE_POINT:
            return word, word[: end - 1] + chr(following)
    return word, None


def has_control_character(text: str) -> bool:
    """Tell whether a text holds a character that controls how text is shown or stored.

    Those are control characters, line and paragraph separators, lone surrogates, and the
    invisible ones that reorder or hide text.
    """
    # Printable text has none of them, and nearly every text is printable.
    return not text.isprintable() and any(
        char in DECEPTIVE or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text
    )


def _pieces(text: str) -> Iterator[str]:
    """Yield the runs of letters, marks and digits."""
    for is_of_piece, run in groupby(text, _is_of_piece):
        if is_of_piece:
            yield "".join(run)


def _is_of_piece(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LM" or category == "Nd"
