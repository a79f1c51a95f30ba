"""Assignments: secrets in texts that are told by the name they follow, in whatever notation.

`password=…`, `"apiKey": "…"`, `<token>…</token>`, `--secret …`, `Cookie: …`,
`IDENTIFIED BY '…'`. Only the value is a secret: what stands around it tells the story.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import re2

from auditlogs.redaction.encodings import is_id
from auditlogs.redaction.names import CORES, Names
from auditlogs.redaction.patterns import Span, pattern, spans
from auditlogs.redaction.shapes import looks_random
from auditlogs.redaction.values import (
    QUOTES,
    Place,
    balanced,
    end_of_words,
    header_value,
    skip,
    value,
)

RULE = "key-name"
_NAMERS = (
    "name|key|field|header|headername|param|parameter|setting|property|variable|attribute|id|k"
)
_VALUES = (
    "value|val|v|from|to|old|new|before|after|previous|current|default|content|text|data|answer"
    "|oldvalue|newvalue|old_value|new_value|string_?value"
)
# The words with which a sentence goes on after a name and a colon.
_SENTENCE = frozenset(
    b"""
    are bad be been but cannot cant changed created deleted denied did does empty enter expired
    failed false forbidden has have hidden incorrect invalid is malformed masked may
    mismatch missing must nil no none not null please rejected required revoked rotated should
    string the too true unauthorized undefined unknown updated was were will with wrong yes your
    """.split()
)
_NOTHING = frozenset((b"null", b"none", b"nil", b"undefined", b"true", b"false"))
_LINE_NAMES = ("authorization", "cookie", "cookies")
_PHRASES = ("passphrase", "seedphrase", "mnemonic", "recoveryphrase", "seed", "mnemonicphrase")
_AFTER_NAMES = b"\"'`\\]) \t\r\n=:>-"
_MAX_COLUMNS = 100
# Names of secrets in one text; beyond, the text is replaced whole.
_MAX_NAMES = 2_000

_percent_stop = pattern(r"(?i)[\s&;,\"'<>]|%26|%22|%7d|%2c|%0a|%0d")
_close_tag = pattern(r"</|\\u003c/|&lt;/")
_word = pattern(r"\s*([A-Za-z]{1,14})(?:[\s.,;!?)]|$)")
# Names after which a word with digits in it is the secret itself, not what a sentence tells.
_bare = pattern(
    r"(?i)(?:password|passwd|passphrase|api[ _-]?key|secret(?:[ _-]?key)?|access[ _-]?token)"
    r"[ \t]+[^\s\"'`<>(){}\[\],;:=]{6,}"
)
_pair_next = pattern(
    rf"(?i)^[\"'\\]*(?:[\s,;-]|\\+[nrt])+[\"'\\]*(?:{_VALUES})[\"'\\]*\s*(?:=>|=|:)"
)
_pair_name = pattern(
    rf"(?i)^[\"'\\]*(?:{_NAMERS})[\"'\\]*\s*(?:=>|=|:)\s*[\"'\\]*([\w. -]+?)[\"'\\]*[\s,;\\-]"
)
_identified = pattern(r"(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?")
_insert = pattern(r"(?i)\binto\s+[^\s(]+\s*\([^()]*\)\s*values\s*\(")
# Options that are a secret in a few commands only.
_user_option = pattern(r"(?:^|\s)(?:-u|--user|--proxy-user|-U)[= ]+[\"']?[^\s:\"']+:[^\s\"']+")
_short_option = pattern(
    r"\b(?:sshpass\s+-p\s*|(?:mysql|mariadb)[a-z]*\s+(?:[^\r\n;|&]*\s)?-p)[^\s;|&]+"
)


class _Name(NamedTuple):
    """The name of what may be an assignment, and the sign after it in lower case.

    `plain` is the name's letters and digits. A name that a quoted text follows has no sign.
    """

    name: str
    plain: str
    sign: bytes
    is_secret: bool


class Assignments:
    """The finder of assignments to the names of secrets."""

    def __init__(self, names: Names) -> None:
        self._names = names
        loose = ["[_. -]?".join(map(re2.escape, name)) for name in sorted(names.extra)]
        cores = "|".join([CORES, *loose])
        name = rf"[\w.-]*(?:{cores})[\w.-]*"
        self.cores = cores
        self.gate = pattern(rf"(?i){cores}|identified|-u\b|--user|--proxy-user|mysql|mariadb")
        # Without groups, which would cost as much again for every match.
        self._assignment = pattern(
            rf"(?i){name}(?:[\"'`\\\])]|%5d|%22|&quot;|&#39;){{0,8}}"
            r"(?:\s*(?:=>|:=|==|=|::\s|:)|%3d|%3a|\s+(?:is|was)\b|[ \t]+\\*[\"'`])"
        )
        self._option = pattern(rf"(?i)(?:^|[\s\"'\[,(])--?{name}[\"']?[,\s]\s*[\"']?")
        self._element = pattern(
            rf"(?i)<(?:\w+:)?{name}(?:\s[^<>]*)?>|\bname=[\"']?{name}[^<>\r\n]*>"
        )
        self._titled = pattern(rf"(?i)>\s*{name}\s*</\w+>\s*<\w+>")
        self._part = pattern(rf"(?i)\bname=\\?[\"']?{name}[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n")
        self._element_name = pattern(rf"(?i){name}")
        self._listed = pattern(rf"(?i)[\"']{name}[\"'],\s*[bu]?[\"']")
        self._pair = pattern(
            rf"(?i)[\"'\\]*\b(?:{_NAMERS})[\"'\\]*\s*(?:=>|=|:)\s*"
            rf"[\"'\\]*[\w. -]*(?:{cores})[\w. -]*[\"'\\]*"
            rf"(?:[\s,;-]|\\+[nrt])+[\"'\\]*(?:{_VALUES})[\"'\\]*\s*(?:=>|=|:)"
        )
        self._heading = pattern(rf"(?im)^[^\r\n]*(?:{cores})[^\r\n]*\r?\n")

    def find(self, data: bytes) -> Iterator[Span]:
        """Yield the values in a view that follow the name of a secret."""
        yield from self._assigned(data)
        if b"-" in data:
            yield from _each(data, self._option, self._after_option)
            yield from _each(data, _user_option, _after_colon)
            yield from _each(data, _short_option, _after_p)
        if b"<" in data:
            yield from _each(data, self._element, self._in_element)
            yield from _each(data, self._titled, self._after_title)
        if b"," in data:
            yield from _each(data, self._listed, self._after_listed)
        if b"\n" in data:
            yield from _each(data, self._part, self._in_part)
            yield from self._columns(data)
        yield from _each(data, _bare, _bare_word)
        yield from _each(data, self._pair, self._in_pair)
        yield from _each(data, _identified, _identifying)
        yield from _each(data, _insert, self._inserted)

    def _is_secret(self, name: bytes) -> bool:
        return self._names.is_secret(name.decode())

    def _assigned(self, data: bytes) -> Iterator[Span]:
        after = number = 0
        known: dict[bytes, _Name] = {}
        for start, end in spans(self._assignment, data):
            # Names within a value are a part of it, and would be costly to look at again.
            if start < after:
                continue
            matched = data[start:end]
            name = known.get(matched)
            if name is None:
                name = known[matched] = self._read(matched)
            if not name.is_secret and (words := _words_before(data, start)):
                name = self._named(words + name.name, name.sign)
            if not name.is_secret:
                continue
            number += 1
            if number > _MAX_NAMES:
                yield 0, len(data), "too-many"
                return
            if place := _value_of(name, data, start, end):
                after = place[1]
                yield *place, RULE

    def _read(self, matched: bytes) -> "_Name":
        """Return the name and the sign of an assignment."""
        closed = matched.rstrip()
        sign = closed[-3:].lower()
        if sign not in (b"%3d", b"%3a"):
            word = closed.rsplit(None, 1)[-1].lower()
            sign = word if word in (b"is", b"was") and word != closed.lower() else b""
        name = closed[: len(closed) - len(sign)].rstrip(_AFTER_NAMES)
        while name.lower().endswith((b"%5d", b"%22", b"&quot;", b"&#39;")):
            name = name[: max(name.rfind(b"%"), name.rfind(b"&"))].rstrip(_AFTER_NAMES)
        if not sign:
            sign = closed[len(name) :].strip(_AFTER_NAMES[:-4])
        return self._named(name.decode(), sign)

    def _named(self, name: str, sign: bytes) -> "_Name":
        plain = "".join(filter(str.isalnum, name)).lower()
        return _Name(name, plain, sign, self._names.is_secret(name))

    def _after_option(self, data: bytes, start: int, end: int) -> list[Place]:
        name = data[start:end].strip(b"\"', \t\r\n[(")
        if name[:1] != b"-" or not self._is_secret(name):
            return []
        place = value(data, end - 1 if data[end - 1] in b"\"'" else end)
        if place is None or data[place[0] : place[0] + 2] == b"--":
            return []
        return [place] if _is_worth(data, place) else []

    def _in_element(self, data: bytes, start: int, end: int) -> list[Place]:
        name = self._element_name.search(data, start, end)
        tag = data[start + 1 : end - 1].split(None, 1)[0]
        if name is None or data[end - 2] == 0x2F or not self._is_secret(name[0]):
            return []
        closing = data.find(b"</" + tag, end) if data[start] == 0x3C else -1
        if closing < 0:
            match = _close_tag.search(data, end)
            if match is None:
                # Cut off, or no element at all: "log in with <token> first".
                place = value(data, end)
                return [place] if place and looks_random(data[slice(*place)]) else []
            closing = match.start()
        return [(end, closing)] if data[end:closing].strip() else []

    def _after_title(self, data: bytes, start: int, end: int) -> list[Place]:
        """Return the content of the element after one that holds a name."""
        match = _close_tag.search(data, end)
        is_secret = self._is_secret(data[start + 1 : data.index(b"<", start)])
        return [(end, match.start())] if is_secret and match and match.start() > end else []

    def _in_part(self, data: bytes, start: int, end: int) -> list[Place]:
        """Return the content of a part of a form."""
        name = self._element_name.search(data, start, end)
        boundary = data.find(b"\n--", end)
        stop = boundary if boundary >= 0 else len(data)
        is_secret = name is not None and self._is_secret(name[0])
        return [(end, stop)] if is_secret and data[end:stop].strip() else []

    def _after_listed(self, data: bytes, start: int, end: int) -> list[Place]:
        """Return what follows a name in a list, if the name is a header's or it looks random."""
        name = data[start + 1 : data.index(data[start], start + 1)]
        place = value(data, end - 1)
        if place is None or not self._is_secret(name) or self._is_secret(data[place[0] : place[1]]):
            return []
        is_header = b"-" in name or name.lower() in (b"authorization", b"cookie")
        return [place] if is_header or looks_random(data[place[0] : place[1]]) else []

    def _in_pair(self, data: bytes, start: int, end: int) -> list[Place]:
        name = _pair_name.search(data[start:end])
        if name is None or not self._is_secret(name[1]):
            return []
        places = []
        while place := value(data, end):
            if data[place[0] : place[1]].lower() not in _NOTHING:
                places.append(place)
            following = _pair_next.search(data[place[1] : place[1] + 200])
            if following is None:
                break
            end = place[1] + following.end()
        return places

    def _inserted(self, data: bytes, start: int, end: int) -> list[Place]:
        columns = data[data.index(b"(", start) + 1 : data.index(b")", start)].split(b",")
        if not any(map(self._is_secret, columns)):
            return []
        places = []
        opening = end - 1
        while data[opening : opening + 1] == b"(":
            closed = balanced(data, opening)
            places.append((opening + 1, max(closed - 1, opening + 2)))
            opening = skip(data, closed, b", \t\r\n")
        return places

    def _columns(self, data: bytes) -> Iterator[Span]:
        """Yield the cells below the name of a secret, in lines of cells."""
        after = 0
        for start, end in spans(self._heading, data):
            if start < after:
                continue
            line = data[start:end].rstrip(b"\r\n")
            sign = next((sign for sign in (b"\t", b"|", b";", b",") if sign in line), None)
            cells = line.split(sign)
            if sign is None or not 2 <= len(cells) <= _MAX_COLUMNS or len(line) > 2_000:
                continue
            secret = [
                i for i, cell in enumerate(cells) if len(cell) <= 40 and self._is_secret(cell)
            ]
            if not secret or any(b":" in cell or b"=" in cell for cell in cells):
                continue
            after = end
            for line_start, line_end in spans(_rest_of_line, data[end:]):
                row = data[end + line_start : end + line_end].split(sign)
                if len(row) != len(cells):
                    break
                after = place = end + line_start
                for i, cell in enumerate(row):
                    text = cell.strip(b" \t\r\"'")
                    if i in secret and text.strip(b"-:"):
                        inner = place + cell.index(text)
                        yield inner, inner + len(text), RULE
                    place += len(cell) + 1


