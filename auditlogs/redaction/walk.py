"""The walk through JSON: finds secrets by the names of keys, by position and by shape."""

import copy
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, NamedTuple

from auditlogs.redaction import chains, fix, mnemonics, private
from auditlogs.redaction.judging import is_secret
from auditlogs.redaction.marks import is_mark, mark, whole_field, without_marks
from auditlogs.redaction.names import REMEMBERED, Kind, Names, plain_name
from auditlogs.redaction.randomness import is_random
from auditlogs.redaction.results import MAX_COST, Results, TooManyError
from auditlogs.redaction.texts import MAX_LEVELS, Texts

RULE = "key-name"
# A field of an entry with more marks is replaced as a whole.
MAX_MARKS = 1_000
MAX_DEPTH = 64

# The fields of an entry that keep their shape, whatever is in them.
OBJECTS = frozenset(("actor", "target", "decision", "onBehalfOf", "agent", "approval"))
_NAMERS = frozenset(
    """
    name key field header headername param parameter setting property variable attribute var k
    option label column path id env type question prompt tokentype fieldname keyname envvar config
    argument arg loc parameterkey parametername variablename settingname attributename propertyname
    optionname itemname
    """.split()
)
_NAMER_ENDINGS = ("property", "field", "attribute", "setting", "parameter", "variable")
_VALUES = frozenset(
    """
    value val values v from to old new before after previous current default defaultvalue content
    text data oldvalue newvalue stringvalue secretstring plaintext raw original updated actual
    expected was now input set answer response reply hash salt string got received
    parametervalue variablevalue settingvalue attributevalue propertyvalue fieldvalue optionvalue
    """.split()
)
_KUBERNETES = frozenset(("data", "stringdata"))
_ARGUMENTS = frozenset("params args arguments parameters".split())
_COLUMNS = frozenset(("columns", "fields", "headers", "header", "names", "keys", "cols"))
_ROWS = frozenset(("rows", "values", "data", "records", "row", "items"))
# The members of a JSON Web Key that are private, by its type (RFC 7518, RFC 8037).
_JWK = {
    "okp": frozenset("d"),
    "ec": frozenset("d"),
    "akp": frozenset(("priv",)),
    "oct": frozenset("k"),
    "rsa": frozenset(("d", "p", "q", "dp", "dq", "qi", "oth")),
}
_PARTNERS = (
    ("pass", frozenset("user username login email account uid host".split())),
    ("key", frozenset("secret apisecret passphrase".split())),
    ("secretid", frozenset(("roleid",))),
    # Of a wallet's key file: the encrypted private key.
    ("ciphertext", frozenset(("kdf", "kdfparams"))),
)
# Names of lists of numbers that are the bytes of a secret.
_secret_bytes = re.compile(
    r"(?i)priv|secret|seed|key[ _-]?pair|signing[ _-]?key|\b[ps]k\b|mnemonic"
)
# Names of fields, permissions and tools. Short passwords of words match too.
_name_like = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_:.*/ -]+[A-Za-z0-9]+)*\*?|\*")
# Code that calls something: `wallet = Keypair.from_secret('…')`.
_call = re.compile(
    r"(?:[\w.]+\s*=\s*)?(?:(?:new|await|return)\s+)?[A-Za-z_][\w.]*\(.*\)[;.\w()]*", re.DOTALL
)
_HEADERS = frozenset("authorization proxyauthorization cookie setcookie".split())
# Lists with these names contain secrets, or only names of secrets.
_LISTS_OF_NAMES = ("secrets", "credentials", "creds", "keys", "tokens")


class Key:
    """The properties of a key that the walk needs."""

    __slots__ = ("cost", "is_namer", "kind", "plain", "says_private", "shown")

    def __init__(self, name: str, names: Names, texts: Texts) -> None:
        self.plain = plain_name(name) if len(name) <= REMEMBERED else ""
        self.kind = names.kind(without_marks(name))
        self.is_namer = self.plain in _NAMERS or self.plain.endswith(_NAMER_ENDINGS)
        results = Results()
        # A longer name is redacted by the walk, which knows its level.
        self.shown = texts.name(name, results) if len(name) <= REMEMBERED else name
        # What it means is searched too.
        self.cost = 2 * results.cost
        self.says_private = self.kind is Kind.SECRET or (
            self.kind is not Kind.PUBLIC and _secret_bytes.search(name) is not None
        )

    def of_kind(self, kind: Kind) -> "Key":
        """Return a copy of the key that says this of its value, beside certain other keys."""
        other = copy.copy(self)
        other.kind = kind
        return other


