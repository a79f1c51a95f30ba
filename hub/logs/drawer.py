"""The drawer: one entry beside the list, with the entries before and after it in that list."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Self
from uuid import UUID

from django.urls import reverse

from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.identity import parse_id
from auditlogs.entry.schema import Actor, Entry
from auditlogs.entry.times import now, parse_rfc3339
from auditlogs.explain.approvals import MAX_COMPARED, has_other_arguments
from auditlogs.explain.changes import MAX_CHANGES, Change, changes_of
from auditlogs.explain.evidence import TICK, newest, within
from auditlogs.models import ApiKey
from auditlogs.query.entries import Entries
from auditlogs.storage.mongo import StorageError
from hub.logs.context import Nearby, nearby
from hub.logs.explanations import FailureSentence, HelpLink, failure_of, help_links, order_sentence
from hub.logs.filter_bar import key_of
from hub.logs.links import agent_url, entries_url
from hub.logs.listing import Listing
from hub.logs.payload import Node, pretty, tree
from hub.logs.trace import Trace, trace_of
from hub.ui.times import ahead_of_clock, short_time, span

# The note about clocks is shown where an entry arrived this much later or earlier than it is dated.
UNEQUAL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry beside this one: the URL of the list that has it open, and of the drawer alone."""

    url: str
    drawer_url: str


class EntryView:
    """An entry as its page or the drawer shows it, for a reader of these entries."""

    def __init__(self, entry: Entry, entries: Entries, findings_url: str = "") -> None:
        self.entry = entry
        self.findings_url = findings_url or reverse("findings", args=[entry.id])
        self._entries = entries.whole()
        self._account = entries.account

    @property
    def clock_note(self) -> str:
        """A note about the clocks, if the entry's timestamp and arrival do not agree."""
        entry, recorded = self.entry, parse_rfc3339(self.entry.recorded_at)
        ahead = ahead_of_clock(entry.instant, now())
        late = recorded - entry.instant
        if abs(late) <= UNEQUAL:
            return f"Dated {ahead}." if ahead else ""
        dated = f"Dated {ahead}; recorded" if ahead else "Recorded"
        if late > timedelta(0):
            return (
                f"{dated} {span(late)} after its timestamp: it was sent late, or its writer’s "
                "clock is behind."
            )
        return f"{dated} {span(-late)} before its timestamp: its writer’s clock is ahead."

    @cached_property
    def payload(self) -> Node | None:
        if self.entry.payload is None:
            return None
        known = KNOWN_ACTIONS.get(self.entry.action)
        keys = known.payload_keys if known else ()
        return tree(self.entry.payload, self.entry.redactions, keys)

    @property
    def is_payload_shown_above(self) -> bool:
        """Whether the payload has nothing but changes, all of which are shown as such."""
        payload = self.entry.payload or {}
        listed = payload.get("changes")
        if not isinstance(listed, list | tuple) or payload.keys() != {"changes"}:
            return False
        return 0 < len(listed) <= len(self.changes) < MAX_CHANGES

    @property
    def payload_text(self) -> str:
        """The payload as indented JSON, for the copy button."""
        return pretty(self.entry.payload) if self.entry.payload is not None else ""

    @cached_property
    def failure(self) -> FailureSentence | None:
        """Why the entry failed, from the entry alone."""
        return failure_of(self.entry)

    @cached_property
    def changes(self) -> list[Change]:
        """What the entry changed, if it lists that."""
        return changes_of(self.entry)

    @cached_property
    def nearby(self) -> list[Nearby]:
        return nearby(self.entry)

    @property
    def order_sentence(self) -> str:
        return order_sentence(self.entry)

    @cached_property
    def help_links(self) -> list[HelpLink]:
        return help_links(self.entry)

    @cached_property
    def key_name(self) -> str:
        return self._key.name if self._key else ""

    @cached_property
    def _key(self) -> ApiKey | None:
        """The account's key that wrote the entry, or that the entry is about."""
        return key_of(self._account, self.entry.asserted_by)

    @property
    def is_authentication_claimed(self) -> bool:
        """Whether a writer says how the actor was identified, and not the log.

        The log knows it of a key that acts itself, and of the key of one agent, which identifies
        that agent.
        """
        entry, key = self.entry, self._key
        if entry.asserted_by is None or entry.actor.id == entry.asserted_by:
            return False
        return not (entry.authentication == "key" and key is not None and key.bot)

    @property
    def has_decision(self) -> bool:
        """Whether the entry says who decided, for whom, or in which run."""
        entry = self.entry
        return any((entry.decision, entry.on_behalf_of, entry.agent, entry.run_id, entry.approval))

    @property
    def principals(self) -> list[tuple[Actor, str]]:
        """The chain of principals, the nearest first, each with the list of its entries."""
        chain = self.entry.on_behalf_of or []
        return [(each, _list("principal", each.id)) for each in chain]

    @property
    def run_url(self) -> str:
        return _list("runId", self.entry.run_id or "")

    @property
    def approval_url(self) -> str:
        return _list("approval", self.entry.approval.id) if self.entry.approval else ""

    @cached_property
    def has_other_arguments(self) -> bool:
        """Whether the entry is of other arguments than were approved; False where the database
        cannot tell."""
        if self.entry.approval is None:
            return False
        before = within(self._entries, None, self.entry.instant + TICK)
        same = before.where("facts.approval", self.entry.approval.id)
        try:
            return has_other_arguments(self.entry, newest(same, MAX_COMPARED, payloads=False))
        except StorageError:
            return False

    @property
    def agent_url(self) -> str | None:
        """The page of the agent that the entry belongs to."""
        return agent_url(self.entry.bot_id) if self.entry.bot_id else None

    @cached_property
    def trace(self) -> Trace | None:
        return trace_of(self.entry.correlation_id, self.entry.instant, now())

    @property
    def correlation_url(self) -> str | None:
        """The list of all entries with the same correlation ID."""
        if self.entry.correlation_id is None:
            return None
        return _list("correlationId", self.entry.correlation_id)


