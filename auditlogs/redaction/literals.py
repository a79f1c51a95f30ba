"""Literals: objects and lists in texts, as Python, Ruby, JavaScript, Java and Rust write them.

They are parsed like JSON, so that names and values are matched, and only the secrets in them are
replaced: the rest of the text does not change. A truncated literal is read up to its end.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from auditlogs.redaction.marks import is_mark

MAX_TOKENS = 20_000
_MAX_DEPTH = 40
_MAX_TRIES = 24
_token = re.compile(
    r"\s*(?:[bBrRuUfF]{0,2}(?:\"(?P<double>(?:[^\"\\]|\\.)*)\"|'(?P<single>(?:[^'\\]|\\.)*)'"
    r"|`(?P<back>(?:[^`\\]|\\.)*)`)"
    r"|(?P<open>[\[{(])|(?P<close>[\]})])|(?P<sign>=>|:(?![A-Za-z])|=|,|:(?=\w+\s*=>)|:)"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]))"
    r"|(?P<word>[@$]?[A-Za-z_][\w.-]*))",
    re.DOTALL,
)
_cut_off = re.compile(r"\s*[bBrRuUfF]{0,2}(?P<quote>[\"'`])(?P<rest>(?:[^\\]|\\.)*)\Z", re.DOTALL)
_escape = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("None", "null", "nil", "undefined", "NaN", "Infinity")),
    **dict.fromkeys(("True", "true"), True),
    **dict.fromkeys(("False", "false"), False),
}
_bracket = re.compile(r"[\[{(]")
_CLOSING = {"{": "}", "[": "]", "(": ")"}


_Token = tuple[str, str, int, int]
_END: _Token = ("", "", -1, -1)
# The kind of a token by the number of its group in `_token`.
_KINDS = ("", "string", "string", "string", "open", "close", "sign", "number", "word")


class Node(NamedTuple):
    """A value with its start and end in the text, and the nodes of its members.

    `keys` are the nodes of the keys of an object. The span of a string excludes its quotes.
    """

    value: Any
    start: int
    end: int
    items: tuple["Node", ...] = ()
    keys: tuple["Node", ...] = ()


class _NoLiteralError(Exception):
    """There is no literal at this place."""


class _Reader:
    """Parses the literals in one text, up to `MAX_TOKENS` tokens in all."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = MAX_TOKENS
        self._place = 0

    def read(self, place: int) -> Node | None:
        """Return the object or list at `place`, None if there is none."""
        self._place = place
        try:
            return self._value(self._next(), 0)
        except _NoLiteralError:
            return None

    @property
    def is_spent(self) -> bool:
        """Return whether the limit of tokens is reached."""
        return self._left <= 0

    def _next(self) -> _Token:
        """Return (kind, text, start, end) of the next token, `_END` at the end of the text."""
        self._left -= 1
        if self._left < 0:
            raise _NoLiteralError
        if match := _token.match(self._text, self._place):
            self._place = match.end()
            group = match.lastindex or 0
            return _KINDS[group], match[group], *match.span(group)
        if self._text[self._place :].strip(" \t\r\n.…") == "":
            return _END
        if cut := _cut_off.match(self._text, self._place):
            self._place = len(self._text)
            return "string", cut["rest"], cut.start("rest"), self._place
        raise _NoLiteralError

    def _value(self, token: _Token, depth: int) -> Node:
        """Return the value that begins with a token."""
        if token is _END or depth > _MAX_DEPTH:
            raise _NoLiteralError
        kind, text, start, end = token
        if kind == "string":
            return Node(_unescaped(text), start, end)
        if kind == "open":
            return self._container(text, start, depth)
        if kind == "number":
            return Node(int(text) if text.lstrip("-").isdigit() else float(text), start, end)
        if kind == "sign" and text == ":":
            return self._symbol()
        if kind != "word":
            raise _NoLiteralError
        if self._text[end : end + 2].lstrip(" ")[:1] in ("(", "{"):
            return self._called(depth)
        return Node(_CONSTANTS.get(text, text), start, end)

    def _symbol(self) -> Node:
        kind, text, start, end = self._next()
        if kind not in ("word", "string"):
            raise _NoLiteralError
        return Node(_unescaped(text) if kind == "string" else text, start, end)

    def _called(self, depth: int) -> Node:
        """Return the members of a call or a named object; of `SecretStr('x')` the only one."""
        token = self._next()
        if token is _END:
            raise _NoLiteralError
        node = self._container(token[1], token[2], depth)
        if isinstance(node.value, list) and len(node.items) == 1:
            return node.items[0]
        return node

    def _container(self, opening: str, start: int, depth: int) -> Node:
        closing = _CLOSING[opening]
        keys: list[Node] = []
        items: list[Node] = []
        token = self._next()
        while token is not _END:
            if token[0] == "close":
                if token[1] != closing:
                    raise _NoLiteralError
                return _held(opening, keys, items, start, token[3])
            if _is_comma(token):
                token = self._next()
                continue
            node = self._value(token, depth + 1)
            token = self._next()
            if token[0] == "sign" and token[1] in ("=>", ":", "=") and not node.items:
                token = self._next()
                if token is _END:
                    break
                keys.append(node)
                node = self._value(token, depth + 1)
                token = self._next()
            elif keys:
                raise _NoLiteralError
            items.append(node)
            if not (token is _END or token[0] == "close" or _is_comma(token)):
                raise _NoLiteralError
        return _held(opening, keys, items, start, len(self._text))


