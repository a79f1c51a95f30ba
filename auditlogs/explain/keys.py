"""The agent's key of an entry: its state and scopes, when the entry was made and now."""

from dataclasses import dataclass
from datetime import datetime

from auditlogs.entry.reasons import text_of
from auditlogs.entry.schema import LONG_ID_LENGTH, Entry
from auditlogs.entry.times import now
from auditlogs.models import KEY_NAME_LENGTH, AgentKey

# Keys of one name that are compared: one is active at most, the rest were revoked or have expired.
MAX_NAMESAKES = 50


@dataclass(frozen=True, slots=True)
class NamedKey:
    """How an entry names the key that it is about; either may be missing."""

    id: str | None
    name: str | None

    def __bool__(self) -> bool:
        return bool(self.id or self.name)


def named_key(entry: Entry) -> NamedKey:
    """Return the key of an entry: what its payload names, or its target."""
    payload, target = entry.payload or {}, entry.target
    is_target = target is not None and target.type == "api_key"
    id = text_of(payload.get("keyId")) or (target.id if target and is_target else None)
    name = text_of(payload.get("keyName")) or (target.name if target and is_target else None)
    return NamedKey(id, name)


def agent_key_of(entry: Entry, account: str, bot: str | None = None) -> AgentKey | None:
    """Return the agent's key that an entry names, by its id or else its name; None for one that was
    not made here, and for a reader of one bot, a key of another agent."""
    named = named_key(entry)
    kept = AgentKey.objects.filter(account=account)
    if bot is not None:
        kept = kept.filter(agent__in=[bot, entry.actor.id])
    found = None
    if _is_text(named.id, LONG_ID_LENGTH):
        found = kept.filter(public_id=named.id).first()
    if found is None and _is_text(named.name, KEY_NAME_LENGTH):
        namesakes = list(kept.filter(name=named.name).order_by("-pk")[:MAX_NAMESAKES])
        moment = now()
        active = (each for each in namesakes if state_at(each, moment) == "active")
        found = next(active, namesakes[0] if namesakes else None)
    return found


def state_at(key: AgentKey, moment: datetime) -> str:
    """Return the state of a key at an instant: active, revoked, expired, or not made yet."""
    if moment < key.created_at:
        return "not made yet"
    if key.revoked_at is not None and key.revoked_at <= moment:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= moment:
        return "expired"
    return "active"


def _is_text(value: str | None, length: int) -> bool:
    return value is not None and len(value) <= length and "\0" not in value
