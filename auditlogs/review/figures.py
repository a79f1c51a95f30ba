"""Numbers with the lists of what was counted, and parts of a review that are cut to some lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

T = TypeVar("T")

# Lines of each part; of the others the number is said.
MAX_LINES = 20


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of entries, and the filters of their list; None where no list has exactly them."""

    count: int
    filters: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """The first lines of a part, and how many more there are."""

    lines: list[T]
    more: int = 0

    @classmethod
    def of(cls, lines: list[T]) -> Self:
        return cls(lines[:MAX_LINES], len(lines[MAX_LINES:]))
