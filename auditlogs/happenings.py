"""What the Hub and the API do themselves, in the same log as everything else: one function each.

Views and commands call them. What is made without those, by a script or a test, leaves no entry.
"""

import functools
import ipaddress
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from auditlogs import context, keys
from auditlogs.middleware import source_ip
from auditlogs.models import PLATFORM_ACCOUNT, Account, ApiKey
from auditlogs.rate_limit import write_rate
from auditlogs.recording import Mode, record
from auditlogs.schema import Actor, Result, Target

ANONYMOUS = Actor(type="user", id="anonymous")
UNKNOWN_KEY = Actor(type="system", id="unknown-key")
COMMAND_LINE = Actor(type="system", id="command-line")

# How much of what is refused is recorded, for each source and process: enough to be seen, and too
# little to bury anything.
SAMPLE: RateLimitItem = RateLimitItemPerMinute(10)
# A client of IPv6 has a whole network of this many leading bits to call from.
IPV6_PREFIX = 64
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


def signed_in(caller: Caller) -> None:
    """Record that a person signed in and that their session began: two entries, one correlation."""
    session = _session(caller)
    payload = {"method": "password"}
    for action in ("auth.signed_in", "session.created"):
        _record(action, caller, "success", session, payload)


def sign_in_failed(caller: Caller) -> None:
    """Record that a sign-in was refused. An unknown user name is not kept: people type passwords
    there."""
    payload = {"method": "password", "code": "invalid-credentials"}
    _record("auth.sign_in_failed", caller, "failure", None, payload)


def signed_out(caller: Caller) -> None:
    """Record that a person signed out."""
    _record("auth.signed_out", caller, "success", _session(caller))


def key_created(key: ApiKey) -> None:
    """Record that an API key was made on the command line.

    Raises CannotStore: no key's life goes unrecorded.
    """
    payload = {"keyName": key.name, "scopes": key.scopes}
    caller = Caller(account=key.account_id, actor=COMMAND_LINE)
    _record("api_key.created", caller, "success", _key(key), payload, mode="strict")


def key_revoked(key: ApiKey) -> None:
    """Record that an API key was revoked on the command line.

    Raises CannotStore: no key's life goes unrecorded.
    """
    payload = {"keyName": key.name, "scopes": key.scopes}
    caller = Caller(account=key.account_id, actor=COMMAND_LINE)
    _record("api_key.revoked", caller, "success", _key(key), payload, mode="strict")


def account_switched(caller: Caller, account: Account) -> None:
    """Record, in the account, that a person came to it from another; which one is not its concern.

    Raises CannotStore: nobody looks into an account unrecorded.
    """
    changes = [{"field": "account", "from": None, "to": account.name}]
    target = Target(type="account", id=account.id, name=account.name)
    caller = replace(caller, account=account.id)
    _record("account.switched", caller, "success", target, {"changes": changes}, mode="strict")


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


def key_refused(request: HttpRequest, text: str) -> None:
    """Record that a key was refused: in its own account if it was revoked, else in the platform's.

    The text of the key is looked up and not kept.
    """
    key = keys.look_up(text)
    caller = Caller(actor=UNKNOWN_KEY, source_ip=source_ip(request))
    payload = {"method": "api_key", "code": "invalid-key", "error": "The API key is not valid"}
    if key:
        caller = _caller_with(request, key)
        error = "The API key was revoked"
        payload |= {"code": "revoked-key", "error": error, "keyName": key.name}
    _denied(caller, _place(request, "endpoint"), payload, key)


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


def rate_limit_hit(request: HttpRequest, key: ApiKey) -> None:
    """Record that a key wrote more often than it may."""
    rate = write_rate()
    payload = {"limit": rate.amount, "window": f"{rate.get_expiry()}s"}
    caller = _caller_with(request, key)
    _record_sampled("rate_limit.hit", caller, _place(request, "endpoint"), payload, key)


def _denied(
    caller: Caller, target: Target, payload: dict[str, Any], key: ApiKey | None = None
) -> None:
    _record_sampled("access.denied", caller, target, payload, key)


def _record_sampled(
    action: str, caller: Caller, target: Target, payload: dict[str, Any], key: ApiKey | None
) -> None:
    """Record a refusal unless its source, the key or else the address, had its share already.

    The last one before the others are left out says so.
    """
    source = key.public_id if key else _network(caller.source_ip)
    if not _sampler().hit(SAMPLE, action, source):
        return
    if not _sampler().get_window_stats(SAMPLE, action, source).remaining:
        payload = {**payload, "sampled": str(SAMPLE)}
    _record(action, caller, "failure", target, payload)


def _record(
    action: str,
    caller: Caller,
    result: Result,
    target: Target | None,
    payload: dict[str, Any] | None = None,
    mode: Mode = "durable",
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
    )


@functools.cache
def _sampler() -> FixedWindowRateLimiter:
    """Return this process's sampler. Its windows are fixed: with moving ones the storage would
    never forget a source."""
    return FixedWindowRateLimiter(MemoryStorage())


def _network(address: str | None) -> str:
    """Return what a client can call from: its address, or its network where it has one."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))


def _caller_with(request: HttpRequest, key: ApiKey) -> Caller:
    actor = Actor(type="system", id=key.public_id, name=key.name)
    return Caller(account=key.account_id, actor=actor, source_ip=source_ip(request))


def _session(caller: Caller) -> Target | None:
    return Target(type="session", id=caller.session_id) if caller.session_id else None


def _key(key: ApiKey) -> Target:
    return Target(type="api_key", id=key.public_id, name=key.name)


def _place(request: HttpRequest, kind: str) -> Target:
    """Return the page or endpoint that was asked for, by its pattern: a path is the caller's."""
    assert request.resolver_match is not None
    return Target(type=kind, id=f"/{request.resolver_match.route}")
