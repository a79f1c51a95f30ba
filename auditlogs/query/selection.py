"""The conditions of a list, and the `$match` stages that they become."""

import os.path
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditlogs.entry.actions import ACTION_TYPES
from auditlogs.entry.facts import fact
from auditlogs.entry.schema import RESULTS, uuid_forms
from auditlogs.entry.text import SEPARATOR, mark_pieces, norm, pieces, prefix_range
from auditlogs.entry.tokens import BEGINNING
from auditlogs.query.values import Values
from auditlogs.storage.documents import TEXT_SEPARATOR
from auditlogs.storage.indexes import ACCOUNT_FILTER, FACTS, LEADING_FILTERS, LeadingFilter
from auditlogs.storage.mongo import Document

WORDS = next(each for each in LEADING_FILTERS if each.path == "tokens")
# Stored as they were sent, unlike the correlation ID, which is stored in one form.
UUID_PATHS = frozenset({"sessionId", "target.id"})
# Fields that every entry has, with all their values.
FIXED = {"result": RESULTS, "actionType": ACTION_TYPES}
FACT_PATHS = frozenset(each.path for each in LEADING_FILTERS if each.field == FACTS)


@dataclass(frozen=True, slots=True)
class Word:
    """A search word, folded.

    Every piece of it but the last one stands in an entry as it is; the last one may go on there,
    unless a sign follows it in the word. A UUID is found with and without hyphens.

    Entries of earlier versions have tokens of another kind: accents stayed in them, and runs of Han
    and Kana were not split. Where there may be some of these, a word is looked for by what both
    have in common.
    """

    text: str

    @property
    def can_match(self) -> bool:
        """Whether it has a letter or a digit, and nothing that no entry can contain."""
        is_possible = SEPARATOR not in self.text and TEXT_SEPARATOR not in self.text
        return is_possible and bool(pieces(norm(self.text)))

    def looked_for(self, *, with_earlier: bool) -> tuple[list[str], str]:
        """Return the pieces that an entry has to have, and how one more begins, empty for none.
        More entries than those that the word finds may have them."""
        if not self.can_match:
            return [], ""
        if self._is_exact or not (with_earlier or len(self._forms) > 1):
            return _split(norm(self.text))
        first = [pieces(norm(form))[0] for form in self._forms]
        first += [self.text] if with_earlier else []
        return [], os.path.commonprefix(first)  # noqa: RUF071 - by character, as wanted

    @property
    def only_piece(self) -> str:
        """The word itself where it is one piece, in one form; else an empty text."""
        text = norm(self.text)
        return text if len(self._forms) == 1 and pieces(text) == [text] else ""

    @property
    def compared(self) -> Document:
        """The condition that finds the word in the text of an entry; not in those of earlier
        versions."""
        forms = [_compared(norm(form)) for form in self._forms]
        return forms[0] if len(forms) == 1 else {"$or": forms}

    @property
    def rest(self) -> Document | None:
        """The condition for what the pieces do not say, mostly their order and the signs around
        them; on entries of every version."""
        if self._is_exact:
            text = norm(self.text)
            compared = _compared(text)
            return None if pieces(text) == [text] else {"$or": [compared, self._earlier]}
        forms = [
            {"$and": [*({"tokens": each} for each in self._of_pieces(form)), _compared(norm(form))]}
            for form in self._forms
        ]
        return {"$or": [*forms, self._earlier]}

    @property
    def _earlier(self) -> Document:
        """The condition on entries of earlier versions, which have no text. There a word is a
        prefix of a token."""
        forms = [{"tokens": prefix_condition(form)} for form in self._forms]
        return {"text": None, **(forms[0] if len(forms) == 1 else {"$or": forms})}

    def _of_pieces(self, form: str) -> list[Any]:
        whole, beginning = _split(norm(form))
        return [*whole, *([prefix_condition(beginning)] if beginning else [])]

    @property
    def _forms(self) -> tuple[str, ...]:
        """The forms of the word: a UUID with and without hyphens."""
        forms = uuid_forms(self.text)
        return forms if len(forms) == 1 else tuple(dict.fromkeys(each.lower() for each in forms))

    @property
    def _is_exact(self) -> bool:
        """Whether the word has one form, and entries of earlier versions, which kept accents and
        did not split runs of Han or Kana, contain the same pieces."""
        return self.text.isascii() and len(self._forms) == 1