_NO_COLUMNS: Mapping[int, Key] = {}
# Objects with more keys hardly ever recur.
_MAX_KEYS = 32
_MAX_SHAPES = 2_048


class _Around(NamedTuple):
    """The context of the members of an object: its own key, names in it, and its type."""

    parent: Key | None = None
    namer: Key | None = None
    columns: Mapping[int, Key] = _NO_COLUMNS
    partners: Set[str] = frozenset()
    is_kubernetes: bool = False


_NOTHING_AROUND = _Around()


class _Shape(NamedTuple):
    """Properties of an object that follow from its keys alone, so that they can be cached."""

    keys: tuple[Key, ...]
    cost: int
    partners: Set[str]
    may_name_value: bool
    may_have_columns: bool
    may_be_kubernetes: bool
    may_be_jwk: bool
    is_special: bool


class Keys:
    """Caches keys and shapes of objects, which recur from entry to entry."""

    def __init__(self, names: Names, texts: Texts) -> None:
        self.names = names
        self.texts = texts
        self._remembered = lru_cache(maxsize=16_384)(self._read)
        # Only objects whose keys are short texts: `1` and `True` would be the same key as `1.0`.
        self._shapes: dict[tuple[Any, ...], _Shape] = {}

    def shape(self, value: dict[Any, Any]) -> _Shape:
        """Return the shape of an object."""
        keys = tuple(value)
        if found := self._shapes.get(keys):
            return found
        shape = self._shape(keys)
        if len(keys) <= _MAX_KEYS and all(
            type(key) is str and len(key) <= REMEMBERED for key in keys
        ):
            if len(self._shapes) >= _MAX_SHAPES:
                self._shapes.clear()
            self._shapes[keys] = shape
        return shape

    def _shape(self, names: tuple[Any, ...]) -> _Shape:
        keys = tuple(self[name] for name in names)
        plains = {key.plain for key in keys}
        if {"sid", "effect"} <= plains:
            # A statement of a policy, and its name.
            keys = tuple(key.of_kind(Kind.PLAIN) if key.plain == "sid" else key for key in keys)
        if not fix.TAGS.isdisjoint(plains) and not fix.NEIGHBOURS.isdisjoint(plains):
            keys = tuple(key.of_kind(Kind.SECRET) if key.plain in fix.TAGS else key for key in keys)
        may = (
            not plains.isdisjoint(_VALUES | _ARGUMENTS),
            not plains.isdisjoint(_COLUMNS),
            "kind" in names and not plains.isdisjoint(_KUBERNETES),
            "kty" in names,
        )
        partners = _partners(plains)
        cost = sum(key.cost for key in keys)
        return _Shape(keys, cost, partners, *may, is_special=bool(partners) or any(may))

    def __getitem__(self, key: Any) -> Key:
        name = key if isinstance(key, str) else str(key)
        return self._remembered(name) if len(name) <= REMEMBERED else self._read(name)

    def _read(self, name: str) -> Key:
        return Key(name, self.names, self.texts)


