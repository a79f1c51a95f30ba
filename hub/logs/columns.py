"""The columns of the list, each declared once. A new one needs a line here and a cell template.

`static/css/columns.css` gives the names of widths and breakpoints their lengths.
"""

from dataclasses import dataclass
from functools import cached_property

from auditlogs.query.order import DEFAULT_SORT, Order, Sort


@dataclass(frozen=True)
class Column:
    """A column of the list. Its cell is `templates/hub/logs/cells/<key>.html`.

    `width` and `breakpoint` name classes. A column without a width shares what the others leave;
    `breakpoint` says in which room it is shown, and is empty where it always is. `sorts` holds
    what the first and second click on the heading sort by, each with the words that announce it;
    a third click goes back to the default.
    """

    key: str
    label: str
    width: str = ""
    breakpoint: str = ""
    sorts: tuple[tuple[Sort, str], ...] = ()

    @cached_property
    def cell(self) -> str:
        return f"hub/logs/cells/{self.key}.html"

    @cached_property
    def classes(self) -> str:
        return " ".join(filter(None, (f"column-{self.key}", self.width, self.breakpoint)))


COLUMNS = (
    Column(
        "timestamp",
        "Timestamp",
        width="width-time",
        sorts=(("timestamp", "oldest first"), ("-timestamp", "newest first")),
    ),
    Column("actor", "Actor", sorts=(("actor", "A to Z"), ("-actor", "Z to A"))),
    Column(
        "action", "Action", width="width-wide", sorts=(("action", "A to Z"), ("-action", "Z to A"))
    ),
    Column("type", "Type", width="width-word", breakpoint="from-wide"),
    Column("target", "Target", width="width-name", breakpoint="from-medium"),
    Column(
        "result",
        "Result",
        width="width-result",
        sorts=(("result", "failures first"), ("-result", "successes first")),
    ),
    # Seven columns do not fit beside the drawer; on a card there is a line for it.
    Column("correlation", "Correlation", breakpoint="on-cards"),
)


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column in one list: how that is sorted by it, and what a click does."""

    column: Column
    aria_sort: str
    next_sort: Sort | None
    next_effect: str


def headings(sort: str | None) -> list[Heading]:
    """Return the headings of a list with the given `sort` parameter, None for the default."""
    return [_heading(column, sort) for column in COLUMNS]


def _heading(column: Column, sort: str | None) -> Heading:
    sorts = [each for each, _ in column.sorts]
    current = sort or DEFAULT_SORT
    state = "descending" if Order.parse(current).descending else "ascending"
    aria_sort = state if current in sorts else "none"
    following = sorts.index(sort) + 1 if sort in sorts else 0
    if following < len(sorts):
        next_sort, effect = column.sorts[following]
        return Heading(column, aria_sort, next_sort, f"sort {effect}")
    return Heading(column, aria_sort, None, "remove the sort" if sorts else "")
