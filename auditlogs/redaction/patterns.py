"""Patterns for the bytes of a view, in RE2, which takes linear time for any text."""

from collections.abc import Iterator

import re2

Span = tuple[int, int, str]  # start, end, rule

_ANYWHERE = re2._Anchor.UNANCHORED
_options = re2.Options()
_options.encoding = re2.Options.Encoding.LATIN1
_options.log_errors = False
_options.max_mem = 64 << 20


def pattern(text: str) -> re2._Regexp:
    """Return a pattern compiled for views."""
    return re2.compile(text.encode(), _options)


def spans(regexp: re2._Regexp, data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of each match of a pattern, none of which may be empty.

    `finditer` costs twice as much: it makes a match object, and most texts have no match.
    """
    match = regexp._regexp.Match
    place, length = 0, len(data)
    while True:
        start, end = match(_ANYWHERE, data, place, length)[0]
        if start < 0:
            return
        yield start, end
        place = end
