"""`GET /api/keys/{id}`: what an agent's key is and what it did."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from auditlogs.accounts import agent_keys, key_use, seen_keys
from auditlogs.accounts.key_use import KeyChange, KeyUse, Period, UsedValue
from auditlogs.accounts.seen_keys import SeenKey
from auditlogs.api import problems
from auditlogs.api.figures import figure_json
from auditlogs.api.reading import TooManyReaders, reader_of
from auditlogs.api.views import endpoint, in_json
from auditlogs.entry.times import format_rfc3339
from auditlogs.models import AgentKey, ApiKey
from auditlogs.query.figures import Figure


@in_json
def key_detail(request: HttpRequest, key: ApiKey, key_id: str) -> HttpResponse:
    """Answer with an agent's key of the account: what it is, and what the log tells of it.

    Another account's key gets the same 404 as one that does not exist.
    """
    if request.GET:
        return problems.takes_no_parameters(request)
    try:
        with reader_of(key.account_id):
            found = seen_keys.find(key.account, key_id)
            if found is None or not agent_keys.may_know(key, _agents(found)):
                return problems.not_found()
            use = key_use.read(key.account_id, seen_keys.known(found), key.bot)
    except TooManyReaders:
        return problems.rate_limited("Too many requests are reading the account's entries.", 1)
    body = msgspec.json.encode({**_about(found), **_use(use)})
    return HttpResponse(body, content_type="application/json")


detail = endpoint({"GET": ("logs:read", key_detail)})


def _agents(key: AgentKey | SeenKey) -> list[str]:
    return [key.agent] if isinstance(key, AgentKey) else list(key.agents)


def _about(key: AgentKey | SeenKey) -> dict[str, Any]:
    if isinstance(key, SeenKey):
        return {
            "id": key.address,
            "name": key.name,
            "issuedHere": False,
            "state": "revoked" if key.revoked else None,
            "agents": _agents(key),
            "scopes": key.scopes,
            "createdAt": _time(key.created),
            "rotatedAt": _time(key.rotated),
            "revokedAt": _time(key.revoked),
            "expiresAt": None,
            "lastUsedAt": _time(key.last_use),
        }
    return {
        "id": key.public_id,
        "name": key.name,
        "issuedHere": True,
        "state": agent_keys.state(key),
        "agents": _agents(key),
        "scopes": key.scopes,
        "createdAt": _time(key.created_at),
        "rotatedAt": _time(key.rotated_at),
        "revokedAt": _time(key.revoked_at),
        "expiresAt": _time(key.expires_at),
        "lastUsedAt": _time(key.last_used_at),
    }


def _use(use: KeyUse) -> dict[str, Any]:
    return {
        "firstUse": _time(use.whole.first),
        "lastUse": _time(use.whole.last),
        "openOrders": use.orders.open[: key_use.MAX_ROWS],
        "use": _period(use.whole),
        "last24Hours": _period(use.day),
        "beforeRotation": _period(use.before) if use.before else None,
        "sinceRotation": _period(use.since) if use.since else None,
        "history": [_change(each) for each in use.history[: key_use.MAX_ROWS]],
    }


def _period(period: Period) -> dict[str, Any]:
    return {
        "entries": _figure(period.entries),
        "failures": _figure(period.failures),
        "toolCalls": _figure(period.calls),
        "ordersCreated": _figure(period.orders),
        "ordersFilled": _figure(period.fills) | {"amounts": _amounts(period.amounts)},
        "ordersFilledInPart": _figure(period.partial_fills),
        "refusedKey": _figure(period.refused_key),
        "refusedScope": _figure(period.refused_scope),
        "refusedByScope": _rows(period.scopes_missed),
        "agents": _rows(period.agents),
        "tools": _rows(period.tools),
        "targets": _rows(period.targets),
        "addresses": _rows(period.addresses),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {**figure_json(figure), "isMore": figure.is_more}


def _rows(rows: list[UsedValue]) -> list[dict[str, Any]]:
    return [
        {
            "value": row.value,
            **_figure(row.figure),
            "failures": _figure(row.failures),
            "last": _time(row.last),
        }
        for row in rows
    ]


def _amounts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: f"{amount:f}" for currency, amount in amounts.items()}


def _change(change: KeyChange) -> dict[str, Any]:
    return {
        "timestamp": _time(change.instant),
        "action": change.action,
        "by": change.by,
        "result": change.result,
        "changes": [{"field": f, "from": old, "to": new} for f, old, new in change.changes],
        "entry": reverse("api_entry", args=[change.entry_id]),
    }


def _time(instant: datetime | None) -> str | None:
    return format_rfc3339(instant) if instant else None
