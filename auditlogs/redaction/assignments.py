"""Assignments: secrets in texts that are told by the name they follow, in whatever notation.

`password=…`, `"apiKey": "…"`, `<token>…</token>`, `--secret …`, `Cookie: …`,
`IDENTIFIED BY '…'`. Only the value is a secret: what stands around it tells the story.
"""

from collections.abc import Iterator

import re2

from auditlogs.redaction.folding import FILLER
from auditlogs.redaction.names import CORES, Names
from auditlogs.redaction.patterns import Span, pattern, spans
from auditlogs.redaction.shapes import looks_random

RULE = "key-name"
_NAMERS = (
    "name|key|field|header|headername|param|parameter|setting|property|variable|attribute|id|k"
)
_VALUES = (
    "value|val|v|from|to|old|new|before|after|previous|current|default|content|text|data"
    "|oldvalue|newvalue|old_value|new_value|string_?value"
)
# The words with which a sentence goes on after a name and a colon.
_SENTENCE = frozenset(
    b"""
    a an are bad be been but cannot cant changed created deleted denied did does empty enter expired
    failed false forbidden has have hidden if in incorrect invalid is it malformed masked may
    mismatch missing must nil no none not null ok or please rejected required revoked rotated should
    string the too true unauthorized undefined unknown updated was were will with wrong yes your
    """.split()
)
_NOTHING = frozenset((b"null", b"none", b"nil", b"undefined", b"true", b"false"))
_SCHEMES = frozenset(
    b"""
    bearer basic token digest negotiate ntlm dpop apikey api-key jwt hawk oauth mac key bot
    aws4-hmac-sha256 signature
    """.split()
)
_LINE_NAMES = ("authorization", "cookie", "cookies")
_PHRASES = ("passphrase", "seedphrase", "mnemonic", "recoveryphrase", "seed", "mnemonicphrase")
_QUOTES = b"\"'`"
_CLOSERS = {ord("{"): b"}", ord("["): b"]", ord("("): b")"}
_AFTER_NAMES = b"\"'`\\]) \t\r\n=:>-"
_WHITE = b" \t"
_LINES = b"\r\n"

_next_name = pattern(r"(?:[,;&|]\s*|\s+)[\"'\\]{0,3}[A-Za-z_][A-Za-z0-9_.-]*[\"'\\]{0,3}\s?[=:]")
_stop = pattern(r"[\s,;&|<>\"'`)\]}\\]")
_string_prefix = pattern(r"(?:[bBuUrRfF@$]{1,2}|[A-Za-z_][A-Za-z0-9_.]*\()(\\*[\"'`])")
_xml_end = pattern(r"</|\\u003c/|&lt;/")
_pair = pattern(
    rf"(?i)[\"'\\]*\b(?:{_NAMERS})[\"'\\]*\s*(?:=>|=|:)\s*"
    rf"[\"'\\]*[\w. -]*(?:{CORES})[\w. -]*[\"'\\]*"
    rf"(?:[\s,;-]|\\+[nrt])+[\"'\\]*(?:{_VALUES})[\"'\\]*\s*(?:=>|=|:)"
)
_pair_next = pattern(
    rf"(?i)^[\"'\\]*(?:[\s,;-]|\\+[nrt])+[\"'\\]*(?:{_VALUES})[\"'\\]*\s*(?:=>|=|:)"
)
_pair_name = pattern(
    rf"(?i)^[\"'\\]*(?:{_NAMERS})[\"'\\]*\s*(?:=>|=|:)\s*[\"'\\]*([\w. -]+?)[\"'\\]*[\s,;\\-]"
)
_sql = pattern(r"(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?")
_insert = pattern(r"(?i)\binto\s+[^\s(]+\s*\([^()]*\)\s*values\s*")
_user_option = pattern(r"(?:^|\s)(?:-u|--user|--proxy-user|-U)[= ]+[\"']?[^\s:\"']+:[^\s\"']+")


