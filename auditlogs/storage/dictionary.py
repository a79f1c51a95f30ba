"""The kept dictionary: the actors, actions, bots and tokens that an account's entries name.

It is what a list sorted by actor or action is read by, what a search expands its words by, and
what the Hub offers and calls by name, so that nothing ever asks the log itself for its distinct
values. It is only ever added to: a value is noted once for each week of entries that name it, and
a note goes when the last entry of its week has gone.
"""

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Literal

from msgspec import json
from pymongo import DESCENDING

from auditlogs.entry.identity import id_ms
from auditlogs.entry.text import SEPARATOR, is_piece, norm, prefix_range
from auditlogs.entry.times import DAY_MS, from_ms
from auditlogs.storage import mongo
from auditlogs.storage.mongo import Document

WEEK_MS = 7 * DAY_MS
BATCH = 200
MAX_NOTES = 5_000
# Notes that are sent at once, and remembered as kept.
CHUNK = 1_000
MAX_KNOWN = 50_000
READ_SECONDS = 5.0

Kind = Literal["actor", "action", "bot", "piece", "token"]


@dataclass(frozen=True, slots=True)
class NamedActor:
    """An actor as the Hub offers it: by the name it had last."""

    type: str
    id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class NamedBot:
    """A bot as the Hub offers it: by the name it had last."""

    id: str
    name: str | None


def notes_of(entry: Document) -> Iterator[Document]:
    """Yield the notes that a stored entry needs to be found by."""
    actor, target = entry["actor"], entry["target"]
    yield _note(entry, "actor", entry["actorKey"], actor)
    action = {"id": entry["action"], "actionType": entry["actionType"]}
    yield _note(entry, "action", entry["action"], action)
    for token in entry["tokens"]:
        # A word that begins a token with white space begins that token's first piece too.
        if not any(char.isspace() for char in token):
            yield _note(entry, _kind_of(token), token, {})
    if entry["botId"] and actor["type"] == "agent":
        bot = {"id": entry["botId"], "name": actor["name"], "actor": actor["id"]}
        yield _note(entry, "bot", entry["botId"], bot)
    if target and target["type"] == "bot":
        yield _note(entry, "bot", target["id"], {"id": target["id"], "name": target["name"]})


def add(notes: Iterable[Document]) -> None:
    """Keep the notes that are not kept yet. Made before the entries they are for, so that
    no stored entry can be missing from a list."""
    new = {note["_id"]: note for note in notes if note["_id"] not in _known()}
    left = iter(new.values())
    while chunk := list(islice(left, CHUNK)):
        _, refused = mongo.insert_missing(mongo.dictionary(), chunk)
        if refused:
            raise mongo.StorageError("The database refuses notes of the dictionary.")
        # So a second try goes on where the time of the first was over.
        if len(_known()) + len(chunk) > MAX_KNOWN:
            _known().clear()
        _known().update(note["_id"] for note in chunk)


def values(
    account: str, kind: Kind, weeks: range, only: Mapping[str, str], start: str | None, step: int
) -> Iterator[str]:
    """Yield the distinct values noted in these weeks, in code point order (step 1) or reverse (-1).

    `only` keeps the notes whose fields have these values; `start` is the first value, inclusive.
    """
    for value, notes in groupby(_notes(account, kind, start=start, step=step), _value_of):
        if any(
            note["week"] in weeks and all(note.get(k) == v for k, v in only.items())
            for note in notes
        ):
            yield value


def tokens(account: str, word: str, weeks: range, limit: int) -> tuple[str, ...] | None:
    """Return the tokens noted in these weeks that begin with a word, by which every entry that
    the word finds is found, or None where there are more than the limit."""
    notes = (note for note in _notes(account, _kind_of(word), word) if note["week"] in weeks)
    found = [value for value, _ in islice(groupby(notes, _value_of), limit + 1)]
    return tuple(found) if len(found) <= limit else None


def actors(account: str, search: str, limit: int) -> tuple[list[NamedActor], bool]:
    """Return up to `limit` actors whose name or id contains the search, by name, and whether
    there are more. An actor is offered once, by the name it had last, and found by any."""
    wanted = norm(search)
    newest: dict[str, Document] = {}
    found: set[str] = set()
    seen = 0
    for note in _notes(account, "actor"):
        seen += 1
        known = newest.get(note["id"])
        if known is None or note["since"] >= known["since"]:
            newest[note["id"]] = note
        if wanted in note["value"] or wanted in norm(note["id"]):
            found.add(note["id"])
        if seen == MAX_NOTES or len(found) > limit:
            break
    matches = sorted((newest[key] for key in found), key=lambda note: str(note["value"]))
    named = [NamedActor(note["type"], note["id"], note["name"]) for note in matches[:limit]]
    return named, len(matches) > limit or seen == MAX_NOTES


