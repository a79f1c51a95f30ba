"""Redaction: what is a secret by its key's name or by its shape is replaced before it is stored,
spooled, logged or sent, by a mark that says by which rule and nothing of the secret.

It needs neither Django nor the database, so that a client redacts as the log does.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditlogs.entry.schema import Redaction
from auditlogs.redaction.marks import mark, rules_in
from auditlogs.redaction.names import Names, is_secret_name
from auditlogs.redaction.texts import BadPattern, Texts
from auditlogs.redaction.walk import OBJECTS, Keys, Walk

__all__ = ["BadPattern", "Redactor", "is_secret_name", "mark"]

MAX_REDACTIONS = 1_000
MAX_PATHS = 65_536
# Where a text is cut there may be half a secret, which has no shape: so much is read beyond.
MARGIN = 8_192
_MAX_ROUNDS = 4


class Redactor:
    """Redacts entries and texts, by the known rules and an operator's own.

    `names` are names of keys whose value is a secret. `patterns` are shapes of secrets: the name
    of a rule (1 to 40 of a-z, 0-9 and -), then a pattern in RE2's syntax. Raises BadPattern for a
    rule whose name or pattern cannot be.
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

        The entry is a JSON object under its API names, whatever its fields hold. Paths are JSON
        Pointers (RFC 6901) from it. Marks that were there before are listed too, so that an
        entry redacted twice is the same entry. A field with more than 1,000 secrets, or with
        64 KiB of paths to them, is replaced whole. Fields that are objects, or a list of them,
        stay so: only texts in them are replaced. Never raises.
        """
        try:
            clean, has_marks = self._walked(entry)
        except Exception:  # noqa: BLE001 - a fault here must neither lose nor leak an entry
            fields = [self._field(name, value) for name, value in entry.items()]
            clean, has_marks = {name: value for field in fields for name, value in field}, True
        redactions: list[Redaction] = []
        for name, value in clean.items() if has_marks else ():
            if name == "payload" and isinstance(value, str) and isinstance(entry[name], dict):
                clean[name] = {"redaction": value}
            found = _listed({name: clean[name]})
            if found is None:
                clean[name] = _replacement(name, "too-many")
                found = _listed({name: clean[name]}) or []
            redactions += found
        return clean, redactions

    def text(self, text: str) -> str:
        """Return a line of free text without its secrets, told by their shape. Never raises."""
        try:
            return self._texts.redact(text)
        except Exception:  # noqa: BLE001 - a fault here must not leak a secret
            return mark("redactor-failed")

    def beginning(self, text: str, length: int) -> str:
        """Return up to `length` characters of the beginning of a text without its secrets, nor any
        part of one that goes on beyond. Never raises."""
        read = text[: length + MARGIN]
        clean = self.text(read)
        return (clean if read == text else clean[:-MARGIN])[:length]

    def _field(self, name: Any, value: Any) -> Iterable[tuple[Any, Any]]:
        try:
            return self._walked({name: value})[0].items()
        except Exception:  # noqa: BLE001 - as above
            if name in OBJECTS:
                return [(name, self._part(value))]
            return [(self.text(str(name)), _replacement(name, "redactor-failed"))]

    def _part(self, part: Any) -> Any:
        """Return a part of a field that stays an object, where it could not be walked through."""
        if isinstance(part, dict):
            return {self.text(str(key)): self._part(item) for key, item in part.items()}
        if isinstance(part, list | tuple):
            return [self._part(item) for item in part]
        return self.text(part) if isinstance(part, str) else part

    def _walked(self, value: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Return an object redacted until a walk finds nothing more, and whether it has marks."""
        clean = value
        seen: dict[str, str] = {}
        for _ in range(_MAX_ROUNDS):
            walk = Walk(self._keys, seen)
            clean = walk.object(clean)
            if not walk.changed:
                return clean, walk.has_marks
        raise RuntimeError("redaction does not come to an end")

    def _inside(self, value: Any, level: int, seen: dict[str, str]) -> tuple[Any, int]:
        """Return the redacted copy of JSON that a text holds, and in how many places it differs."""
        walk = Walk(self._keys, seen)
        return walk.value(value, level), walk.changed


def _replacement(name: str, rule: str) -> Any:
    """Return the replacement of a whole field."""
    return {"redaction": mark(rule)} if name == "payload" else mark(rule)


def _listed(value: dict[str, Any]) -> list[Redaction] | None:
    """Return the marks in a value with their paths, or None if they are too many."""
    found: list[Redaction] = []
    length = 0
    for path, text in _texts_of(value, ""):
        for rule in rules_in(text):
            found.append(Redaction(path=path, rule=rule))
            length += len(path)
            if len(found) > MAX_REDACTIONS or length > MAX_PATHS:
                return None
    return found


def _texts_of(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield every text in a value, keys too, after the JSON Pointer to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            name = str(key)
            place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
            yield place, name
            yield from _texts_of(item, place)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _texts_of(item, f"{path}/{i}")
