"""Texts: the finders are applied to a text until they find no more secrets."""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
import re2

from auditlogs.redaction import addresses, chains, encodings, fix, literals, mnemonics, shapes
from auditlogs.redaction.assignments import Assignments
from auditlogs.redaction.commands import Commands
from auditlogs.redaction.folding import FILLER, View
from auditlogs.redaction.literals import opening
from auditlogs.redaction.marks import is_mark, is_rule, mark, masked
from auditlogs.redaction.markup import Markup
from auditlogs.redaction.names import Names
from auditlogs.redaction.patterns import Span, pattern
from auditlogs.redaction.private import PrivateKeys
from auditlogs.redaction.randomness import has_noise
from auditlogs.redaction.results import Results
from auditlogs.redaction.tables import Tables

MAX_IN_TEXT = 1_000
MAX_LEVELS = 48
_MAX_ROUNDS = 8
_MAX_EMBEDDED = 16
# No secret is shorter than the first, and no mnemonic shorter than the second.
_SHORTEST = 5
_SHORT = 24
# Names of tools, ids of agents and messages recur from entry to entry. Only texts without a secret
# are remembered.
_REMEMBERED = 64
_MAX_REMEMBERED = 16_384


class BadPattern(ValueError):
    """An operator's rule is invalid. The message has its name and the reason."""