def _list(parameter: str, value: str) -> str:
    """Return the list of all entries with a value."""
    return entries_url(**{parameter: value, "dateRange": "all"})


class Drawer:
    """The drawer for the id of an entry: the entry, or why it cannot be shown."""

    def __init__(self, listing: Listing, entry_id: str) -> None:
        self._listing = listing
        self._id = parse_id(entry_id)
        self.view: EntryView | None = None
        self.is_outside = False
        self.failed = False
        self.previous: Neighbour | None = None
        self.next: Neighbour | None = None
        self.close_url = listing.address

    def read(self) -> Self:
        """Read the entry and its neighbours. A failure of the database is kept and shown instead.

        An entry is shown even if reading its neighbours fails.
        """
        entries = self._listing.request.entries
        if self._listing.request.cursor:
            entries = entries.pinned_to(self._listing.request.cursor)
        try:
            entry = entries.whole().get(self._id) if self._id else None
            if entry is not None:
                url = self._listing.links.findings(entry.id)
                self.view = EntryView(entry, entries, url)
                self._read_neighbours(entries, entry)
        except StorageError:
            self.failed = self.view is None
        return self

    def _read_neighbours(self, entries: Entries, entry: Entry) -> None:
        """Find out whether the list contains the entry, and which entries are next to it."""
        assert self._id is not None
        self.is_outside = not entries.holds(self._id)
        if self.is_outside:
            return
        previous, following = entries.neighbours(entry)
        self.previous, self.next = self._neighbour(previous), self._neighbour(following)

    def _neighbour(self, entry_id: UUID | None) -> Neighbour | None:
        if entry_id is None:
            return None
        links = self._listing.links
        return Neighbour(links.with_entry(str(entry_id)), links.drawer(str(entry_id)))

    @property
    def status_message(self) -> str:
        """What a screen reader is told when the entry is reached from the one beside it."""
        assert self.view is not None
        entry = self.view.entry
        actor = entry.actor.name or entry.actor.id
        return f"{entry.action}, {entry.result}, {actor}, {short_time(entry.instant, now())}"

    @property
    def title(self) -> str:
        """The tab's title while the drawer is open."""
        if self.view is None:
            return "Entry · Logs · Hub"
        return f"{self.view.entry.action} {self.view.entry.result} · Logs · Hub"

    @property
    def status(self) -> int:
        if self.failed:
            return 503
        return 200 if self.view else 404
