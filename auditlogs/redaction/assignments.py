"""Assignments: secrets in texts that follow the name of a secret, in any notation.

`password=…`, `"apiKey": "…"`, `the passphrase is '…'`, `Cookie: …`, `IDENTIFIED BY '…'`. Only the
value is replaced: the text around it explains the event.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import re2

from auditlogs.redaction.encodings import is_id
from auditlogs.redaction.judging import STATES, describes_secret, is_secret, looks_secret
from auditlogs.redaction.names import CORES, REMEMBERED, Kind, Names, plain_name
from auditlogs.redaction.patterns import Span, pattern, spans
from auditlogs.redaction.randomness import has_noise, is_random, looks_made_up
from auditlogs.redaction.values import (
    QUOTES,
    Place,
    end_of_words,
    header_value,
    list_items,
    value,
)

RULE = "key-name"
_NAMERS = (
    "name|key|field|header|headername|param|parameter|setting|property|variable|attribute|id|k"
    "|argument|option|label"
)
_VALUES = (
    "value|val|v|from|to|old|new|before|after|previous|current|default|content|text|data|answer"
    "|oldvalue|newvalue|old_value|new_value|string_?value"
)
# Words that continue a sentence after a name and a colon: "password: must be changed".
_SENTENCE = frozenset(
    b"""
    are at bad be been but by can cannot cant changed created deleted denied did do does empty enter
    expected expired failed false field for forbidden got has have hidden in incorrect invalid is
    it its last length malformed masked may mismatch missing must never new nil no none not null
    permission please print raise rejected required return revoked rotated should string that the
    this to too true
    unauthorized undefined unknown updated use value was weak were will with wrong yes you your
    """.split()
)
_LINE_NAMES = ("authorization", "cookie", "cookies")
_PHRASES = ("passphrase", "seedphrase", "mnemonic", "recoveryphrase", "seed", "mnemonicphrase")
_AFTER_NAMES = b"*\"'`\\]) \t\r\n=:>-"
# The most names of secrets in one text. A text with more is replaced as a whole.
_MAX_NAMES = 5_000

_word = pattern(r"\s*([A-Za-z]{1,14})(?:[\s.,;!?)]|$)")
_beginning = pattern(r"^[\s\"'`\\\[(-]*(?:[A-Za-z]{3,12}[ \t]+)?[^\s\"'`]{12,}")
_SAMPLE = 48
# Names after which a word with digits is the secret, even without a sign in between.
_bare = pattern(
    r"(?i)(?:password|passwd|passphrase|api[ _-]?key|secret(?:[ _-](?:access[ _-])?key)?"
    r"|access[ _-]?token)[ \t]+[^\s\"'`<>(){}\[\],;:=]{6,}"
)
_with_password = pattern(r"(?i)\bwith\s+(?:encrypted\s+)?password\s+")
_pair_next = pattern(
    rf"(?i)^[\"'\\]*(?:[\s,;-]|\\+[nrt])+[\"'\\]*(?:{_VALUES})[\"'\\]*\s*(?:=>|=|:)"
)
_IS = "is|was|ist|war|lautet|es|est|ar|er|este|jest|je|adalah"
_IS_WORDS = frozenset(_IS.encode().split(b"|"))
_is_sign = pattern(rf"(?i)\s(?:{_IS}):$")
# "The mnemonic is 12 or 24 words", "the key is 256 bits long".
_count = pattern(
    r"^[0-9]{1,2}(?:[\s\x7f.,]|$)|^[0-9]{3}\s+(?:words|characters|letters|digits|bytes|bits)\b"
)
_arn = pattern(r"\barn:[a-z-]*:\S*$")
_key_sign = pattern(r"^\\?[\"']\s*(?::|=>)")
# A user and a password, in the code of Python's HTTP clients; PowerShell's protected text.
_user_and = pattern(r"\b(?:auth\s*=\s*|(?:HTTP)?(?:Basic|Digest)Auth)\(\s*[\"'][^\"']*[\"']\s*,\s*")
_secure_text = pattern(r"(?i)\bConvertTo-SecureString\s+(?:-String\s+)?")
# A line of a cookie jar: domain, flag, path, flag, time, name and value.
_jar = pattern(r"\t(?:TRUE|FALSE)\t[0-9]+\t[^\t\r\n]+\t[^\s]{16,}")
_identified = pattern(r"(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?")
_effect = pattern(r"(?i)\beffect\b")
# Session cookies of frameworks and sites. Outside cookies these names are harmless.
_cookie = pattern(
    r"(?:^|[\s;,\"'(])(?:(?:__Host-|__Secure-)[\w.-]+|sessionid|session|_session_id|[\w-]+_session"
    r"|PHPSESSID|JSESSIONID|ASP\.NET_SessionId|ASPSESSIONID[A-Z]*|connect\.sid|CFTOKEN|cf_clearance"
    r"|remember_\w+|wordpress_logged_in\w*|[\w.-]*session-token)=[^\s;,\"'&)]{16,}"
)


class _Name(NamedTuple):
    """A name, what it means, and the sign after it in lower case.

    `plain` has the letters and digits of the name. The sign is empty if a quoted text follows.
    """

    name: str
    plain: str
    sign: bytes
    kind: Kind


class Assignments:
    """Finds values assigned to names of secrets."""

    def __init__(self, names: Names) -> None:
        self._names = names
        loose = ["[_. -]?".join(map(re2.escape, name)) for name in sorted(names.extra)]
        cores = "|".join([CORES, *loose])
        self.cores = cores
        self.name = name = rf"[\w.-]*(?:{cores})[\w.-]*"
        self.gate = pattern(rf"(?i){cores}|identified|securestring")
        # It has no groups, because each group doubles the cost of a match.
        self._assignment = pattern(
            # Asterisks are of Markdown: `**API key**: …`, `**API key:** …`.
            rf"(?i){name}(?:[\"'`\\\])*]|&quot;|&#39;){{0,8}}"
            rf"(?:\s*(?:=>|:=|==|=|::\s|:(?:\*\*)?)|\s+(?:{_IS})\b:?|[ \t]+\\*[\"'`])"
        )
        self._pair = pattern(
            rf"(?i)[\"'\\]*\b(?:{_NAMERS})[\"'\\]*\s*(?:=>|=|:)\s*"
            rf"[\"'\\]*[\w. -]*(?:{cores})[\w. -]*[\"'\\]*"
            rf"(?:[\s,;-]|\\+[nrt])+[\"'\\]*(?:{_VALUES})[\"'\\]*\s*(?:=>|=|:)"
        )
        self._pair_name = pattern(
            rf"(?i)^[\"'\\]*(?:{_NAMERS})[\"'\\]*\s*(?:=>|=|:)\s*[\"'\\]*"
            rf"((?:[\w.-]+ )*[\w.-]*(?:{cores})[\w.-]*)"
        )
        self._listed = pattern(rf"(?i)[\"']{name}[\"'](?:>>)?,\s*(?:<<)?[bu]?[\"']")
        # A variable in Terraform; a field in a pydantic error; a row in psql's expanded display.
        self._block = pattern(
            rf"(?i)\b(?:variable|secret)\s+\"{name}\"\s*\{{[^{{}}]*\b(?:default|value)\s*=\s*"
        )
        self._field_error = pattern(rf"(?i)(?:^|\n)(?:\w+\.)*{name}\r?\n[^\r\n]*\binput_value=")
        self._record = pattern(rf"(?i)\n\s*(?:\w+ )?{name}\s*\|[ \t]*")
        self._prompt = pattern(
            rf"(?i){name}\s+(?:(?:for|of)\s+[^\s:]{{1,60}}:|[a-z]{{2,12}}:|-)[ \t]+"
        )
        self._aside = pattern(
            rf"(?i){name}\s+(?:to\s+|->\s+|[(<])|\b(?:set|put|add|setenv)\s+(?:the\s+|my\s+)?{name}\s+(?:to\s+)?"
        )
        self._cell = pattern(rf"(?i)(?:^|\n)[ \t]*\|[ \t]*{name}[ \t]*\|[ \t]*")
        self._name_in = pattern(rf"(?i){name}")
        # Short names recur in many texts, so their meaning is cached. Long ones do not recur.
        self._read_short = lru_cache(maxsize=4_096)(self._read)
        self._named_short = lru_cache(maxsize=4_096)(self._judged)

    def find(self, data: bytes) -> Iterator[Span]:
        """Yield the values in a view that follow the name of a secret."""
        # Searching for a literal costs a twentieth of searching for a pattern that does not match.
        lower = data.lower()
        yield from self._assigned(data)
        yield from _in_code(data, lower)
        if b"'," in data or b'",' in data or b">>," in data:
            yield from each(data, self._listed, self._after_listed)
        if b"{" in data and (b"variable" in lower or b"secret" in lower):
            yield from each(data, self._block, self._after_name)
        if b"\n" in data:
            if b"input_value=" in data:
                yield from each(data, self._field_error, self._after_name)
            if b"[ RECORD " in data:
                yield from each(data, self._record, self._after_name)
        if b": " in data or b" - " in data:
            yield from each(data, self._prompt, self._after_prompt)
        if b" to " in lower or b"->" in data or b" (" in data or b" <" in data or b"set " in lower:
            yield from each(data, self._aside, self._after_aside)
        if b"|" in data:
            yield from each(data, self._cell, self._after_prompt)
        # A generator over these words would cost more than the search that it saves.
        if (
            b"passw" in lower
            or b"passph" in lower
            or b"api" in lower
            or b"secret" in lower
            or b"access" in lower
        ):
            yield from each(data, _bare, _bare_word)
        if b"with" in lower:
            yield from each(data, _with_password, _quoted_value)
        if data.count(b":") + data.count(b"=") >= 2:
            yield from each(data, self._pair, self._in_pair)
        if b"identified" in lower:
            yield from each(data, _identified, _identifying)

    def _kind(self, name: bytes) -> Kind:
        return self._names.kind(name.decode())

    def _assigned(self, data: bytes) -> Iterator[Span]:
        after = number = 0
        for start, end in spans(self._assignment, data):
            # A name within the previous value is part of that value, so it needs no second check.
            if start < after or data[start - 2 : start] == b"${" or _is_in_arn(data, start):
                continue
            matched = data[start:end]
            name = (self._read_short if len(matched) <= REMEMBERED else self._read)(matched)
            if name.kind < Kind.SECRET and (words := _words_before(data, start)):
                name = self._with_words(name, words)
            if name.kind < Kind.TOKEN or (name.plain == "sid" and _in_policy(data, start, end)):
                continue
            number += 1
            if number > _MAX_NAMES:
                yield 0, len(data), "too-many"
                return
            for place in _values_of(name, data, start, end):
                after = place[1]
                yield *place, RULE

    def _read(self, matched: bytes) -> "_Name":
        """Return the name and the sign of a match."""
        closed = matched.rstrip()
        closed = closed.removesuffix(b":") if _is_sign.search(closed) else closed
        word = closed.rsplit(None, 1)[-1].lower()
        sign = word if word in _IS_WORDS and word != closed.lower() else b""
        name = closed[: len(closed) - len(sign)].rstrip(_AFTER_NAMES)
        while name.lower().endswith((b"&quot;", b"&#39;")):
            name = name[: name.rfind(b"&")].rstrip(_AFTER_NAMES)
        if not sign:
            sign = closed[len(name) :].strip(_AFTER_NAMES[:-4])
        return self._named(name.decode(), sign)

    def _named(self, name: str, sign: bytes) -> "_Name":
        return (self._named_short if len(name) <= REMEMBERED else self._judged)(name, sign)

    def _judged(self, name: str, sign: bytes) -> "_Name":
        plain = "".join(filter(str.isalnum, name)).lower()
        return _Name(name, plain, sign, self._names.kind(name))

    def _with_words(self, name: _Name, words: list[str]) -> _Name:
        """Return a name together with the words before it: `API key`, `cache key`, `public key`."""
        longer = [self._named(" ".join([*words[-n:], name.name]), name.sign) for n in (1, 2)]
        if secret := next((each for each in longer if each.kind is Kind.SECRET), None):
            return secret
        if name.kind >= Kind.TOKEN and longer[0].kind <= Kind.PUBLIC:
            return longer[0]
        return name

    def _after_name(self, data: bytes, start: int, end: int) -> list[Place]:
        """Return the value after a match that contains its name."""
        name = self._name_in.search(data, start, end)
        place = value(data, end)
        if name is None or place is None:
            return []
        found = self._named(name[0].decode().rpartition(".")[2], b"=")
        return [place] if _is_secret_at(data, place, found) else []

    def _after_prompt(self, data: bytes, start: int, end: int) -> list[Place]:
        return [
            place
            for place in self._after_name(data, start, end)
            if is_random(data[slice(*place)].decode())
        ]

    def _after_aside(self, data: bytes, start: int, end: int) -> list[Place]:
        """Return the value of "set … to …", and a random one that stands beside its name."""
        words = data[start:end].lower().split()
        is_set = words[0] == b"set" and words[-1] == b"to"
        if not is_set:
            # PostgreSQL's `Key (id)=(ord_17)` names a column and an id.
            places = self._after_prompt(data, start, end)
            return [place for place in places if b"(" not in data[slice(*place)]]
        return [
            place
            for place in self._after_name(data, start, end)
            if looks_made_up(data[slice(*place)]) and not _count.search(data[place[0] :])
        ]

    def _after_listed(self, data: bytes, start: int, end: int) -> list[Place]:
        """Return the item after a name in a list, if that is a header or the item looks random."""
        name = data[start + 1 : data.index(data[start], start + 1)]
        place = value(data, end - 1)
        kind = self._kind(name)
        if place is None or kind < Kind.TOKEN or self._kind(data[slice(*place)]) >= Kind.TOKEN:
            return []
        found = data[slice(*place)]
        if not is_secret(found.decode(), kind, name.decode().lower()):
            return []
        if _key_sign.search(data[place[1] : place[1] + 8]):
            return []  # It is the name of the next value: `{'name': 'X-Api-Key', 'value': …}`.
        is_header = b"-" in name or name.lower() in (b"authorization", b"cookie")
        return [place] if is_header or looks_made_up(found) else []

    def _in_pair(self, data: bytes, start: int, end: int) -> list[Place]:
        found = self._pair_name.search(data[start:end])
        name = found and self._named(found[1].decode(), b"=")
        if not name or name.kind < Kind.TOKEN:
            return []
        places = []
        while place := value(data, end):
            if _is_secret_at(data, place, name):
                places.append(place)
            following = _pair_next.search(data[place[1] : place[1] + 200])
            if following is None:
                break
            end = place[1] + following.end()
        return places


def _in_policy(data: bytes, start: int, end: int) -> bool:
    """Return whether a match is the `Sid` of a policy's statement, which names the statement."""
    return _effect.search(data[max(0, start - 200) : end + 200]) is not None