def actor(account: str, actor_id: str) -> NamedActor | None:
    """Return an actor by its id, with the name it had last, or None if it is not known."""
    note = _newest(account, "actor", actor_id)
    return NamedActor(note["type"], note["id"], note["name"]) if note else None


def bots(account: str, limit: int) -> list[NamedBot]:
    """Return up to `limit` bots, by their ids; of very many notes the first are looked at."""
    notes = islice(_notes(account, "bot"), MAX_NOTES)
    found = islice(groupby(notes, _value_of), limit)
    newest = (max(noted, key=_preference) for _, noted in found)
    return [NamedBot(note["id"], note["name"]) for note in newest]


def bot_name(account: str, bot_id: str) -> str | None:
    """Return the name a bot had last, or None if it has none or is not known."""
    own = _newest(account, "bot", bot_id, {"actor": {"$exists": True}, "name": {"$ne": None}})
    note = own or _newest(account, "bot", bot_id)
    return note["name"] if note else None


def agent_of(account: str, bot_id: str) -> str | None:
    """Return the id of the actor that acted as a bot last, or None if none is known."""
    note = _newest(account, "bot", bot_id, {"actor": {"$exists": True}})
    return note["actor"] if note else None


def week_of(ms: int) -> int:
    """Return the number of the week, since the epoch, that holds a millisecond."""
    return ms // WEEK_MS


@functools.cache
def _known() -> set[str]:
    """Return the ids of notes that this process knows to be kept."""
    return set()


def _note(entry: Document, kind: Kind, value: str, details: Document) -> Document:
    """Return the note of a value. Its `_id` sorts by account, kind, value and week, so that one
    range of `_id` is a list of values in order, and noting a value again changes nothing."""
    week = week_of(id_ms(entry["_id"]))
    exact = hashlib.sha256(json.encode(details)).hexdigest()[:16]
    return {
        "_id": SEPARATOR.join((entry["account"], kind, value, f"{week:06}", exact)),
        "value": value,
        **details,
        **({"named": _named(entry["account"], kind, details["id"])} if details else {}),
        "week": week,
        "since": entry["timestamp"],
        # From there on it is kept for as long as entries are, whatever the retention is by then.
        "weekEnd": from_ms((week + 1) * WEEK_MS),
    }


def _named(account: str, kind: Kind, id: str) -> str:
    return SEPARATOR.join((account, kind, id))


def _kind_of(token: str) -> Kind:
    """Return how a token without white space is kept: what a word of letters, marks and digits
    begins is, or begins with, such a piece, so that the other tokens need not be looked at."""
    return "piece" if is_piece(token) else "token"


def _value_of(note: Document) -> str:
    value: str = note["value"]
    return value


def _preference(note: Document) -> tuple[bool, datetime]:
    """Return by what a bot's note is preferred: the name that its agent gives itself goes before
    one that others call it by, for any key may name any target."""
    return "actor" in note and note["name"] is not None, note["since"]


def _notes(
    account: str, kind: Kind, prefix: str = "", *, start: str | None = None, step: int = 1
) -> Iterator[Document]:
    """Yield all notes of a kind by value, batch by batch: of the values that begin with a prefix,
    or from a value on."""
    low, high = prefix_range(SEPARATOR.join((account, kind, prefix)))
    if start is not None and step > 0:
        low += start
    elif start is not None:
        high = prefix_range(f"{low}{start}{SEPARATOR}")[1]
    reach: Document = {"$gte": low, "$lt": high}
    while True:
        with mongo.time_limit(READ_SECONDS):
            batch = list(mongo.dictionary().find({"_id": reach}).sort("_id", step).limit(BATCH))
        yield from batch
        if len(batch) < BATCH:
            return
        reach = reach | {"$gt" if step > 0 else "$lt": batch[-1]["_id"]}


def _newest(account: str, kind: Kind, id: str, more: Document | None = None) -> Document | None:
    """Return the note, of those of an id, that was made for the latest entry."""
    wanted = {"named": _named(account, kind, id), **(more or {})}
    with mongo.time_limit(READ_SECONDS):
        return mongo.dictionary().find_one(wanted, sort=[("since", DESCENDING)])
