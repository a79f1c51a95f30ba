"""What is a number in a payload, and what is none."""

from decimal import Decimal
from typing import Any

import pytest

from auditlogs.entry.amounts import MAX_DIGITS, number_of


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3.2, Decimal("3.2")),
        ("0.50", Decimal("0.5")),
        (Decimal("1e3"), Decimal(1000)),
        (True, None),
        ("NaN", None),
        ("1e99", None),
        (f"1.{'0' * MAX_DIGITS}e9", None),
    ],
)
def test_a_number_is_one_of_a_size_that_can_be_shown(value: Any, number: Decimal | None) -> None:
    assert number_of(value) == number
