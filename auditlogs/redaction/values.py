"""Values: locates the value after a name and a sign: in quotes, in brackets, or as a word."""

import re

from auditlogs.redaction.patterns import pattern
from auditlogs.redaction.randomness import looks_made_up

Place = tuple[int, int]

QUOTES = b"\"'`"
WHITE = b" \t"
_LINES = b"\r\n"
_OPENERS = b"{[("
_SCHEMES = frozenset(
    b"""
    bearer basic token digest negotiate ntlm dpop apikey api-key jwt hawk oauth mac key bot
    aws4-hmac-sha256 signature
    """.split()
)
_next_name = pattern(r"(?:[,;&|]\s*|\s+)[\"'\\]{0,3}[A-Za-z_][A-Za-z0-9_.-]*[\"'\\]{0,3}\s?[=:]")
_name_follows = pattern(r"\s*[\"']?[A-Za-z_$][A-Za-z0-9_.$\[\]%-]*[\"']?\s*[=:]")
_stop = pattern(r"[\s,;&|<>\"'`)\]}\\]")
_string_prefix = pattern(
    r"(?:[bBuUrRfF@$]{1,2}|string\([0-9]+\)[ \t]*|Some\(|&\w+[ \t]+"
    r"|!!?\w*[ \t]+|[A-Za-z_][A-Za-z0-9_.]*\()(\\*[\"'`])"
)
_item = pattern(r"\r?\n[ \t]*- +")
_object_line = pattern(r"\r?\n[ \t]+[A-Za-z][^\r\n]*")
_value_line = pattern(r"^\s+(?:value|val|data|default):[ \t]+")
_MAX_ITEMS = 1_000
_opening = pattern(r"<<[-~]?[\"']?(\w+)[\"']?\r?\n[ \t]*")
_structure = pattern(r"\\.|[\"'{}\[\]()]")
_line_end = pattern(r"[\r\n]")
_header_end = pattern(r"[\r\n]|\\[rn]")
_next_header = pattern(r"[,;}]\s+[\"']?[A-Z][A-Za-z0-9-]*[\"']?:\s")
_bracketed = pattern(r"<[^\s<>/][^\s<>]*>")


def value(data: bytes, begin: int, *, is_line: bool = False) -> Place | None:
    """Return the place of the value at `begin`, after any white space.

    With `is_line` it extends to the end of its line, unless it is in quotes or brackets.
    """
    begin = skip(data, begin, WHITE)
    if begin >= len(data):
        return None
    if data[begin] in _LINES:
        return _next_line(data, begin)
    if data[begin] in b"|>" and data[begin + 1 : begin + 3].strip(b"-+ \r")[:1] in (b"", b"\n"):
        return _block(data, begin)
    if data[begin : begin + 2] == b"<<" and (here := _heredoc(data, begin)):
        return here
    if prefix := _string_prefix.match(data, begin):
        begin = prefix.start(1)
    quote = skip(data, begin, b"\\")
    if quote < len(data) and data[quote] in QUOTES:
        return _quoted(data, begin, quote)
    for opening in (b"&quot;", b"&#39;", b"&apos;"):
        if data.startswith(opening, begin):
            inner = begin + len(opening)
            closing = data.find(opening, inner)
            return inner, closing if closing >= 0 else len(data)
    if data[begin] in _OPENERS:
        return begin, balanced(data, begin)
    if bracketed := _bracketed.match(data, begin):
        return begin, bracketed.end()
    if is_line:
        return begin, _end_of_line(data, begin)
    return _unquoted(data, begin)


def _heredoc(data: bytes, begin: int) -> Place | None:
    """Return the lines of a here document, up to its delimiter: `<<EOT`."""
    opening = _opening.match(data, begin)
    if opening is None:
        return None
    start = int(opening.end())
    closing = re.compile(rb"^[ \t]*" + opening[1] + rb"\b", re.MULTILINE).search(data, start)
    return start, _skip_back(data, start, closing.start() if closing else len(data))


def list_items(data: bytes, begin: int) -> list[Place]:
    """Return the places of the items of a YAML list that starts on the next line.

    For an item that is an object it is the place of its `value`.
    """
    items: list[Place] = []
    place = skip(data, begin, WHITE)
    while match := _item.match(data, place):
        start, place = match.end(), _end(data, match.end())
        if b": " not in data[start:place]:
            if inner := value(data, start, is_line=True):
                items.append(inner)
            continue
        while line := _object_line.match(data, place):
            place = line.end()
            named = _value_line.search(data[line.start() : place])
            if named and (inner := value(data, line.start() + named.end(), is_line=True)):
                items.append(inner)
    return items[:_MAX_ITEMS]


def header_value(data: bytes, start: int, end: int) -> Place | None:
    """Return the value of a header whose name is at `start` and whose colon ends at `end`.

    It extends to the end of its line, or of the quotes around the whole header.
    """
    begin = skip(data, end, WHITE)
    if data[begin : begin + 1] in (b'"', b"'", b"`", b"[", b"{", b"(", b"\\") or (
        _string_prefix.match(data, begin)
    ):
        return value(data, begin)
    stop = _header_stop(data, begin)
    if data[begin:stop].lower() in _SCHEMES and data[stop : stop + 3].strip(b"\r\n")[:1].isspace():
        # A folded header continues on the next line if that is indented.
        stop = _header_stop(data, skip(data, stop, b"\r\n"))
    quote = _quote_before(data, start)
    if quote and (place := data.find(quote, begin, stop)) >= 0:
        stop = place
    if following := _next_header.search(data, begin, stop):
        stop = following.start()
    return (begin, stop) if stop > begin else None


