"""The event payload as a tree of nodes: objects and lists that fold, and values."""

from collections.abc import Iterable, Iterator
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
# The filter that finds the value of a key of the payload itself.
FILTERS = {key: name for name, keys in OF_PAYLOAD.items() for key in keys}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a string: text, or the place where `rule` has replaced a secret."""

    text: str
    rule: str


@dataclass(slots=True)
class Node:
    """A value of the payload. `kind` is object, array, string, number, literal or redacted.

    `parts` are those of a string: its text, and the places where something was redacted. `filter`
    is the filter that takes the value, if there is one.
    """

    name: str | None
    kind: str
    text: str = ""
    beginning: str = ""
    parts: list[Part] = field(default_factory=list)
    is_open: bool = False
    children: list["Node"] = field(default_factory=list)
    left_out: int = 0
    filter: str = ""

    @property
    def extent(self) -> str:
        """How many values an object or a list has, in its brackets: "[3 values]"."""
        inside = self.text if self.children or self.left_out else ""
        return {"array": f"[{inside}]", "object": f"{{{inside}}}"}.get(self.kind, "")


def tree(payload: dict[str, Any], redactions: Iterable[Redaction]) -> Node:
    """Return the payload as a node. Beyond MAX_NODES, nodes say how many values they leave out."""
    redacted = {redaction.path for redaction in redactions}
    budget = iter(range(MAX_NODES))
    root = Node(None, "object")
    _fill(root, payload.items(), "/payload", 1, redacted, budget)
    return root


def pretty(payload: dict[str, Any]) -> str:
    """Return the payload as indented JSON."""
    return msgspec.json.format(numbers.encode(payload), indent=2).decode()


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
        name = key if isinstance(key, str) else None
        child = _node(name, value, f"{path}/{pointer}", level, redacted)
        if level == 1:
            child.filter = _filter_of(child, value)
        parent.children.append(child)
        if isinstance(value, dict):
            _fill(child, value.items(), f"{path}/{pointer}", level + 1, redacted, budget)
        elif isinstance(value, list):
            _fill(child, enumerate(value), f"{path}/{pointer}", level + 1, redacted, budget)


def _node(name: str | None, value: Any, path: str, level: int, redacted: set[str]) -> Node:
    if isinstance(value, dict | list):
        kind = "object" if isinstance(value, dict) else "array"
        number = len(value)
        text = f"{number} {'value' if kind == 'array' else 'key'}{'' if number == 1 else 's'}"
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
    is_whole = isinstance(value, str) and node.parts == [Part(value, "")]
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    is_fact = (is_whole or is_integer) and 0 < len(node.text) <= FACT_LENGTH
    return FILTERS.get(node.name or "", "") if is_fact else ""


def _string(name: str | None, value: str, *, is_redacted: bool) -> Node:
    # Only where the redactor reports a redaction: anyone can write a text that looks like a mark.
    parts = [Part(*part) for part in parts_of(value)] if is_redacted else []
    if len(parts) == 1 and parts[0].rule:
        return Node(name, "redacted", text=parts[0].rule)
    shown = "".join(part.text or "(redacted)" for part in parts) or value
    beginning = shown[:SHOWN_OF_LONG] if len(value) > LONG_STRING else ""
    return Node(name, "string", text=value, beginning=beginning, parts=parts or [Part(value, "")])