class Walk:
    """One walk through a value.

    `changed` is the number of replacements, `has_marks` whether the result contains marks.
    """

    def __init__(self, keys: Keys, seen: Results | None = None) -> None:
        self._keys = keys
        self._names = keys.names
        self._texts = keys.texts
        # The results for the texts of the entry, in this walk and in earlier ones.
        self.seen = Results() if seen is None else seen
        self.changed = 0
        self.has_marks = False
        # The marks that may yet be made in a field of the entry; in the JSON in a text any number.
        self._left = math.inf

    def value(self, value: Any, level: int = 0, parent: Key | None = None) -> Any:
        """Return the value without its secrets, as a copy. `parent` is its key."""
        if isinstance(value, str):
            return self._text(value, level)
        if isinstance(value, dict):
            if rule := self._rule_of_whole(value, parent):
                return self._marked(rule)
            return self._deep(level) or self.object(value, level)
        if isinstance(value, list | tuple):
            return self._deep(level) or self._list(value, level, parent)
        return value

    def _deep(self, level: int) -> str | None:
        return self._marked("too-deep") if level > MAX_DEPTH else None

    def _marked(self, rule: str) -> str:
        self._change()
        return mark(rule)

    def _change(self) -> None:
        """Count a replacement by a mark."""
        self.changed += 1
        self.has_marks = True
        self._left -= 1
        if self._left < 0:
            raise TooManyError

    def _text(self, text: str, level: int) -> str:
        clean = self._texts.redact(text, min(level, MAX_LEVELS), self.seen)
        if "[REDACTED:" in clean:
            self.has_marks = True
            if clean != text:
                self._change()
        return clean

    def _under(self, value: Any, key: Key, level: int) -> Any:
        """Return the redacted value under a name that is, or may be, that of a secret."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            if is_mark(value):
                self.has_marks = True
                return value
            if is_secret(value, key.kind, key.plain):
                return self._within_code(value, key, level) or self._marked(RULE)
            return self._text(value, level)
        if isinstance(value, dict):
            if rule := self._rule_of_whole(value, key):
                return self._marked(rule)
            return self._deep(level) or self.object(value, level, key)
        if isinstance(value, list | tuple):
            return self._deep(level) or self._items(value, key, level)
        # A number under a plural is a count; under an ambiguous name it may be a sampling seed.
        if key.kind is Kind.SECRET and not key.plain.endswith("s"):
            return self._marked(RULE)
        return value

    def _within_code(self, value: str, key: Key, level: int) -> str | None:
        """Return code without the secrets in it, None where the whole value may be the secret.

        The value of `code` or `key` may be a call, and its name matters to an investigation.
        """
        if key.kind is Kind.SECRET or not _call.fullmatch(value):
            return None
        clean = self._texts.redact(value, min(level, MAX_LEVELS), self.seen)
        rest = without_marks(clean)
        return (
            None
            if rest == value or is_secret(rest, key.kind, key.plain)
            else self._text(value, level)
        )

    def _items(self, items: Sequence[Any], key: Key, level: int) -> Any:
        """Return the redacted list under a name that is, or may be, that of a secret."""
        if rule := self._rule_of_whole(items, key):
            return self._marked(rule)
        if (
            key.kind is Kind.SECRET
            and len(items) >= 16
            and all(type(item) is int for item in items)
        ):
            return self._marked(RULE)
        is_names = key.plain.endswith(_LISTS_OF_NAMES) and all(map(_is_name, items))
        if is_names or any(isinstance(item, str) and item[:1] == "-" for item in items):
            return self._list(items, level, key)
        return [self._under(item, key, level + 1) for item in items]

    def object(
        self, value: dict[Any, Any], level: int = 0, parent: Key | None = None
    ) -> dict[Any, Any]:
        """Return the object without the secrets in it, as a copy.

        `parent` is its key, if that is the name of a secret.
        """
        shape = self._keys.shape(value)
        if shape.cost:
            self._count_names(value, shape.keys)
        around = self._around(value, shape, parent)
        clean: dict[Any, Any] = {}
        numbers: dict[Any, int] = {}
        for (key, item), known in zip(value.items(), shape.keys, strict=True):
            if level == 0:
                shown: Any = self._field(key, item, known, around)
            elif around is _NOTHING_AROUND and known.kind < Kind.TOKEN:
                shown = self.value(item, level + 1, known)
            else:
                shown = self._member(item, known, around, level)
            name = known.shown
            if not isinstance(key, str):
                name = key
            elif len(key) > REMEMBERED:
                name = self._text(key, level)
            elif "[REDACTED:" in name:
                self.has_marks = True
                self.changed += name != key
            if name in clean:
                name = self._unlike(name, clean, numbers)
            clean[name] = shown
        return clean

    def _count_names(self, names: Iterable[Any], keys: Sequence[Key]) -> None:
        """Count what the search of names cost, that of each once in an entry."""
        for name, key in zip(names, keys, strict=True):
            if key.cost and name not in self.seen.names:
                self.seen.names.add(name)
                self.seen.spend(key.cost)

    def _field(self, key: Any, item: Any, known: Key, around: "_Around") -> Any:
        """Return the redacted field of an entry."""
        self._left = MAX_MARKS
        self.seen.limit = self.seen.cost + MAX_COST
        try:
            return self._fixed(item, 1) if key in OBJECTS else self._member(item, known, around, 0)
        except TooManyError:
            # What is left of it need not be read.
            self.changed += 1
            self.has_marks = True
            return whole_field(key, "too-many")
        finally:
            self._left = self.seen.limit = math.inf

    def _fixed(self, value: Any, level: int) -> Any:
        """Return the redacted copy of a field of which objects and lists stay what they are."""
        if isinstance(value, list | tuple):
            return [self._fixed(item, level + 1) for item in value]
        if not isinstance(value, dict):
            return self.value(value, level)
        texts = {key: None if _is_container(item) else item for key, item in value.items()}
        # Names may be redacted too; the order stays.
        pairs = zip(self.object(texts, level).items(), value.values(), strict=True)
        return {
            name: self._fixed(item, level + 1) if _is_container(item) else clean
            for (name, clean), item in pairs
        }

    def _around(self, value: dict[Any, Any], shape: _Shape, parent: Key | None) -> _Around:
        if not shape.is_special:
            return _Around(parent) if parent else _NOTHING_AROUND
        jwk = _jwk_members(value) if shape.may_be_jwk else frozenset()
        return _Around(
            # In a JSON Web Key only the members of `_JWK` are private.
            parent=None if shape.may_be_jwk else parent,
            namer=self._namer(value, shape.keys) if shape.may_name_value else None,
            columns=self._columns(value, shape.keys) if shape.may_have_columns else _NO_COLUMNS,
            partners=shape.partners | jwk,
            is_kubernetes=shape.may_be_kubernetes and value["kind"] == "Secret",
        )

    def _member(self, item: Any, known: Key, around: "_Around", level: int) -> Any:
        """Return the redacted member of an object."""
        if known.plain in around.partners and not self._is_secret_name(item):
            return self._under(item, _AS_SECRET, level + 1)
        if known.kind is Kind.SECRET:
            return self._under(item, known, level + 1)
        if around.is_kubernetes and known.plain in _KUBERNETES and isinstance(item, dict):
            return {key: self._under(inner, _AS_SECRET, level + 2) for key, inner in item.items()}
        if around.namer is _PRIVATE and known.plain in _ARGUMENTS:
            return self._of_namer(item, _PRIVATE, level)
        if around.namer and known.plain in _VALUES:
            return self._of_namer(item, around.namer, level)
        if around.columns and known.plain in _ROWS and isinstance(item, list | tuple):
            return self._rows(item, around.columns, level)
        if known.kind >= Kind.TOKEN:
            return self._under(item, known, level + 1)
        if around.parent and (known.kind is Kind.PLAIN or known.plain in _VALUES):
            return self._inherited(item, known, around.parent, level)
        return self.value(item, level + 1, known)

    def _is_secret_name(self, item: Any) -> bool:
        """Return whether a value is the name of a secret: `{"secret": "bot", "key": "api_key"}`."""
        return isinstance(item, str) and _is_name(item) and self._names.is_secret(item)

    def _inherited(self, item: Any, known: Key, parent: Key, level: int) -> Any:
        """Return the redacted member of an object under the name of a secret.

        It may be the secret, or a description: its name, when it was created, its scopes.
        """
        if known.plain in _VALUES or known.plain.isdigit():
            return self._under(item, parent, level + 1)
        is_cookie = "cookie" in parent.plain
        is_described = known.plain.endswith(_DESCRIPTIONS) and not is_cookie
        if isinstance(item, str) and not is_described and (is_cookie or parent.kind is Kind.SECRET):
            return self._under(item, _IN_DOUBT, level + 1)
        if isinstance(item, dict):
            return self.object(item, level + 1, parent)
        return self.value(item, level + 1, known)

    def _unlike(self, name: Any, others: dict[Any, Any], numbers: dict[Any, int]) -> Any:
        """Return a name for a key that differs from all others."""
        unlike = name
        while unlike in others:
            self.changed += 1
            numbers[name] = numbers.get(name, 1) + 1
            unlike = f"{name} ({numbers[name]})"
        return unlike

    def _namer(self, value: dict[Any, Any], keys: Sequence[Key]) -> Key | None:
        """Return the name of a secret that one member of an object gives to its other members."""
        found: Key | None = None
        for member, known in zip(value.values(), keys, strict=True):
            item = member
            if known.plain in ("loc", "path") and isinstance(item, list | tuple) and item:
                item = item[-1]  # The last step of a path, as in the errors of pydantic.
            if not isinstance(item, str) or len(item) > 200:
                continue
            if known.is_namer:
                named = self._keys[item]
                if named.kind >= Kind.TOKEN and (found is None or named.kind > found.kind):
                    found = named
            if found is None and known.plain not in _VALUES and private.says_private(item):
                found = _PRIVATE
        return found

    def _of_namer(self, item: Any, namer: Key, level: int) -> Any:
        """Return the redacted value of a member that another member names."""
        if namer is not _PRIVATE:
            return self._under(item, namer, level + 1)
        if isinstance(item, list | tuple):
            return [self._of_namer(each, namer, level + 1) for each in item]
        if isinstance(item, str) and private.is_hex_key(item):
            return self._marked(private.RULE)
        return self.value(item, level + 1)

    def _columns(self, value: dict[Any, Any], keys: Sequence[Key]) -> Mapping[int, Key]:
        """Return which columns of a table hold secrets."""
        for item, known in zip(value.values(), keys, strict=True):
            if known.plain in _COLUMNS and isinstance(item, list | tuple):
                return self._secret_names(item)
        return _NO_COLUMNS

    def _secret_names(self, names: Sequence[Any]) -> dict[int, Key]:
        return {
            i: self._keys[name]
            for i, name in enumerate(names)
            if isinstance(name, str) and self._names.is_secret(name)
        }

    def _rows(self, rows: Sequence[Any], columns: Mapping[int, Key], level: int) -> list[Any]:
        if not any(isinstance(row, list | tuple) for row in rows):
            return self._row(rows, columns, level)
        return [
            self._row(row, columns, level + 1)
            if isinstance(row, list | tuple)
            else self.value(row, level + 1)
            for row in rows
        ]

    def _row(self, row: Sequence[Any], columns: Mapping[int, Key], level: int) -> list[Any]:
        return [
            self._under(item, columns[i], level + 2)
            if i in columns
            else self.value(item, level + 2)
            for i, item in enumerate(row)
        ]

    def _list(self, value: Sequence[Any], level: int, parent: Key | None = None) -> Any:
        if rule := self._rule_of_whole(value, parent):
            return self._marked(rule)
        if value and isinstance(value[0], list | tuple):
            if columns := self._heading(value):
                return [value[0], *self._rows(value[1:], columns, level)]
            if all(map(_is_pair, value)):
                return [self._pair(item, level + 1) for item in value]
        elif value and all(isinstance(item, str) for item in value):
            return self._words(value, level)
        return [self.value(item, level + 1, parent) for item in value]

    def _words(self, words: Sequence[str], level: int) -> list[Any]:
        """Return a redacted list of texts: a command, alternating names and values, or lines."""
        if any("-----BEGIN" in word for word in words):
            words = self._without_pem(words)
        if len(words) < 2 or (words[0] != "AUTH" and all(map(_is_name, words))):
            return [self._text(word, level + 1) for word in words]
        if len(words) == 3 and (name := self._keys[words[0]]).kind is Kind.SECRET:
            # A change: the field, its old and its new value.
            return [words[0], *(self._under(word, name, level + 1) for word in words[1:])]
        secret = self._texts.commands.in_words(words)
        # The arguments of a command: `SET okx:secret …`.
        first = len(words) % 2
        may_be_pairs = not first or words[0].isupper()
        clean: list[Any] = []
        for i, word in enumerate(words):
            if i in secret:
                clean.append(word[: secret[i]] + self._marked(RULE))
            elif (
                may_be_pairs
                and i > first
                and i % 2 != first
                and self._names_next(words[i - 1], word)
            ):
                clean.append(self._marked(RULE))
            elif (
                i
                and private.is_hex_key(word)
                and private.says_private(" ".join(words[max(0, i - 3) : i]))
            ):
                clean.append(self._marked(private.RULE))
            else:
                clean.append(self._text(word, level + 1))
        return clean

    def _without_pem(self, lines: Sequence[str]) -> list[str]:
        """Return lines with a mark for those of a private key."""
        text = "\n".join(lines)
        clean = self._texts.redact(text, 0, self.seen)
        if clean == text:
            return list(lines)
        self.changed += 1
        return clean.split("\n")

    def _heading(self, value: Sequence[Any]) -> dict[int, Key]:
        """Return the columns of secrets in a list whose first row has the names of the columns."""
        if len(value) < 2 or not all(
            isinstance(row, list | tuple) and len(row) == len(value[0]) for row in value
        ):
            return {}
        first = value[0]
        if not all(isinstance(name, str) and len(name) <= 100 for name in first):
            return {}
        columns = self._secret_names(first)
        return {} if len(first) <= 2 and 0 in columns else columns

    def _pair(self, pair: Sequence[Any], level: int) -> list[Any]:
        name = self._keys[pair[0]]
        if name.kind >= Kind.TOKEN:
            return [self.value(pair[0], level), self._under(pair[1], name, level)]
        return [self.value(item, level + 1) for item in pair]

    def _names_next(self, before: str, item: str) -> bool:
        """Return whether an item of a list is the name of the next, as in raw headers."""
        if len(before) > 200 or before[:1] == "-" or "[REDACTED:" in before:
            return False
        kind = self._names.kind(before)
        if kind < Kind.TOKEN or self._names.is_secret(item):
            return False
        plain = plain_name(before)
        is_header = plain in _HEADERS or "-" in before
        return (is_header or not item.isalpha()) and is_secret(item, kind, plain)

    def _rule_of_whole(
        self, value: dict[Any, Any] | Sequence[Any], parent: Key | None
    ) -> str | None:
        """Return the rule by which a whole object or list is a secret, None if it is not one."""
        if len(value) < 2:
            return None
        items = list(value.values()) if isinstance(value, dict) else value
        if isinstance(value, dict) and len(value) == 2 and "data" in value:
            data = value["data"]
            if value.get("type") == "Buffer" and isinstance(data, list | tuple):
                return self._rule_of_bytes(data, parent)
        if type(items[0]) is int:
            return self._rule_of_bytes(items, parent)
        is_text = isinstance(items[0], str | dict | list | tuple)
        return mnemonics.RULE if is_text and mnemonics.is_split(list(_strings(items))) else None

    def _rule_of_bytes(self, items: Sequence[Any], parent: Key | None) -> str | None:
        if chains.is_key_of_numbers(items, is_named=parent is not None and parent.says_private):
            return chains.RULE
        if len(items) >= 8 and all(type(item) is int and 9 <= item <= 126 for item in items):
            text = bytes(items).decode()
            if self._texts.redact(text, 0, self.seen) != text:
                return "bytes"
        return None


class _Implied(Key):
    """A key whose meaning comes from its context instead of its name."""

    def __init__(self, kind: Kind) -> None:
        self.plain, self.kind, self.shown, self.is_namer, self.cost = "", kind, "", False, 0
        self.says_private = kind is Kind.SECRET


_AS_SECRET = _Implied(Kind.SECRET)
_IN_DOUBT = _Implied(Kind.DOUBTFUL)
_PRIVATE = _Implied(Kind.PLAIN)
# Endings of names of members that describe a secret, in an object under the name of a secret.
_DESCRIPTIONS = (
    *("id", "ids", "arn", "name", "type", "status", "state", "at", "on", "time", "date", "version"),
    *("scope", "scopes", "label", "description", "url", "uri", "path", "provider", "issuer", "alg"),
    *("algorithm", "owner", "user", "username", "email", "region", "prefix", "fingerprint", "kid"),
    *("namespace", "uid", "role", "policy", "action", "expiration", "created", "expires", "format"),
)


def _partners(names: set[str]) -> set[str]:
    """Return the names that mean a secret next to these others: `pass` next to `user`."""
    return {name for name, others in _PARTNERS if name in names and not others.isdisjoint(names)}


def _jwk_members(value: dict[Any, Any]) -> frozenset[str]:
    kind = value.get("kty")
    return _JWK.get(kind.lower(), frozenset()) if isinstance(kind, str) else frozenset()


def _is_name(item: Any) -> bool:
    return (
        isinstance(item, str)
        and len(item) <= 100
        and _name_like.fullmatch(item) is not None
        and not is_random(item)
    )


def _is_container(item: Any) -> bool:
    return isinstance(item, dict | list | tuple)


def _is_pair(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)


def _strings(items: Sequence[Any]) -> Iterator[str]:
    """Yield the strings in a list, and those in its direct objects and lists."""
    for item in items:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from (inner for inner in item.values() if isinstance(inner, str))
        elif isinstance(item, list | tuple):
            yield from (inner for inner in item if isinstance(inner, str))
