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
from auditlogs.entry.text import SEPARATOR, norm, pieces, prefix_range
from auditlogs.entry.times import from_ms
from auditlogs.storage import dictionary, mongo
from auditlogs.storage.dictionary import WEEK_MS, NamedActor, week_of
from auditlogs.storage.mongo import Document, StorageError

T = TypeVar("T")

READ_SECONDS = 5.0
WRITE_SECONDS = 10.0
BATCH = 500
# That one list reads where an index does not find the search.
MAX_READ = 5_000
MAX_WORDS = 30


def actors(account: str, search: str, limit: int) -> tuple[list[NamedActor], bool]:
    """Return up to `limit` actors sorted by name, and whether there may be more.

    Found are those of which a word of the newest name or of the id begins with the search, and
    among the first MAX_READ also those that contain it. Where the worker has not made the account's
    notes yet, the dictionary is read. Raises StorageError.
    """
    if not _is_complete(account):
        return dictionary.actors(account, search, limit)
    text = norm(search)
    if not text:
        notes = _find({"account": account}, limit + 1)
        return [_named(note) for note in notes[:limit]], len(notes) > limit
    low, high = prefix_range(text)
    by_word = _find({"account": account, "words": {"$gte": low, "$lt": high}}, limit + 1)
    found = {note["_id"]: note for note in by_word}
    is_cut = len(by_word) > limit
    if not is_cut:
        notes = _find({"account": account}, MAX_READ)
        found |= {n["_id"]: n for n in notes if text in n["value"] or text in norm(n["id"])}
        is_cut = len(notes) == MAX_READ
    matches = sorted(found.values(), key=lambda note: (note["value"], note["id"]))
    return [_named(note) for note in matches[:limit]], is_cut or len(matches) > limit


def names(account: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the newest names of actors that have one, by their ids, at most MAX_READ.

    Raises StorageError.
    """
    if not _is_complete(account):
        named, wanted = dictionary.actors(account, "", MAX_READ)[0], set(ids)
        return {actor.id: actor.name for actor in named if actor.name and actor.id in wanted}
    keys = [SEPARATOR.join((account, id)) for id in islice(ids, MAX_READ)]
    notes = _find({"account": account, "_id": {"$in": keys}}, MAX_READ)
    return {note["id"]: note["name"] for note in notes if note["name"]}


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
    words = dict.fromkeys([*texts, *(piece for text in texts for piece in pieces(text))])
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
        # From then on it is kept as long as entries are.
        "weekEnd": from_ms((week + 1) * WEEK_MS),
    }


def _find(condition: Document, limit: int) -> list[Document]:
    with mongo.time_limit(READ_SECONDS):
        return list(mongo.actors().find(condition, {"words": 0}).sort("value", 1).limit(limit))


def _is_complete(account: str) -> bool:
    try:
        with mongo.time_limit(READ_SECONDS):
            return mongo.actors().find_one({"_id": _marker(account)}) is not None
    except mongo.TookTooLong:
        raise
    except StorageError:
        # The role of the web process has not got the right yet.
        return False


def _marker(account: str) -> str:
    # No actor has an empty id.
    return SEPARATOR.join((account, ""))


def _named(note: Document) -> NamedActor:
    return NamedActor(note["type"], note["id"], note["name"])
