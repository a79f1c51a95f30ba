"""What the counters must hold, in plain Python over the log's documents; and what they hold."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from msgspec import json

from auditlogs.counters import tallies
from auditlogs.storage import counts
from auditlogs.storage.counts import Kind, Tally

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
Counted = dict[int, list[Tally]]


def expected(log: Iterable[dict[str, Any]], length_ms: int = HOUR_MS) -> Counted:
    """Return the tallies of each span of time that these documents of one account make."""
    spans: dict[int, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for each in log:
        if each["botId"] is not None:
            spans[ms_of(each) - ms_of(each) % length_ms][each["botId"]].append(each)
    return {start: [tally(bot, bots[bot]) for bot in sorted(bots)] for start, bots in spans.items()}


def tally(bot: str, entries: list[dict[str, Any]]) -> Tally:
    entries.sort(key=lambda entry: entry["_id"].bytes)
    acted = [entry["actor"] for entry in entries if entry["actor"]["type"] == "agent"]
    actor = acted[-1] if acted else {"id": None, "name": None}
    failed, partial = (
        sum(entry["result"] == result for entry in entries) for result in ("failure", "partial")
    )
    return Tally(bot, len(entries), failed, partial, ms_of(entries[-1]), actor["id"], actor["name"])


def ms_of(entry: dict[str, Any]) -> int:
    return int(entry["_id"].bytes[:6].hex(), 16)


def held(account: str, kind: Kind = "hour") -> Counted:
    """Return the tallies that are kept of an account."""
    return {span.start: span.tallies for span in counts.kept(account, kind, 0)}


def held_in(documents: Iterable[dict[str, Any]], kind: Kind) -> Counted:
    """Return the tallies that documents of the collection of counters hold."""
    return {
        int(each["start"].timestamp() * 1_000): json.decode(each["bots"], type=list[Tally])
        for each in documents
        if each["kind"] == kind
    }


def rebuilt(account: str, hours: Iterable[int]) -> Counted:
    """Count these hours of an account anew, whatever is kept of them; return what is kept then."""
    for hour in hours:
        tallies.count_hour(account, hour, 1_000_000)
    return held(account)
