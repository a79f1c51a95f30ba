"""Agents' keys, the credentials with which agents call tools: created, rotated, changed, revoked.

Each change is made under the account's lock in one transaction with its entry, or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Q, QuerySet, When

from auditlogs.accounts import keys
from auditlogs.accounts.accounts import locked_account
from auditlogs.accounts.self_audit import Caller, agent_key_changed
from auditlogs.entry.schema import LONG_ID_LENGTH
from auditlogs.entry.times import format_rfc3339, now
from auditlogs.explain.scopes import tool_scopes
from auditlogs.models import KEY_NAME_LENGTH, Account, AgentKey, ApiKey, new_agent_key_id
from auditlogs.recording.policy import check_text

MAX_ACTIVE = 500
MAX_LISTED = 500
# For how long the former secret stays valid after a rotation, at most and unless chosen otherwise.
OVERLAP = timedelta(hours=24)
MAX_OVERLAP = timedelta(days=30)
ROTATED = (
    *("digest", "last_four", "rotated_at"),
    *("previous_digest", "previous_last_four", "previous_until"),
)


class AgentKeyRefused(ValueError):
    """A change that is not possible: the reason in a sentence, and the field that it is about."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Verified:
    """The key of a valid secret, and when the secret ends, if it does."""

    key: AgentKey
    until: datetime | None


def create(
    account: Account,
    caller: Caller,
    *,
    name: str,
    agent: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    public_id: str | None = None,
) -> tuple[AgentKey, str]:
    """Create an agent's key; return it and its secret, which is shown this once.

    `public_id` is the id by which the log knows the key already, if it does. Raises AgentKeyRefused
    for an invalid value, a name that an active key has, or too many keys; CannotStore.
    """
    _check_text("name", "The name", name, KEY_NAME_LENGTH, is_name=True)
    _check_text("agent", "The agent", agent, LONG_ID_LENGTH)
    declared = _declared(scopes)
    if expires_at is not None and expires_at <= now():
        raise AgentKeyRefused("The time of expiry is in the past.", "expires")
    text = keys.new_text(keys.AGENT_PREFIX)
    with locked_account(account):
        active = active_of(account)
        if active.filter(name=name).exists():
            raise AgentKeyRefused("An active agent key has this name.", "name")
        if active.count() >= MAX_ACTIVE:
            raise AgentKeyRefused(f"The account has {MAX_ACTIVE} active agent keys, the maximum.")
        key = AgentKey.objects.create(
            account=account,
            public_id=public_id or new_agent_key_id(),
            name=name,
            agent=agent,
            scopes=declared,
            digest=keys.digest_of(text),
            last_four=text[-keys.ENDING :],
            expires_at=expires_at,
            created_by=caller.actor.name or caller.actor.id,
        )
        changes = [_change("scopes", [], declared), _change("lastFour", None, key.last_four)]
        agent_key_changed("api_key.created", key, caller, changes)
    return key, text


def rotate(
    key: AgentKey, caller: Caller, overlap: timedelta = OVERLAP, replaced: str | None = None
) -> str:
    """Give a key a new secret and return that; the former one stays valid for the overlap.

    `replaced` are the last four characters of the secret to be replaced; with another one, the key
    was rotated meanwhile. A secret that still was valid from an earlier rotation ends at once, so
    that never more than two are. Raises AgentKeyRefused, CannotStore.
    """
    if not timedelta() <= overlap <= MAX_OVERLAP:
        raise AgentKeyRefused(f"The overlap is 0 to {MAX_OVERLAP.days} days.", "overlap")
    text = keys.new_text(keys.AGENT_PREFIX)
    with locked_account(key.account):
        _refresh_active(key)
        if replaced not in (None, key.last_four):
            raise AgentKeyRefused("This key was rotated meanwhile. Look at it again.")
        moment = now()
        key.previous_digest, key.previous_last_four = key.digest, key.last_four
        key.previous_until, key.rotated_at = moment + overlap, moment
        key.digest, key.last_four = keys.digest_of(text), text[-keys.ENDING :]
        key.save(update_fields=ROTATED)
        changes = [
            _change("lastFour", key.previous_last_four, key.last_four),
            _change("previousValidUntil", None, format_rfc3339(key.previous_until)),
        ]
        agent_key_changed("api_key.rotated", key, caller, changes)
    return text


def change_scopes(key: AgentKey, caller: Caller, scopes: Sequence[str]) -> bool:
    """Give a key other scopes; tell whether they differ from those it had.

    Raises AgentKeyRefused, CannotStore.
    """
    declared = _declared(scopes)
    with locked_account(key.account):
        _refresh_active(key)
        before = key.scopes
        if before == declared:
            return False
        key.scopes = declared
        key.save(update_fields=["scopes"])
        changes = [_change("scopes", before, declared)]
        agent_key_changed("api_key.scopes.updated", key, caller, changes)
    return True


