"""The event payload as a tree of nodes: objects and lists that fold, and values."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from auditlogs.entry import numbers
from auditlogs.entry.facts import FACT_LENGTH, OF_PAYLOAD
from auditlogs.entry.schema import Redaction
from auditlogs.redaction.marks import parts_of

MAX_NODES = 1_000
OPEN_LEVELS = 2
# Longer strings are folded: only their first SHOWN_OF_LONG characters are shown.
LONG_STRING = 160
SHOWN_OF_LONG = 80
# A folded object or list shows so many of its values, each this long at most.
PREVIEWED = 3
PREVIEW_LENGTH = 24
# A payload of more nodes than these is searched; fewer are seen at a glance.
AT_A_GLANCE = 8
# The filter that finds the value of a key of the payload itself.
FILTERS = {key: name for name, keys in OF_PAYLOAD.items() for key in keys}


@dataclass(frozen=True, slots=True)
class StringPart:
    """A part of a string: text, or the place where `rule` has replaced a secret."""

    text: str
    rule: str


@dataclass(slots=True)
class Node:
    """A value of the payload. `kind` is object, array, string, number, literal or redacted.

    `name` is its key, or its index in a list. `parts` are those of a string: its text, and the
    places where something was redacted. `filter` is the filter that takes the value, if there is
    one.
    """

    name: str
    kind: str
    text: str = ""
    beginning: str = ""
    parts: list[StringPart] = field(default_factory=list)
    is_open: bool = False
    children: list["Node"] = field(default_factory=list)
    left_out: int = 0
    is_item: bool = False
    filter: str = ""

    @property
    def extent(self) -> str:
        """How many values an object or a list has, in its brackets: "[3 values]"."""
        inside = self.text if self.children or self.left_out else ""
        return {"array": f"[{inside}]", "object": f"{{{inside}}}"}.get(self.kind, "")

    @property
    def preview(self) -> str:
        """The first values inside, for while it is folded: `pair: "SOL/USDC", legs: […]`."""
        shown = [
            child.brief if child.is_item else f"{_cut(child.name)}: {child.brief}"
            for child in self.children[:PREVIEWED]
        ]
        has_more = len(self.children) > PREVIEWED or self.left_out
        return ", ".join([*shown, "…"] if has_more else shown)

    @property
    def brief(self) -> str:
        """The value in a few characters."""
        if self.kind == "redacted":
            return "redacted"
        if self.kind == "string":
            return f'"{_cut(_readable(self.parts))}"'
        if self.children or self.left_out:
            return "[…]" if self.kind == "array" else "{…}"
        return self.extent or _cut(self.text)

    @property
    def within(self) -> Iterator["Node"]:
        """All nodes inside."""
        for child in self.children:
            yield child
            yield from child.within

    @property
    def has_folds(self) -> bool:
        """Whether something inside can be folded."""
        return any(each.beginning or each.children or each.left_out for each in self.within)

    @property
    def is_long(self) -> bool:
        """Whether there is more inside than is seen at a glance."""
        return sum(1 for _ in self.within) > AT_A_GLANCE


def tree(
    payload: dict[str, Any], redactions: Iterable[Redaction], known: Sequence[str] = ()
) -> Node:
    """Return the payload as a node, the known keys first, in their order.

    Beyond MAX_NODES, nodes say how many values they leave out.
    """
    redacted = {redaction.path for redaction in redactions}
    budget = iter(range(MAX_NODES))
    root = Node("", "object", text=_count(len(payload), "key"))
    ordered = {key: payload[key] for key in (*known, *payload) if key in payload}
    _fill(root, ordered.items(), "/payload", 1, redacted, budget)
    return root


def pretty(payload: dict[str, Any]) -> str:
    """Return the payload as indented JSON."""
    return indented(numbers.encode(payload))


def indented(json: bytes) -> str:
    """Return JSON on lines of its own, as a person reads it."""
    return msgspec.json.format(json, indent=2).decode()


def _fill(
    parent: Node,
    items: Iterable[tuple[str | int, Any]],
    path: str,
    level: int,
    redacted: set[str],
    budget: Iterator[int],
) -> None:
    """Add the children of a node until the budget of nodes is used up."""
    for key, value in items:
        if next(budget, None) is None:
            parent.left_out += 1
            continue
        pointer = str(key).replace("~", "~0").replace("/", "~1")
        child = _node(str(key), value, f"{path}/{pointer}", level, redacted)
        child.is_item = parent.kind == "array"
        if level == 1:
            child.filter = _filter_of(child, value)
        parent.children.append(child)
        if isinstance(value, dict):
            _fill(child, value.items(), f"{path}/{pointer}", level + 1, redacted, budget)
        elif isinstance(value, list):
            _fill(child, enumerate(value), f"{path}/{pointer}", level + 1, redacted, budget)


def _node(name: str, value: Any, path: str, level: int, redacted: set[str]) -> Node:
    if isinstance(value, dict | list):
        kind = "object" if isinstance(value, dict) else "array"
        number = len(value)
        text = _count(number, "value" if kind == "array" else "key")
        return Node(name, kind, text=text, is_open=level < OPEN_LEVELS and number > 0)
    if isinstance(value, str):
        return _string(name, value, is_redacted=path in redacted)
    kind = (
        "number"
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        else "literal"
    )
    return Node(name, kind, text=numbers.encode(value).decode())


def _filter_of(node: Node, value: Any) -> str:
    is_whole = isinstance(value, str) and node.parts == [StringPart(value, "")]
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    is_fact = (is_whole or is_integer) and 0 < len(node.text) <= FACT_LENGTH
    return FILTERS.get(node.name, "") if is_fact else ""


def _string(name: str, value: str, *, is_redacted: bool) -> Node:
    # Only where the redactor reports a redaction: anyone can write a text that looks like a mark.
    parts = [StringPart(*part) for part in parts_of(value)] if is_redacted else []
    if len(parts) == 1 and parts[0].rule:
        return Node(name, "redacted", text=parts[0].rule)
    parts = parts or [StringPart(value, "")]
    beginning = _readable(parts)[:SHOWN_OF_LONG] if len(value) > LONG_STRING else ""
    return Node(name, "string", text=value, beginning=beginning, parts=parts)


def _readable(parts: Iterable[StringPart]) -> str:
    return "".join("(redacted)" if part.rule else part.text for part in parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _cut(text: str) -> str:
    return text if len(text) <= PREVIEW_LENGTH else f"{text[:PREVIEW_LENGTH]}…"