def _header_stop(data: bytes, begin: int) -> int:
    match = _header_end.search(data, begin)
    return int(match.start()) if match else len(data)


def balanced(data: bytes, begin: int) -> int:
    """Return the end of the bracket at `begin`; brackets within quotes do not count."""
    depth = quote = 0
    for match in _structure.finditer(data, begin):
        char = data[match.end() - 1]
        if match.end() - match.start() > 1:
            continue
        if quote:
            quote = 0 if char == quote else quote
        elif char in b"\"'":
            quote = char
        elif char in b"{[(":
            depth += 1
        else:
            depth -= 1
            if depth <= 0:
                return int(match.end())
    return len(data)


def end_of_words(data: bytes, begin: int) -> int:
    """Return the end of the unquoted phrase at `begin`."""
    stop = _end_of_line(data, begin)
    for char in b",;|\"'":
        if (place := data.find(char, begin, stop)) >= 0:
            stop = place
    return stop


def skip(data: bytes, place: int, chars: bytes) -> int:
    """Return the first place at or after `place` with none of these characters."""
    while place < len(data) and data[place] in chars:
        place += 1
    return place


def _quote_before(data: bytes, start: int) -> bytes:
    """Return the quote before a name, with its backslashes."""
    if not start or data[start - 1] not in QUOTES:
        return b""
    begin = start - 1
    while begin and data[begin - 1] == 0x5C:
        begin -= 1
    return data[begin:start]


def _quoted(data: bytes, begin: int, quote: int) -> Place:
    """Return the content of quotes; the closing quote is escaped like the opening one."""
    opening = data[begin : quote + 1]
    char = opening[-1:]
    if len(opening) == 1 and data[begin : begin + 3] == char * 3:
        close = data.find(char * 3, begin + 3)
        return begin + 3, close if close >= 0 else len(data)
    depth = len(opening) - 1
    place = quote + 1
    while (place := data.find(char, place)) >= 0:
        slashes = 0
        while place - slashes - 1 > quote and data[place - slashes - 1] == 0x5C:
            slashes += 1
        if slashes <= depth or (depth == 0 and slashes % 2 == 0):
            if slashes == 0 == depth and data[place + 1 : place + 2] == char:
                place += 2
                continue
            return quote + 1, place - min(slashes, depth)
        place += 1
    return quote + 1, len(data)


def _next_line(data: bytes, begin: int) -> Place | None:
    """Return a value on the next line, if it is in quotes or brackets, or looks random."""
    start = skip(data, begin, b" \t\r\n")
    if start >= len(data):
        return None
    if data[start] in b"\"'{[":
        return value(data, start)
    stop = _end(data, start)
    if b":" in data[start:stop] or b"=" in data[start:stop]:
        return None
    return (start, stop) if looks_made_up(data[start:stop]) else None


def _block(data: bytes, begin: int) -> Place | None:
    """Return the indented lines of a YAML block."""
    first = data.find(b"\n", begin)
    if first < 0:
        return None
    start = stop = first + 1
    while stop < len(data) and data[stop] in b" \t\r\n":
        stop = _end(data, stop) + 1
    start = skip(data, start, b" \t\r\n")
    stop = _skip_back(data, start, min(stop, len(data)))
    return (start, stop) if stop > start else None


def _end(data: bytes, begin: int) -> int:
    match = _line_end.search(data, begin)
    return int(match.start()) if match else len(data)


def _end_of_line(data: bytes, begin: int) -> int:
    """Return the end of a line, or the start of the next name in it."""
    stop = _end(data, begin)
    following = _next_name.search(data, begin, stop)
    stop = int(following.start()) if following else stop
    return max(_skip_back(data, begin, stop), begin)


def _skip_back(data: bytes, begin: int, end: int) -> int:
    while end > begin and data[end - 1] in b" \t\r\n,;":
        end -= 1
    return end


def _unquoted(data: bytes, begin: int) -> Place:
    """Return an unquoted value; if it is an authorization scheme, with its credentials."""
    stop = _end_of_word(data, begin)
    if data[begin:stop].lower().rstrip(b":") in _SCHEMES and data[stop : stop + 1] in (b" ", b"\t"):
        after = skip(data, stop, WHITE)
        quote = skip(data, after, b"\\")
        if quote < len(data) and data[quote] in QUOTES:
            return begin, _quoted(data, after, quote)[1]
        return begin, max(stop, _end_of_word(data, after))
    return begin, stop


def _end_of_word(data: bytes, begin: int) -> int:
    place = begin
    while match := _stop.search(data, place):
        stop = match.start()
        if _ends(data, stop) or (stop == begin and data[stop] in b",;&|<>)]}"):
            return int(stop)
        place = stop + 1
    return len(data)


def _ends(data: bytes, stop: int) -> bool:
    """Return whether a character ends a value, rather than being part of a password."""
    char, after = data[stop], data[stop + 1 : stop + 2]
    if char in b" \t\r\n<>":
        return True
    if char == 0x5C:
        return after in (b'"', b"'") or after in (b"n", b"r")
    if char in b"&;|,":
        return not after or after in b" \t\r\n\"'}])\\" or bool(_name_follows.match(data, stop + 1))
    if char in QUOTES:
        return not after.isalnum()
    return not after or after in b" \t\r\n,;.:)]}\"'`<\\"
