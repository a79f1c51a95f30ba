"""A notice for readers while entries of the account wait in the spool."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from auditlogs.write.spool import spool
from auditlogs.write.spool_file import SpoolError
from hub.ui.times import relative


@dataclass(frozen=True, slots=True)
class Backlog:
    """The sentences of the notice, and whether one reports a failure."""

    sentences: list[str]
    is_failure: bool

    @classmethod
    def of(cls, account: str) -> Self:
        """Count the waiting entries of an account. Other accounts' entries are not mentioned."""
        waiting = spool()
        try:
            depth = waiting.depth(account)
        except SpoolError:
            return cls(["New entries may be missing: the spool cannot be read."], True)
        sentences: list[str] = []
        if waiting.breaker.state != "closed":
            sentences.append(
                "The log’s database cannot be reached. New entries are kept and appear later."
            )
        if depth.waiting:
            came = relative(timedelta(seconds=depth.oldest_seconds))
            wait = "waits" if depth.waiting == 1 else "wait"
            sentences.append(
                f"{_entries(depth.waiting)} {wait} to be stored; the oldest came {came}."
            )
        if depth.dead:
            which = "it" if depth.dead == 1 else "them"
            sentences.append(
                f"{_entries(depth.dead)} could not be stored; an administrator can look at {which}."
            )
        return cls(sentences, is_failure=depth.dead > 0)


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"
