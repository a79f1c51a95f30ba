"""Self-audit: the log's own actions as entries. What happens to keys, who the caller is, and how
often what is refused is recorded.

Views and commands call these functions. Scripts that use the models directly record nothing.
"""

import functools
import uuid
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from auditlogs.accounts.rate_limit import LimitExceeded, network_of
from auditlogs.entry.schema import Actor, Result, Target
from auditlogs.entry.times import format_rfc3339
from auditlogs.intake import context
from auditlogs.middleware import source_ip
from auditlogs.models import PLATFORM_ACCOUNT, ApiKey
from auditlogs.recording.recorder import Mode, record

ANONYMOUS = Actor(type="user", id="anonymous")

# How many refusals are recorded for each source and process: enough to be seen, too few to bury
# anything.
SAMPLE: RateLimitItem = RateLimitItemPerMinute(10)


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


def _key_changed(
    action: str, key: ApiKey, caller: Caller, payload: dict[str, Any] | None = None
) -> None:
    caller = replace(caller, account=key.account_id)
    payload = {"keyName": key.name, "scopes": key.scopes, **(payload or {})}
    record_by(action, caller, "success", key_target(key), payload, mode="strict", key=key)


def _bounds(key: ApiKey) -> dict[str, Any]:
    """Return what bounds a key beside its scopes."""
    until = format_rfc3339(key.expires_at) if key.expires_at else None
    return {"bot": key.bot, "expiresAt": until}


def record_denial(
    caller: Caller, target: Target, payload: dict[str, Any], key: ApiKey | None = None
) -> None:
    """Record `access.denied`, sampled by source."""
    record_sampled("access.denied", caller, target, payload, key)


def record_sampled(
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
    record_by(action, caller, result, target, payload, key=key)


def record_by(
    action: str,
    caller: Caller,
    result: Result,
    target: Target | None,
    payload: dict[str, Any] | None = None,
    mode: Mode = "durable",
    key: ApiKey | None = None,
) -> None:
    """Record an action of a caller. Raises CannotStore in mode `strict` alone."""
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


def window_of(reached: LimitExceeded) -> dict[str, Any]:
    """Return the payload fields that describe a rate limit."""
    return {"limit": reached.rate.amount, "window": f"{reached.rate.get_expiry()}s"}


def caller_of_key(request: HttpRequest, key: ApiKey) -> Caller:
    """Return the key itself as the caller, in its own account."""
    actor = Actor(type="system", id=key.public_id, name=key.name)
    return Caller(account=key.account_id, actor=actor, source_ip=source_ip(request))


def key_target(key: ApiKey) -> Target:
    """Return an API key as the target of an entry."""
    return Target(type="api_key", id=key.public_id, name=key.name)


def route_target(request: HttpRequest, kind: str) -> Target:
    """Return the page or endpoint of a request as a target, by its URL pattern: the path itself is
    the caller's text."""
    assert request.resolver_match is not None
    return Target(type=kind, id=f"/{request.resolver_match.route}")
