"""What reviews and the pages of keys need of a span of time, beside the counts of single values.

Failures and denials with the values that they have in common, so that each line of a review can be
narrowed to an agent or a key; the incidents it names; when a bot first used a tool, target, address
or client; and by whom and for what each key was used. All of it comes from the groups that are
counted, and is replaced with them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

import msgspec

from auditlogs.entry.identity import id_ms
from auditlogs.entry.text import SEPARATOR
from auditlogs.storage.counts import NOTES, FailureCount, Incident, Seen, Span, Use, ValueCount
from auditlogs.storage.mongo import Document

# Rows of each kind in a span: the first by their labels, as of the counts of single values.
MAX_ROWS = 2_000
MAX_SEEN = MAX_USES = 10_000

COUNTED = ("key", "tool", "requiredScope", "provider", "reason", "policy")
# The kinds of what is seen, named by their filters.
OF_FACTS = ("tool", "sourceIp", "client")
# What is counted of the uses of a key beside actor, action and target, named by the filters.
OF_USES = ("tool", "sourceIp", "reason", "requiredScope")
# Each piece of work has a new one, so that it would always be seen for the first time.
PASSING_TARGETS = ("order", "session", "request", "run", "task", "approval", "entry")

INCIDENTS = frozenset(
    {
        *("circuit_breaker.opened", "circuit_breaker.half_opened", "circuit_breaker.closed"),
        *("kill_switch.activated", "kill_switch.released"),
        *("api_key.created", "api_key.rotated", "api_key.revoked", "api_key.exposed"),
        *("api_key.scopes.updated", "bot.config.updated"),
    }
)

_NAME: Document = {"$arrayElemAt": [{"$split": ["$$fact", "="]}, 0]}
# The facts of an entry that are counted or noted, in their order. The others have so many values
# that nearly every entry would be a group of its own.
FACTS: Document = {
    "$filter": {
        "input": {"$ifNull": ["$facts", []]},
        "as": "fact",
        "cond": {"$in": [_NAME, [*COUNTED, *OF_FACTS[1:]]]},
    }
}
TARGET: Document = {
    "$cond": [
        {"$in": [{"$ifNull": ["$target.type", ""]}, [*PASSING_TARGETS]]},
        None,
        {"$ifNull": ["$target.id", None]},
    ]
}
IS_DENIED: Document = {"$eq": ["$decision.outcome", "denied"]}


class Labelled(Protocol):
    """A row of notes."""

    @property
    def label(self) -> tuple[object, ...]:
        """What its entries have in common."""


R = TypeVar("R", bound=Labelled)
Counted = TypeVar("Counted", FailureCount, Use)


def facts_in(group: Document) -> dict[str, list[str]]:
    """Return the facts of a group of entries by their path, such as `facts.tool`."""
    facts: dict[str, list[str]] = defaultdict(list)
    for fact in group["_id"]["facts"]:
        name, _, value = fact.partition("=")
        facts[f"facts.{name}"].append(value)
    return facts


class Notes:
    """The notes of one span of time, as they are gathered."""

    def __init__(self) -> None:
        self._failures: dict[tuple[object, ...], FailureCount] = {}
        self._incidents: dict[tuple[object, ...], Incident] = {}
        self._seen: dict[tuple[object, ...], Seen] = {}
        self._uses: dict[tuple[object, ...], Use] = {}
        self._left_out = dict.fromkeys(NOTES, 0)

    def add_group(self, group: Document, facts: Mapping[str, list[str]]) -> None:
        """Add a group of entries of one quarter, with its facts."""
        key = group["_id"]
        if key["result"] == "failure" or key["denied"]:
            add(self._failures, _failure(group, facts))
        if key["action"] in INCIDENTS:
            self._add_incident(_incident(group, facts))
        for each in _seen(group, facts):
            self._add_seen(each)
        for use in uses_in(group, facts):
            add(self._uses, use)

    def add_span(self, span: Span) -> None:
        """Add what a shorter span has."""
        for failure in span.failures:
            add(self._failures, failure)
        for incident in span.incidents:
            self._add_incident(incident)
        for seen in span.seen:
            self._add_seen(seen)
        for use in span.uses:
            add(self._uses, use)
        for field in self._left_out:
            self._left_out[field] += span.rest.get(field, ValueCount("")).success

    def on(self, span: Span) -> Span:
        """Return a span with these notes: the first rows, and how many are left out."""
        failures = _sorted(self._failures.values())
        incidents = _sorted(self._incidents.values())
        seen = _sorted(self._seen.values())
        uses = _sorted(self._uses.values())
        left_out = {
            "failures": self._left_out["failures"] + len(failures[MAX_ROWS:]),
            "incidents": self._left_out["incidents"] + len(incidents[MAX_ROWS:]),
            "seen": self._left_out["seen"] + len(seen[MAX_SEEN:]),
            "uses": self._left_out["uses"] + len(uses[MAX_USES:]),
        }
        rest = {field: ValueCount("", 0, 0, number) for field, number in left_out.items() if number}
        return replace(
            span,
            rest={**span.rest, **rest},
            failures=failures[:MAX_ROWS],
            incidents=incidents[:MAX_ROWS],
            seen=seen[:MAX_SEEN],
            uses=uses[:MAX_USES],
        )

    def _add_incident(self, new: Incident) -> None:
        old = self._incidents.get(new.label)
        if old is not None:
            first, last = sorted((old, new), key=lambda each: each.last.bytes)
            count, begin = old.count + new.count, min(old.first, new.first)
            new = msgspec.structs.replace(last, count=count, first=min(first.first, begin))
        self._incidents[new.label] = new

    def _add_seen(self, new: Seen) -> None:
        old = self._seen.get(new.label)
        if old is None or new.first_ms < old.first_ms:
            self._seen[new.label] = new


def _sorted(rows: Iterable[R]) -> list[R]:
    return sorted(rows, key=lambda row: row.label)


def add(rows: dict[tuple[object, ...], Counted], new: Counted) -> None:
    """Add a row to those with other labels, or its numbers to the one with the same."""
    old = rows.get(new.label)
    if old is not None:
        new = msgspec.structs.replace(
            old,
            failure=old.failure + new.failure,
            partial=old.partial + new.partial,
            success=old.success + new.success,
            first_ms=min(old.first_ms, new.first_ms),
            last_ms=max(old.last_ms, new.last_ms),
        )
    rows[new.label] = new


def _failure(group: Document, facts: Mapping[str, list[str]]) -> FailureCount:
    key = group["_id"]
    reason, scope, policy, provider = (
        _first(facts, name) for name in ("reason", "requiredScope", "policy", "provider")
    )
    return FailureCount(
        key["bot"] or "",
        key["actionType"],
        reason,
        scope,
        _keys(facts),
        policy,
        provider,
        key["denied"],
        *_results(group),
        id_ms(group["first"]),
        id_ms(group["last"]),
    )


def _results(group: Document) -> tuple[int, int, int]:
    """Return a group's number of failures, partial results and successes, of which two are 0."""
    result, number = group["_id"]["result"], group["entries"]
    return (
        number if result == "failure" else 0,
        number if result == "partial" else 0,
        number if result == "success" else 0,
    )


