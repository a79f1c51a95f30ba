"""Losses: how many entries the spool should have, and how many of them were lost.

Both numbers are kept in files of their own, so that damage of the database does not take them
along. The first is written in each transaction without fsync: it has to outlive the process, not
the host.
"""

import contextlib
import os
from pathlib import Path


class Losses:
    """The expected number of rows of a spool, and the total that was lost."""

    def __init__(self, folder: Path) -> None:
        self._expected = folder / "expected"
        self.path = folder / "lost"

    def expect(self, before: int, after: int) -> None:
        """Note the rows before and after a transaction that is about to be committed."""
        with contextlib.suppress(OSError):
            _write(self._expected, f"{before} {after}")

    def committed(self, before: int, after: int) -> None:
        """Note that the transaction was committed, unless another has begun since."""
        if self._numbers() == [before, after]:
            self.expect(after, after)

    def settle(self, rows: int) -> int:
        """Compare with the rows that there are; add what is missing to the total and return it.

        Where it is not known whether the last transaction was committed, the smaller number counts.
        """
        missing = max(0, min(self._numbers(), default=0) - rows)
        with contextlib.suppress(OSError):
            if missing:
                _write(self.path, str(self.total() + missing))
            _write(self._expected, f"{rows} {rows}")
        return missing

    def found(self, rows: int) -> None:
        """Take entries from the total that were counted as lost too early."""
        total = self.total()
        if rows > 0 and total:
            with contextlib.suppress(OSError):
                _write(self.path, str(max(0, total - rows)))

    def total(self) -> int:
        """Return how many entries were lost since the file of the total was last deleted."""
        try:
            return int(self.path.read_text())
        except (OSError, ValueError):
            return 0

    def _numbers(self) -> list[int]:
        try:
            return [int(number) for number in self._expected.read_text().split()]
        except (OSError, ValueError):
            return []


def _write(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        # Of one length, so that a shorter number leaves nothing of a longer one behind.
        os.pwrite(file, text.ljust(48).encode(), 0)
    finally:
        os.close(file)
