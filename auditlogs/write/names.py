"""The cap on new names: how often one API key can rename actors and bots within a day.

The dictionary has a note for each name and week, and a list sorted by actor a part for each name. A
key that sends another name with every entry would slow such lists down for its whole account.
Beyond the cap an entry is stored with its name, but it sorts by its actor's id.
"""

import functools
from collections.abc import Sequence
from typing import Any

from limits import RateLimitItem, RateLimitItemPerDay
from limits.strategies import FixedWindowRateLimiter

from auditlogs.entry.text import SEPARATOR
from auditlogs.storage.dictionary import StoredNames, notes_of_actor, notes_of_target
from auditlogs.storage.mongo import Document
from auditlogs.write.rates import new_limiter

# The first name of an actor or a bot is free: a key may send the entries of any number of them.
# A fleet of 200 bots can be renamed at once, which is rare. A key that renames all day adds 6,000
# notes in 30 days, which a sorted list of all time reads in 6 round trips.
NEW_NAMES: RateLimitItem = RateLimitItemPerDay(200)


def within_cap(documents: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Return entry documents as they are to be inserted, and the notes to store before them.

    Beyond the cap of its key, an entry gets the sort key of an actor without a name, and its notes
    no name. Entries without a key are recorded by the operator's own programs and not capped. Each
    process counts on its own. Raises StorageError and PyMongoError.
    """
    made = [([*notes_of_actor(each)], [*notes_of_target(each)]) for each in documents]
    names = StoredNames(
        note
        for document, (of_actor, of_target) in zip(documents, made, strict=True)
        if document["assertedBy"]
        for note in (*of_actor, *of_target)
    )
    kept: list[Document] = []
    notes: list[Document] = []
    for document, (of_actor, of_target) in zip(documents, made, strict=True):
        entry, key = document, document["assertedBy"]
        new = [*of_actor, *of_target]
        if names.would_change(of_actor) and not _may_rename(key):
            id = document["actor"]["id"]
            entry = {**document, "actorKey": f"{id}{SEPARATOR}{id}"}
            nameless = notes_of_actor({**entry, "actor": _nameless(document["actor"])})
            new = [*nameless, *of_target]
        if names.would_change(of_target) and not _may_rename(key):
            nameless = notes_of_target({**entry, "target": _nameless(document["target"])})
            new = [*new[: -len(of_target)], *nameless]
        names.add(new)
        kept.append(entry)
        notes += new
    return kept, notes


def _may_rename(key: str | None) -> bool:
    return key is None or _limiter().hit(NEW_NAMES, "names", key)


def _nameless(named: dict[str, Any]) -> dict[str, Any]:
    return {**named, "name": None}


@functools.cache
def _limiter() -> FixedWindowRateLimiter:
    return new_limiter()
