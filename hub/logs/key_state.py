"""The agent's key of a refused call or sign-in: its state and scopes, then and now."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.urls import reverse

from auditlogs.accounts import agent_keys
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import now
from auditlogs.models import AgentKey
from hub.logs.explanations import missing_scope
from hub.ui.times import short_time

UNKNOWN = "not recorded"
ELSEWHERE = "not made in this Hub"


@dataclass(frozen=True, slots=True)
class KeyState:
    """What the drawer says of a key, in words; `scopes_url` is the form that adds what it lacks."""

    name: str
    now: str
    then: str
    scopes_now: str
    scopes_then: str
    url: str
    missing: str = ""
    scopes_url: str = ""


def key_state(entry: Entry, account: str) -> KeyState | None:
    """Return the key of an entry that was refused for its key; None for any other entry."""
    said = entry.payload or {}
    missing = missing_scope(entry)
    is_sign_in = entry.action.startswith("auth.") or entry.action == "access.denied"
    id = _text(said.get("keyId")) or _key_target(entry)
    name = _text(said.get("keyName")) or (entry.target.name if entry.target and id else None)
    if entry.result != "failure" or not (missing or is_sign_in) or not (id or name):
        return None
    key = agent_keys.find(account, id) if id else None
    key = key or (agent_keys.named(account, name) if name else None)
    carried = said.get("keyScopes")
    then = ", ".join(map(str, carried[:20])) if isinstance(carried, list) else UNKNOWN
    address = quote(key.public_id if key else id or name or "", safe="")
    url = f"{reverse('agent_key', args=['x'])[:-1]}{address}"
    if key is None:
        # A key of the log itself has a page of no such kind, and rules of its own.
        if entry.asserted_by:
            return None
        return KeyState(name or id or "", ELSEWHERE, UNKNOWN, ELSEWHERE, then, url)
    can_add = missing and missing not in key.scopes and agent_keys.state(key) == "active"
    scopes_page = reverse("agent_key_scopes", args=[key.public_id])
    return KeyState(
        key.name,
        _now(key),
        _then(key, entry),
        ", ".join(key.scopes),
        then,
        url,
        missing or "",
        f"{scopes_page}?{urlencode({'add': missing})}" if can_add else "",
    )


def _now(key: AgentKey) -> str:
    state, moment = agent_keys.state(key), now()
    if key.revoked_at is not None:
        return f"Revoked {short_time(key.revoked_at, moment)}"
    if state == "active" and key.rotated_at is not None:
        return f"Active, rotated {short_time(key.rotated_at, moment)}"
    return state.capitalize()


def _then(key: AgentKey, entry: Entry) -> str:
    if entry.instant < key.created_at:
        return "Not made yet in this Hub"
    if key.revoked_at is not None and key.revoked_at <= entry.instant:
        return "Revoked"
    if key.expires_at is not None and key.expires_at <= entry.instant:
        return "Expired"
    return "Active"


def _key_target(entry: Entry) -> str | None:
    target = entry.target
    return target.id if target is not None and target.type == "api_key" else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
