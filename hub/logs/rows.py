"""A row of the list: an entry as a table row or a card shows it."""

from datetime import datetime
from typing import TypedDict

from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.schema import Entry
from hub.logs.links import Links
from hub.ui.times import ahead_of_clock, clock_time, full_time, short_time, step

SHOWN_OF_ID = 8
SHOWN_OF_ID_END = 4


class Row(TypedDict):
    """The values of a row. A plain dictionary, because templates look values up in one fastest,
    and rows are most of a page.

    `url` is the list with this entry open, `drawer_url` the drawer alone. `actor_small` and
    `target_small` are the second lines of their cells; `step` is
    the time since the row before, in a correlation; `target_below` is the target where its
    column has no room, unless the summary names it.
    """

    id: str
    url: str
    drawer_url: str
    is_open: bool
    timestamp: str
    clock: str
    time: str
    step: str
    full_time: str
    ahead: str
    actor: str
    actor_id: str
    actor_small: str
    actor_type: str
    is_declared: bool
    action: str
    action_type: str
    summary: str
    target: str | None
    target_id: str
    target_small: str
    target_below: str
    result: str
    result_word: str
    correlation: str | None
    session: str | None
    session_id: str | None
    duration: float | None


def row_of(
    entry: Entry, links: Links, now: datetime, open_entry: str, before: Entry | None = None
) -> Row:
    """Return the row of an entry; `links` builds the URLs of its list. `before` is the entry of the
    row above where the row shows the time between the two."""
    actor, target, instant = entry.actor, entry.target, entry.instant
    name, summary = (target.name or target.id) if target else None, _summary(entry)
    return Row(
        id=entry.id,
        url=links.with_entry(entry.id),
        drawer_url=links.drawer(entry.id),
        is_open=entry.id == open_entry,
        timestamp=entry.timestamp,
        clock=clock_time(instant),
        time=short_time(instant, now),
        step=step(instant - before.instant) if before else "",
        full_time=full_time(instant),
        ahead=ahead_of_clock(instant, now),
        actor=actor.name or actor.id,
        actor_id=actor.id,
        actor_small=actor.id if actor.name else actor.type,
        actor_type=actor.type,
        is_declared=entry.authentication == "declared",
        action=entry.action,
        action_type=entry.action_type,
        summary=summary,
        target=name,
        target_id=target.id if target else "",
        target_small=target.type if target else "",
        target_below=name if name and not set(name.split()) <= set(summary.split()) else "",
        result=entry.result,
        result_word=entry.result.capitalize(),
        correlation=short_id(entry.correlation_id) if entry.correlation_id else None,
        session=short_id(entry.session_id) if entry.session_id else None,
        session_id=entry.session_id,
        duration=entry.duration,
    )


def _summary(entry: Entry) -> str:
    """Return the summary, unless the row says the same without it."""
    summary, known = entry.summary or "", KNOWN_ACTIONS.get(entry.action)
    target = (entry.target.name or entry.target.id) if entry.target else None
    return "" if summary == target or (known and summary == known.sentence) else summary


def short_id(text: str) -> str:
    """Return a long identifier without its middle: "0f8b2c64…9b58"."""
    if len(text) <= SHOWN_OF_ID + SHOWN_OF_ID_END + 1:
        return text
    return f"{text[:SHOWN_OF_ID]}…{text[-SHOWN_OF_ID_END:]}"