def _split(text: str) -> tuple[list[str], str]:
    """Return the pieces of a normalized text, of which the last one is apart: it may go on unless a
    sign follows it, and is empty then."""
    *whole, last = pieces(text)
    return (whole, last) if text.endswith(last) else ([*whole, last], "")


def _compared(text: str) -> Document:
    """Return the condition that a normalized text stands in one of an entry's."""
    marked = {"$literal": mark_pieces(text)}
    # An aggregation's string functions take the word as data. No text of a caller is a pattern.
    position = {"$indexOfCP": [{"$ifNull": ["$text", ""]}, marked]}
    return {"$expr": {"$gte": [position, 0]}}


def prefix_condition(prefix: str) -> Document:
    """Return the condition that some token begins with a prefix."""
    low, high = prefix_range(prefix)
    # $elemMatch, because otherwise two different tokens could satisfy one bound each.
    return {"$elemMatch": {"$gte": low} | ({"$lt": high} if high is not None else {})}


@dataclass(frozen=True, slots=True)
class Leading:
    """A condition that an index serves: the filter it belongs to, and the value or the range."""

    filter: LeadingFilter
    condition: Any = None

    @property
    def is_equality(self) -> bool:
        """Whether the index serves the order in time too, because one value is wanted."""
        return not isinstance(self.condition, dict)

    @property
    def is_choice(self) -> bool:
        """Whether one of several values is wanted."""
        return isinstance(self.condition, dict) and "$in" in self.condition


ACCOUNT_ONLY = Leading(ACCOUNT_FILTER)


