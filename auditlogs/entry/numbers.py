"""JSON whose numbers keep their digits: integers beyond 64 bits, decimals beyond a double.

An amount of wei has more than 64 bits, a price may have more digits than a double holds. Neither
may change on its way into the log and out of it. In Python such a number is an int or a Decimal.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

import msgspec

# Text of so many characters is certainly an int of 64 bits.
_SHORT = 18

T = TypeVar("T")

_encoder = msgspec.json.Encoder(decimal_format="number")
_sorted_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


def to_whole(text: str) -> int | None:
    """Return a whole number of at most 18 ASCII digits, which has 64 bits at most; None for any
    other text. `int` takes the digits of all scripts, and refuses more than 4,300 of them."""
    return int(text) if len(text) <= _SHORT and text.isascii() and text.isdecimal() else None


def to_float(text: str) -> float | Decimal:
    """Return a JSON number with fraction or exponent: a float where that has the same digits, else
    a Decimal, as for `12.50`. Raises ValueError for an exponent that no Decimal has."""
    value = float(text)
    if repr(value) == text:
        return value
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise ValueError("the exponent of a number is too large") from None
    return value if exact.as_tuple() == Decimal(repr(value)).as_tuple() else exact


def to_int(text: str) -> int | Decimal:
    """Return a JSON integer: a long one as a Decimal, since `int` refuses over 4,300 digits."""
    return int(text) if len(text) <= _SHORT else Decimal(text)


def encode(value: Any) -> bytes:
    """Return a value as JSON. Raises TypeError, ValueError or RecursionError for one that cannot be
    written."""
    try:
        return _encoder.encode(value)
    except OverflowError:
        # msgspec writes Decimals of any length, but no int beyond 64 bits.
        return _encoder.encode(_with_decimals(_plain(value)))


def decode(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises msgspec.DecodeError or ValueError."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError:
        # Of integers over 4,300 digits.
        return json.loads(
            text, parse_int=to_int, parse_float=to_float, parse_constant=_refuse_constant
        )


def decode_as(text: str | bytes, kind: type[T]) -> T:
    """Return a JSON text as a type. Raises msgspec.MsgspecError or ValueError."""
    return msgspec.convert(decode(text), kind)


def canonical(value: Any) -> bytes:
    """Return JSON that is the same for equal values: `1`, `1.0` and `1e0` are one number, which is
    what a retry through another language makes of it; the order of keys does not count."""
    return _sorted_encoder.encode(_canonical(_plain(value)))


_decoder = msgspec.json.Decoder(float_hook=to_float)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(Decimal,))


def _with_decimals(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_decimals(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_decimals(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _canonical_number(value)
    return value


def _canonical_number(value: float | Decimal) -> Decimal:
    """Return the Decimal without trailing zeros. `Decimal.normalize` would round to 28 digits."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    sign, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    count = len(digits)
    while count > 1 and digits[count - 1] == 0:
        count -= 1
    if digits[:count] == (0,):
        return Decimal(0)
    return Decimal((sign, digits[:count], exponent + len(digits) - count))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
