"""The results for the texts of an entry, and how much was searched to find them."""

import math

# What a field may cost: 2 for each text or name that the quick checks do not settle, 1 if it is a
# single word. 1,650 such texts take about 100 ms; an ordinary entry costs less than 20.
MAX_COST = 3_300


class TooManyError(Exception):
    """A field has so many secrets, or texts to search, that it is replaced as a whole."""


class Results(dict[str, str]):
    """The redacted texts of an entry by the texts themselves, and what the searches cost."""

    __slots__ = ("cost", "limit", "names")

    def __init__(self) -> None:
        super().__init__()
        self.cost = 0
        self.limit: float = math.inf
        # The names of keys whose cost is counted.
        self.names: set[str] = set()

    def spend(self, cost: int) -> None:
        """Count a search. Raises TooManyError beyond the limit."""
        self.cost += cost
        if self.cost > self.limit:
            raise TooManyError