def each(
    data: bytes, regexp: re2._Regexp, places: Callable[[bytes, int, int], list[Place]]
) -> Iterator[Span]:
    """Yield the places for each match of a pattern that is not within an earlier place."""
    after = 0
    for start, end in spans(regexp, data):
        if start >= after:
            for place in places(data, start, end):
                after = place[1]
                yield *place, RULE


def _in_code(data: bytes, lower: bytes) -> Iterator[Span]:
    """Yield the cookies, and the values that a word of code announces."""
    if b"=" in data:
        yield from each(data, _cookie, _session)
    if b"\t" in data:
        yield from each(data, _jar, _cookie_of_jar)
    if b"(" in data and b"auth" in lower:
        yield from each(data, _user_and, _quoted_secret)
    if b"securestring" in lower:
        yield from each(data, _secure_text, _quoted_secret)


def _session(data: bytes, start: int, end: int) -> list[Place]:
    return _id_at(data, data.index(b"=", start) + 1, end)


def _quoted_value(data: bytes, start: int, end: int) -> list[Place]:
    place = value(data, end)
    return [place] if place and data[place[0] - 1] in QUOTES else []


def _quoted_secret(data: bytes, start: int, end: int) -> list[Place]:
    places = _quoted_value(data, start, end)
    return [place for place in places if not describes_secret(data[slice(*place)].decode())]


