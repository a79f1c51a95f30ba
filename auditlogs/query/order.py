"""The order of a list, as one value: what it is sorted by, and in which direction it is read."""

from dataclasses import dataclass, replace
from typing import Literal, Self, cast, get_args

Key = Literal["timestamp", "actor", "action", "result", "arrival"]
Sort = Literal[
    "timestamp", "-timestamp", "actor", "-actor", "action", "-action", "result", "-result"
]
# Beside the time, only a key whose values can be enumerated can be sorted by: such a list is read
# value by value, each part by an index that ends with `_id`. Results are three, and the dictionary
# lists actors and actions. A sort by duration, say, would need every matching entry in memory.
SORTS: tuple[Sort, ...] = get_args(Sort)
DEFAULT_SORT: Sort = "-timestamp"


@dataclass(frozen=True, slots=True)
class Order:
    """A sort key and its direction. Entries with the same key are sorted newest first.

    `reversed` is the order in which a page before a position is read: everything the other way
    round, the entries of one key too.
    """

    key: Key = "timestamp"
    descending: bool = True
    reversed: bool = False

    @classmethod
    def parse(cls, sort: str) -> Self:
        """Parse one of `SORTS`. Raises ValueError for any other text."""
        if sort not in SORTS:
            raise ValueError(f"expected one of {', '.join(SORTS)}")
        return cls(cast(Key, sort.removeprefix("-")), sort.startswith("-"))

    def __str__(self) -> str:
        return f"-{self.key}" if self.descending else self.key

    @property
    def backwards(self) -> Self:
        return replace(self, reversed=not self.reversed)

    @property
    def is_by_time(self) -> bool:
        return self.key == "timestamp"

    @property
    def values_descend(self) -> bool:
        """Whether the values of the key are read from the highest to the lowest."""
        return self.descending != self.reversed

    @property
    def newest_first(self) -> bool:
        """Whether entries with the same key are read from the newest to the oldest."""
        return self.values_descend if self.is_by_time else not self.reversed


DEFAULT_ORDER = Order()
# No sort that a page offers: it only goes forward, and holds the youngest entries back.
ARRIVAL_ORDER = Order("arrival", descending=False)
