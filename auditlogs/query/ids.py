"""An ID as a search: one word that equals an ID of some entry is looked up, not searched for.

Lists show the beginning of long IDs, so the beginning of one ID alone is taken for it, too.
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from auditlogs.entry.schema import NAME_LENGTH, normal_correlation_id, uuid_forms
from auditlogs.entry.text import prefix_range
from auditlogs.entry.times import from_ms
from auditlogs.query.entries import Entries
from auditlogs.query.slices import Budget
from auditlogs.query.values import Values
from auditlogs.query.window import Window
from auditlogs.storage.mongo import TookTooLong

MIN_LENGTH = 8
# As words, an ID finds nothing, so a busy database gets more time than it usually needs.
SECONDS = 2.0
# What each kind of ID is called, and the path of its field; the kinds in the order in which an ID
# of several kinds is said to be one.
KINDS = {
    "correlationId": "correlation ID",
    "requestId": "request ID",
    "sessionId": "session ID",
    "facts.runId": "run ID",
    "facts.orderId": "order ID",
    "writerId": "writer’s ID",
}
ENTRY_PATH, ENTRY_KIND = "_id", "entry ID"
# The result of a look-up that found no ID. Callers pass it to leave the look-up out.
NOT_AN_ID = "none"
# https://www.w3.org/TR/trace-context/#traceparent-header
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
# What a list shows of a long ID.
SHORTENED = re.compile(r"([^…]{8,})…([^…]*)")
HEXADECIMAL = re.compile(r"[0-9A-Fa-f-]+")


@dataclass(frozen=True, slots=True)
class FoundId:
    """An ID that a search equals: its field's path and its value, as some entry has it."""

    path: str
    value: str

    @property
    def kind(self) -> str:
        return KINDS.get(self.path, ENTRY_KIND)

    @property
    def article(self) -> str:
        """The kind with its article: "an order ID"."""
        kind = self.kind
        return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"

    @classmethod
    def parse(cls, text: str) -> "FoundId | None":
        """Return what `dump` has written. Raises ValueError where it cannot have written it."""
        if text == NOT_AN_ID:
            return None
        path, _, value = text.partition(":")
        if path == ENTRY_PATH:
            return cls(path, str(uuid.UUID(value)))
        if path not in KINDS or not MIN_LENGTH <= len(value) <= NAME_LENGTH or "\0" in value:
            raise ValueError(f"{text[:NAME_LENGTH]!r} is no ID that was found")
        return cls(path, value)

    def entries(self, listed: Entries, *, keep_window: bool) -> Entries:
        """Return the entries with this ID in place of those with the word; over all retained time
        unless the window is to be kept. The filters stay, one of the same field too: an ID that it
        does not allow has no entries."""
        given = listed.filters.get(self.path, Values()).in_forms(uuid_forms)
        forms = Values.one(self.value).in_forms(uuid_forms).wanted
        values = Values(forms, tuple(each for each in forms if not given.allows(each)))
        found = replace(listed, words=()).keep(self.path, values)
        if keep_window:
            return found
        window = listed.window
        everything = Window.resolve("all", None, None, from_ms(window.as_of))
        # What was requested stays, so that the list without the ID has the same range.
        return found.within(replace(everything, requested=window.requested))


def dump(found: FoundId | None) -> str:
    """Return what a look-up found as a text, for a later `look_up` of the same search."""
    return f"{found.path}:{found.value}" if found else NOT_AN_ID


def look_up(search: str, entries: Entries, known: str = "") -> FoundId | None:
    """Return the ID that a search equals, or the one that begins with it; None for other searches.

    `known` is what an earlier look-up found; where it says so, nothing is read.

    Only entries that the reader may see are looked at, in all retained time, whatever the filters.
    At most 29 queries, each by an index, and no more after two seconds. Raises StorageError.
    """
    text = search.strip()
    if not may_be_id(text):
        return None
    with suppress(ValueError):
        return FoundId.parse(known)
    visible = entries.whole()
    budget = Budget(SECONDS)
    try:
        return _equal(text, visible, budget) or _beginning(text, visible, budget)
    except TookTooLong:
        return None


def may_be_id(text: str) -> bool:
    """Tell whether a search is one word with a digit. A quoted one asks for the word itself."""
    is_word = len(text.split()) == 1 and '"' not in text and "\0" not in text
    return is_word and MIN_LENGTH <= len(text) <= NAME_LENGTH and any(map(str.isdecimal, text))


def _equal(text: str, visible: Entries, budget: Budget) -> FoundId | None:
    trace = TRACEPARENT.fullmatch(text.lower())
    value = trace[1] if trace else text
    forms = uuid_forms(value)
    if len(forms) > 1 and visible.get(uuid.UUID(value)):
        return FoundId(ENTRY_PATH, str(uuid.UUID(value)))
    for path in KINDS:
        if budget.is_over:
            return None
        wanted = normal_correlation_id(value) if path == "correlationId" else value
        if visible.keep(path, Values.one(wanted).in_forms(uuid_forms)).has_any():
            return FoundId(path, wanted)
    return None


def _beginning(text: str, visible: Entries, budget: Budget) -> FoundId | None:
    """Return the one ID that begins with a text, or that a list shows as this text."""
    shortened = SHORTENED.fullmatch(text)
    start, end = shortened.groups() if shortened else (text, "")
    if "…" in start or not any(map(str.isdecimal, start)):
        return None
    found: dict[str, FoundId] = {}
    for path in KINDS:
        if budget.is_over:
            return None
        for prefix in {start, _hyphenated(start)} if path == "correlationId" else {start}:
            for value in visible.values_from(path, *prefix_range(prefix)):
                # Only a UUID is written in more than one way.
                is_so = prefix == start or len(uuid_forms(value)) > 1
                if is_so and value.endswith(end):
                    found.setdefault(normal_correlation_id(value), FoundId(path, value))
        if len(found) > 1:
            return None
    ids = list(found.values()) or list(_entries_from(start, end, visible))
    return ids[0] if len(ids) == 1 else None


def _entries_from(start: str, end: str, visible: Entries) -> Iterator[FoundId]:
    """Yield up to two entries whose own IDs begin so."""
    digits = start.replace("-", "")
    if not HEXADECIMAL.fullmatch(start) or not MIN_LENGTH <= len(digits) <= 32:
        return
    low, high = (uuid.UUID(digits.ljust(32, digit)) for digit in "0f")
    for id in visible.ids_between(low, high, limit=2):
        if str(id).endswith(end):
            yield FoundId(ENTRY_PATH, str(id))


def _hyphenated(start: str) -> str:
    """Return the beginning of a UUID as it is stored, any other text as it is."""
    digits = start.replace("-", "").lower()
    if not HEXADECIMAL.fullmatch(start) or len(digits) > 32:
        return start
    parts: Iterable[str] = (digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    return "-".join(filter(None, parts))