def _cookie_of_jar(data: bytes, start: int, end: int) -> list[Place]:
    return _id_at(data, data.rindex(b"\t", start, end) + 1, end)


def _id_at(data: bytes, begin: int, end: int) -> list[Place]:
    return [(begin, end)] if looks_secret(data[begin:end].decode(), is_id=True) else []


def _identifying(data: bytes, start: int, end: int) -> list[Place]:
    """Return the password of SQL's `IDENTIFIED BY`, if it is quoted or a user was named."""
    place = value(data, end)
    if place is None:
        return []
    before = data[max(0, start - 100) : start].lower()
    return [place] if data[place[0] - 1] in QUOTES or b"user " in before else []


def _values_of(name: _Name, data: bytes, start: int, end: int) -> list[Place]:
    """Return the values after a name at `start` whose sign ends at `end`."""
    sign = name.sign
    if not sign or sign in _IS_WORDS:
        place = _in_sentence(name, data, end if sign else end - 1, may_be_word=not sign)
        return [place] if place else []
    is_header = sign == b":" and name.plain.endswith(_LINE_NAMES)
    if name.kind < Kind.SECRET and not is_header and not _may_be_secret(data, end):
        return []
    word = _word.match(data, end)
    if (
        sign == b":"
        and not is_header
        and word
        and (word[1].lower() in _SENTENCE or _is_state(word[1]))
    ):
        return []
    if items := list_items(data, end):
        return [item for item in items if _is_secret_at(data, item, name)]
    if is_header:
        place = header_value(data, start, end)
    else:
        is_line = _begins_line(data, start, sign, end)
        place = value(data, end, is_line=is_line)
        if is_line and name.kind < Kind.SECRET and place and not _is_secret_at(data, place, name):
            place = value(data, end)  # Words follow it: "token: … expired".
        is_phrase = name.kind is Kind.SECRET and name.plain.endswith(_PHRASES)
        if place and is_phrase and data[place[0] - 1] not in QUOTES:
            place = place[0], max(place[1], end_of_words(data, place[0]))
    return [place] if place and _is_secret_at(data, place, name) else []