class Assignments:
    """The finder of assignments to the names of secrets."""

    def __init__(self, names: Names) -> None:
        self._names = names
        loose = ["[_. -]?".join(map(re2.escape, name)) for name in sorted(names.extra)]
        self.cores = "|".join([CORES, *loose])
        name = rf"[\w.-]*(?:{self.cores})[\w.-]*"
        # Without groups, which would cost as much again for every match.
        self._assignment = pattern(
            rf"(?i){name}(?:[\"'`\\\])]|%5d|%22){{0,8}}"
            r"(?:\s*(?:=>|:=|->|==|=|:)|%3d|%3a|\s+(?:is|was)\b|[ \t]+\\*[\"'`])"
        )
        self.gate = pattern(rf"(?i){self.cores}|identified|-u\b|--user|--proxy-user")
        self._option = pattern(rf"(?i)(?:^|[\s\"'\[,(])--?{name}[\"']?[,\s]\s*[\"']?")
        self._element = pattern(rf"(?i)<(?:\w+:)?{name}(?:\s[^<>]*)?>")

    def find(self, data: bytes) -> Iterator[Span]:
        """Yield the values in a view that follow the name of a secret."""
        after = 0
        known: dict[bytes, tuple[str, bytes, bool]] = {}
        for start, end in spans(self._assignment, data):
            # Names within a value are a part of it, and would be costly to look at again.
            if start < after:
                continue
            matched = data[start:end]
            if matched not in known:
                name, sign = _split(matched)
                known[matched] = name, sign, self._names.is_secret(name)
            name, sign, is_secret = known[matched]
            if not is_secret and (words := _words_before(data, start)):
                name = words + name
                is_secret = self._names.is_secret(name)
            if is_secret:
                for span in self._assigned(data, name, sign, start, end):
                    after = span[1]
                    yield span
        if b"-" in data:
            yield from self._options(data)
        if b"<" in data:
            yield from self._elements(data)
        yield from self._pairs(data)
        yield from self._sql(data)

    def _assigned(
        self, data: bytes, name: str, sign: bytes, start: int, end: int
    ) -> Iterator[Span]:
        """Yield the value of a secret, whose name starts and whose sign ends here."""
        if sign in (b"%3d", b"%3a"):
            match = _percent_stop.search(data, end)
            yield end, match.start() if match else len(data), RULE
        elif sign in (b"", b"is", b"was"):
            # Without a sign between them the value has to look like one, or to be quoted: "the
            # password is 'x'", but not "the password is wrong"; then `end` is after the quote.
            span = _value(data, end if sign else end - 1, len(data))
            is_quoted = span and sign and data[span[0] - 1] in _QUOTES
            if span and (is_quoted or looks_random(data[span[0] : span[1]])):
                yield *span, RULE
        elif (span := self._signed(data, name, sign, start, end)) and _is_worth(data, span, sign):
            yield *span, RULE

    def _signed(
        self, data: bytes, name: str, sign: bytes, start: int, end: int
    ) -> tuple[int, int] | None:
        """Return the value after a name and its sign, which end here."""
        plain = "".join(filter(str.isalnum, name)).lower()
        if plain.endswith(_LINE_NAMES):
            return _line(data, start, end)
        span = _value(data, end, len(data), is_line=_begins_line(data, start, sign, end))
        if span and plain.endswith(_PHRASES) and data[span[0] - 1] not in _QUOTES:
            return span[0], max(span[1], _end_of_words(data, span[0]))
        return span

    def _options(self, data: bytes) -> Iterator[Span]:
        for start, end in spans(self._option, data):
            name = data[start:end].strip(b"\"', \t\r\n[(")
            if name[:1] == b"-" and self._names.is_secret(name.decode()):
                begin = end
                if data[begin - 1 : begin] in (b'"', b"'"):
                    begin -= 1
                span = _value(data, begin, len(data))
                if span and data[span[0] : span[0] + 2] != b"--" and _is_worth(data, span, b"="):
                    yield *span, RULE
        for start, end in spans(_user_option, data):
            yield data.index(b":", start) + 1, end, RULE

    def _elements(self, data: bytes) -> Iterator[Span]:
        after = 0
        for start, end in spans(self._element, data):
            if start < after:
                continue
            name = data[start + 1 : end - 1].split(None, 1)[0].rpartition(b":")[2]
            if data[end - 2 : end - 1] == b"/" or not self._names.is_secret(name.decode()):
                continue
            closing = data.find(b"</" + data[start + 1 : end - 1].split(None, 1)[0], end)
            if closing < 0:
                match = _xml_end.search(data, end)
                closing = match.start() if match else len(data)
            after = closing
            if data[end:closing].strip(FILLER + b" \t\r\n"):
                yield end, closing, RULE

    def _pairs(self, data: bytes) -> Iterator[Span]:
        for start, end in spans(_pair, data):
            name = _pair_name.search(data[start:end])
            if name is None or not self._names.is_secret(name[1].decode()):
                continue
            place = end
            while span := _value(data, place, len(data)):
                if (
                    data[span[0] : span[1]].strip(FILLER)
                    and data[span[0] : span[1]].lower() not in _NOTHING
                ):
                    yield *span, RULE
                following = _pair_next.search(data[span[1] : span[1] + 200])
                if following is None:
                    break
                place = span[1] + following.end()

    def _sql(self, data: bytes) -> Iterator[Span]:
        for _, end in spans(_sql, data):
            if (span := _value(data, end, len(data))) and data[span[0] : span[1]].strip(FILLER):
                yield *span, RULE
        for start, end in spans(_insert, data):
            columns = data[data.index(b"(", start) + 1 : data.index(b")", start)].split(b",")
            if any(self._names.is_secret(column.decode()) for column in columns):
                place = end
                while data[place : place + 1] == b"(":
                    stop = _balanced(data, place)
                    yield place + 1, max(stop - 1, place + 2), RULE
                    place = _skip(data, stop, b", \t\r\n")


