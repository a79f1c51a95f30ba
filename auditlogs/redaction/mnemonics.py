"""Mnemonics: twelve or more words in a row from the word lists of BIP-39.

The lists are those of the reference implementation: https://github.com/trezor/python-mnemonic.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cache

import re2
from mnemonic import Mnemonic

from auditlogs.redaction.marks import masked

RULE = "mnemonic"
LEAST = 12
_SHORTEST = LEAST * 2 - 1
# The two characters of an escaped line break or tab separate words, too: `abandon\nability`.
_escape = re.compile(r"\\[nrt]")
_ascii_word = re.compile(rb"[a-z]+")
# Over UTF-8: RE2 finds a place in a str by counting its characters anew for every match.
_word = re2.compile(rb"[\pL\pM]+")
_LETTERS = bytes(char if chr(char).isalpha() else 32 for char in range(128)).ljust(256, b" ")


@cache
def _listed() -> frozenset[str]:
    """Return the words of every language, with and without their accents."""
    words = set()
    for language in Mnemonic.list_languages():
        words |= {_normal(word) for word in Mnemonic(language).wordlist}
    return frozenset(words)


@cache
def _listed_ascii() -> frozenset[bytes]:
    return frozenset(word.encode() for word in _listed() if word.isascii())


def is_split(texts: Sequence[str]) -> bool:
    """Return whether one mnemonic is spread over several of these texts, read in turn."""
    whole = _longest(masked(" ".join(texts)))
    if not whole:
        return False
    # A mnemonic within one text may be followed by a listed word or two in the next.
    return whole > 2 + max(_longest(masked(text)) for text in texts)


def find(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, rule) of the mnemonics in a text of valid Unicode."""
    for start, end, _ in _runs(text):
        yield start, end, RULE


def _longest(text: str) -> int:
    return max((number for _, _, number in _runs(text)), default=0)


def _runs(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, number of words) of the mnemonics in a text."""
    if len(text) < _SHORTEST:
        return
    if "\\" in text:
        text = _escape.sub("  ", text)
    if text.isascii():
        # Splitting costs a twentieth of matching word by word, and few texts have a mnemonic.
        data = text.lower().encode().translate(_LETTERS)
        listed = _listed_ascii()
        if _has_run(data.split(), listed):
            places = (match.span() for match in _ascii_word.finditer(data))
            yield from _in_row((data[start:end] in listed, start, end) for start, end in places)
    elif _has_run(_split(_normal(text)), _listed()):
        data = text.encode()
        places = (match.span() for match in _word.finditer(data))
        words = (
            (_normal(data[start:end].decode()) in _listed(), start, end) for start, end in places
        )
        for start, end, number in _in_row(words):
            yield len(data[:start].decode()), len(data[:end].decode()), number


def _in_row(words: Iterable[tuple[bool, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Yield the runs of at least twelve words (is listed, start, end) that are listed."""
    first = last = number = 0
    for is_listed, start, end in words:
        if is_listed:
            first = first if number else start
            last, number = end, number + 1
            continue
        if number >= LEAST:
            yield first, last, number
        number = 0
    if number >= LEAST:
        yield first, last, number


def _has_run(words: Sequence[str | bytes], listed: Set[str | bytes]) -> bool:
    number = 0
    if len(words) < LEAST:
        return False
    for word in words:
        number = number + 1 if word in listed else 0
        if number == LEAST:
            return True
    return False


def _split(text: str) -> list[str]:
    return "".join(char if char.isalpha() else " " for char in text).split()


def _normal(text: str) -> str:
    """Return a text in lower case without accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
