"""The conditions of a list, and the `$match` stages that they become."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditlogs.entry.schema import uuid_forms
from auditlogs.entry.text import prefix_range
from auditlogs.storage.indexes import ACCOUNT_FILTER, LEADING_FILTERS, LeadingFilter
from auditlogs.storage.mongo import Document

WORDS = next(each for each in LEADING_FILTERS if each.path == "tokens")
# Stored as they were sent, unlike the correlation ID, which is stored in one form.
UUID_PATHS = frozenset({"sessionId", "target.id"})


@dataclass(frozen=True, slots=True)
class Word:
    """A search word: a prefix, and the tokens that begin with it; None if there are too many."""

    prefix: str
    tokens: tuple[str, ...] | None

    @property
    def bounds(self) -> Document:
        """The range of all tokens that begin with the word."""
        low, high = prefix_range(self.prefix)
        return {"$gte": low} | ({"$lt": high} if high is not None else {})

    @property
    def condition(self) -> Any:
        """The condition on the array `tokens` of an entry."""
        if self.tokens is None:
            # $elemMatch, because otherwise two different tokens could satisfy one bound each.
            return {"$elemMatch": self.bounds}
        return self.tokens[0] if len(self.tokens) == 1 else {"$in": list(self.tokens)}


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
        """Whether nothing can match: the reader asked for another bot than their own, or a word is
        a prefix of no token at all."""
        is_other_bot = self.bot is not None and self.filters.get("botId", self.bot) != self.bot
        return is_other_bot or any(word.tokens == () for word in self.words)

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
        # The longest word is probably the rarest.
        words = sorted(self.words, key=lambda word: len(word.prefix), reverse=True)
        found += [Leading(WORDS, word.condition) for word in words]
        return sorted(found, key=lambda leading: LEADING_FILTERS.index(leading.filter))

    def only(self, leading: Leading) -> "Selection":
        """Return the selection with the leading condition alone, and the reader's restriction."""
        path, condition = leading.filter.path, leading.condition
        filters = {path: condition} if path in self.filters and leading.is_equality else {}
        words = tuple(word for word in self.words if word.condition == condition)
        return replace(self, filters=filters, words=words[:1] if path == WORDS.path else ())

    def stages(
        self, leading: Leading, low: uuid.UUID, high: uuid.UUID | None, *, elem_match: bool = True
    ) -> list[Document]:
        """Return the `$match` stages for entries from `low` (inclusive) to `high` (exclusive).

        The first has the account and the leading condition. Without `elem_match` a range of tokens
        is written as plain bounds, which match more than they should: for an engine that uses an
        index for these alone. The second stage always has the exact condition.
        """
        path, condition = leading.filter.path, leading.condition
        first: Document = {"account": self.account}
        rest: Document = {
            field: _condition(field, value) for field, value in self.equal.items() if field != path
        }
        bounds = {"$gte": low} | ({"$lt": high} if high else {})
        # An index serves a range of `_id` only after an equality. MongoDB merges the two stages;
        # other engines ignore the index if the first one has two ranges.
        (first if leading.is_equality else rest)["_id"] = bounds
        words = [word.condition for word in self.words]
        if condition is not None:
            first[path] = condition
        if not leading.is_equality and not elem_match and "$elemMatch" in condition:
            first[path] = condition["$elemMatch"]
        elif path == WORDS.path:
            words.remove(condition)
        if words:
            rest["$and"] = [{"tokens": each} for each in words]
        return [{"$match": first}, {"$match": rest}] if rest else [{"$match": first}]


def _condition(path: str, value: str) -> Any:
    """Return the condition on a field: equality, with a UUID in each of its forms where writers
    send either."""
    forms = uuid_forms(value) if path in UUID_PATHS else ()
    return {"$in": list(forms)} if len(forms) > 1 else value
