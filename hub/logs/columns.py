"""The columns of the list, each declared once. A new one needs a line here and a cell template.

`static/css/columns.css` gives the names of widths and breakpoints their lengths.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from auditlogs.query.order import DEFAULT_SORT, Order, Sort


@dataclass(frozen=True)
class Column:
    """A column of the list. Its cell is `templates/hub/logs/cells/<key>.html`.

    `width` and `breakpoint` name classes. A column without a width shares what the others leave;
    `breakpoint` says in which room it is shown, and is empty where it always is. `sorts` holds
    what the first and second click on the heading sort by, each with the words that announce it;
    a third click goes back to the default. A person can leave out what `is_optional`; what is not
    `is_usual` is shown to those who chose it.
    """

    key: str
    label: str
    width: str = ""
    breakpoint: str = ""
    sorts: tuple[tuple[Sort, str], ...] = ()
    is_optional: bool = False
    is_usual: bool = True

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
    Column("actor", "Actor", sorts=(("actor", "A to Z"), ("-actor", "Z to A")), is_optional=True),
    Column(
        "action", "Action", width="width-wide", sorts=(("action", "A to Z"), ("-action", "Z to A"))
    ),
    Column("type", "Type", width="width-word", breakpoint="from-wide", is_optional=True),
    Column("target", "Target", width="width-name", breakpoint="from-medium", is_optional=True),
    Column(
        "result",
        "Result",
        width="width-result",
        sorts=(("result", "failures first"), ("-result", "successes first")),
    ),
    Column("duration", "Duration", "width-number", "from-roomy", is_optional=True, is_usual=False),
    Column("session", "Session", "width-id", "from-roomy", is_optional=True, is_usual=False),
    Column(
        "correlation", "Correlation", "width-id", "from-roomy", is_optional=True, is_usual=False
    ),
)
OPTIONAL = tuple(column for column in COLUMNS if column.is_optional)
# A card has a line for it, even where nobody chose it.
ON_CARDS = {"correlation"}


def columns_of(chosen: Collection[str] | None) -> tuple[Column, ...]:
    """Return the columns of a list: the optional ones with these keys, the usual ones for None."""
    return tuple(
        column if is_shown else replace(column, width="", breakpoint="on-cards")
        for column in COLUMNS
        for is_shown in (_is_shown(column, chosen),)
        if is_shown or column.key in ON_CARDS
    )


def shown_keys(chosen: Collection[str] | None) -> list[str]:
    """Return the keys of the optional columns that are shown."""
    return [column.key for column in OPTIONAL if _is_shown(column, chosen)]


def _is_shown(column: Column, chosen: Collection[str] | None) -> bool:
    if not column.is_optional:
        return True
    return column.is_usual if chosen is None else column.key in chosen


USUAL = columns_of(None)


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column in one list: how that is sorted by it, and what a click does."""

    column: Column
    aria_sort: str
    next_sort: Sort | None
    next_effect: str


def headings(sort: str | None, columns: Iterable[Column] = USUAL) -> list[Heading]:
    """Return the headings of a list with the given `sort` parameter, None for the default."""
    return [_heading(column, sort) for column in columns]


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