class Texts:
    """Redacts texts. `inside` redacts the JSON within a text."""

    def __init__(self, names: Names, patterns: Mapping[str, str]) -> None:
        self._names = names
        self._assignments = Assignments(names)
        self._markup = Markup(names, self._assignments.name)
        self._tables = Tables(names, self._assignments.cores)
        self.commands = Commands(names, self._assignments.name)
        self._private_keys = PrivateKeys(names)
        self._patterns = [(rule, _compiled(rule, text)) for rule, text in patterns.items()]
        cores = self._assignments.cores
        # A text without a match has no secret. That is most texts, which need no other search.
        self._gate = pattern(
            rf"(?i){cores}|[a-z0-9+/_=-]{{16}}|/\\?/|[%@&\\\x00-\x08\x0b-\x1f\x7f]|bearer|basic|digest|ntlm|identified|securestring"
            r"|\binto\b|(?:[0-9]{1,3}|0x[0-9a-f]{2})[ ,;]+[0-9]{1,3}[ ,;x]"
            r"|^\s*[\[{\"]|(?:^|\s)-[pPauUw]|--user|\$[a-z0-9-]+\$|[0-9]:[a-z0-9_-]{30}|q~"
            r"|(?:[0-9]{2,5}|\*):[^\s:]+:[^\s:]+:|hexlify|wallet|import"
        )
        self.inside: Callable[[Any, int, Results], tuple[Any, int]]
        self._clean: dict[str, int] = {}

    def redact(self, text: str, level: int = 0, seen: Results | None = None) -> str:
        """Return the text without its secrets; if it has none, unchanged.

        `level` is how many texts it is nested in, `seen` the results for texts of the same entry.
        """
        if len(text) < _SHORTEST or is_mark(text):
            return text
        if level > MAX_LEVELS:
            return mark("too-deep")
        seen = Results() if seen is None else seen
        clean = seen.get(text)
        if clean is None:
            clean = self._searched(text, level, seen)
            # The result of the last round has no secret.
            seen[text] = seen[clean] = clean
        return clean

    def name(self, text: str, seen: Results) -> str:
        """Return the name of a key without its secrets."""
        if not self._patterns and _identifier.fullmatch(text) and not has_noise(text):
            return text
        return self.redact(text, 0, seen)

    def _searched(self, text: str, level: int, seen: Results) -> str:
        """Return the redacted text. Each entry pays for it alike, also if it is remembered."""
        cost = self._clean.get(text)
        if cost is not None:
            seen.spend(cost)
            return text
        before = seen.cost
        clean = text if self._is_plain(text) else self._rounds(text, level, seen)
        if clean == text and len(text) <= _REMEMBERED:
            if len(self._clean) >= _MAX_REMEMBERED:
                self._clean.clear()
            self._clean[text] = seen.cost - before
        return clean

    def _is_plain(self, text: str) -> bool:
        """Return quickly whether a text certainly has no secret, which is so for most."""
        if self._patterns or not text.isascii():
            return False
        data = text.encode()
        if _is_harmless(data):
            return True
        return len(text) < _SHORT and not self._gate.search(data)

    def _rounds(self, text: str, level: int, seen: Results) -> str:
        """Return the text, redacted until a round changes nothing."""
        is_read = False
        for _ in range(_MAX_ROUNDS):
            clean, is_read = self._once(text, level, seen, is_read=is_read)
            if clean == text:
                return text
            text = clean
            if is_mark(text):
                return text
        return mark("redactor-failed")

    def _once(self, text: str, level: int, seen: Results, *, is_read: bool) -> tuple[str, bool]:
        """Return the text after one round, and whether that redacted all objects in it.

        With `is_read` the round before did so, and they need not be read again.
        """
        view = View(text)
        data = view.data
        is_word = _one_word.fullmatch(data) is not None
        seen.spend(1 if is_word else 2)
        bare = masked(text)
        found = [*mnemonics.find(bare), *fix.find(bare)]
        if not text.isascii():
            in_view = mnemonics.find(data.decode())
            found += [(*view.span(start, end), rule) for start, end, rule in in_view]
        for rule, regexp in self._patterns:
            found += [(m.start(), m.end(), rule) for m in regexp.finditer(bare) if m[0]]
        if self._gate.search(data) and not _is_harmless(data):
            if not is_read and (clean := self._json(text, level, seen)) is not None:
                return clean
            for start, end, rule in self._in_view(data, is_word=is_word):
                if end > start and data[start:end].strip(FILLER):
                    found.append((*view.span(start, end), rule))
            # None of these overlap, and a text with more is replaced as a whole.
            found += islice(self._encoded(view, found, level, seen), MAX_IN_TEXT + 1)
        return (_replaced(text, found) if found else text), False

    def _in_view(self, data: bytes, *, is_word: bool) -> Iterator[Span]:
        for finder in self._finders(data, is_word=is_word):
            yield from islice(finder, MAX_IN_TEXT + 1)

    def _finders(self, data: bytes, *, is_word: bool) -> Iterator[Iterator[Span]]:
        """Yield the finders that a view needs. Of equal spans the first gives the rule."""
        # Only the finders of shapes can match a single word: all others need a sign or a space.
        has_run = _run.search(data) is not None
        if not is_word:
            yield shapes.authorizations(data)
            yield addresses.find(data, self._names)
        if has_run or b"BEGIN" in data:
            yield shapes.find(data)
        if has_run or b"," in data or b" " in data:
            yield chains.find(data)
            yield self._private_keys.find(data)
        if is_word:
            return
        if self._assignments.gate.search(data):
            yield self._assignments.find(data)
            yield self._tables.find(data)
            yield self._markup.find(data)
        yield self.commands.find(data)

    def _encoded(self, view: View, found: list[Span], level: int, seen: Results) -> Iterator[Span]:
        """Yield the encoded texts with secrets that overlap no span found so far."""
        taken = [(start, end) for start, end, _ in _merged(found)]
        for start, end, inner, rule in encodings.find(view):
            place = view.span(start, end)
            after = bisect_left(taken, (place[1], 0))
            if after and taken[after - 1][1] > place[0]:
                continue  # The next round decodes what is left of it.
            clean = self.redact(inner, level + 1, seen)
            if clean != inner and rule == encodings.PERCENT:
                replacement = encodings.encode(view.data[start:end], clean)
            elif clean != inner or (rule == "base64" and encodings.is_basic(inner)):
                replacement = rule
            else:
                continue
            taken.insert(after, place)
            yield *place, replacement

    def _json(self, text: str, level: int, seen: Results) -> tuple[str, bool] | None:
        """Return a text with the JSON in it redacted, and whether it has no other objects.

        If there is no secret in the JSON, return None.
        """
        first = text.lstrip()[:1]
        if first and first in '{["':
            try:
                value = msgspec.json.decode(text)
            except (ValueError, RecursionError):
                pass
            else:
                clean, number = self.inside(value, level + 1, seen)
                if number > MAX_IN_TEXT:
                    return mark("too-many"), True
                return (_written(clean), True) if number else None
        return self._embedded(text, level, seen)

    def _embedded(self, text: str, level: int, seen: Results) -> tuple[str, bool] | None:
        pieces, after, tries = [], 0, 0
        place = opening(text, 0)
        while place >= 0 and tries < _MAX_EMBEDDED:
            tries += 1
            try:
                value, end = _decoder.raw_decode(text, place)
            except (ValueError, RecursionError):
                place = opening(text, place + 1)
                continue
            clean, number = self.inside(value, level + 1, seen)
            if number:
                pieces += [text[after:place], _written(clean)]
                after = end
            place = opening(text, end)
        if pieces:
            return "".join([*pieces, text[after:]]), False
        is_command = "'-" in text or '"-' in text
        if tries and (
            is_command or "kty" in text or self._assignments.gate.search(View(text).data)
        ):
            seen.spend(2)
            clean = literals.redacted(text, lambda value: self.inside(value, level + 1, seen))
            return (clean, True) if clean is not None else None
        return None