@dataclass(frozen=True, slots=True)
class Selection:
    """The conditions of a list: an account, the one bot its reader is restricted to (None for no
    restriction), the requested filters by field path, search words, and action types and actions of
    which an entry has to have one.

    `tokens` are those that the vocabulary has for each beginning of a piece that the words look
    for, None for too many; without it, ranges of tokens are looked for.

    Every query over entries is built from a selection, so a reader's restriction cannot be
    forgotten in one of them.
    """

    account: str
    bot: str | None
    filters: Mapping[str, Values]
    words: tuple[Word, ...]
    either: tuple[Values, Values] | None = None
    tokens: Mapping[str, list[str] | None] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match: the reader asked for other bots than their own, every wanted
        value is also unwanted, or a word has no letter or digit or is no beginning of any token."""
        if self.tokens and any(found == [] for found in self.tokens.values()):
            return True
        bots = self.filters.get("botId", Values())
        is_other_bot = self.bot is not None and not bots.allows(self.bot)
        is_contradiction = any(
            not _settled(path, each) for path, each in self.filters.items() if each
        )
        return is_other_bot or is_contradiction or not all(word.can_match for word in self.words)

    @property
    def values(self) -> dict[str, Values]:
        """The filters, and the reader's own restriction."""
        found = {path: _settled(path, each) for path, each in self.filters.items() if each}
        return found if self.bot is None else {**found, "botId": Values.one(self.bot)}

    @property
    def equal(self) -> dict[str, str]:
        """The fields that have to equal one value."""
        return {path: each.wanted[0] for path, each in self.values.items() if len(each.wanted) == 1}

    def allows_action(self, note: Mapping[str, Any]) -> bool:
        """Tell whether an entry can have the action and the type of a note of the dictionary."""
        if self.either is None:
            return True
        types, actions = self.either
        return note["actionType"] in types.wanted or note["id"] in actions.wanted

    @property
    def candidates(self) -> list[Leading]:
        """Every condition that an index serves, those that are usually the most selective first."""
        values = self.values
        found = [
            Leading(each, _condition(each.path, values[each.path].wanted))
            for each in LEADING_FILTERS
            if each.path in values and values[each.path].wanted
        ]
        found += [Leading(WORDS, condition) for condition in self._word_conditions]
        return sorted(found, key=lambda leading: LEADING_FILTERS.index(leading.filter))

    @property
    def beginnings(self) -> list[str]:
        """How pieces begin that the words look for."""
        found = (word.looked_for(with_earlier=False)[1] for word in self.words)
        return [*filter(None, found)]

    @property
    def _word_conditions(self) -> list[Any]:
        """The conditions on tokens that an index serves, the longest first, which is probably the
        rarest."""
        found: list[tuple[str, Any]] = []
        for word in self.words:
            whole, beginning = word.looked_for(with_earlier=self.tokens is None)
            found += [(piece, piece) for piece in whole]
            condition = self._beginning_with(beginning) if beginning else None
            found += [(beginning, condition)] if condition else []
        return [condition for _, condition in sorted(found, key=_length_of_text, reverse=True)]

    def _says(self, leading: Leading, word: Word) -> bool:
        """Tell whether a leading condition says all that a word says: its tokens begin as the word
        does, and none is the beginning of an identifier, which may go on in another way."""
        if leading.filter != WORDS or not self.tokens:
            return False
        tokens = self.tokens.get(word.only_piece) or []
        is_exact = not any(each.startswith(BEGINNING) for each in tokens)
        return is_exact and leading.condition == self._beginning_with(word.only_piece)

    def _beginning_with(self, prefix: str) -> Any:
        """Return the condition that a token begins with a prefix, None if it would be too long."""
        if self.tokens is None:
            return prefix_condition(prefix)
        known = self.tokens.get(prefix)
        if known is None or len(known) == 1:
            return known and known[0]
        return {"$in": known}

    @property
    def alone(self) -> "Selection":
        """The account and the reader's restriction, without filters and words."""
        return Selection(self.account, self.bot, {}, ())

    def stages(
        self, leading: Leading, low: uuid.UUID, high: uuid.UUID | None, *, elem_match: bool = True
    ) -> list[Document]:
        """Return the `$match` stages for entries from `low` (inclusive) to `high` (exclusive).

        The first has the account and the leading condition. Without `elem_match` a range of tokens
        is written as plain bounds, which match more than they should: for an engine that uses an
        index for these alone. The second stage always has the exact condition.
        """
        path, field, condition = leading.filter.path, leading.filter.field, leading.condition
        first: Document = {"account": self.account}
        others: list[tuple[str, Any]] = []
        for name, values in self.values.items():
            if values.wanted and name not in (path, "_id"):
                others.append((name, _condition(name, values.wanted)))
            if values.unwanted:
                # An entry without the field meets it too.
                others.append((name, {"$nin": _stored(name, values.unwanted)}))
        # One array holds all facts, so each is a condition of its own on the same field.
        facts = [{FACTS: each} for name, each in others if name in FACT_PATHS]
        rest: Document = {name: each for name, each in others if name not in FACT_PATHS}
        if self.either:
            types, actions = (each.wanted for each in self.either)
            rest["$or"] = [
                {"actionType": _condition("actionType", types)},
                {"action": _condition("action", actions)},
            ]
        bounds = {"$gte": low} | ({"$lt": high} if high else {})
        # An index serves a range of `_id` only after an equality. MongoDB merges the two stages;
        # other engines ignore the index if the first one has two ranges.
        (first if leading.is_equality else rest)["_id"] = bounds
        if condition is not None:
            first[field] = condition
        several = [*facts]
        if self.tokens is None:
            conditions = self._word_conditions
            if path == WORDS.path and condition in conditions:
                conditions.remove(condition)
            several += [{"tokens": each} for each in conditions]
        if not leading.is_equality and not elem_match and "$elemMatch" in condition:
            first[field] = condition["$elemMatch"]
            several.append({field: condition})
        if ids := self.values.get("_id"):
            several.append({"_id": {"$in": [uuid.UUID(each) for each in ids.wanted]}})
        if self.tokens is None:
            several += [word.rest for word in self.words if word.rest]
        else:
            several += [word.compared for word in self.words if not self._says(leading, word)]
        if several:
            rest["$and"] = several
        return [{"$match": first}, {"$match": rest}] if rest else [{"$match": first}]

    def stages_of(self, id: uuid.UUID) -> list[Document]:
        """Return the `$match` stages for the entry with this `_id`. It alone is in the first one:
        SecantusDB would take the index of the account for both."""
        _, *rest = self.stages(ACCOUNT_ONLY, id, None)
        return [{"$match": {"_id": id}}, {"$match": {"account": self.account}}, *rest]

    def stages_by_arrival(
        self, recorded: Document | datetime, low: uuid.UUID, high: uuid.UUID | None
    ) -> list[Document]:
        """Return the `$match` stages for entries that arrived at an instant or in a span of time,
        with an `_id` from `low` (inclusive) to `high` (exclusive)."""
        first, *rest = self.stages(ACCOUNT_ONLY, low, high)
        bounds = {"_id": first["$match"]["_id"]}
        by_index = {"account": self.account, "recordedAt": recorded}
        if not isinstance(recorded, datetime):
            return [{"$match": by_index}, {"$match": bounds}, *rest]
        # Only after an equality can the index serve a range of `_id`, too.
        return [{"$match": by_index | bounds}, *rest]