_rest_of_line = pattern(r"[^\n]+")


def _each(
    data: bytes, regexp: re2._Regexp, places: Callable[[bytes, int, int], list[Place]]
) -> Iterator[Span]:
    """Yield the places that belong to the matches of a pattern, but for those within others."""
    after = 0
    for start, end in spans(regexp, data):
        if start >= after:
            for place in places(data, start, end):
                after = place[1]
                yield *place, RULE


def _identifying(data: bytes, start: int, end: int) -> list[Place]:
    """Return the password of `IDENTIFIED BY`, which is in quotes or after the name of a user."""
    place = value(data, end)
    if place is None:
        return []
    before = data[max(0, start - 100) : start].lower()
    return [place] if data[place[0] - 1] in QUOTES or b"user " in before else []


def _after_colon(data: bytes, start: int, end: int) -> list[Place]:
    return [(data.index(b":", start) + 1, end)]


def _after_p(data: bytes, start: int, end: int) -> list[Place]:
    begin = data.rindex(b"-p", start, end) + 2
    return [(skip(data, begin, b" \t"), end)]


def _value_of(name: _Name, data: bytes, start: int, end: int) -> Place | None:
    """Return the value of a secret, whose name starts and whose sign ends here."""
    sign = name.sign
    if sign in (b"%3d", b"%3a"):
        match = _percent_stop.search(data, end)
        return end, match.start() if match else len(data)
    if sign in (b"", b"is", b"was"):
        return _told(data, end if sign else end - 1, may_be_word=not sign)
    word = _word.match(data, end)
    if sign == b":" and word and word[1].lower() in _SENTENCE:
        return None
    if name.plain.endswith(_LINE_NAMES):
        place = header_value(data, start, end)
    else:
        place = value(data, end, is_line=_begins_line(data, start, sign, end))
        if place and name.plain.endswith(_PHRASES) and data[place[0] - 1] not in QUOTES:
            place = place[0], max(place[1], end_of_words(data, place[0]))
    if (
        name.plain.endswith("s")
        and sign == b":"
        and place
        and data[slice(*place)].replace(b" ", b"").isalpha()
    ):
        return None  # "secrets: they are never stored"
    return place if place and _is_worth(data, place) else None


def _told(data: bytes, begin: int, *, may_be_word: bool) -> Place | None:
    """Return the value that a sentence tells: "the password is 'x'", "token 'abc123'".

    Not so in "the password is wrong", and in "token '}'" where the quotes may be around a word.
    """
    if data[skip(data, begin, b" \t\r\n") : begin + 20][:1] in (b"{", b"[", b"("):
        return None
    place = value(data, begin)
    is_quoted = place and data[place[0] - 1] in QUOTES and not may_be_word
    return place if is_quoted or (place and looks_random(data[slice(*place)])) else None


def _bare_word(data: bytes, start: int, end: int) -> list[Place]:
    """Return what follows a name after white space alone, if it can only be the secret."""
    word = data[start:end].split()[-1]
    if word.isdigit() or not any(48 <= char <= 57 for char in word) or is_id(word.decode()):
        return []
    return [(end - len(word), end)]


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


def _is_worth(data: bytes, place: Place) -> bool:
    """Tell whether a value is there: in quotes, even an empty one is."""
    found = data[slice(*place)]
    return data[place[0] - 1] in QUOTES or (bool(found) and found.lower() not in _NOTHING)