def _split(matched: bytes) -> tuple[str, bytes]:
    """Return the name at the start of an assignment and its sign, in lower case."""
    closed = matched.rstrip()
    sign = closed[-3:].lower()
    if sign not in (b"%3d", b"%3a"):
        word = closed.rsplit(None, 1)[-1].lower()
        sign = word if word in (b"is", b"was") and word != closed.lower() else b""
    name = closed[: len(closed) - len(sign)].rstrip(_AFTER_NAMES)
    while name[-3:].lower() in (b"%5d", b"%22"):
        name = name[:-3].rstrip(_AFTER_NAMES)
    return name.decode(), sign or closed[len(name) :].strip(_AFTER_NAMES[:-4])


def _words_before(data: bytes, start: int) -> str:
    """Return up to two words before a name, for names of several words: `API key`."""
    before = data[max(0, start - 40) : start]
    if not before.endswith((b" ", b"+", b"/")):
        return ""
    words = before.decode().rstrip(" +/").split(" ")[-2:]
    return "".join(f"{word} " for word in words if word.isalpha())


def _begins_line(data: bytes, start: int, sign: bytes, end: int) -> bool:
    """Tell whether a name and what follows it are a line of their own, as in YAML or INI."""
    if sign not in (b":", b"=", b"=>", b":=") or data[end : end + 1] not in (b" ", b"\t"):
        return False
    before = data[max(0, start - 40) : start]
    line = max(before.rfind(b"\n"), before.rfind(b"\r"))
    if line < 0 and start > 40:
        return False
    words = before[line + 1 :].strip(b" \t-#*\"'>")
    return not words or words in (b"export", b"set", b"SET", b"let", b"const", b"var")


def _is_worth(data: bytes, span: tuple[int, int], sign: bytes) -> bool:
    """Tell whether a value is there, is no mark yet and does not go on as a sentence."""
    value = data[span[0] : span[1]]
    if span[1] > span[0] and not value.strip(FILLER):
        return False
    if data[span[0] - 1] in _QUOTES:
        return True
    if not value or value.lower() in _NOTHING:
        return False
    first = value.split(None, 1)[0].rstrip(b".,!;:").lower()
    return not (sign == b":" and first in _SENTENCE)


