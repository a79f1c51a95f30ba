"""What the log knows around an entry, read apart from it, so that an entry never waits for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar
from urllib.parse import urlencode

from django.urls import reverse

from auditlogs.entry.reasons import Slug
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import now
from auditlogs.explain.explanation import Explanation, Fact
from auditlogs.explain.failures import explain, scope_lacked
from auditlogs.explain.keys import agent_key_of, named_key, state_at
from auditlogs.explain.since import Since, since_success
from auditlogs.explain.story import Story, order_approved, order_of, story_of
from auditlogs.query.entries import Entries
from auditlogs.storage.mongo import StorageError, time_limit
from hub.logs.context import Nearby, counted
from hub.logs.links import Links, key_url

SECONDS = 2.0
T = TypeVar("T")
OF_KEYS: frozenset[Slug] = frozenset(("key_rotated", "key_revoked", "key_expired", "invalid_key"))


@dataclass(frozen=True, slots=True)
class Remedy:
    """What can be done: the page for it, which is for admins."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A fact, and the list or the entry that it was read from; the URL is empty without one."""

    figure: str
    text: str
    url: str


class Findings:
    """What the log knows around an entry, for a reader of these entries.

    `origin` is the query of the list that they came from.
    """

    def __init__(self, entry: Entry, entries: Entries, origin: str = "") -> None:
        self.entry = entry
        self._origin = origin
        self._entries = entries.whole()
        self._late: set[str] = set()

    @cached_property
    def explanation(self) -> Explanation | None:
        return explain(self.entry, self._entries)

    @property
    def facts(self) -> list[ShownFact]:
        facts = self.explanation.facts if self.explanation else []
        return [ShownFact(fact.figure, fact.text, _url_of(fact)) for fact in facts]

    @cached_property
    def since(self) -> Since | None:
        """What changed since the last success; None for no failure, and where it is late."""
        if self.explanation is None:
            return None
        return self._in_time("since", lambda: since_success(self.entry, self._entries))

    @property
    def is_since_late(self) -> bool:
        """Whether the log did not tell in time what changed."""
        return self.since is None and "since" in self._late

    @cached_property
    def story(self) -> Story | None:
        """The story of the entry's order; None without one, and where it is late."""
        return self._in_time("story", self._read_story)

    @property
    def is_story_late(self) -> bool:
        """Whether the log did not tell in time what happened to the order."""
        return self.story is None and "story" in self._late

    def _read_story(self) -> Story | None:
        order = order_of(self.entry) or order_approved(self.entry, self._entries)
        return story_of(order, self._entries) if order else None

    def _in_time(self, name: str, read: Callable[[], T]) -> T | None:
        """Return what is read; None, and the name among what is late, where the log cannot tell."""
        try:
            with time_limit(SECONDS):
                return read()
        except StorageError:
            self._late.add(name)
            return None

    @property
    def changes_url(self) -> str:
        """The list of all changes of the agent in that time."""
        return Links(self.since.filters).here if self.since and self.since.filters else ""

    @cached_property
    def nearby(self) -> list[Nearby]:
        return counted(self.entry, self._entries, self._origin)

    @cached_property
    def remedy(self) -> Remedy | None:
        """The page of the key that a failure is about, if it has one: the form that adds the
        missing scope where that would help."""
        slug = self.explanation.slug if self.explanation else None
        named = named_key(self.entry)
        if slug not in {"missing_scope", *OF_KEYS} or not named:
            return None
        key = agent_key_of(self.entry, self._entries.account)
        if key is None:
            # A key of the log itself has no such page.
            name = "" if self.entry.asserted_by else named.id or named.name
            return Remedy(f"Open {named.name or named.id}", key_url(name)) if name else None
        missing = scope_lacked(self.entry) if slug == "missing_scope" else None
        if missing and missing not in key.scopes and state_at(key, now()) == "active":
            form = reverse("agent_key_scopes", args=[key.public_id])
            return Remedy(f"Change scopes of {key.name}", f"{form}?{urlencode({'add': missing})}")
        return Remedy(f"Open {key.name}", key_url(key.public_id))


def story(order: str, entries: Entries) -> Story | None:
    """Return the story of an order; None where the log cannot tell in time."""
    try:
        with time_limit(SECONDS):
            return story_of(order, entries)
    except StorageError:
        return None


def _url_of(fact: Fact) -> str:
    if fact.entry_id:
        return Links({}).with_entry(fact.entry_id)
    return Links(fact.filters).here if fact.filters else ""
