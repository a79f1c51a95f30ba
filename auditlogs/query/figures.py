"""A figure: a number of entries, and the list that holds them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of entries, and the filters of their list as the parameters of a URL; None where no
    list has exactly them. `is_more` says that not all were counted: there are at least so many."""

    count: int
    filters: Mapping[str, str] | None
    is_more: bool = False
