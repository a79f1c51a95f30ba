"""Randomness: distinguishes random texts from those that consist of words and numbers."""

import re
import string
from collections import Counter
from functools import cache
from itertools import product
from operator import concat

from mnemonic import Mnemonic

# A shorter text cannot be distinguished from a ticker or an abbreviation.
SHORTEST = 12
_LONGEST = 400
# Of all pairs of letters, the words of the English BIP-39 list use these often enough that a
# random text of 16 characters has four others in 998 of 1,000 cases, and an identifier in source
# code in 8 of 1,000.
_OFTEN = 5
_ODD_PAIRS = 4
_ODD_SHARE = 0.25
_hex = re.compile(r"(?:[0-9a-f]{24,}|[0-9A-F]{24,})")


@cache
def _odd() -> frozenset[str]:
    """Return the pairs of characters that words and numbers rarely contain.

    They are a digit beside a letter, a capital after a small letter, and rare pairs of letters.
    """
    words = Mnemonic("english").wordlist
    number = Counter(word[i : i + 2] for word in words for i in range(len(word) - 1))
    often = {pair for pair, times in number.items() if times >= _OFTEN}
    pairs = product(string.ascii_letters + string.digits, repeat=2)
    return frozenset(a + b for a, b in pairs if _is_odd(a, b, often))


def _is_odd(before: str, char: str, often: set[str]) -> bool:
    if before.isdigit() or char.isdigit():
        return before.isdigit() != char.isdigit()
    if before.isupper() and char.islower():
        return False  # The beginning of a word.
    return (before.islower() and char.isupper()) or (before + char).lower() not in often


def is_random(text: str) -> bool:
    """Return whether a text without white space looks random.

    24 or more hexadecimal digits always do.
    """
    if len(text) < SHORTEST:
        return False
    text = text[:_LONGEST]
    if _hex.fullmatch(text):
        return not text.isdigit()
    odd = _odd_pairs(text)
    return odd >= _ODD_PAIRS and odd >= len(text) * _ODD_SHARE


def has_noise(text: str) -> bool:
    """Return whether any part of a text looks random."""
    return _odd_pairs(text[:_LONGEST]) >= _ODD_PAIRS


def _odd_pairs(text: str) -> int:
    return sum(map(_odd().__contains__, map(concat, text, text[1:])))


def looks_made_up(value: bytes) -> bool:
    """Return whether a word may be a password or a key, a much weaker condition than `is_random`.

    It has a digit, capitals after its first letter, or is very long.
    """
    if b" " in value:
        return any(map(looks_made_up, value.split()))
    word = value.rstrip(b".:=,")
    if not word.strip(b"\x01"):
        return False
    if any(48 <= char <= 57 for char in word):
        return True
    letters = word.replace(b"-", b"").replace(b"_", b"").replace(b".", b"")
    if len(letters) >= 24 and b"-" not in word and b"." not in word:
        return True
    inner = letters[1:]
    capitals = sum(65 <= char <= 90 for char in inner)
    return not letters.isupper() and not inner.islower() and capitals >= 2
