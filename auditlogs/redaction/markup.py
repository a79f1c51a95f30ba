"""Markup: secrets in XML, HTML and form parts, recognised by the name of the element or part."""

from collections.abc import Iterator

from auditlogs.redaction.assignments import each
from auditlogs.redaction.judging import is_secret
from auditlogs.redaction.names import Kind, Names
from auditlogs.redaction.patterns import Span, pattern
from auditlogs.redaction.randomness import SHORTEST
from auditlogs.redaction.values import Place, value

# The longest content of an element, in bytes.
_REACH = 1_024
_close_tag = pattern(r"</|\\u003c/|&lt;/")


class Markup:
    """Finds secrets in elements and form parts. `name` is the pattern of the names of secrets."""

    def __init__(self, names: Names, name: str) -> None:
        self._names = names
        self._element = pattern(
            rf"(?i)<(?:\w+:)?{name}(?:\s[^<>]*)?>|\bname=[\"']?{name}[^<>\r\n]*>"
        )
        self._titled = pattern(rf"(?i)>\s*{name}\s*</\w+>\s*<\w+>")
        self._part = pattern(rf"(?i)\bname=\\?[\"']?{name}[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n")
        self._name = pattern(rf"(?i){name}")

    def find(self, data: bytes) -> Iterator[Span]:
        """Yield the secrets in the elements and parts of a view."""
        if b"<" in data:
            yield from each(data, self._element, self._in_element)
            yield from each(data, self._titled, self._after_title)
        if b"\n" in data and b"name=" in data:
            yield from each(data, self._part, self._in_part)

    def _holds(self, name: bytes, data: bytes, begin: int, end: int) -> list[Place]:
        """Return the place of a content if it is the secret that its name announces."""
        text, plain = name.decode(), name.decode().lower()
        kind = self._names.kind(text)
        found = data[begin:end].decode()
        is_it = kind >= Kind.TOKEN and is_secret(found, kind, plain)
        return [(begin, end)] if found.strip() and is_it else []

    def _in_element(self, data: bytes, start: int, end: int) -> list[Place]:
        name = self._name.search(data, start, end)
        kind = self._names.kind(name[0].decode()) if name else Kind.PLAIN
        if kind < Kind.TOKEN or (kind < Kind.SECRET and b"<" in data[end : end + SHORTEST]):
            return []
        tag = data[start + 1 : end - 1].split(None, 1)[0]
        if name is None or data[end - 2] == 0x2F:
            return []
        closing = data.find(b"</" + tag, end, end + _REACH) if data[start] == 0x3C else -1
        if closing < 0:
            match = _close_tag.search(data, end, end + _REACH)
            if match is None:
                # It is truncated, or not an element: "log in with <token> first".
                place = value(data, end)
                return self._random(name[0], data, place) if place else []
            closing = match.start()
        return self._holds(name[0], data, end, closing)

    def _random(self, name: bytes, data: bytes, place: Place) -> list[Place]:
        found = data[slice(*place)].decode()
        return [place] if is_secret(found, Kind.DOUBTFUL, name.decode().lower()) else []

    def _after_title(self, data: bytes, start: int, end: int) -> list[Place]:
        """Return the content of an element that follows an element with the name of a secret."""
        match = _close_tag.search(data, end, end + _REACH)
        name = data[start + 1 : data.index(b"<", start)].strip()
        return self._holds(name, data, end, match.start()) if match else []

    def _in_part(self, data: bytes, start: int, end: int) -> list[Place]:
        """Return the content of a part of a form."""
        name = self._name.search(data, start, end)
        boundary = data.find(b"\n--", end)
        stop = boundary if boundary >= 0 else len(data)
        return self._holds(name[0], data, end, stop) if name else []