def _incident(group: Document, facts: Mapping[str, list[str]]) -> Incident:
    key = group["_id"]
    return Incident(
        key["action"],
        key["bot"] or "",
        key["actor"],
        key["target"] or "",
        _first(facts, "provider"),
        _keys(facts),
        key["result"],
        int(key["quarter"]),
        group["entries"],
        group["first"],
        group["last"],
        group["name"] or "",
        group["targetName"] or "",
    )


def _seen(group: Document, facts: Mapping[str, list[str]]) -> Iterable[Seen]:
    key, first_ms = group["_id"], id_ms(group["first"])
    if not key["bot"]:
        return
    for kind in OF_FACTS:
        for value in facts.get(f"facts.{kind}", ()):
            yield Seen(key["bot"], kind, value, first_ms)
    # The target of a call is its tool.
    if key["target"] and key["target"] not in facts.get("facts.tool", ()):
        yield Seen(key["bot"], "target", key["target"], first_ms)


def uses_in(group: Document, facts: Mapping[str, list[str]]) -> Iterable[Use]:
    """Yield the uses of a key that a group of entries is. A change of a key names it, too, but is
    no use of it."""
    key, name = group["_id"], _keys(facts)
    if not name or key["actionType"] == "config":
        return
    values = [("actor", key["actor"]), ("action", key["action"]), ("target", key["target"])]
    values += [(kind, value) for kind in OF_USES for value in facts.get(f"facts.{kind}", ())]
    first_ms, last_ms = id_ms(group["first"]), id_ms(group["last"])
    for kind, value in values:
        if value:
            yield Use(name, kind, value, *_results(group), first_ms, last_ms)


def _keys(facts: Mapping[str, list[str]]) -> str:
    """Return the name and the id of a key as one text: a filter finds an entry by either."""
    return SEPARATOR.join(facts.get("facts.key", ()))


def _first(facts: Mapping[str, list[str]], name: str) -> str:
    return next(iter(facts.get(f"facts.{name}", ())), "")
