"""Pace: an amount that shrinks after a time-out and grows again after a success.

What is too much for a slow database would time out each time it is tried again, and nothing would
get done at all.
"""

LEAST = 1 / 256


class Pace:
    """The share of an amount that is tried: halved by `slower`, doubled by `faster`, at most 1."""

    def __init__(self) -> None:
        self._share = 1.0

    def of(self, amount: int) -> int:
        """Return the share of an amount that is to be tried now, at least 1."""
        return max(1, int(amount * self._share))

    def slower(self) -> None:
        self._share = max(LEAST, self._share / 2)

    def faster(self) -> None:
        self._share = min(1.0, self._share * 2)
