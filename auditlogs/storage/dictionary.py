"""The dictionary: the distinct actors, actions and bots of an account's entries.

It gives the values for a list sorted by actor or action, and the names of actors and bots, so that
no query has to scan the log for distinct values. It is append-only: a value has one note for each
week in which entries contain it, and the note expires with the last entry of that week. It holds no
ids of orders, sessions or requests: such a note would cost a write and never be used again.
"""

import functools
import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Literal, NamedTuple

from msgspec import json
from pymongo import ASCENDING, DESCENDING

from auditlogs.entry.identity import id_ms
from auditlogs.entry.text import SEPARATOR, norm, prefix_range
from auditlogs.entry.times import WEEK_MS, from_ms
from auditlogs.storage import mongo
from auditlogs.storage.mongo import Document

BATCH = 200
MAX_NOTES = 5_000
# Notes inserted, or read for the values of a sort key, by one command.
CHUNK = 1_000
# Note ids that this process remembers as stored, so that it does not send them again.
MAX_STORED_IDS = 50_000
READ_SECONDS = 5.0
# A time limit of zero would be none.
LEAST_SECONDS = 0.001

Kind = Literal["actor", "action", "bot"]
# The fields of a bot's notes with the id of an agent that acted as it: its own, and one that acted
# for another agent.
AGENT_ROLES = ("actor", "delegate")


@dataclass(frozen=True, slots=True)
class NamedActor:
    """An actor with its most recent name."""

    type: str
    id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class NamedBot:
    """A bot with its most recent name."""

    id: str
    name: str | None


class Listed(NamedTuple):
    """Values of a kind, and the last note that was read for them; None where there are no more."""

    values: list[str]
    last: Document | None


class StoredNames:
    """The newest names of the actors and bots that notes are about, before the notes are stored."""

    def __init__(self, notes: Iterable[Document]) -> None:
        """Read the names that the dictionary has. Notes that this process has stored cost no query.
        Raises StorageError and PyMongoError."""
        unknown = {n["_id"]: n for n in notes if _is_named(n) and n["_id"] not in _stored_ids()}
        stored = _among("_id", unknown, {"$project": {"_id": 1}})
        self._stored = {note["_id"] for note in stored}
        named = {note["named"] for id, note in unknown.items() if id not in self._stored}
        # MongoDB reads one index key for each value of `named`, however many names it had.
        by_time: Document = {"$sort": {"named": 1, "since": 1}}
        last: Document = {"$group": {"_id": "$named", "name": {"$last": "$name"}}}
        newest = _among("named", named, by_time, last)
        self._newest: dict[str, str | None] = {each["_id"]: each["name"] for each in newest}

    def would_change(self, notes: Iterable[Document]) -> bool:
        """Tell whether notes give an actor or a bot another name than those it has."""
        return any(
            self._newest.get(note["named"], note["name"]) != note["name"]
            for note in notes
            if _is_named(note)
            and note["_id"] not in _stored_ids()
            and note["_id"] not in self._stored
        )

    def add(self, notes: Iterable[Document]) -> None:
        """Add the names in notes that are about to be stored."""
        for note in filter(_is_named, notes):
            self._stored.add(note["_id"])
            self._newest.setdefault(note["named"], note["name"])


def notes_of_actor(entry: Document) -> Iterator[Document]:
    """Yield the notes of an entry's actor and action, and of the bot as which it acted."""
    actor = entry["actor"]
    yield _note(entry, "actor", entry["actorKey"], actor)
    action = {"id": entry["action"], "actionType": entry["actionType"]}
    yield _note(entry, "action", entry["action"], action)
    if entry["botId"] and actor["type"] == "agent":
        role = "actor" if _is_own(entry) else "delegate"
        bot = {"id": entry["botId"], "name": actor["name"], role: actor["id"]}
        yield _note(entry, "bot", entry["botId"], bot)


def notes_of_target(entry: Document) -> Iterator[Document]:
    """Yield the note of a bot that an entry's action was applied to."""
    target = entry["target"]
    if target and target["type"] == "bot":
        yield _note(entry, "bot", target["id"], {"id": target["id"], "name": target["name"]})


def add(notes: Iterable[Document]) -> None:
    """Insert the notes that are not stored yet. Raises StorageError and PyMongoError.

    Call it before the entries are inserted: an entry whose note is missing would be missing from
    lists sorted by actor or action.
    """
    new = {note["_id"]: note for note in notes if note["_id"] not in _stored_ids()}
    remaining = iter(new.values())
    while chunk := list(islice(remaining, CHUNK)):
        # Remembered chunk by chunk: a retry after a time-out continues where the first one ended.
        insert(chunk, _stored_ids(), MAX_STORED_IDS)


