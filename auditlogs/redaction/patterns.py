"""Patterns: RE2, which no text can make slow, over the bytes of a view."""

from collections.abc import Iterator

import re2

Span = tuple[int, int, str]  # from, before, rule

_options = re2.Options()
_options.encoding = re2.Options.Encoding.LATIN1
_options.log_errors = False
_options.max_mem = 64 << 20


def pattern(text: str) -> re2._Regexp:
    """Return the compiled pattern for views."""
    return re2.compile(text.encode(), _options)


def spans(regexp: re2._Regexp, data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where a pattern matches."""
    for match in regexp.finditer(data):
        yield match.span()
