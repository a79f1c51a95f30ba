"""What the Hub and the API do themselves, in the same log as everything else: one function each.

Views and commands call them. What is made without those, by a script or a test, leaves no entry.
"""

import functools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.http import HttpRequest
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from auditlogs.accounts import keys
from auditlogs.accounts.rate_limit import Reached, network_of
from auditlogs.entry.schema import Actor, Result, Target
from auditlogs.entry.times import format_rfc3339
from auditlogs.intake import context
from auditlogs.middleware import actor_of, source_ip
from auditlogs.models import PLATFORM_ACCOUNT, Account, ApiKey
from auditlogs.recording.recorder import Mode, record

ANONYMOUS = Actor(type="user", id="anonymous")
UNKNOWN_KEY = Actor(type="system", id="unknown-key")

# How much of what is refused is recorded, for each source and process: enough to be seen, and too
# little to bury anything.
SAMPLE: RateLimitItem = RateLimitItemPerMinute(10)
# Why a key that is known opens nothing, by its state; an active one is a person's session token.
WHY_SHUT: dict[keys.State, tuple[str, str]] = {
    "revoked": ("revoked-key", "The API key was revoked"),
    "expired": ("expired-key", "The API key has expired"),
    "active": ("holder-without-access", "Its holder may not see the account"),
}
# How many ids one entry names.
MAX_NAMED = 10


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is behind a request or a command, as an entry names them.

    Whoever belongs to no account is recorded under the platform's own, which no tenant sees.
    """

    account: str = PLATFORM_ACCOUNT
    actor: Actor = ANONYMOUS
    session_id: str | None = None
    source_ip: str | None = None


COMMAND_LINE = Caller(actor=Actor(type="system", id="command-line"))


def signed_in(caller: Caller, method: str = "password") -> None:
    """Record that a person signed in and that their session began: two entries, one correlation."""
    session = _session(caller)
    payload = {"method": method}
    for action in ("auth.signed_in", "session.created"):
        _record(action, caller, "success", session, payload)


def sign_in_failed(caller: Caller) -> None:
    """Record that a sign-in was refused. An unknown user name is not kept: people type passwords
    there."""
    payload = {"method": "password", "code": "invalid-credentials"}
    _record("auth.sign_in_failed", caller, "failure", None, payload)


def locked_out(caller: Caller, until: datetime) -> None:
    """Record that a user name is locked out from an address, for too many sign-ins failed."""
    _record("auth.locked_out", caller, "failure", None, _lock(until))


def sign_in_locked_out(caller: Caller, until: datetime) -> None:
    """Record that a sign-in was refused unseen, as a lock holds."""
    _record_sampled("auth.sign_in_failed", caller, None, _lock(until))


def tries_limited(request: HttpRequest, caller: Caller, reached: Reached) -> None:
    """Record that an address tried passwords too often."""
    _record_sampled("rate_limit.hit", caller, _place(request, "page"), _window(reached))


def signed_out(caller: Caller) -> None:
    """Record that a person signed out."""
    _record("auth.signed_out", caller, "success", _session(caller))


def session_idled(caller: Caller) -> None:
    """Record that a session was ended because its person did nothing for too long."""
    _record("auth.signed_out", caller, "success", _session(caller), {"code": "idle"})


def password_changed(caller: Caller, method: str) -> None:
    """Record that a person has a new password, by the old one or by a link they were given.

    Raises CannotStore: no password changes unrecorded.
    """
    target = Target(type="user", id=caller.actor.id, name=caller.actor.name)
    payload = {"method": method}
    _record("auth.password.changed", caller, "success", target, payload, mode="strict")


def key_created(key: ApiKey, caller: Caller) -> None:
    """Record that an API key was made, by a person or on the command line.

    Raises CannotStore: no key's life goes unrecorded.
    """
    _key_changed("api_key.created", key, caller, _bounds(key))


def key_revoked(key: ApiKey, caller: Caller) -> None:
    """Record that an API key was revoked, by a person or on the command line.

    Raises CannotStore: no key's life goes unrecorded.
    """
    _key_changed("api_key.revoked", key, caller)


def token_created(key: ApiKey, caller: Caller) -> None:
    """Record that a person made a session token. Raises CannotStore, as for API keys."""
    _key_changed("auth.token.created", key, caller, _bounds(key))


def token_revoked(key: ApiKey, caller: Caller) -> None:
    """Record that a session token was ended. Raises CannotStore, as for API keys."""
    _key_changed("auth.token.revoked", key, caller)


def key_exposed(request: HttpRequest, key: ApiKey) -> None:
    """Record, as a warning, that a key sent its own text in the body of a request."""
    payload = {
        "keyName": key.name,
        "error": "The key was found in a body that it sent. Revoke it and make another.",
    }
    caller = _caller_with(request, key)
    _record_sampled("api_key.exposed", caller, _key(key), payload, key, "partial")


def account_switched(caller: Caller, account: Account) -> None:
    """Record, in the account, that a person came to it from another; which one is not its concern.

    Raises CannotStore: nobody looks into an account unrecorded.
    """
    changes = [{"field": "account", "from": None, "to": account.name}]
    caller = replace(caller, account=account.id)
    _account_changed("account.switched", caller, _account(account), changes)


def account_renamed(caller: Caller, account: Account, before: str) -> None:
    """Record that a person gave their account another name. Raises CannotStore: so everywhere below
    where an account's own people or settings change."""
    changes = [{"field": "name", "from": before, "to": account.name}]
    _account_changed("account.renamed", caller, _account(account), changes)