def _length_of_text(looked_for: tuple[str, Any]) -> int:
    return len(looked_for[0])


def value_range(path: str, low: str, high: str | None) -> Document:
    """Return the condition that a field has a value from `low` (inclusive) to `high`, exclusive."""
    if path not in FACT_PATHS:
        return {"$gte": low} | ({"$lt": high} if high is not None else {})
    name = path.removeprefix(f"{FACTS}.")
    # Above every text of this fact: ">" is the character after "=", which follows the name.
    end = f"{name}>" if high is None else fact(name, high)
    return {"$elemMatch": {"$gte": fact(name, low), "$lt": end}}


def values_in(path: str, document: Document) -> list[str]:
    """Return the values of a field in a document."""
    if path not in FACT_PATHS:
        return [document[path]]
    name = fact(path.removeprefix(f"{FACTS}."), "")
    return [each.removeprefix(name) for each in document[FACTS] if each.startswith(name)]


def _settled(path: str, values: Values) -> Values:
    """Return the values of a filter without those that have no effect: a wanted one that is
    unwanted too, and exclusions from a field of which a value is wanted.

    A UUID is in each of its forms where writers send either, and of a field with a few fixed values
    those that are left are wanted.

    Without any value nothing can match.
    """
    if path in UUID_PATHS:
        values = values.in_forms(uuid_forms)
    wanted = values.wanted or FIXED.get(path, ())
    left = tuple(each for each in wanted if each not in values.unwanted)
    if wanted and not left:
        return Values()
    # An entry can have several values of one fact.
    return Values(left, values.unwanted if not left or path in FACT_PATHS else ())


def _condition(path: str, values: tuple[str, ...]) -> Any:
    """Return the condition that a field has one of the values: equality where there is one."""
    stored = _stored(path, values)
    return stored[0] if len(stored) == 1 else {"$in": stored}


def _stored(path: str, values: tuple[str, ...]) -> list[str]:
    """Return values as they are stored: those of a fact are elements of the array."""
    if path in FACT_PATHS:
        return [fact(path.removeprefix(f"{FACTS}."), value) for value in values]
    return list(values)