# The most frequent harmless texts that the gate matches: UUIDs, times, names in camel case, short
# ids, and hexadecimal digits that encode no text, because too many bytes are not ASCII.
_harmless = pattern(
    r"^(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9T:.+Z -]{1,40}"
    r"|[a-z]+(?:[A-Z][a-z]+){0,5}[0-9]{0,5}|[a-z0-9_.-]{1,14}|[a-z]{2,5}_[0-9A-Z]{1,26}"
    r"|(?:0x)?(?:(?:[0-9a-fA-F]{2})*[89a-fA-F][0-9a-fA-F]){4}(?:[0-9a-fA-F]{2})*)$"
)


def _is_harmless(data: bytes) -> bool:
    # 128 digits may be a key pair, 96 and 100 a key in DER.
    return len(data) not in (96, 100, 128, 130) and _harmless.search(data) is not None


_one_word = re.compile(rb"[\w.-]*")
_identifier = re.compile(r"[A-Za-z0-9_.-]{1,40}")
# No vendor's key is shorter, nor the first line of a private key, nor the URL of a webhook.
_run = pattern(r"[0-9A-Za-z+/_=.:-]{13}")
_decoder = json.JSONDecoder()


def _written(value: Any) -> str:
    """Return compact JSON. Lone surrogates, which UTF-8 cannot encode, stay escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def _merged(found: list[Span]) -> list[list[Any]]:
    """Return the spans in order; overlapping ones become one, with the rule of the first."""
    found.sort(key=lambda span: (span[0], -span[1]))
    merged: list[list[Any]] = []
    for start, end, rule in found:
        if merged and start < merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end, rule])
    return merged


def _replaced(text: str, found: list[Span]) -> str:
    """Return the text with each span replaced by the mark of its rule.

    A rule that is no valid name of one is the replacement itself.
    """
    merged = _merged(found)
    if len(merged) > MAX_IN_TEXT:
        return mark("too-many")
    pieces, after = [], 0
    for start, end, rule in merged:
        pieces += [text[after:start], mark(rule) if is_rule(rule) else rule]
        after = end
    return "".join([*pieces, text[after:]])


def _compiled(rule: str, text: str) -> re2._Regexp:
    if not is_rule(rule):
        raise BadPattern(f"{rule!r}: a rule's name is 1 to 40 of a-z, 0-9 and -")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        detail = reason.decode() if isinstance(reason, bytes) else reason
        raise BadPattern(f"{rule}: RE2 refuses the pattern: {detail}") from error