def member_added(caller: Caller, person: User, role: str) -> None:
    """Record that a person joined the account."""
    changes = [{"field": "role", "from": None, "to": role}]
    _account_changed("member.added", caller, _person(person), changes)


def member_removed(caller: Caller, person: User, role: str) -> None:
    """Record that a person left the account, or had to."""
    changes = [{"field": "role", "from": role, "to": None}]
    _account_changed("member.removed", caller, _person(person), changes)


def member_role_changed(caller: Caller, person: User, before: str, role: str) -> None:
    """Record that a member has another role."""
    changes = [{"field": "role", "from": before, "to": role}]
    _account_changed("member.role.updated", caller, _person(person), changes)


def member_reset(caller: Caller, person: User) -> None:
    """Record that a member's way in was closed until they choose a new password."""
    _record("member.reset", caller, "success", _person(person), mode="strict")


def single_sign_on_failed(caller: Caller, code: str) -> None:
    """Record that single sign-on signed nobody in, and why; nothing of what the provider said."""
    payload = {"method": "oidc", "code": code}
    _record_sampled("auth.sign_in_failed", caller, None, payload)


def identity_changed(caller: Caller, person: AbstractBaseUser, change: dict[str, Any]) -> None:
    """Record a change of how a person signs in by single sign-on: a field, from and to.

    Raises CannotStore: nobody becomes somebody unrecorded.
    """
    actor = actor_of(person)
    target = Target(type="user", id=actor.id, name=actor.name)
    payload = {"method": "oidc", "changes": [change]}
    _record("auth.identity.updated", caller, "success", target, payload, mode="strict")


def page_refused(request: HttpRequest, caller: Caller, code: str, error: str) -> None:
    """Record that a page of the Hub was refused, or a form of it."""
    _denied(caller, _place(request, "page"), {"code": code, "error": error})


def id_conflict(request: HttpRequest, key: ApiKey, entry_ids: Sequence[str]) -> None:
    """Record that a key sent other content under the ids of entries that are in the log."""
    payload = {
        "method": "api_key",
        "code": "id-conflict",
        "error": f"Entries were sent with the ids of others: {', '.join(entry_ids[:MAX_NAMED])}",
        "keyName": key.name,
    }
    _denied(_caller_with(request, key), Target(type="entry", id=entry_ids[0]), payload, key)


def key_refused(request: HttpRequest, key: ApiKey | None) -> None:
    """Record that a key opened nothing: in its own account if it once did, else in the platform's.

    The text of what is no key is not kept.
    """
    if key is None:
        caller = Caller(actor=UNKNOWN_KEY, source_ip=source_ip(request))
        payload = {"code": "invalid-key", "error": "The API key is not valid"}
    else:
        caller = _caller_with(request, key)
        code, error = WHY_SHUT[keys.state(key)]
        payload = {"code": code, "error": error, "keyName": key.name}
    _denied(caller, _place(request, "endpoint"), {"method": "api_key", **payload}, key)


def key_in_address(request: HttpRequest) -> None:
    """Record that a key, or what is called like one, came in an address; it is not kept."""
    caller = Caller(actor=UNKNOWN_KEY, source_ip=source_ip(request))
    error = "A key was sent in the address"
    payload = {"method": "api_key", "code": "key-in-query", "error": error}
    _denied(caller, _place(request, "endpoint"), payload)


def actor_refused(request: HttpRequest, key: ApiKey) -> None:
    """Record that a key sent an entry of another actor than its bot. Nothing of it is kept."""
    error = "An entry named another actor than the bot of the key"
    _refused_for_bot(request, key, _place(request, "endpoint"), "actor-mismatch", error)


def bot_refused(request: HttpRequest, key: ApiKey, asked: str) -> None:
    """Record that a key asked for the entries of another bot than its own."""
    error = "The key may see the entries of one bot alone, and asked for another's"
    place = _place(request, "endpoint")
    _refused_for_bot(request, key, place, "bot-mismatch", error, asked=asked)


def entry_refused(request: HttpRequest, key: ApiKey, entry_id: uuid.UUID) -> None:
    """Record that a key asked for an entry which is not one of its bot's. Whether there is such an
    entry is not looked up: nothing may tell the key."""
    error = "The key may see the entries of one bot alone, and asked for one that is none of them"
    target = Target(type="entry", id=str(entry_id))
    _refused_for_bot(request, key, target, "bot-mismatch", error)


