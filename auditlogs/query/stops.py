"""When trading or calls to a provider were stopped: circuit breakers that were open, and kill
switches that were on, by the entries that say so."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from auditlogs.entry.identity import id_bound
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339, from_ms, to_ms
from auditlogs.query import slices
from auditlogs.query.selection import Leading, Selection
from auditlogs.query.slices import Slice
from auditlogs.query.values import escape
from auditlogs.query.window import Window
from auditlogs.storage.documents import to_entry
from auditlogs.storage.indexes import LEADING_FILTERS
from auditlogs.storage.retention import oldest_ms

StopKind = Literal["breaker", "kill_switch"]
BEGINS: dict[str, StopKind] = {
    "circuit_breaker.opened": "breaker",
    "kill_switch.activated": "kill_switch",
}
ENDS: dict[str, StopKind] = {
    "circuit_breaker.closed": "breaker",
    "kill_switch.released": "kill_switch",
}
# All actions of each. A breaker that is half open lets single calls through: it is not closed yet.
ACTIONS: dict[StopKind, tuple[str, ...]] = {
    "breaker": ("circuit_breaker.opened", "circuit_breaker.half_opened", "circuit_breaker.closed"),
    "kill_switch": ("kill_switch.activated", "kill_switch.released"),
}
# The newest entries of these actions that are read; older stops are left out.
MAX_ENTRIES = 400
_ACTION = next(each for each in LEADING_FILTERS if each.path == "action")


@dataclass(frozen=True, slots=True)
class Stop:
    """A breaker that was open, or a kill switch that was on, from `start` to `end`, in ms; None
    where it has not ended.

    `name` is the provider of a breaker, and the target of a kill switch, by its name; empty where
    the entries name none. `name_id` is what a filter finds it by. `bot` is that of its entries.
    `begun_by` and `ended_by` are the ids of the entries that say so.
    """

    kind: StopKind
    name: str
    name_id: str
    bot: str | None
    start: int
    begun_by: str
    end: int | None = None
    ended_by: str | None = None

    @property
    def label(self) -> tuple[StopKind, str, int]:
        """What tells it from every other stop."""
        return self.kind, self.name_id, self.start

    @property
    def filters(self) -> dict[str, str]:
        """The parameters of the list of what the platform recorded of it."""
        filters = {
            "action": ",".join(ACTIONS[self.kind]),
            "startDate": format_rfc3339(from_ms(self.start)),
        }
        if self.name_id:
            name = "provider" if self.kind == "breaker" else "target"
            filters[name] = escape(self.name_id)
        end = {} if self.end is None else {"endDate": format_rfc3339(from_ms(self.end + 1))}
        return filters | end


@dataclass(frozen=True, slots=True)
class Stops:
    """Stops in order of their start. `known_from`, in ms, is None unless older ones were left out:
    then nothing is known of the time before."""

    stops: list[Stop]
    known_from: int | None


def read(selection: Selection, window: Window) -> Stops:
    """Read the stops that reach into a window. Raises StorageError."""
    # A stop may have begun long before the window does.
    low = id_bound(oldest_ms(from_ms(window.as_of)))
    part = Slice(low, None if window.end is None else id_bound(window.end))
    among = Leading(_ACTION, {"$in": [*BEGINS, *ENDS]})
    found = slices.run(
        selection,
        among,
        part,
        {"$sort": {"_id": -1}},
        {"$limit": MAX_ENTRIES},
        {"$project": {"tokens": 0, "text": 0, "facts": 0}},
    )
    entries = [to_entry(document) for document in reversed(found)]
    known_from = to_ms(entries[0].instant) if len(entries) == MAX_ENTRIES else None
    within = [stop for stop in paired(entries) if stop.end is None or stop.end > window.start]
    is_cut = known_from is not None and known_from > window.start
    return Stops(sorted(within, key=_start_of), known_from if is_cut else None)


def paired(entries: Iterable[Entry]) -> Iterator[Stop]:
    """Yield the stops that entries, oldest first, begin and end. If two entries begin one, the
    first does."""
    begun: dict[tuple[StopKind, str], Stop] = {}
    for entry in entries:
        kind = BEGINS.get(entry.action) or ENDS[entry.action]
        name_id, name = _named(entry, kind)
        key, at = (kind, name_id), to_ms(entry.instant)
        if entry.action in BEGINS:
            begun.setdefault(key, Stop(kind, name, name_id, entry.bot_id, at, entry.id))
        elif stop := begun.pop(key, None):
            yield replace(stop, end=at, ended_by=entry.id)
    yield from begun.values()


def _named(entry: Entry, kind: StopKind) -> tuple[str, str]:
    """Return the id and the name of what was stopped."""
    provider = (entry.payload or {}).get("provider")
    if kind == "breaker" and isinstance(provider, str):
        return provider, provider
    target = entry.target
    return (target.id, target.name or target.id) if target else ("", "")


def _start_of(stop: Stop) -> int:
    return stop.start
