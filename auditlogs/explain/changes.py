"""The changes of a configuration entry: each field before and after, lists as added and removed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditlogs.entry import numbers
from auditlogs.entry.schema import Entry

MAX_CHANGES = 50
# Of each list; the rest are counted.
MAX_ITEMS = 20
VALUE_LENGTH = 120
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Change:
    """A field that changed. A value that was absent is None; a list has what was added, removed and
    kept instead, and of a hidden change the values are redacted."""

    field: str
    before: str | None = None
    after: str | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    is_list: bool = False
    is_hidden: bool = False


def changes_of(entry: Entry) -> list[Change]:
    """Return the changes of an entry, up to MAX_CHANGES; none where its payload lists none."""
    given = (entry.payload or {}).get("changes")
    redacted = {each.path for each in entry.redactions}
    found: list[Change] = []
    for number, change in enumerate(given if isinstance(given, list | tuple) else ()):
        if not isinstance(change, Mapping) or not isinstance(change.get("field"), str):
            continue
        paths = [f"/payload/changes/{number}/{name}" for name in ("from", "to")]
        if any(each.startswith(path) for path in paths for each in redacted):
            found.append(Change(change["field"], is_hidden=True))
        else:
            found += _compared(change["field"], change.get("from"), change.get("to"), MAX_DEPTH)
        if len(found) >= MAX_CHANGES:
            break
    return found[:MAX_CHANGES]


def _compared(field: str, before: Any, after: Any, depth: int) -> Iterator[Change]:
    """Yield the change of a field; that of an object as the changes of its keys."""
    field = _cut(field)
    if _is_list(before) or _is_list(after):
        yield _of_lists(field, before, after)
    elif depth and isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            one, other = before.get(key), after.get(key)
            if one != other or type(one) is not type(other):
                yield from _compared(f"{field}.{key}", one, other, depth - 1)
    else:
        yield Change(field, _text(before), _text(after))


def _of_lists(field: str, before: Any, after: Any) -> Change:
    one, other = (_items(value) for value in (before, after))
    return Change(
        field,
        added=_some([item for item in other if item not in one]),
        removed=_some([item for item in one if item not in other]),
        kept=_some([item for item in other if item in one]),
        is_list=True,
    )


def _items(value: Any) -> dict[str, None]:
    """Return the items of a list as the keys of a dict: in their order, and found at once."""
    values: Sequence[Any] = value if _is_list(value) else ([] if value is None else [value])
    return dict.fromkeys(_text(each) or "null" for each in values)


def _some(items: list[str]) -> tuple[str, ...]:
    more = len(items) - MAX_ITEMS
    return (*items[:MAX_ITEMS], f"{more:,} more") if more > 0 else tuple(items)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return _cut(value if isinstance(value, str) else numbers.encode(value).decode())


def _cut(text: str) -> str:
    line = " ".join(text[: 2 * VALUE_LENGTH].split())
    return line if len(line) <= VALUE_LENGTH else f"{line[: VALUE_LENGTH - 1]}…"


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
