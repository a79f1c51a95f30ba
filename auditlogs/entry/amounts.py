"""What an order is worth, where its payload or the arguments of its call say so."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

# A number that is larger, or smaller, is no amount.
MAX_EXPONENT = 18
MAX_DIGITS = 64
# A longer text after the stroke of a pair is no currency.
CURRENCY_LENGTH = 20


def number_of(value: object) -> Decimal | None:
    """Return a number, or a text that is one; None for anything else, and where it is too long."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    text = str(value)
    # Cut, it could be another number: an exponent comes last.
    if len(text) > MAX_DIGITS:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < MAX_EXPONENT else None


def value_of(terms: Mapping[str, Any]) -> tuple[str, Decimal] | None:
    """Return the currency and the value of what was to be traded; None where the terms do not have
    pair, amount and price. A limit is the price of an order that has no other."""
    amount, pair = number_of(terms.get("amount")), terms.get("pair")
    price = number_of(terms.get("limitPrice")) or number_of(terms.get("price"))
    if amount is None or price is None or not isinstance(pair, str) or "/" not in pair:
        return None
    return pair.rpartition("/")[2][:CURRENCY_LENGTH], amount * price