def _may_be_secret(data: bytes, begin: int) -> bool:
    """Return quickly whether the value at `begin` can be random at all."""
    word = _beginning.search(data[begin : begin + _SAMPLE])
    if word is None:
        return False
    return len(word[0]) < _SAMPLE or has_noise(word[0].decode())


def _is_state(word: bytes) -> bool:
    return word.decode().lower() in STATES


def _is_secret_at(data: bytes, place: Place, name: _Name) -> bool:
    found = data[slice(*place)].decode()
    if not found.strip("\x01"):
        return False
    if found[0] == "{" and data[place[0] - 1] not in QUOTES and not _is_in_braces(data, place):
        return False  # Its members have names of their own.
    is_bare = data[place[0] - 1] not in QUOTES and name.sign in (b"=", b":=", b":")
    plain = plain_name(found.rpartition(".")[2] if is_bare else found)
    is_code = b"." in data[slice(*place)] or (name.sign == b"=" and not name.name.isupper())
    is_named = is_code if is_bare else name.plain != plain
    if plain and is_named and name.plain.endswith(plain):
        return False  # In code: `self.password = user.password`, `GRANT_PASSWORD = "password"`.
    is_plural = name.plain.endswith("s") and name.sign == b":"
    if is_plural and (found.replace(" ", "").isalpha() or found.split()[0].isdigit()):
        return False  # "secrets: they are never stored", "passwords: 12"
    return is_secret(found, name.kind, name.plain)