def revoke(key: AgentKey, caller: Caller) -> None:
    """Revoke a key with all its secrets, from the next question about it on.

    Raises AgentKeyRefused, CannotStore.
    """
    with locked_account(key.account):
        key.refresh_from_db()
        if key.revoked_at is not None:
            raise AgentKeyRefused("This key is already revoked.")
        key.revoked_at = now()
        key.save(update_fields=["revoked_at"])
        changes = [_change("revokedAt", None, format_rfc3339(key.revoked_at))]
        agent_key_changed("api_key.revoked", key, caller, changes)


def verify(text: str, asking: ApiKey) -> Verified | None:
    """Return the key of a secret, if it is an active one of the account that asks; else None, and
    nothing tells why. A log key of one bot learns of that bot's agent alone.

    Notes the use.
    """
    if not keys.has_checksum(text, keys.AGENT_PREFIX):
        return None
    digest = keys.digest_of(text)
    of_account = AgentKey.objects.filter(account=asking.account_id, revoked_at=None)
    key = of_account.filter(Q(digest=digest) | Q(previous_digest=digest)).first()
    if key is None or not may_know(asking, [key.agent]):
        return None
    ends = [key.expires_at] if key.digest == digest else [key.expires_at, key.previous_until]
    until = min((end for end in ends if end is not None), default=None)
    if until is not None and until <= now():
        return None
    keys.record_use(key)
    return Verified(key, until)


def may_know(asking: ApiKey, agents: Sequence[str]) -> bool:
    """Tell whether a log key may learn of a key of these agents: a log key of one bot may of that
    bot's agent alone. Raises StorageError."""
    if asking.bot is None or (agents and all(a in (asking.bot, asking.agent) for a in agents)):
        return True
    # Its agent is known once that has acted for the first time.
    return keys.learn_agent(asking) and may_know(asking, agents)


def state(key: AgentKey) -> keys.KeyState:
    """Return the state of a key; of an active one, the former secret may have ended."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now() else "active"


def find(account: Account | str, public_id: str) -> AgentKey | None:
    """Return the account's key with this id, active or not; a longer id is none."""
    if len(public_id) > LONG_ID_LENGTH or "\0" in public_id:
        return None
    return AgentKey.objects.filter(account=account, public_id=public_id).first()


def named(account: Account | str, name: str) -> AgentKey | None:
    """Return the account's key with this name: the active one, else the newest."""
    if len(name) > KEY_NAME_LENGTH or "\0" in name:
        return None
    return _ranked(AgentKey.objects.filter(account=account, name=name)).first()


def of_account(account: Account) -> tuple[list[AgentKey], bool]:
    """Return the first MAX_LISTED agents' keys, active ones first and the last used before others,
    and whether there are more."""
    listed = _ranked(account.agent_keys.all())[: MAX_LISTED + 1]
    return list(listed[:MAX_LISTED]), len(listed) > MAX_LISTED


def active_of(account: Account) -> QuerySet[AgentKey]:
    """Return the active agents' keys of an account."""
    return account.agent_keys.filter(keys.is_active())


def others_of_agent(key: AgentKey) -> int:
    """Return how many other active keys the agent has."""
    return active_of(key.account).filter(agent=key.agent).exclude(pk=key.pk).count()


def _ranked(found: QuerySet[AgentKey]) -> QuerySet[AgentKey]:
    return found.order_by(Case(When(keys.is_active(), then=0), default=1), "-last_used_at", "-pk")


def _refresh_active(key: AgentKey) -> None:
    key.refresh_from_db()
    if state(key) != "active":
        raise AgentKeyRefused(f"This key is {state(key)}. Create another one.")


def _declared(scopes: Sequence[str]) -> list[str]:
    """Return scopes in the order of their declaration."""
    declared = tool_scopes()
    if unknown := sorted(set(scopes) - declared.keys()):
        known = ", ".join(declared) or "none, as AUDITLOGS_TOOL_SCOPES names no file"
        reason = f"No such scope: {', '.join(unknown)}. Declared scopes: {known}."
        raise AgentKeyRefused(reason, "scopes")
    if not scopes:
        raise AgentKeyRefused("Choose at least one scope.", "scopes")
    return [scope for scope in declared if scope in scopes]


def _check_text(field: str, what: str, text: str, length: int, *, is_name: bool = False) -> None:
    try:
        check_text(what, text, length, is_name=is_name)
    except ValueError as error:
        raise AgentKeyRefused(f"{error}.", field) from error


def _change(field: str, before: object, after: object) -> dict[str, object]:
    return {"field": field, "from": before, "to": after}