def insert(notes: list[Document], stored_ids: set[str], most: int) -> None:
    """Insert notes that may exist, and remember the ids of at most `most` notes as stored. Raises
    StorageError and PyMongoError."""
    _, rejected = mongo.insert_missing(mongo.dictionary(), notes)
    if rejected:
        raise mongo.StorageError("The database rejected notes of the dictionary.")
    if len(stored_ids) + len(notes) > most:
        stored_ids.clear()
    stored_ids.update(note["_id"] for note in notes)


def values(
    account: str,
    kind: Kind,
    weeks: range,
    keeps: Callable[[Document], bool],
    *,
    start: str | None = None,
    after: str | None = None,
    limit: int,
    descending: bool = False,
) -> Listed:
    """Return the distinct values of up to `limit` notes, in the order of their code points, by one
    query: of those that are of these weeks and that `keeps` wants.

    `start` is the first value, inclusive; or they go on after the note with the `_id` `after`.
    Raises StorageError.
    """
    until = time.monotonic() + READ_SECONDS
    notes = _read(
        account, kind, limit, start=start, after=after, descending=descending, until=until
    )
    kept = (note for note in notes if note["week"] in weeks and keeps(note))
    last = notes[-1] if len(notes) == limit else None
    return Listed([value for value, _ in groupby(kept, _value_of)], last)


def values_of(
    account: str, kind: Kind, ids: Collection[str], weeks: range, keeps: Callable[[Document], bool]
) -> list[str] | None:
    """Return the distinct values with one of these ids, as `values` does; None where they have too
    many notes for one query. Raises StorageError."""
    with mongo.time_limit(READ_SECONDS):
        query = {"named": {"$in": [_named(account, kind, id) for id in ids]}}
        notes = list(mongo.dictionary().find(query, batch_size=CHUNK + 1).limit(CHUNK))
    kept = (note["value"] for note in notes if note["week"] in weeks and keeps(note))
    return sorted(set(kept)) if len(notes) < CHUNK else None


def account_after(account: str) -> str | None:
    """Return the first account, in order of their ids, after this one that has any entry, or None.
    Raises StorageError."""
    # All notes of the account sort before this.
    start = prefix_range(f"{account}{SEPARATOR}")[1] if account else ""
    with mongo.time_limit(READ_SECONDS):
        found = mongo.dictionary().find_one({"_id": {"$gte": start}}, {"_id": 1}, sort={"_id": 1})
    return str(found["_id"]).split(SEPARATOR, 1)[0] if found else None


def actor_notes(account: str) -> Iterator[Document]:
    """Yield the notes of all names of the account's actors. Raises StorageError."""
    return _notes(account, "actor", batch=CHUNK, whole=False)


def actors(account: str, search: str, limit: int) -> tuple[list[NamedActor], bool]:
    """Return up to `limit` actors whose name or id contains the search, sorted by name, and
    whether there are more. An actor is found by every name it had, and returned once, with its
    most recent one."""
    text = norm(search)
    newest: dict[str, Document] = {}
    matching: set[str] = set()
    count = 0
    for note in _notes(account, "actor", batch=CHUNK):
        count += 1
        other = newest.get(note["id"])
        if other is None or note["since"] >= other["since"]:
            newest[note["id"]] = note
        if text in norm(note["value"]) or text in norm(note["id"]):
            matching.add(note["id"])
        if count == MAX_NOTES or len(matching) > limit:
            break
    matches = sorted((newest[id] for id in matching), key=lambda note: str(note["value"]))
    named = [NamedActor(note["type"], note["id"], note["name"]) for note in matches[:limit]]
    return named, len(matches) > limit or count == MAX_NOTES


def actor(account: str, actor_id: str) -> NamedActor | None:
    """Return the actor with this id and its most recent name, or None if no entry names it."""
    note = _newest(account, "actor", actor_id)
    return NamedActor(note["type"], note["id"], note["name"]) if note else None


def bots(account: str, limit: int) -> list[NamedBot]:
    """Return up to `limit` bots sorted by id, from the first `MAX_NOTES` notes."""
    notes = islice(_notes(account, "bot"), MAX_NOTES)
    by_bot = islice(groupby(notes, _value_of), limit)
    newest = (max(notes_of_bot, key=_preference) for _, notes_of_bot in by_bot)
    return [NamedBot(note["id"], note["name"]) for note in newest]


def bot_name(account: str, bot_id: str) -> str | None:
    """Return a bot's most recent name: that of its own agent, else of an agent that acts for it,
    else of what is done to it; None if no entry gives it one."""
    conditions: list[Document] = [{role: {"$exists": True}} for role in AGENT_ROLES]
    for condition in (*conditions, {}):
        if note := _newest(account, "bot", bot_id, {**condition, "name": {"$ne": None}}):
            return str(note["name"])
    return None


