"""Redaction: secrets are replaced by marks before an entry is stored, spooled, logged or sent.

A secret is recognised by the name of its key, by a name near it, or by its shape. A mark,
`[REDACTED:rule]`, names the rule that matched and reveals nothing of the secret. The package needs
neither Django nor the database, so that a client can redact in its own process.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from auditlogs.entry.schema import Redaction
from auditlogs.redaction.forks import redactions
from auditlogs.redaction.marks import RULES, mark, rules_in, whole_field
from auditlogs.redaction.names import Names, is_secret_name
from auditlogs.redaction.results import Results
from auditlogs.redaction.texts import BadPattern, Texts
from auditlogs.redaction.walk import MAX_MARKS, OBJECTS, Keys, Walk

__all__ = ["RULES", "BadPattern", "Redactor", "is_secret_name", "mark"]

MAX_PATHS = 65_536
# A cut may leave half a secret, which no pattern matches, so this much more of a text is read.
MARGIN = 8_192
_MAX_ROUNDS = 4


class Redactor:
    """Redacts entries and texts, by the built-in rules and an operator's own.

    `names` are additional names of keys whose value is a secret. `patterns` maps the name of a
    rule (1 to 40 of a-z, 0-9 and -) to a pattern in RE2's syntax. Raises BadPattern if the name
    or the pattern of a rule is invalid.
    """

    def __init__(
        self, names: Iterable[str] = (), patterns: Mapping[str, str] | None = None
    ) -> None:
        known = Names(names)
        self._texts = Texts(known, patterns or {})
        self._texts.inside = self._inside
        self._keys = Keys(known, self._texts)

    def entry(self, entry: dict[str, Any]) -> tuple[dict[str, Any], list[Redaction]]:
        """Return a redacted copy of an entry, and what was replaced, in reading order.

        The entry is a JSON object under its API names, with values of any type. Paths are JSON
        Pointers (RFC 6901) from its root. Marks that the entry already had are listed too, so that
        redacting an entry twice gives the same entry. A field with more than 1,000 secrets, with
        64 KiB of paths to them, or with thousands of texts to search, is replaced whole. Fields
        that are objects, or a list of them, stay so: only texts in them are replaced. Never raises.
        """
        with redactions:
            return self._entry(entry)

    def text(self, text: str) -> str:
        """Return a text without the secrets in it. Never raises."""
        with redactions:
            return self._text(text)

    def beginning(self, text: str, length: int) -> str:
        """Return the first `length` characters of a text without its secrets.

        A secret that extends beyond `length` leaves no part of itself. Never raises.
        """
        read = text[: length + MARGIN]
        clean = self.text(read)
        return (clean if read == text else clean[:-MARGIN])[:length]

    def _entry(self, entry: dict[str, Any]) -> tuple[dict[str, Any], list[Redaction]]:
        try:
            clean, has_marks = self._walked(entry)
        except Exception:  # noqa: BLE001 - a fault here must neither lose nor leak an entry
            fields = [self._field(name, value) for name, value in entry.items()]
            clean, has_marks = {name: value for field in fields for name, value in field}, True
        marks: list[Redaction] = []
        for name, value in clean.items() if has_marks else ():
            if name == "payload" and isinstance(value, str) and isinstance(entry[name], dict):
                clean[name] = {"redaction": value}
            found = _listed({name: clean[name]})
            if found is None:
                clean[name] = whole_field(name, "too-many")
                found = _listed({name: clean[name]}) or []
            marks += found
        return clean, marks

    def _text(self, text: str) -> str:
        try:
            return self._texts.redact(text)
        except Exception:  # noqa: BLE001 - a fault here must not leak a secret
            return mark("redactor-failed")

    def _field(self, name: Any, value: Any) -> Iterable[tuple[Any, Any]]:
        try:
            return self._walked({name: value})[0].items()
        except Exception:  # noqa: BLE001 - as above
            if name in OBJECTS:
                return [(name, self._part(value))]
            return [(self._text(str(name)), whole_field(name, "redactor-failed"))]

    def _part(self, part: Any) -> Any:
        """Return a part of a field that stays an object, where it could not be walked through."""
        if isinstance(part, dict):
            return {self._text(str(key)): self._part(item) for key, item in part.items()}
        if isinstance(part, list | tuple):
            return [self._part(item) for item in part]
        return self._text(part) if isinstance(part, str) else part

    def _walked(self, value: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Return an object, redacted until a walk changes nothing, and whether it has marks."""
        clean = value
        seen = Results()
        for _ in range(_MAX_ROUNDS):
            walk = Walk(self._keys, seen)
            clean = walk.object(clean)
            if not walk.changed:
                return clean, walk.has_marks
        raise RuntimeError("redaction changes its own result every time")

    def _inside(self, value: Any, level: int, seen: Results) -> tuple[Any, int]:
        """Return JSON within a text, redacted until a walk changes nothing.

        The number is that of the replacements in the walk that changed the most.
        """
        number = 0
        for _ in range(_MAX_ROUNDS):
            walk = Walk(self._keys, seen)
            value = walk.value(value, level)
            if not walk.changed:
                return value, number
            number = max(number, walk.changed)
        return mark("redactor-failed"), number


def _listed(value: dict[str, Any]) -> list[Redaction] | None:
    """Return the marks in a value with their paths, None if there are too many."""
    marks = _Marks()
    try:
        marks.add(value, "")
    except OverflowError:
        return None
    return marks.found


class _Marks:
    """The marks in a value, the keys of its objects too, in reading order."""

    def __init__(self) -> None:
        self.found: list[Redaction] = []
        self._length = 0

    def add(self, value: Any, path: str) -> None:
        """Add the marks of a value, whose JSON Pointer is `path`.

        Raises OverflowError if they are too many.
        """
        if isinstance(value, str):
            if "[REDACTED:" in value:
                self._add(value, path)
        elif isinstance(value, dict):
            for key, item in value.items():
                name = str(key)
                place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
                self.add(name, place)
                self.add(item, place)
        elif isinstance(value, list | tuple):
            for i, item in enumerate(value):
                self.add(item, f"{path}/{i}")

    def _add(self, text: str, path: str) -> None:
        for rule in rules_in(text):
            self.found.append(Redaction(path=path, rule=rule))
            self._length += len(path)
            if len(self.found) > MAX_MARKS or self._length > MAX_PATHS:
                raise OverflowError
