"""A scenario: its size, short in every run of the suite, long in `make test-faults`, and what it
says of itself."""

from collections.abc import Callable
from typing import Any

import pytest

# Says a line that is shown when all tests are over.
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
