"""`GET /api/review`: the daily review."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from auditlogs.api import problems
from auditlogs.api.figures import figure_json
from auditlogs.api.views import endpoint, in_json
from auditlogs.entry.times import format_rfc3339, from_ms, now
from auditlogs.models import ApiKey
from auditlogs.review import report
from auditlogs.review.altered import Altered
from auditlogs.review.days import Days, parse_days
from auditlogs.review.report import FirstSeen, Line, Listed, RepeatedIncident, Silent, Spike, Total
from auditlogs.review.stopped import Stopped

T = TypeVar("T")
PARAMETERS = ("day", "zone")


@in_json
def review(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Answer with the review of a day, or of the last 24 hours; a bot's key gets its bot's."""
    unknown = dict.fromkeys(request.GET.keys() - set(PARAMETERS), "not a known parameter")
    repeated = {
        name: "expected one value, not several"
        for name in PARAMETERS
        if len(request.GET.getlist(name)) > 1
    }
    days, wrong = parse_days(request.GET.get("day", ""), request.GET.get("zone", ""), now())
    if errors := {**wrong, **repeated, **unknown}:
        return problems.bad_parameters(errors, frozenset(unknown))
    found = report.review(key.account_id, days, key.bot)
    return HttpResponse(msgspec.json.encode(_body(found)), content_type="application/json")


daily = endpoint({"GET": ("logs:read", review)})


def _body(found: report.Report) -> dict[str, Any]:
    days: Days = found.days
    return {
        "start": format_rfc3339(days.start),
        "end": format_rfc3339(days.end),
        "zone": days.zone.key,
        "botId": found.bot,
        "countedAt": found.counted_at and format_rfc3339(found.counted_at),
        "entriesCounted": found.entries_read,
        "isCut": found.is_cut,
        "totals": {each.name: _total(each) for each in found.totals},
        "failuresByReason": _list(found.failures, _line("reason", "agents")),
        "authenticationSpikes": _list(found.spikes, _spike),
        "missingScopes": _list(found.scopes, _line("scope", "keys")),
        "denials": _list(found.denials, _line("policy", "agents")),
        "breakersAndKillSwitches": _list(found.stopped, _stopped),
        "executedWithOtherArguments": _list(found.altered, _altered),
        "changes": _list(found.changes, _change),
        "firstSeen": {"daysBefore": found.days_known, **_list(found.first_seen, _first_seen)},
        "silent": _list(found.silent, _silent),
    }


def _list(listed: Listed[T], item: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    return {"items": [item(each) for each in listed.lines], "more": listed.more}


def _total(total: Total) -> dict[str, Any]:
    return {**figure_json(total.figure), "before": total.before}


def _line(name: str, parts: str) -> Callable[[Line], dict[str, Any]]:
    return lambda line: {
        name: line.value or None,
        **figure_json(line.figure),
        "before": line.before,
        "first": format_rfc3339(line.first),
        "last": format_rfc3339(line.last),
        parts: [{"value": part.value, **figure_json(part.figure)} for part in line.parts.lines],
        "more": line.parts.more,
    }


def _spike(spike: Spike) -> dict[str, Any]:
    changes = [_change(each) for each in spike.changes]
    return {**_line("key", "agents")(spike.line), "changesBefore": changes}


def _change(change: RepeatedIncident) -> dict[str, Any]:
    return {
        "action": change.action,
        "target": change.target,
        "botId": change.bot or None,
        "by": change.by,
        "result": change.result,
        "count": change.count,
        "timestamp": format_rfc3339(change.at),
        "entry": _entry(str(change.entry)),
    }


def _stopped(found: Stopped) -> dict[str, Any]:
    stop = found.stop
    return {
        "kind": stop.kind,
        "name": stop.name or None,
        "start": format_rfc3339(from_ms(stop.start)),
        "end": stop.end and format_rfc3339(from_ms(stop.end)),
        "seconds": found.length.total_seconds(),
        "begunBy": _entry(stop.begun_by),
        "endedBy": stop.ended_by and _entry(stop.ended_by),
        "blockedTrades": {
            **figure_json(found.blocked),
            "isMore": found.blocked.is_more,
            "worth": {unit: float(amount) for unit, amount in found.worth.items()},
        },
    }


def _altered(found: Altered) -> dict[str, Any]:
    return {
        "target": found.target,
        "botId": found.bot or None,
        "actor": found.actor,
        "approvedBy": found.by,
        "timestamp": format_rfc3339(found.at),
        "entry": _entry(found.entry),
        "entries": f"{reverse('api_entries')}?{urlencode(found.filters)}",
    }


def _entry(entry: str) -> str:
    return reverse("api_entry", args=[entry])


def _first_seen(seen: FirstSeen) -> dict[str, Any]:
    return {
        "botId": seen.bot,
        "kind": seen.kind,
        "value": seen.value,
        "timestamp": format_rfc3339(seen.at),
        "entries": f"{reverse('api_entries')}?{urlencode(seen.filters)}",
    }


def _silent(silent: Silent) -> dict[str, Any]:
    return {
        "botId": silent.bot,
        "last": format_rfc3339(silent.last),
        "count": silent.before,
        "entries": f"{reverse('api_entries')}?{urlencode(silent.filters)}",
    }
