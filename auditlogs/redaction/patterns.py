"""Patterns for the bytes of a view, in RE2, which takes linear time for any text."""

from collections.abc import Iterator

import re2

Span = tuple[int, int, str]  # start, end, rule

_options = re2.Options()
_options.encoding = re2.Options.Encoding.LATIN1
_options.log_errors = False
_options.max_mem = 64 << 20


def pattern(text: str) -> re2._Regexp:
    """Return a pattern compiled for views."""
    return re2.compile(text.encode(), _options)


def spans(regexp: re2._Regexp, data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of each match of a pattern."""
    for match in regexp.finditer(data):
        yield match.span()