def _line(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Return the value of a header: to the end of its line, or of the quotes around it."""
    begin = _skip(data, end, _WHITE)
    if data[begin : begin + 1] in (b'"', b"'", b"`", b"[", b"{", b"(", b"\\") or (
        _string_prefix.match(data, begin)
    ):
        return _value(data, begin, len(data))
    match = _line_stop.search(data, begin)
    stop = match.start() if match else len(data)
    quote = _quote_before(data, start)
    if quote and (place := data.find(quote, begin, stop)) >= 0:
        stop = place
    if following := _header.search(data, begin, stop):
        stop = following.start()
    return (begin, stop) if stop > begin else None


_line_stop = pattern(r"[\r\n]|\\[rn]")
_header = pattern(r"[,;}]\s+[\"']?[A-Z][A-Za-z0-9-]*[\"']?:\s")


def _quote_before(data: bytes, start: int) -> bytes:
    """Return the quote before a name, with the backslashes before it."""
    if not start or data[start - 1] not in _QUOTES:
        return b""
    begin = start - 1
    while begin and data[begin - 1] == 0x5C:
        begin -= 1
    return data[begin:start]


def _skip(data: bytes, place: int, chars: bytes) -> int:
    while place < len(data) and data[place] in chars:
        place += 1
    return place


def _value(data: bytes, begin: int, end: int, *, is_line: bool = False) -> tuple[int, int] | None:
    """Return where the value stands that begins here: in quotes, in brackets, or as a word."""
    begin = _skip(data, begin, _WHITE)
    if begin >= end:
        return None
    if data[begin] in _LINES:
        return _next_line(data, begin, end)
    if data[begin] in b"|>" and data[begin + 1 : begin + 3].strip(b"-+ \r")[:1] in (b"", b"\n"):
        return _block(data, begin, end)
    prefix = _string_prefix.match(data, begin)
    if prefix:
        begin = prefix.start(1)
    quote = begin
    while quote < end and data[quote] == 0x5C:
        quote += 1
    if quote < end and data[quote] in _QUOTES:
        return _quoted(data, begin, quote, end)
    if data.startswith((b"%22", b"%27"), begin):
        close = data.find(data[begin : begin + 3], begin + 3)
        return begin + 3, close if close >= 0 else end
    if data.startswith(b"&quot;", begin) or data.startswith(b"&#39;", begin):
        entity = data[begin : data.index(b";", begin) + 1]
        close = data.find(entity, begin + len(entity))
        return begin + len(entity), close if close >= 0 else end
    if data[begin] in _CLOSERS:
        return begin, _balanced(data, begin)
    if is_line:
        return begin, _end_of_line(data, begin)
    return _unquoted(data, begin, end)


def _quoted(data: bytes, begin: int, quote: int, end: int) -> tuple[int, int]:
    """Return the inside of quotes that are escaped as often as they are opened."""
    opening = data[begin : quote + 1]
    char = opening[-1:]
    if len(opening) == 1 and data[begin : begin + 3] == char * 3:
        close = data.find(char * 3, begin + 3)
        return begin + 3, close if close >= 0 else end
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
    return quote + 1, end


def _balanced(data: bytes, begin: int) -> int:
    """Return where a bracket is closed; brackets in quotes do not count."""
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


_structure = pattern(r"\\.|[\"'{}\[\]()]")


def _next_line(data: bytes, begin: int, end: int) -> tuple[int, int] | None:
    """Return a value on the line below its name: in quotes or brackets, or indented, or random."""
    start = _skip(data, begin, b" \t\r\n")
    if start >= end:
        return None
    if data[start] in b"\"'{[":
        return _value(data, start, end)
    stop = _end(data, start)
    if b":" in data[start:stop] or b"=" in data[start:stop]:
        return None
    return (start, stop) if looks_random(data[start:stop]) else None


def _block(data: bytes, begin: int, end: int) -> tuple[int, int] | None:
    """Return the lines of a YAML block: those below that are indented, or all if none are."""
    first = data.find(b"\n", begin)
    if first < 0:
        return None
    start = stop = first + 1
    while stop < end and data[stop] in b" \t\r\n":
        stop = _end(data, stop) + 1
    start = _skip(data, start, b" \t\r\n")
    return (start, min(stop, end)) if stop > start else None


def _end(data: bytes, begin: int) -> int:
    match = _line_end.search(data, begin)
    return int(match.start()) if match else len(data)


_line_end = pattern(r"[\r\n]")


def _end_of_line(data: bytes, begin: int) -> int:
    """Return where a line ends, or where the next name on it begins."""
    stop = _end(data, begin)
    following = _next_name.search(data, begin, stop)
    stop = following.start() if following else stop
    return max(_skip_back(data, begin, stop), begin)


def _skip_back(data: bytes, begin: int, end: int) -> int:
    while end > begin and data[end - 1] in b" \t,;":
        end -= 1
    return end


def _end_of_words(data: bytes, begin: int) -> int:
    stop = _end_of_line(data, begin)
    for char in b",;|\"'":
        if (place := data.find(char, begin, stop)) >= 0:
            stop = place
    return stop


_percent_stop = pattern(r"(?i)[\s&;,\"'<>]|%26|%22|%7d|%2c|%0a|%0d")


def _unquoted(data: bytes, begin: int, end: int) -> tuple[int, int]:
    """Return a value without quotes; after the name of a scheme, what it names too."""
    place = begin
    while match := _stop.search(data, place):
        stop = match.start()
        if stop == begin and data[stop] in b",;&|<>)]}":
            return begin, begin
        if _ends(data, stop):
            if data[begin:stop].lower().rstrip(b":") in _SCHEMES and data[stop] in _WHITE:
                after = _skip(data, stop, _WHITE)
                if after < end and data[after] not in _LINES:
                    inner = _value(data, after, end)
                    return begin, inner[1] if inner else stop
            return begin, stop
        place = stop + 1
    return begin, end


def _ends(data: bytes, stop: int) -> bool:
    """Tell whether a character ends a value, or may be a part of a password."""
    char, after = data[stop], data[stop + 1 : stop + 2]
    if char in b" \t\r\n<>":
        return True
    if char == 0x5C:
        return after in (b'"', b"'") or after in (b"n", b"r")
    if char in b"&;|,":
        return not after or after in b" \t\r\n\"'}])\\" or bool(_name_follows.match(data, stop + 1))
    if char in _QUOTES:
        return not after.isalnum()
    return not after or after in b" \t\r\n,;.:)]}\"'`<\\"


_name_follows = pattern(r"\s*[\"']?[A-Za-z_$][A-Za-z0-9_.$\[\]%-]*[\"']?\s*[=:]")
