"""How pages write what was traded."""

from collections.abc import Mapping
from decimal import Decimal


def amounts_in_words(amounts: Mapping[str, Decimal]) -> str:
    """Return "5,523 USDC", by currency; empty without any."""
    return ", ".join(f"{_short(each)} {unit}" for unit, each in amounts.items())


def _short(amount: Decimal) -> str:
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:,.4g}"