def scope_refused(request: HttpRequest, key: ApiKey, scope: str) -> None:
    """Record that a key was refused because it lacks a scope."""
    payload = {
        "method": "api_key",
        "code": "insufficient-scope",
        "error": f"Insufficient scope: {scope}",
        "requiredScope": scope,
        "keyName": key.name,
        "keyScopes": key.scopes,
    }
    _denied(_caller_with(request, key), _place(request, "endpoint"), payload, key)


def rate_limit_hit(request: HttpRequest, reached: Reached, key: ApiKey | None = None) -> None:
    """Record that a key called more often than it may, or an address with what is no key."""
    caller = Caller(actor=UNKNOWN_KEY, source_ip=source_ip(request))
    if key:
        caller = _caller_with(request, key)
    place = _place(request, "endpoint")
    _record_sampled("rate_limit.hit", caller, place, _window(reached), key)


def _key_changed(
    action: str, key: ApiKey, caller: Caller, payload: dict[str, Any] | None = None
) -> None:
    caller = replace(caller, account=key.account_id)
    payload = {"keyName": key.name, "scopes": key.scopes, **(payload or {})}
    _record(action, caller, "success", _key(key), payload, mode="strict", key=key)


def _bounds(key: ApiKey) -> dict[str, Any]:
    """Return what bounds a key beside its scopes."""
    until = format_rfc3339(key.expires_at) if key.expires_at else None
    return {"bot": key.bot, "expiresAt": until}


def _refused_for_bot(
    request: HttpRequest, key: ApiKey, target: Target, code: str, error: str, **more: str
) -> None:
    payload = {"method": "api_key", "code": code, "error": error, "keyName": key.name}
    _denied(_caller_with(request, key), target, {**payload, "bot": key.bot, **more}, key)


def _account_changed(
    action: str, caller: Caller, target: Target, changes: Sequence[Mapping[str, str | None]]
) -> None:
    _record(action, caller, "success", target, {"changes": list(changes)}, mode="strict")


def _denied(
    caller: Caller, target: Target, payload: dict[str, Any], key: ApiKey | None = None
) -> None:
    _record_sampled("access.denied", caller, target, payload, key)


def _record_sampled(
    action: str,
    caller: Caller,
    target: Target | None,
    payload: dict[str, Any],
    key: ApiKey | None = None,
    result: Result = "failure",
) -> None:
    """Record what may come in floods unless its source, the key or else the address, had its share
    already. The last one before the others are left out says so.
    """
    source = key.public_id if key else network_of(caller.source_ip)
    if not _sampler().hit(SAMPLE, action, source):
        return
    if not _sampler().get_window_stats(SAMPLE, action, source).remaining:
        payload = {**payload, "sampled": str(SAMPLE)}
    _record(action, caller, result, target, payload, key=key)


def _record(
    action: str,
    caller: Caller,
    result: Result,
    target: Target | None,
    payload: dict[str, Any] | None = None,
    mode: Mode = "durable",
    key: ApiKey | None = None,
) -> None:
    record(
        action,
        mode=mode,
        account=caller.account,
        actor=caller.actor,
        result=result,
        target=target,
        payload=payload,
        # A command has no request whose correlation it could share.
        correlation_id=context.current().correlation_id or str(uuid.uuid4()),
        session_id=caller.session_id,
        source_ip=caller.source_ip,
        # So that one question tells all that a key did, and what became of it.
        asserted_by=key.public_id if key else None,
    )


@functools.cache
def _sampler() -> FixedWindowRateLimiter:
    """Return this process's sampler. Its windows are fixed: with moving ones the storage would
    never forget a source."""
    return FixedWindowRateLimiter(MemoryStorage())


def _lock(until: datetime) -> dict[str, Any]:
    return {"method": "password", "code": "locked-out", "until": format_rfc3339(until)}


def _window(reached: Reached) -> dict[str, Any]:
    return {"limit": reached.rate.amount, "window": f"{reached.rate.get_expiry()}s"}


def _caller_with(request: HttpRequest, key: ApiKey) -> Caller:
    actor = Actor(type="system", id=key.public_id, name=key.name)
    return Caller(account=key.account_id, actor=actor, source_ip=source_ip(request))


def _session(caller: Caller) -> Target | None:
    return Target(type="session", id=caller.session_id) if caller.session_id else None


def _key(key: ApiKey) -> Target:
    return Target(type="api_key", id=key.public_id, name=key.name)


def _account(account: Account) -> Target:
    return Target(type="account", id=account.id, name=account.name)


def _person(person: User) -> Target:
    return Target(type="user", id=f"user_{person.pk}", name=person.get_username())


def _place(request: HttpRequest, kind: str) -> Target:
    """Return the page or endpoint that was asked for, by its pattern: a path is the caller's."""
    assert request.resolver_match is not None
    return Target(type=kind, id=f"/{request.resolver_match.route}")
