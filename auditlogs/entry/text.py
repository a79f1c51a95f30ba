"""Text comparison: normalization, the pieces of a field, the words of a search."""

import re
import unicodedata
from itertools import takewhile

MAX_SEARCH_LENGTH = 200
MAX_SEARCH_WORDS = 8

# Entries cannot contain control characters in these texts, so this one sorts below every
# character of a name: comparing joined texts equals comparing the pairs (name, id).
SEPARATOR = "\x1f"

# How the names of letters begin whose accents people leave out.
ACCENTED = ("LATIN ", "GREEK ", "CYRILLIC ")
# How the names of the signs of scripts without spaces begin.
UNSPACED = ("CJK UNIFIED ", "CJK COMPATIBILITY IDEOGRAPH", "IDEOGRAPHIC ", "HIRAGANA ", "KATAKANA ")
ASCII_PIECES = re.compile("[0-9A-Za-z]+")
# A quotation mark without its second one is left out, as people type it first.
WORDS = re.compile(r'"([^"]*)"|"?([^\s"]\S*)')

LAST_CODE_POINT = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)


def encodable(text: str) -> str:
    """Return a text with its lone surrogates, which have no UTF-8, written out as escapes.

    Python makes them of what is not UTF-8 in names of files and in arguments of programs.
    """
    return text.encode(errors="backslashreplace").decode()


def fold(text: str) -> str:
    """Return text without differences of case and of compatibility: NFKC, then case folding."""
    return unicodedata.normalize("NFKC", text).casefold()


def norm(text: str) -> str:
    """Return text normalized for comparison: folded, without the accents of Latin, Greek and
    Cyrillic letters. Marks of other scripts stay, because there they are letters of their own."""
    folded = fold(text)
    if folded.isascii():
        return folded
    kept: list[str] = []
    base = " "
    for char in unicodedata.normalize("NFD", folded):
        if not unicodedata.combining(char):
            base = char
        elif unicodedata.name(base, "").startswith(ACCENTED):
            continue
        kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))


def pieces(text: str) -> list[str]:
    """Return the pieces of a normalized text: runs of letters and digits with their marks. Each
    Han, Hiragana or Katakana sign starts one, because these scripts put no space between words."""
    if text.isascii():
        return ASCII_PIECES.findall(text)
    marked = mark_pieces(text).split(SEPARATOR)[1:]
    return ["".join(takewhile(_continues_piece, part)) for part in marked]


def mark_pieces(text: str) -> str:
    """Return a normalized text with a separator before each piece.

    A search word marked in the same way is a substring of it exactly where the word's first letter
    or digit starts a piece and the rest of the word follows.
    """
    if text.isascii():
        return ASCII_PIECES.sub(rf"{SEPARATOR}\g<0>", text)
    marked: list[str] = []
    is_within = False
    for char in text:
        can_begin = _is_letter_or_digit(char)
        if can_begin and (not is_within or unicodedata.name(char, "").startswith(UNSPACED)):
            marked.append(SEPARATOR)
        marked.append(char)
        # Many emoji end in a mark (a variation selector), and a word may follow them.
        is_within = can_begin or (is_within and _continues_piece(char))
    return "".join(marked)


def words(search: str) -> tuple[str, ...]:
    """Split a search at white space; quotation marks hold words together. No other character is
    removed. The words are folded; see `norm` for how they are compared."""
    found = WORDS.findall(fold(search))
    return tuple(phrase or word for phrase, word in found if phrase.strip() or word)


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


def _is_letter_or_digit(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "L" or category == "Nd"


def _continues_piece(char: str) -> bool:
    return _is_letter_or_digit(char) or unicodedata.category(char)[0] == "M"
