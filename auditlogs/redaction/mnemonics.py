"""Mnemonics: twelve or more words in a row from the lists of BIP-39."""

import unicodedata
from collections.abc import Iterator
from functools import cache

import re2
from mnemonic import Mnemonic

from auditlogs.redaction.marks import whole

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


def is_mnemonic(words: list[str]) -> bool:
    """Tell whether there are twelve listed words in a row in these texts, read one by one."""
    return any(True for _ in find(" ".join(words)))


def find(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where in a text, not in its view, the mnemonics stand."""
    if len(text) < _SHORTEST or not _has_run(text):
        return
    start = end = number = 0
    for match in _word.finditer(whole(text)):
        word = match[0]
        if word[0] == "\\":
            continue
        if _normal(word) in _listed():
            if not number:
                start = match.start()
            number, end = number + 1, match.end()
            continue
        if number >= LEAST:
            yield start, end, RULE
        number = 0
    if number >= LEAST:
        yield start, end, RULE


_ASCII_WORDS = bytes(char if chr(char).isalpha() else 32 for char in range(128)).ljust(256, b" ")


def _has_run(text: str) -> bool:
    """Tell cheaply whether there can be a mnemonic in a text."""
    if text.isascii():
        plain = text.lower()
        if "\\" in plain:
            plain = plain.replace("\\n", " ").replace("\\t", " ").replace("\\r", " ")
        words = plain.encode().translate(_ASCII_WORDS).split()
        return len(words) >= LEAST and _longest(words) >= LEAST
    return sum(map(str.isspace, text)) + sum(map(text.count, ",;.|/-_")) >= LEAST - 1


def _longest(words: list[bytes]) -> int:
    listed, longest, number = _ascii(), 0, 0
    for word in words:
        number = number + 1 if word in listed else 0
        longest = max(longest, number)
    return longest


@cache
def _ascii() -> frozenset[bytes]:
    return frozenset(word.encode() for word in _listed() if word.isascii())


def _normal(word: str) -> str:
    if word.isascii():
        return word.lower()
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(part for part in parts if not 0x300 <= ord(part) < 0x370)
