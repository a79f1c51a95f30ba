"""The lists around an entry: what happened before and after it, and what belongs to the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from auditlogs.entry.schema import Entry
from auditlogs.entry.times import format_rfc3339
from auditlogs.explain.evidence import TICK, newest, within
from auditlogs.explain.explanation import figure_of
from auditlogs.query.entries import Entries
from auditlogs.storage.mongo import StorageError, time_limit
from hub.logs.links import OFF, Links, entries_url

AROUND = 20
NEAR = timedelta(minutes=30)
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Nearby:
    """A list around an entry, and how many entries it has; empty where that is not known."""

    label: str
    url: str
    count: str = ""


def nearby(entry: Entry) -> list[Nearby]:
    """Return the lists around an entry, without counts."""
    return [Nearby(label, _url(filters)) for label, _, filters in _lists(entry)]


def counted(entry: Entry, entries: Entries, origin: str) -> list[Nearby]:
    """Return the lists around an entry with their counts, and the list of what happened before and
    after it, in which the filters of `origin`, the query of a list, are turned off. What cannot be
    counted in time has no count."""
    found: list[Nearby] = []
    try:
        with time_limit(SECONDS):
            found.append(_around(entry, entries.whole(), origin))
            for label, path, filters in _lists(entry):
                listed = entries.whole()
                if "startDate" in filters:
                    listed = within(listed, entry.instant - NEAR, entry.instant + NEAR)
                count = listed.where(*path).count()
                text = figure_of(count.value, is_more=count.is_more)
                found.append(Nearby(label, _url(filters), text))
    except StorageError:
        seen = {each.label for each in found}
        found += [each for each in nearby(entry) if each.label not in seen]
    return found


def _around(entry: Entry, entries: Entries, origin: str) -> Nearby:
    """Return the list from 20 entries before an entry to 20 after it, with the entry open
    and its row in sight."""
    before = newest(within(entries, None, entry.instant), AROUND, payloads=False)
    after = within(entries, entry.instant + TICK, None).order_by("timestamp").page(AROUND).entries
    start = before[-1].instant if before else entry.instant
    end = (after[-1].instant if after else entry.instant) + TICK
    parameters = {"startDate": format_rfc3339(start), "endDate": format_rfc3339(end), OFF: origin}
    url = Links(parameters).with_entry(entry.id)
    return Nearby("Around this", f"{url}#entry-{entry.id}")


def _lists(entry: Entry) -> Iterator[tuple[str, tuple[str, str], dict[str, str]]]:
    """Yield the label of each list, the field and value of its entries, and its parameters."""
    everything = {"dateRange": "all"}
    if entry.correlation_id:
        path = ("correlationId", entry.correlation_id)
        yield "Correlation", path, {"correlationId": entry.correlation_id, **everything}
    if entry.session_id:
        yield (
            "Session",
            ("sessionId", entry.session_id),
            {"sessionId": entry.session_id, **everything},
        )
    if entry.run_id:
        yield "Run", ("facts.runId", entry.run_id), {"runId": entry.run_id, **everything}
    order = (entry.payload or {}).get("orderId")
    if isinstance(order, str) and order:
        yield "Order", ("facts.orderId", order), {"orderId": order, **everything}
    start, end = (format_rfc3339(entry.instant + step) for step in (-NEAR, NEAR))
    actor = {"actor": entry.actor.id, "startDate": start, "endDate": end}
    yield f"{entry.actor.type.capitalize()} ±30 min", ("actor.id", entry.actor.id), actor


def _url(filters: dict[str, str]) -> str:
    return entries_url(**filters)
