"""The columns of the list, each declared once: its heading, its key and how it is sorted."""

from dataclasses import dataclass

from auditlogs.query.order import DEFAULT_SORT, Order, Sort


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `sorts` holds what the first and second click on its heading sort by, each with
    the sentence that announces it; a third click goes back to the default."""

    key: str
    label: str
    sorts: tuple[tuple[Sort, str], ...] = ()


COLUMNS = (
    Column(
        "timestamp", "Timestamp", (("timestamp", "oldest first"), ("-timestamp", "newest first"))
    ),
    Column("actor", "Actor", (("actor", "A to Z"), ("-actor", "Z to A"))),
    Column("action", "Action", (("action", "A to Z"), ("-action", "Z to A"))),
    Column("type", "Type"),
    Column("target", "Target"),
    Column("result", "Result", (("result", "failures first"), ("-result", "successes first"))),
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading as it stands: how the list is sorted by it, and what a click does."""

    column: Column
    aria_sort: str
    next_sort: Sort | None
    next_effect: str


def headings(asked: str | None) -> list[Heading]:
    """Return the headings of a list for the `sort` that was asked for, None for the default."""
    return [_heading(column, asked) for column in COLUMNS]


def _heading(column: Column, asked: str | None) -> Heading:
    sorts = [sort for sort, _ in column.sorts]
    current = asked or DEFAULT_SORT
    state = "descending" if Order.parse(current).descending else "ascending"
    aria_sort = state if current in sorts else "none"
    following = sorts.index(asked) + 1 if asked in sorts else 0
    if following < len(sorts):
        next_sort, effect = column.sorts[following]
        return Heading(column, aria_sort, next_sort, f"sort {effect}")
    return Heading(column, aria_sort, None, "remove the sort" if sorts else "")
