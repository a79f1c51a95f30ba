"""The entries around a failure that its reader may see. Every read is bounded and has an index."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.explain.codes import code_of
from auditlogs.explain.explanation import figure_of
from auditlogs.query.batches import in_batches
from auditlogs.query.entries import Entries
from auditlogs.query.filters import parameters
from auditlogs.query.window import Window

DAY = timedelta(hours=24)
TICK = timedelta(milliseconds=1)
# Entries that are read to be compared, with their payloads.
MAX_COMPARED = 100
# Of the kill switches of other agents so many are passed over.
MAX_SWITCHES = 20


@dataclass(frozen=True, slots=True)
class Alike:
    """Failures of the last 24 hours that are like one: newest first, whether there were more than
    could be compared, and the filters of a list that holds just these, if there is one."""

    entries: Sequence[Entry]
    has_more: bool
    filters: dict[str, str] | None

    @property
    def figure(self) -> str:
        return figure_of(len(self.entries), is_more=self.has_more)


def within(entries: Entries, start: datetime | None, end: datetime | None) -> Entries:
    """Restrict entries to those from one instant to another, which is not included."""
    return entries.within(Window.resolve("all", start, end, now()))


def narrowed(entries: Entries, paths: Iterable[tuple[str, str]]) -> Entries:
    """Keep entries whose fields at these paths have these values."""
    for path, value in paths:
        entries = entries.where(path, value)
    return entries


def newest(entries: Entries, limit: int = 1, *, payloads: bool = True) -> list[Entry]:
    """Return the newest entries, up to a limit. Raises StorageError."""
    return list(in_batches(entries, limit, payloads=payloads))


def oldest(entries: Entries, *, payloads: bool = False) -> Entry | None:
    """Return the oldest entry, if there is one. Raises StorageError."""
    return next(in_batches(entries.order_by("timestamp"), 1, payloads=payloads), None)


def last_switch(before: Entries, action: str, bot: str | None) -> Entry | None:
    """Return the newest entry of an action of a kill switch: that of a bot, or of all. Raises
    StorageError."""
    found = newest(before.where("action", action), MAX_SWITCHES, payloads=False)
    return next((each for each in found if each.bot_id in (None, bot)), None)


def range_filters(start: datetime | None, end: datetime | None) -> dict[str, str]:
    """Return the parameters of a range; without any, all that is kept."""
    parts = {"startDate": start, "endDate": end}
    given = {name: format_rfc3339(each) for name, each in parts.items() if each}
    return given or {"dateRange": "all"}


def alike(
    entry: Entry,
    entries: Entries,
    paths: dict[str, tuple[str, str]],
    is_alike: Callable[[Entry], bool],
) -> Alike:
    """Return the failures of the 24 hours up to an entry, and itself, that are like it.

    `paths` are parameters, each with the field that it filters and the value; what these cannot
    say is compared.
    """
    start, end = entry.instant - DAY, entry.instant + TICK
    failures = narrowed(within(entries, start, end), [*paths.values(), ("result", "failure")])
    page = failures.page(MAX_COMPARED, payloads=True)
    found = [each for each in page.entries if is_alike(each)]
    given = {name: value for name, (_, value) in paths.items()} | {"result": "failure"}
    code = code_of(entry.payload)
    filters = None
    if page.next is None and len(found) == len(page.entries):
        filters = given
    elif code and page.next is None:
        same_code = [each for each in page.entries if code_of(each.payload) == code]
        filters = {**given, "code": code} if same_code == found else None
    if filters is not None:
        filters = as_parameters(filters, start, end)
    return Alike(found, page.next is not None, filters)


def as_parameters(
    filters: dict[str, str], start: datetime | None, end: datetime | None
) -> dict[str, str]:
    """Return the parameters of a list with these filters in a range."""
    return parameters({**filters, **range_filters(start, end)})
