"""The actors of each account: one note for each actor id, with the newest name.

The dictionary has a note for each name and week, as sorted lists need; one agent that changes its
name with every entry fills it. These notes are as many as there are actors. The worker keeps them,
from the entries that reach the log, with the only right to update them; what it has not seen yet is
missing for some seconds.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from auditlogs.entry.identity import id_ms
from auditlogs.entry.text import SEPARATOR, mark_pieces, norm, prefix_range
from auditlogs.entry.times import WEEK_MS, from_ms
from auditlogs.storage import dictionary, mongo
from auditlogs.storage.dictionary import NamedActor, week_of
from auditlogs.storage.mongo import Document, StorageError

T = TypeVar("T")

READ_SECONDS = 5.0
WRITE_SECONDS = 10.0
MAX_NAMED = 1_000
BATCH = 500
# The texts that a search can begin with to find an actor: the name and the id, from each word on.
MAX_WORDS = 30


def actors(account: str, search: str, limit: int) -> tuple[list[NamedActor], bool]:
    """Return up to `limit` actors sorted by name, and whether there may be more.

    An actor matches if its newest name or id contains the search at the beginning of a word. Where
    the worker has not made the account's notes yet, the dictionary is read. Raises StorageError.
    """
    if not _is_complete(account):
        return dictionary.actors(account, search, limit)
    notes = _find(account, norm(search.strip()), limit + 1)
    matches = sorted(notes, key=lambda note: (note["value"], note["id"]))
    return [_named(note) for note in matches[:limit]], len(notes) > limit


def names(account: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the newest names of actors that have one, by their ids, of the first MAX_NAMED.

    Raises StorageError.
    """
    first = list(islice(ids, MAX_NAMED))
    if not _is_complete(account):
        named = dictionary.actors(account, "", MAX_NAMED)[0]
        return {actor.id: actor.name for actor in named if actor.name and actor.id in first}
    keys = [SEPARATOR.join((account, id)) for id in first]
    with mongo.time_limit(READ_SECONDS):
        notes = mongo.actors().find({"account": account, "_id": {"$in": keys}}, {"words": 0})
        return {note["id"]: note["name"] for note in notes.limit(MAX_NAMED) if note["name"]}


def keep(entry_ids: Iterable[UUID]) -> None:
    """Note the actors of entries that have reached the log. Raises StorageError."""
    for ids in _batched(entry_ids):
        with mongo.time_limit(WRITE_SECONDS):
            fields = {"account": 1, "actor": 1}
            entries = list(mongo.entries().find({"_id": {"$in": ids}}, fields))
        for account in {entry["account"] for entry in entries}:
            _complete(account)
        notes = (_note(e["account"], e["actor"], from_ms(id_ms(e["_id"]))) for e in entries)
        _replace(notes)


def note(account: str, actors: Iterable[tuple[Document, datetime]]) -> None:
    """Note actors of one account, each with the time of one of its entries. Raises StorageError."""
    _complete(account)
    _replace(_note(account, actor, since) for actor, since in actors)


def _complete(account: str) -> None:
    """Note the actors that the dictionary knows, once for each account."""
    if _is_complete(account):
        return
    notes = dictionary.actor_notes(account)
    _replace(_note(account, note, note["since"]) for note in notes)
    with mongo.time_limit(WRITE_SECONDS):
        mongo.replace_actors([{"_id": _marker(account), "since": from_ms(0)}])


def _replace(notes: Iterable[Document]) -> None:
    newest: dict[str, Document] = {}
    for note in notes:
        earlier = newest.get(note["_id"])
        if earlier is None or note["since"] >= earlier["since"]:
            newest[note["_id"]] = note
    for batch in _batched(newest.values()):
        with mongo.time_limit(WRITE_SECONDS):
            mongo.replace_actors(batch)


def _batched(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while batch := list(islice(left, BATCH)):
        yield batch


def _note(account: str, actor: Document, since: datetime) -> Document:
    name, id = actor["name"], actor["id"]
    texts = [norm(text) for text in (name, id) if text]
    words = dict.fromkeys([*texts, *(word for text in texts for word in _from_words(text))])
    week = week_of(int(since.timestamp() * 1000))
    return {
        "_id": SEPARATOR.join((account, id)),
        "account": account,
        "type": actor["type"],
        "id": id,
        "name": name,
        "value": norm(name or id),
        "words": list(words)[:MAX_WORDS],
        "since": since,
        # The field of the TTL index: from then on the note is kept as long as entries are.
        "weekEnd": from_ms((week + 1) * WEEK_MS),
    }


def _find(account: str, text: str, limit: int) -> list[Document]:
    with mongo.time_limit(READ_SECONDS):
        condition: Document = {"account": account}
        if text:
            condition["words"] = _begins_with(_from_words(text)[0])
        found = mongo.actors().find(condition, {"words": 0}, batch_size=limit + 1)
        # By the index of the words, those of a search come in another order: sorting them on the
        # server would read all of them.
        return list((found if text else found.sort("value", 1)).limit(limit))


def _begins_with(prefix: str) -> Document:
    low, high = prefix_range(prefix)
    bounds: Document = {"$gte": low} | ({} if high is None else {"$lt": high})
    # Without $elemMatch MongoDB finds an array where one element meets each bound, and reads half
    # of the index. SecantusDB reads the range, but for $elemMatch the whole collection.
    return bounds if mongo.is_secantus() else {"$elemMatch": bounds}


def _from_words(text: str) -> list[str]:
    """Return what begins with each word of a normalized text; the text itself if it has none."""
    start, *parts = mark_pieces(text).split(SEPARATOR)
    return ["".join(parts[place:]) for place in range(len(parts))] or [start]


def _is_complete(account: str) -> bool:
    try:
        with mongo.time_limit(READ_SECONDS):
            return mongo.actors().find_one({"_id": _marker(account)}) is not None
    except mongo.TookTooLong:
        raise
    except StorageError:
        # After an upgrade the role of the web process may lack the privilege.
        return False


def _marker(account: str) -> str:
    # No actor has an empty id.
    return SEPARATOR.join((account, ""))


def _named(note: Document) -> NamedActor:
    return NamedActor(note["type"], note["id"], note["name"])
