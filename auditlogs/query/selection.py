"""The conditions of a list, and the `$match` stages that they become."""

import os.path
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from auditlogs.entry.facts import fact
from auditlogs.entry.schema import uuid_forms
from auditlogs.entry.text import SEPARATOR, mark_pieces, norm, pieces, prefix_range
from auditlogs.storage.documents import TEXT_SEPARATOR
from auditlogs.storage.indexes import ACCOUNT_FILTER, FACTS, LEADING_FILTERS, LeadingFilter
from auditlogs.storage.mongo import Document

WORDS = next(each for each in LEADING_FILTERS if each.path == "tokens")
# Stored as they were sent, unlike the correlation ID, which is stored in one form.
UUID_PATHS = frozenset({"sessionId", "target.id"})
FACT_PATHS = frozenset(each.path for each in LEADING_FILTERS if each.field == FACTS)


@dataclass(frozen=True, slots=True)
class Word:
    """A search word, folded.

    Every piece of it but the last one stands in an entry as it is; the last one may go on there,
    unless a sign follows it in the word. A UUID is found with and without hyphens.
    """

    text: str

    @property
    def can_match(self) -> bool:
        """Whether it has a letter or a digit, and nothing that no entry can contain."""
        is_possible = SEPARATOR not in self.text and TEXT_SEPARATOR not in self.text
        return is_possible and bool(pieces(norm(self.text)))

    @property
    def conditions(self) -> list[Any]:
        """Conditions on an entry's array `tokens`, which an index serves. They may match more than
        the word does."""
        if not self.can_match:
            return []
        if self._is_exact:
            return self._of_pieces(self.text)
        # The beginning that the first piece has in common in all forms, and in older entries.
        first = [*(pieces(norm(form))[0] for form in self._forms), self.text]
        common = os.path.commonprefix(first)  # noqa: RUF071 - by character, as wanted
        return [prefix_condition(common)] if common else []

    @property
    def rest(self) -> Document | None:
        """The condition for what `conditions` do not say: mostly the order of the pieces, and the
        signs around them."""
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
        text = norm(form)
        *whole, last = pieces(text)
        return [*whole, prefix_condition(last) if text.endswith(last) else last]

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


ACCOUNT_ONLY = Leading(ACCOUNT_FILTER)


@dataclass(frozen=True, slots=True)
class Selection:
    """The conditions of a list: an account, the one bot its reader is restricted to (None for no
    restriction), the requested filters by field path, and search words.

    Every query over entries is built from a selection, so a reader's restriction cannot be
    forgotten in one of them.
    """

    account: str
    bot: str | None
    filters: Mapping[str, str]
    words: tuple[Word, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match: the reader asked for another bot than their own, or a word has
        no letter or digit."""
        is_other_bot = self.bot is not None and self.filters.get("botId", self.bot) != self.bot
        return is_other_bot or not all(word.can_match for word in self.words)

    @property
    def equal(self) -> dict[str, str]:
        """The filters, and the reader's own restriction."""
        return {**self.filters, **({} if self.bot is None else {"botId": self.bot})}

    @property
    def candidates(self) -> list[Leading]:
        """Every condition that an index serves, from the most selective by experience on."""
        equal = self.equal
        found = [
            Leading(each, _condition(each.path, equal[each.path]))
            for each in LEADING_FILTERS
            if each.path in equal
        ]
        found += [Leading(WORDS, condition) for condition in self._word_conditions]
        return sorted(found, key=lambda leading: LEADING_FILTERS.index(leading.filter))

    @property
    def leading(self) -> Leading:
        """The most selective condition by experience; the account alone without any."""
        return next(iter(self.candidates), ACCOUNT_ONLY)

    @property
    def _word_conditions(self) -> list[Any]:
        """The conditions on tokens, the longest first, which is probably the rarest."""
        conditions = [each for word in self.words for each in word.conditions]
        return sorted(conditions, key=lambda each: len(_text_of(each)), reverse=True)

    @property
    def alone(self) -> "Selection":
        """The account and the reader's restriction, without filters and words."""
        return replace(self, filters={}, words=())

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
        others = {each: _condition(each, self.equal[each]) for each in self.equal if each != path}
        # One array holds all facts, so each is a condition of its own on the same field.
        facts = [{FACTS: each} for name, each in others.items() if name in FACT_PATHS]
        rest: Document = {name: each for name, each in others.items() if name not in FACT_PATHS}
        bounds = {"$gte": low} | ({"$lt": high} if high else {})
        # An index serves a range of `_id` only after an equality. MongoDB merges the two stages;
        # other engines ignore the index if the first one has two ranges.
        (first if leading.is_equality else rest)["_id"] = bounds
        conditions = self._word_conditions
        if condition is not None:
            first[field] = condition
        if path == WORDS.path and condition in conditions:
            conditions.remove(condition)
        if not leading.is_equality and not elem_match and "$elemMatch" in condition:
            first[path] = condition["$elemMatch"]
            conditions.append(condition)
        several = [*facts, *({"tokens": each} for each in conditions)]
        several += [word.rest for word in self.words if word.rest]
        if several:
            rest["$and"] = several
        return [{"$match": first}, {"$match": rest}] if rest else [{"$match": first}]

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


def _text_of(condition: Any) -> str:
    text: str = condition if isinstance(condition, str) else condition["$elemMatch"]["$gte"]
    return text


def _condition(path: str, value: str) -> Any:
    """Return the condition on a field: equality, with a UUID in each of its forms where writers
    send either. That of a fact is an element of the array."""
    if path in FACT_PATHS:
        return fact(path.removeprefix(f"{FACTS}."), value)
    forms = uuid_forms(value) if path in UUID_PATHS else ()
    return {"$in": list(forms)} if len(forms) > 1 else value
