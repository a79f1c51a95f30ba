"""Mnemonics: twelve or more words in a row from the lists of BIP-39."""

import unicodedata
from collections.abc import Iterator, Sequence, Set
from functools import cache

import re2
from mnemonic import Mnemonic

RULE = "mnemonic"
LEAST = 12
_SHORTEST = LEAST * 2 - 1
_word = re2.compile(r"\\[nrt]|[\pL\pM]+")


@cache
def _listed() -> frozenset[str]:
    """Return the words of every language, with and without their accents."""
    words = set()
    for language in Mnemonic.list_languages():
        words |= {_normal(word) for word in Mnemonic(language).wordlist}
    return frozenset(words)


def is_split(texts: Sequence[str]) -> bool:
    """Tell whether a mnemonic stands in several of these texts, read in turn."""
    whole = max((number for _, _, number in _runs(" ".join(texts))), default=0)
    if not whole:
        return False
    # Where it stands in one, a listed word or two may begin the next.
    return whole > 2 + max(number for text in texts for number in (*_lengths(text), 0))


def find(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where in a text, not in its view, the mnemonics stand. It holds valid Unicode."""
    for start, end, _ in _runs(text):
        yield start, end, RULE


def _lengths(text: str) -> Iterator[int]:
    return (number for _, _, number in _runs(text))


def _runs(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield (from, before, number of words) of the mnemonics in a text."""
    if len(text) < _SHORTEST or not _has_run(text):
        return
    start = end = number = 0
    for match in _word.finditer(text):
        word = match[0]
        if word[0] == "\\":
            continue
        if _normal(word) in _listed():
            if not number:
                start = match.start()
            number, end = number + 1, match.end()
            continue
        if number >= LEAST:
            yield start, end, number
        number = 0
    if number >= LEAST:
        yield start, end, number


_LETTERS = bytes(char if chr(char).isalpha() else 32 for char in range(128)).ljust(256, b" ")


def _has_run(text: str) -> bool:
    """Tell cheaply whether there is a mnemonic in a text."""
    plain = _normal(text)
    if "\\" in plain:
        plain = plain.replace("\\n", " ").replace("\\t", " ").replace("\\r", " ")
    if plain.isascii():
        return _run_in(plain.encode().translate(_LETTERS).split(), _listed_ascii())
    return _run_in("".join(char if char.isalpha() else " " for char in plain).split(), _listed())


def _run_in(words: Sequence[str | bytes], listed: Set[str | bytes]) -> bool:
    number = 0
    if len(words) < LEAST:
        return False
    for word in words:
        number = number + 1 if word in listed else 0
        if number == LEAST:
            return True
    return False


@cache
def _listed_ascii() -> frozenset[bytes]:
    return frozenset(word.encode() for word in _listed() if word.isascii())


def _normal(word: str) -> str:
    if word.isascii():
        return word.lower()
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
