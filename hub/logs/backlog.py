"""What a reader has to know while not every entry of the account has reached the log."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from auditlogs.write.spool import spool
from auditlogs.write.spool_file import SpoolError
from hub.ui.times import relative


@dataclass(frozen=True, slots=True)
class Backlog:
    """The sentences to be said, and whether one of them needs a person."""

    sentences: list[str]
    is_failure: bool

    @classmethod
    def of(cls, account: str) -> Self:
        """Look at what waits of an account; of others' nothing is said, not even how much."""
        here = spool()
        try:
            depth = here.depth(account)
        except SpoolError:
            return cls(["New entries may be missing: the store where they wait is broken."], True)
        sentences: list[str] = []
        if here.breaker.state != "closed":
            sentences.append("The log’s database is away. New entries are kept and appear later.")
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