def _is_in_braces(data: bytes, place: Place) -> bool:
    """Return whether a value of a connection string is in braces, as ODBC has it: `{a;b}`."""
    found = data[slice(*place)]
    return data[place[1] : place[1] + 1] == b";" and not any(sign in found for sign in b"=:\"'$")


def _in_sentence(name: _Name, data: bytes, begin: int, *, may_be_word: bool) -> Place | None:
    """Return the value in a sentence: "the password is 'x'", "token 'abc123'".

    There is none in "the password is wrong", nor in "token '}'".
    """
    place = value(data, begin)
    if place is None or data[place[0] : place[0] + 1] in (b"{", b"[", b"("):
        return None
    found = data[slice(*place)]
    if not is_secret(found.decode(), name.kind, name.plain) or _count.search(data[place[0] :]):
        return None
    is_quoted = data[place[0] - 1] in QUOTES and not may_be_word
    return place if is_quoted or looks_made_up(found) else None


def _bare_word(data: bytes, start: int, end: int) -> list[Place]:
    """Return the word after a name and white space, if it can only be the secret."""
    word = data[start:end].split()[-1]
    text = word.decode()
    if word.isdigit() or not any(48 <= char <= 57 for char in word) or is_id(text):
        return []
    return [] if describes_secret(text) else [(end - len(word), end)]


def _words_before(data: bytes, start: int) -> list[str]:
    """Return up to two words before a name, for names such as `API key`."""
    before = data[max(0, start - 40) : start]
    if not before.endswith((b" ", b"+", b"/")):
        return []
    line = before.decode().rstrip(" +/").rpartition("\n")[2]
    return [word for word in line.split(" ")[-2:] if word.isalpha()]


def _is_in_arn(data: bytes, start: int) -> bool:
    """Return whether the name at `start` is part of an ARN: `arn:…:secret:…`."""
    before = data[max(0, start - 100) : start]
    return before.endswith(b":") and _arn.search(before) is not None


def _begins_line(data: bytes, start: int, sign: bytes, end: int) -> bool:
    """Return whether an assignment is a line of its own, as in YAML or INI."""
    if sign not in (b":", b"=", b"=>", b":=") or data[end : end + 1] not in (b" ", b"\t"):
        return False
    before = data[max(0, start - 40) : start]
    line = max(before.rfind(b"\n"), before.rfind(b"\r"))
    if line < 0 and start > 40:
        return False
    words = before[line + 1 :].strip(b" \t-#*\"'>")
    return not words or words in (b"export", b"set", b"SET", b"let", b"const", b"var")
