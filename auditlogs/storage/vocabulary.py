"""The vocabulary: which tokens an account's entries have, but for identifiers.

A search for the beginning of a word is answered by the tokens that begin so, each looked for by
itself. A range of tokens would say the same in one condition, but not every engine serves a range
over an array by its index: DocumentDB reads each entry of the account for it.

Its notes are in the dictionary. Each is for four weeks, and expires with their last entry.

A writer that never sends a word twice gets no more notes once it has sent many: a note says that
the vocabulary of these four weeks is not complete, and searches in them do without it.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from auditlogs.entry.identity import id_ms
from auditlogs.entry.text import SEPARATOR, prefix_range
from auditlogs.entry.times import DAY_MS, WEEK_MS, from_ms, now, to_ms
from auditlogs.entry.tokens import SHORT, beginning_of, is_listed
from auditlogs.storage import mongo
from auditlogs.storage.dictionary import CHUNK, READ_SECONDS, insert
from auditlogs.storage.mongo import Document

KIND = "token"
PERIOD_MS = 4 * WEEK_MS
# Notes that are read for one prefix, and tokens that a condition may have.
MAX_NOTES = 2_000
MAX_TOKENS = 300
# Note ids that this process remembers as stored.
MAX_STORED_IDS = 200_000
# Notes that this process adds for an account and four weeks, and for them in one write. The first
# three characters of random identifiers are some 47,000, and in a second 2,000 notes are stored.
MAX_NEW, MAX_NEW_AT_ONCE = 100_000, 10_000
# Accounts of which this process remembers that their vocabulary has begun, or how many notes it
# has added.
MAX_ACCOUNTS = 10_000
# For a day after the first entry of this version, an earlier one may still store entries of an
# account without notes, and they may be dated a day ahead.
HANDOVER_MS = 2 * DAY_MS


def add(documents: Iterable[Document]) -> None:
    """Insert the notes that are missing for entries, before these are inserted. Raises StorageError
    and PyMongoError."""
    new: dict[tuple[str, int], dict[str, Document]] = {}
    for document in documents:
        group = document["account"], id_ms(document["_id"]) // PERIOD_MS
        notes = new.setdefault(group, {})
        notes.update((note["_id"], note) for note in _notes(document, *group))
    for (account, period), notes in new.items():
        if notes:
            _begin(account)
            _add(account, period, [*notes.values()])


def known_from(account: str) -> int | None:
    """Return the time from which on every token of an account's entries is noted, in ms; None while
    the account has no entry of this version. Raises StorageError."""
    # The process that ends it may be another one, so it is not remembered.
    low, high = prefix_range(SEPARATOR.join((account, KIND, "", "")))
    with mongo.time_limit(READ_SECONDS):
        found = mongo.dictionary().find(
            {"_id": {"$gte": low, "$lt": high}}, {"from": 1}, batch_size=CHUNK + 1
        )
        return max((note["from"] for note in found.limit(CHUNK)), default=None)


def beginning_with(account: str, prefix: str) -> list[str] | None:
    """Return the tokens to look for: an entry with a piece that begins with the prefix has at least
    one of them. An entry without such a piece can have one too, if it is the beginning of an
    identifier. Returns None if there are too many tokens. Raises StorageError."""
    words = _noted(account, prefix)
    beginning = beginning_of(prefix)
    beginnings: list[str] | None = [beginning]
    if is_listed(beginning):
        beginnings = _noted(account, beginning, exact=len(prefix) >= SHORT)
    if words is None or beginnings is None or len(words) + len(beginnings) > MAX_TOKENS:
        return None
    return [*words, *beginnings]


def _noted(account: str, prefix: str, *, exact: bool = False) -> list[str] | None:
    """Return the noted tokens that begin with a prefix, or that alone; None if there may be
    more."""
    low, high = prefix_range(SEPARATOR.join((account, KIND, prefix)))
    if exact:
        low, high = prefix_range(f"{low}{SEPARATOR}")
    with mongo.time_limit(READ_SECONDS):
        found = mongo.dictionary().find(
            {"_id": {"$gte": low, "$lt": high}}, {"value": 1}, batch_size=MAX_NOTES + 1
        )
        notes = list(found.sort("_id", 1).limit(MAX_NOTES))
    return None if len(notes) == MAX_NOTES else list(dict.fromkeys(n["value"] for n in notes))


def _notes(document: Document, account: str, period: int) -> Iterator[Document]:
    """Yield the notes of an entry that this process has not stored yet."""
    if _added()[account, period] > MAX_NEW:
        return
    stored = _stored_ids()
    for token in document["tokens"]:
        id = _key(account, token, period)
        if id not in stored and is_listed(token):
            # The field of the TTL index, which the other notes have too.
            yield {"_id": id, "value": token, "weekEnd": _end(period)}


def _add(account: str, period: int, notes: list[Document]) -> None:
    """Insert notes of an account and four weeks, or instead of too many the one that says so."""
    group = account, period
    is_too_many = len(notes) > MAX_NEW_AT_ONCE or _added()[group] + len(notes) > MAX_NEW
    if is_too_many:
        end = _end(period)
        notes = [{"_id": _key(account, "", period), "from": to_ms(end), "weekEnd": end}]
    if len(_added()) >= MAX_ACCOUNTS:
        _added().clear()
    remaining = iter(notes)
    while chunk := list(islice(remaining, CHUNK)):
        insert(chunk, _stored_ids(), MAX_STORED_IDS)
        _added()[group] += MAX_NEW + 1 if is_too_many else len(chunk)


def _begin(account: str) -> None:
    """Note from when on the vocabulary of an account is complete: always, if it has no entry."""
    if account in _begun():
        return
    if known_from(account) is None:
        with mongo.time_limit(READ_SECONDS):
            low, high = prefix_range(f"{account}{SEPARATOR}")
            note = mongo.dictionary().find_one({"_id": {"$gte": low, "$lt": high}}, {"_id": 1})
            is_new = note is None
            known = 0 if is_new else to_ms(now()) + HANDOVER_MS
            mongo.insert_missing(mongo.dictionary(), [{"_id": _key(account, "", 0), "from": known}])
    if len(_begun()) >= MAX_ACCOUNTS:
        _begun().clear()
    _begun().add(account)


def _key(account: str, token: str, period: int) -> str:
    return SEPARATOR.join((account, KIND, token, f"{period:05}"))


def _end(period: int) -> datetime:
    return from_ms((period + 1) * PERIOD_MS)


@functools.cache
def _stored_ids() -> set[str]:
    return set()


@functools.cache
def _added() -> Counter[tuple[str, int]]:
    """Return how many notes this process has added for an account and four weeks."""
    return Counter()


@functools.cache
def _begun() -> set[str]:
    """Return accounts whose vocabulary has begun."""
    return set()