def _is_comma(token: _Token) -> bool:
    return token[0] == "sign" and token[1] == ","


def _held(opening: str, keys: list[Node], items: list[Node], start: int, end: int) -> Node:
    if keys and len(keys) == len(items):
        value = {str(key.value): item.value for key, item in zip(keys, items, strict=True)}
        if len(value) == len(keys):
            return Node(value, start, end, tuple(items), tuple(keys))
    if keys:
        raise _NoLiteralError
    if opening == "{" and not items:
        return Node({}, start, end)
    return Node([item.value for item in items], start, end, tuple(items))


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _escape.sub(_plain, text)


def _plain(match: re.Match[str]) -> str:
    if match[3]:
        return _ESCAPED.get(match[3], match[3])
    return chr(int(match[1] or match[2], 16))


def redacted(text: str, redact: Callable[[Any], tuple[Any, int]]) -> str | None:
    """Return a text without the secrets in its literals, None if there are none.

    `redact` returns a redacted copy of a value, and the number of replacements.
    """
    reader = _Reader(text)
    pieces: list[str] = []
    after = 0
    place = opening(text, 0)
    for _ in range(_MAX_TRIES):
        if place < 0 or reader.is_spent:
            break
        node = reader.read(place)
        if node is None or not node.items:
            place = opening(text, place + 1)
            continue
        clean, number = redact(node.value)
        if number:
            for start, end, replacement in sorted(_differences(text, node, clean)):
                if start >= after:
                    pieces += [text[after:start], replacement]
                    after = end
        place = opening(text, node.end)
    return "".join([*pieces, text[after:]]) if pieces else None


def opening(text: str, start: int) -> int:
    """Return the index of the next bracket that does not open a mark, -1 if there is none."""
    while match := _bracket.search(text, start):
        start = match.end()
        if not text.startswith("REDACTED:", start):
            return match.start()
    return -1


def _differences(text: str, node: Node, clean: Any) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, replacement) for each difference between a node and its redacted copy."""
    if isinstance(clean, dict) and isinstance(node.value, dict) and len(clean) == len(node.items):
        pairs = zip(node.keys, node.items, clean, clean.values(), strict=True)
        for key, item, name, inner in pairs:
            yield from _differences(text, key, name)
            yield from _differences(text, item, inner)
    elif isinstance(clean, list) and isinstance(node.value, list) and len(clean) == len(node.items):
        for item, inner in zip(node.items, clean, strict=True):
            yield from _differences(text, item, inner)
    elif clean != node.value:
        quote = text[node.start - 1 : node.start]
        if isinstance(node.value, str):
            shown = _escaped(str(clean), quote) if quote in tuple("\"'`") else str(clean)
        else:
            shown = f"'{clean}'"
        yield node.start, node.end, shown


def _escaped(text: str, quote: str) -> str:
    if is_mark(text):
        return text
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(quote, f"\\{quote}")