def agent_of(account: str, bot_id: str) -> str | None:
    """Return the id of the agent that acted as a bot last, or None if none did. One that acts for
    another agent counts only where no other has acted."""
    for role in AGENT_ROLES:
        if note := _newest(account, "bot", bot_id, {role: {"$exists": True}}):
            return str(note[role])
    return None


def week_of(ms: int) -> int:
    """Return the number of weeks from the epoch to this millisecond."""
    return ms // WEEK_MS


@functools.cache
def _stored_ids() -> set[str]:
    """Return the ids of notes that this process has stored or found stored."""
    return set()


def _note(entry: Document, kind: Kind, value: str, details: Document) -> Document:
    """Return the note of a value. Its `_id` sorts by account, kind, value and week, so that a range
    of `_id` lists values in order, and inserting the same note again does nothing."""
    week = week_of(id_ms(entry["_id"]))
    exact = hashlib.sha256(json.encode(details)).hexdigest()[:16]
    return {
        "_id": SEPARATOR.join((entry["account"], kind, value, f"{week:06}", exact)),
        "value": value,
        **details,
        **({"named": _named(entry["account"], kind, details["id"])} if details else {}),
        "week": week,
        "since": entry["timestamp"],
        # The field of the TTL index: a change of the retention applies to stored notes too.
        "weekEnd": from_ms((week + 1) * WEEK_MS),
    }


def _among(field: str, values: Collection[str], *stages: Document) -> list[Document]:
    """Run aggregation stages over the notes whose field has one of these values."""
    if not values:
        return []
    return list(mongo.dictionary().aggregate([{"$match": {field: {"$in": [*values]}}}, *stages]))


def _is_named(note: Document) -> bool:
    return note.get("name") is not None


def _named(account: str, kind: Kind, id: str) -> str:
    return SEPARATOR.join((account, kind, id))


def _value_of(note: Document) -> str:
    value: str = note["value"]
    return value


def _preference(note: Document) -> tuple[bool, bool, bool, datetime]:
    """Prefer the name under which the bot's own agent acts, then that of an agent that acts for it,
    then the most recent. Any API key may send entries with any target, so anybody could otherwise
    rename a bot."""
    is_named = _is_named(note)
    own, delegate = (is_named and role in note for role in AGENT_ROLES)
    return own, delegate, is_named, note["since"]


def _is_own(entry: Document) -> bool:
    """Tell whether the agent of an entry is the bot's own, as it is unless it acts for another
    agent."""
    if entry["actor"]["id"] == entry["botId"]:
        return True
    return not any(each["type"] == "agent" for each in entry.get("onBehalfOf") or ())


def _notes(
    account: str, kind: Kind, *, batch: int = BATCH, whole: bool = True
) -> Iterator[Document]:
    """Yield the notes of a kind in the order of their values, batch by batch. READ_SECONDS are for
    all of them, or for each batch unless `whole`."""
    after: str | None = None
    until = time.monotonic() + READ_SECONDS
    while True:
        if not whole:
            until = time.monotonic() + READ_SECONDS
        notes = _read(account, kind, batch, after=after, until=until)
        yield from notes
        if len(notes) < batch:
            return
        after = notes[-1]["_id"]


def _read(
    account: str,
    kind: Kind,
    limit: int,
    *,
    start: str | None = None,
    after: str | None = None,
    descending: bool = False,
    until: float,
) -> list[Document]:
    """Return up to `limit` notes of a kind in the order of their values: from the value `start` on,
    or after the note with the `_id` `after`."""
    low, high = prefix_range(SEPARATOR.join((account, kind, "")))
    if start is not None and not descending:
        low += start
    elif start is not None:
        high = prefix_range(f"{low}{start}{SEPARATOR}")[1]
    beyond: Document = {"$lt" if descending else "$gt": after} if after else {}
    bounds: Document = {"$gte": low, "$lt": high, **beyond}
    with mongo.time_limit(max(until - time.monotonic(), LEAST_SECONDS)):
        found = mongo.dictionary().find({"_id": bounds}, batch_size=limit + 1)
        return list(found.sort("_id", DESCENDING if descending else ASCENDING).limit(limit))


def _newest(
    account: str, kind: Kind, id: str, condition: Document | None = None
) -> Document | None:
    """Return the note of an actor or a bot that was made for its latest entry."""
    query = {"named": _named(account, kind, id), **(condition or {})}
    with mongo.time_limit(READ_SECONDS):
        return mongo.dictionary().find_one(query, sort=[("since", DESCENDING)])
