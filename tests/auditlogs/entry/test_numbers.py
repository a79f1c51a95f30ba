"""Numbers keep their digits, and equal numbers are one content."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from auditlogs.entry import numbers

WEI = 1_000_000_000_000_000_000_000
TEXTS = [
    *("0", "-1", "9007199254740993", str(1 << 64), str(-(1 << 63) - 1), str(WEI), "9" * 5_000),
    *("0.1", "12.50", "1.0", "151.123456789012345678901234567890", "-0.0", "1E+400", "1E-400"),
]


def exactly(text: str) -> Any:
    """Return what a JSON text says, by Python's own parser, with every digit of a number."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


@pytest.mark.parametrize("text", TEXTS)
def test_a_number_is_written_as_it_was_read(text: str) -> None:
    assert numbers.encode(numbers.decode(text)).decode() == text


@pytest.mark.parametrize(
    "value", [WEI, -WEI, Decimal(10**4_999), Decimal("12.50"), 0.1, 1e300, 1 << 64]
)
def test_a_number_of_python_is_written_with_all_its_digits(value: Any) -> None:
    written = numbers.encode({"n": [value]}).decode()
    expected = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    assert exactly(written) == {"n": [expected]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("1", "1.0"), ("1", "1e0"), ("100", "1E2"), ("0.5", "5e-1"), ("0", "-0.0")),
        *((str(WEI), "1e21"), ('{"a":1,"b":2}', '{"b":2.0,"a":1}'), ("[1.50]", "[1.5]")),
    ],
)
def test_equal_numbers_are_one_content(one: str, other: str) -> None:
    assert numbers.canonical(numbers.decode(one)) == numbers.canonical(numbers.decode(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("1", "true"), ("0", "false"), ("1", '"1"'), ("0", "null"), ("1", "10")),
        (str(WEI), str(WEI + 1)),
        ("0.1", "0.10000000000000000555"),
    ],
)
def test_different_values_are_different_contents(one: str, other: str) -> None:
    assert numbers.canonical(numbers.decode(one)) != numbers.canonical(numbers.decode(other))


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.integers(), st.integers(0, 9))
def test_zeros_at_the_end_of_a_fraction_are_no_content(value: Decimal | int, zeros: int) -> None:
    text = f"{Decimal(value):f}"
    padded = f"{text}{'' if '.' in text else '.'}{'0' * zeros}" if zeros else text
    assert numbers.canonical(numbers.decode(padded)) == numbers.canonical(Decimal(value))


def test_an_exponent_that_no_number_can_have_is_refused() -> None:
    with pytest.raises(ValueError, match="exponent"):
        numbers.to_float("1e9999999999999999999")


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", " 1", "1.0", "1e3", "1_0", "٣", "１", "²", "9" * 19]
)
def test_only_ascii_digits_are_a_whole_number(text: str) -> None:
    assert numbers.to_whole(text) is None
    assert (numbers.to_whole("007"), numbers.to_whole("9" * 18)) == (7, 10**18 - 1)
