"""Stride: how much time is read by each query, for a reader who reads a list to its end.

An engine that sorts in memory reads a slice of time to its end for each page of it. So a slice is
as wide as a page needs, by what the last one brought. What is too much for a busy database would
time out each time it is tried again, so after a time-out the next slice is a quarter as wide.
"""

from auditlogs.query.selection import Leading, Selection

# How many times wider or narrower the next slice can be.
WIDEN = 4


class Stride:
    """The width of the next slice in ms, None for all that is left; and the condition by whose
    index a selection is read, found once for all its pages."""

    def __init__(self) -> None:
        self.ms: int | None = None
        self._timeouts = 0
        self.selection: Selection | None = None
        self.leading: Leading | None = None

    def lead(self, selection: Selection, leading: Leading, ms: int | None) -> None:
        """Read a selection by a condition from now on, at first with a slice of this width."""
        self.selection, self.leading, self.ms = selection, leading, ms

    def narrow(self, ms: int) -> None:
        """Learn that a slice of this width took too long."""
        self._timeouts += 1
        self.ms = max(1, ms // WIDEN)

    def of(self, amount: int) -> int:
        """Return an amount that is read at once, divided by four for each time-out so far."""
        return int(amount // WIDEN**self._timeouts)

    def learn(self, ms: int, found: int, wanted: int) -> None:
        """Learn that so many entries lie in so much time, where so many are wanted."""
        most = max(ms, self.ms or 0) * WIDEN
        self.ms = max(1, min(ms * wanted // found, most) if found else most)
