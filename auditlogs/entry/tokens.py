"""The tokens of an entry, by which an index finds the words of a search.

Every piece of a searched text is a token. Most pieces are words that come again and again, so a
list of them tells which ones begin as a search does. Identifiers hardly ever come again: a list of
them would grow with the log. So an identifier also has its beginnings as tokens.
"""

import re
from collections.abc import Iterable

# Before the beginning of an identifier. No piece contains it.
BEGINNING = "~"
SHORT, LONG = 3, 8
LONGEST_WORD = 16
DIGIT = re.compile(r"\d")


def is_identifier(piece: str) -> bool:
    """Tell whether a piece looks as if it names one thing: by a digit, or by its length."""
    return len(piece) > SHORT and (len(piece) > LONGEST_WORD or DIGIT.search(piece) is not None)


def tokens_of(pieces: Iterable[str]) -> list[str]:
    """Return the tokens of an entry with these pieces, sorted."""
    found = set(pieces)
    for piece in [each for each in found if is_identifier(each)]:
        found.add(BEGINNING + piece[:SHORT])
        if len(piece) >= LONG:
            found.add(BEGINNING + piece[:LONG])
    return sorted(found)


def is_listed(token: str) -> bool:
    """Tell whether a token is one of those of which a list is kept: a word, the short beginning of
    an identifier, or a long one without digits. The others are hardly ever the same."""
    if not token.startswith(BEGINNING):
        return not is_identifier(token)
    return len(token) <= len(BEGINNING) + SHORT or DIGIT.search(token) is None


def beginning_of(prefix: str) -> str:
    """Return the token that every identifier with this prefix has; for a prefix shorter than
    `SHORT`, how these tokens begin."""
    return BEGINNING + prefix[: LONG if len(prefix) >= LONG else SHORT]
