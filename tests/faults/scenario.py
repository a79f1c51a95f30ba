"""A scenario's sizes, short in `make test` and long in `make test-faults`, and its report."""

from collections.abc import Callable
from typing import Any

import pytest

# Reports a line that is shown after all tests.
Say = Callable[[str], None]


def sizes(short: Any, long: Any) -> Callable[[Any], Any]:
    """Run a scenario in two sizes, which differ in numbers only: the parameter `size`."""
    return pytest.mark.parametrize(
        "size",
        [
            pytest.param(short, id="short"),
            pytest.param(long, id="long", marks=pytest.mark.faults),
        ],
    )


def variants(usual: Any, rare: Any) -> Any:
    """Return the values of a parameter of which one alone is tried in the short form."""
    return [usual, pytest.param(rare, marks=pytest.mark.faults)]
