"""What the counters must hold, in plain Python over the log's documents; and what they hold."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from auditlogs.counters import tallies
from auditlogs.storage import counts
from auditlogs.storage.counts import Kind, Tally

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
LENGTHS: dict[Kind, int] = {"quarter": HOUR_MS // 4, "hour": HOUR_MS, "day": DAY_MS}
RESULTS = ("failure", "partial", "success")
# The facts that are counted one by one, and the stored field of each.
OF_FACTS = {"key": "keys", "tool": "tools", "requiredScope": "scopes", "provider": "providers"}
OF_FACTS |= {"reason": "reasons", "policy": "policies"}
OF_USES = ("tool", "sourceIp", "reason", "requiredScope")
Counted = dict[int, list[Tally]]
# By start, stored field and value: the failures, partial results and successes.
ByValue = dict[int, dict[str, dict[str, tuple[int, ...]]]]

# Failures, incidents, first uses and the uses of keys, each by its label.
Notes = tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any], dict[Any, Any]]


def expected(log: Iterable[dict[str, Any]], length_ms: int = HOUR_MS) -> Counted:
    """Return the tallies of each span of time that these documents of one account make."""
    spans: dict[int, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for each in log:
        if each["botId"] is not None:
            spans[ms_of(each) - ms_of(each) % length_ms][each["botId"]].append(each)
    return {start: [tally(bot, bots[bot]) for bot in sorted(bots)] for start, bots in spans.items()}


def expected_by_value(log: Iterable[dict[str, Any]], kind: Kind) -> ByValue:
    """Return the results of each value of each field, in each span that these documents make."""
    spans: dict[int, dict[str, dict[str, Counter[str]]]] = {}
    for each in log:
        start = ms_of(each) // LENGTHS[kind] * LENGTHS[kind]
        fields = spans.setdefault(
            start,
            {name: {} for name in ("types", "actions", "actors", "writers", *OF_FACTS.values())},
        )
        values = {"types": each["actionType"], "actions": each["action"]}
        by_whom = {"actors": each["actor"]["id"]}
        if each["assertedBy"] is not None:
            by_whom["writers"] = each["assertedBy"]
        for name, value in {**values, **by_whom}.items():
            fields[name].setdefault(value, Counter())[each["result"]] += 1
        for fact in each["facts"]:
            name, _, value = fact.partition("=")
            if name in OF_FACTS:
                fields[OF_FACTS[name]].setdefault(value, Counter())[each["result"]] += 1
    return {
        start: {
            name: {value: tuple(c[r] for r in RESULTS) for value, c in values.items()}
            for name, values in fields.items()
        }
        for start, fields in spans.items()
    }


def held_by_value(account: str, kind: Kind) -> ByValue:
    """Return the same as it is kept of an account, and fail where values are not in order."""
    spans = counts.kept_whole(account, kind, 0, 1 << 47)
    for values in (values for span in spans for values in span.counts.values()):
        assert [each.value for each in values] == sorted(each.value for each in values)
    return {
        span.start: {
            name: {each.value: tuple(each.of(r) for r in RESULTS) for each in values}
            for name, values in span.counts.items()
        }
        for span in spans
    }


def expected_notes(log: Iterable[dict[str, Any]], kind: Kind) -> dict[int, Notes]:
    """Return the notes of each span that these documents make."""
    spans: dict[int, Notes] = defaultdict(lambda: ({}, {}, {}, {}))
    for each in sorted(log, key=lambda entry: entry["_id"].bytes):
        failures, incidents, seen, uses = spans[ms_of(each) // LENGTHS[kind] * LENGTHS[kind]]
        bot, result, at = each["botId"] or "", each["result"], ms_of(each)
        facts: dict[str, str] = {}
        for fact in each["facts"]:
            name, _, value = fact.partition("=")
            if name == "key" and "key" in facts:
                value = f"{facts.pop('key')}\x1f{value}"
            facts.setdefault(name, value)
        names = ("reason", "requiredScope", "key", "policy", "provider")
        denied = (each.get("decision") or {}).get("outcome") == "denied"
        if result == "failure" or denied:
            label = (bot, each["actionType"], *(facts.get(name, "") for name in names), denied)
            old = failures.setdefault(label, (Counter(), at, at))
            old[0][result] += 1
            failures[label] = (old[0], old[1], at)
        target = each["target"] or {"id": "", "type": ""}
        target_id = "" if target["type"] == "order" else target["id"]
        if each["action"] == "api_key.rotated":
            quarter = at // LENGTHS["quarter"] * LENGTHS["quarter"]
            who = (each["action"], bot, each["actor"]["id"], target_id)
            key = (quarter, *who, facts.get("provider", ""), facts.get("key", ""), result)
            first, number, _ = incidents.setdefault(key, (each["_id"], 0, each["_id"]))
            incidents[key] = (first, number + 1, each["_id"])
        if bot:
            used = {name: facts.get(name, "") for name in ("tool", "sourceIp", "client")}
            used["target"] = "" if target_id == used["tool"] else target_id
            for name, value in used.items():
                if value:
                    seen.setdefault((bot, name, value), at)
        if "key" in facts and each["actionType"] != "config":
            used = {name: facts.get(name, "") for name in OF_USES}
            used |= {"actor": each["actor"]["id"], "action": each["action"], "target": target_id}
            for name, value in used.items():
                if value:
                    label = (facts["key"], name, value)
                    old = uses.setdefault(label, (Counter(), at, at))
                    old[0][result] += 1
                    uses[label] = (old[0], old[1], at)
    return {
        start: (
            {k: (tuple(c[r] for r in RESULTS), a, b) for k, (c, a, b) in failures.items()},
            incidents,
            seen if kind != "quarter" else {},
            {k: (tuple(c[r] for r in RESULTS), a, b) for k, (c, a, b) in uses.items()},
        )
        for start, (failures, incidents, seen, uses) in spans.items()
    }


def held_notes(account: str, kind: Kind) -> dict[int, Notes]:
    """Return the same as it is kept of an account, and fail where rows are not in order."""
    spans = counts.kept_whole(account, kind, 0, 1 << 47)
    for span in spans:
        for rows in (span.failures, span.incidents, span.seen, span.uses):
            assert [each.label for each in rows] == sorted({each.label for each in rows})
    return {
        span.start: (
            {
                f.label: ((f.failure, f.partial, f.success), f.first_ms, f.last_ms)
                for f in span.failures
            },
            {i.label: (i.first, i.count, i.last) for i in span.incidents},
            {s.label: s.first_ms for s in span.seen},
            {
                u.label: ((u.failure, u.partial, u.success), u.first_ms, u.last_ms)
                for u in span.uses
            },
        )
        for span in spans
    }


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
    """Return the tallies that are kept of an account, where there are any."""
    spans = counts.kept(account, kind, 0)
    return {span.start: span.tallies for span in spans if span.tallies}


def held_in(documents: Iterable[dict[str, Any]], kind: Kind) -> Counted:
    """Return the tallies that documents of the collection of counters hold."""
    spans = [counts.span_of(each) for each in documents if each.get("kind") == kind]
    return {span.start: span.tallies for span in spans if span.tallies}


def rebuilt(account: str, hours: Iterable[int]) -> Counted:
    """Count these hours of an account anew, whatever is kept of them; return what is kept then."""
    for hour in hours:
        tallies.count_hours(
            account, counts.start_of("day", hour), [hour], 1_000_000, renew=lambda: None
        )
    return held(account)
