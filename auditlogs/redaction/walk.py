"""The walk through JSON: secrets are told by the name of their key, by place and by shape."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from auditlogs.redaction import keypairs, mnemonics
from auditlogs.redaction.marks import is_mark, mark, masked, without_marks
from auditlogs.redaction.names import REMEMBERED, Names, is_signature_name, plain_name
from auditlogs.redaction.shapes import looks_random
from auditlogs.redaction.texts import MAX_LEVELS, Texts

RULE = "key-name"
MAX_DEPTH = 64

_NAMERS = frozenset(
    """
    name key field header headername param parameter setting property variable attribute var k
    option label column path id env type question prompt tokentype fieldname keyname envvar config
    """.split()
)
_VALUES = frozenset(
    """
    value val values v from to old new before after previous current default defaultvalue content
    text data oldvalue newvalue stringvalue secretstring plaintext raw original updated actual
    expected was now input set answer response reply argument arg
    """.split()
)
# Types that are kinds of things as often as kinds of secrets.
_KINDS = frozenset(("token", "auth", "seed", "pin", "cookie"))
_COLUMNS = frozenset(("columns", "fields", "headers", "header", "names", "keys", "cols"))
_ROWS = frozenset(("rows", "values", "data", "records", "row", "items"))
_HEADERS = frozenset(
    """
    authorization proxyauthorization cookie setcookie xapikey apikey xauthtoken xaccesstoken
    xcsrftoken xamzsecuritytoken xgitlabtoken xvaulttoken accesstoken refreshtoken
    """.split()
)


class Key:
    """What the walk asks about a key."""

    __slots__ = ("is_secret", "is_signature", "plain", "shown")

    def __init__(self, name: str, names: Names, texts: Texts) -> None:
        self.plain = plain_name(name) if len(name) <= REMEMBERED else ""
        self.is_secret = names.is_secret(without_marks(name))
        self.is_signature = is_signature_name(name)
        # A longer one is read by the walk, which knows where it stands.
        self.shown = texts.redact(name) if len(name) <= REMEMBERED else name


class Keys:
    """The keys of entries, which come again from entry to entry."""

    def __init__(self, names: Names, texts: Texts) -> None:
        self.names = names
        self.texts = texts
        self._remembered = lru_cache(maxsize=16_384)(self._read)

    def __getitem__(self, key: Any) -> Key:
        name = key if isinstance(key, str) else str(key)
        return self._remembered(name) if len(name) <= REMEMBERED else self._read(name)

    def _read(self, name: str) -> Key:
        return Key(name, self.names, self.texts)


class Walk:
    """One walk through a value, which remembers the texts it has seen.

    `changed` counts what was replaced, `has_marks` that a mark is in what came out.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._names = keys.names
        self._texts = keys.texts
        self._seen: dict[tuple[str, bool], str] = {}
        self.changed = 0
        self.has_marks = False

    def value(self, value: Any, level: int = 0, *, is_signature: bool = False) -> Any:
        """Return the value without its secrets, as a copy."""
        if isinstance(value, str):
            return self._text(value, level, is_signature)
        if isinstance(value, dict):
            if rule := self._rule_of_whole(value):
                return self._marked(rule)
            return self._deep(level) or self.object(value, level, is_signature=is_signature)
        if isinstance(value, list | tuple):
            return self._deep(level) or self._list(value, level, is_signature)
        return value

    def _deep(self, level: int) -> str | None:
        return self._marked("too-deep") if level > MAX_DEPTH else None

    def _marked(self, rule: str) -> str:
        self.changed += 1
        self.has_marks = True
        return mark(rule)

    def _secret(self, value: Any) -> Any:
        """Return what stands for a value under a secret's name."""
        if is_mark(value):
            self.has_marks = True
            return value
        return None if value is None else self._marked(RULE)

    def _text(self, text: str, level: int, is_signature: bool) -> str:
        known = self._seen.get((text, is_signature))
        if known is None:
            known = self._texts.redact(text, min(level, MAX_LEVELS), is_signature=is_signature)
            self._seen[text, is_signature] = known
        if "[REDACTED:" in known:
            self.has_marks = True
            self.changed += known != text
        return known

    def object(
        self, value: dict[Any, Any], level: int = 0, *, is_signature: bool = False
    ) -> dict[Any, Any]:
        """Return the object without the secrets in it, as a copy."""
        keys = [(key, self._keys[key]) for key in value]
        named = self._named(value, keys)
        columns = self._columns(value, keys)
        partners = _partners({known.plain for _, known in keys})
        clean: dict[Any, Any] = {}
        numbers: dict[Any, int] = {}
        for key, known in keys:
            item = value[key]
            if known.is_secret or (named and known.plain in _VALUES) or known.plain in partners:
                shown = self._secret(item)
            elif columns and known.plain in _ROWS and isinstance(item, list | tuple):
                shown = self._rows(item, columns, level)
            else:
                shown = self.value(item, level + 1, is_signature=known.is_signature)
            name = known.shown
            if not isinstance(key, str):
                name = key
            elif len(key) > REMEMBERED:
                name = self._text(key, level, is_signature)
            elif "[REDACTED:" in name:
                self.has_marks = True
                self.changed += name != key
            clean[self._unlike(name, clean, numbers)] = shown
        return clean

    def _unlike(self, name: Any, others: dict[Any, Any], numbers: dict[Any, int]) -> Any:
        """Return a name for a key that none of the others has."""
        unlike = name
        while unlike in others:
            self.changed += 1
            numbers[name] = numbers.get(name, 1) + 1
            unlike = f"{name} ({numbers[name]})"
        return unlike

    def _named(self, value: dict[Any, Any], keys: list[tuple[Any, Key]]) -> bool:
        """Tell whether an object names, in one of its values, a secret that others hold."""
        return any(key.plain in _VALUES for _, key in keys) and any(
            known.plain in _NAMERS
            and isinstance(value[key], str)
            and len(value[key]) <= 200
            and self._names.is_secret(value[key])
            and not (known.plain == "type" and value[key].lower() in _KINDS)
            for key, known in keys
        )

    def _columns(self, value: dict[Any, Any], keys: list[tuple[Any, Key]]) -> set[int]:
        """Return which columns of a table hold secrets."""
        for key, known in keys:
            item = value[key]
            if known.plain in _COLUMNS and isinstance(item, list | tuple):
                return {
                    i
                    for i, name in enumerate(item)
                    if isinstance(name, str) and self._names.is_secret(name)
                }
        return set()

    def _rows(self, rows: Sequence[Any], columns: set[int], level: int) -> list[Any]:
        if not any(isinstance(row, list | tuple) for row in rows):
            return self._row(rows, columns, level)
        return [
            self._row(row, columns, level + 1)
            if isinstance(row, list | tuple)
            else self.value(row, level + 1)
            for row in rows
        ]

    def _row(self, row: Sequence[Any], columns: set[int], level: int) -> list[Any]:
        return [
            self._secret(item) if i in columns else self.value(item, level + 2)
            for i, item in enumerate(row)
        ]

    def _list(self, value: Sequence[Any], level: int, is_signature: bool) -> Any:
        if rule := self._rule_of_whole(value):
            return self._marked(rule)
        if columns := self._heading(value):
            return [value[0], *self._rows(value[1:], columns, level)]
        if value and all(_is_pair(item) for item in value):
            return [self._pair(item, level + 1) for item in value]
        clean = []
        before: Any = None
        for i, item in enumerate(value):
            if isinstance(before, str) and self._announces(before, item, i, value):
                clean.append(self._secret(item))
            else:
                clean.append(self.value(item, level + 1, is_signature=is_signature))
            before = item
        return clean

    def _heading(self, value: Sequence[Any]) -> set[int]:
        """Return the columns of secrets in a list whose first row names its columns."""
        if len(value) < 2 or not all(
            isinstance(row, list | tuple) and len(row) == len(value[0]) for row in value
        ):
            return set()
        first = value[0]
        if not all(isinstance(name, str) and len(name) <= 100 for name in first):
            return set()
        columns = {i for i, name in enumerate(first) if self._names.is_secret(name)}
        return set() if len(first) <= 2 and 0 in columns else columns

    def _pair(self, pair: Sequence[Any], level: int) -> list[Any]:
        if self._names.is_secret(pair[0]):
            return [self.value(pair[0], level), self._secret(pair[1])]
        return [self.value(item, level + 1) for item in pair]

    def _announces(self, before: str, item: Any, i: int, value: Sequence[Any]) -> bool:
        """Tell whether an element says that the next one is a secret: a flag, a header's name."""
        if len(before) > 200:
            return False
        if before[:1] == "-":
            if before in ("-u", "--user", "--proxy-user"):
                return isinstance(item, str) and ":" in item
            is_flag = isinstance(item, str) and item[:2] == "--"
            return "=" not in before and not is_flag and self._names.is_secret(before)
        if i % 2 == 0 or len(value) % 2 or not self._names.is_secret(before):
            return False
        if isinstance(item, str) and self._names.is_secret(item):
            return False
        if plain_name(before) in _HEADERS or "-" in before:
            return True
        return isinstance(item, str) and (
            looks_random(item.encode("utf-8", "replace")) or not item.isalpha()
        )

    def _rule_of_whole(self, value: dict[Any, Any] | Sequence[Any]) -> str | None:
        """Return the rule by which a container is a secret as a whole."""
        if len(value) < 2:
            return None
        items = list(value.values()) if isinstance(value, dict) else value
        if isinstance(value, dict) and len(value) == 2 and "data" in value:
            data = value["data"]
            if value.get("type") == "Buffer" and isinstance(data, list | tuple):
                return self._rule_of_bytes(data)
        if type(items[0]) is int:
            return self._rule_of_bytes(items)
        if isinstance(items[0], str | dict | list | tuple):
            texts = [masked(text) for text in _strings(items)]
            if mnemonics.is_split(texts):
                return mnemonics.RULE
        return None

    def _rule_of_bytes(self, items: Sequence[Any]) -> str | None:
        if keypairs.is_key_of_bytes(items):
            return keypairs.RULE
        if len(items) >= 8 and all(type(item) is int and 9 <= item <= 126 for item in items):
            text = bytes(items).decode()
            if self._texts.redact(text) != text:
                return "bytes"
        return None


def _partners(names: set[str]) -> set[str]:
    """Return the names that are a secret's beside these others: `user` and `pass`."""
    secret = set()
    if "pass" in names and names & {"user", "username", "login", "email", "account", "uid"}:
        secret.add("pass")
    if "key" in names and names & {"secret", "apisecret", "passphrase"}:
        secret.add("key")
    return secret


def _is_pair(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)


def _strings(items: Sequence[Any]) -> Iterator[str]:
    """Yield the texts directly in a list, and those directly in its objects and lists."""
    for item in items:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from (inner for inner in item.values() if isinstance(inner, str))
        elif isinstance(item, list | tuple):
            yield from (inner for inner in item if isinstance(inner, str))
