"""Self-audit: entries about the audit log itself. Here: changes of keys, the caller of a request,
and the sampling of denied requests.

Views and commands call these functions; code that uses the models directly records nothing.
"""

import functools
import uuid
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from auditlogs.accounts.rate_limit import LimitExceeded, network_of
from auditlogs.entry.schema import Actor, Authentication, Result, Target
from auditlogs.entry.times import format_rfc3339
from auditlogs.intake import context
from auditlogs.middleware import source_ip
from auditlogs.models import PLATFORM_ACCOUNT, AgentKey, ApiKey
from auditlogs.recording.recorder import Mode, record
from auditlogs.write.rates import new_limiter

ANONYMOUS = Actor(type="user", id="anonymous")

# The most denied requests that a process records for each source: enough to be noticed, too few to
# bury other entries or to fill the disk in an attack.
SAMPLE: RateLimitItem = RateLimitItemPerMinute(10)


@dataclass(frozen=True, slots=True)
class Caller:
    """The person, key or command behind an action, as an entry names it.

    The default is an anonymous caller in the platform's own account, which no tenant can read.
    """

    account: str = PLATFORM_ACCOUNT
    actor: Actor = ANONYMOUS
    session_id: str | None = None
    source_ip: str | None = None
    authentication: Authentication | None = None


COMMAND_LINE = Caller(actor=Actor(type="system", id="command-line"))


def key_created(key: ApiKey, caller: Caller) -> None:
    """Record that an API key was created.

    Raises CannotStore, so that the caller can undo the change: no key changes without an entry.
    """
    _key_changed("api_key.created", key, caller, _limits(key))


def key_revoked(key: ApiKey, caller: Caller) -> None:
    """Record that an API key was revoked. Raises CannotStore, as for `key_created`."""
    _key_changed("api_key.revoked", key, caller)


def token_created(key: ApiKey, caller: Caller) -> None:
    """Record that a person created a session token. Raises CannotStore, as for `key_created`."""
    _key_changed("auth.token.created", key, caller, _limits(key))


def token_revoked(key: ApiKey, caller: Caller) -> None:
    """Record that a session token was revoked. Raises CannotStore, as for `key_created`."""
    _key_changed("auth.token.revoked", key, caller)


def _key_changed(
    action: str, key: ApiKey, caller: Caller, payload: dict[str, Any] | None = None
) -> None:
    caller = replace(caller, account=key.account_id)
    payload = {"keyName": key.name, "scopes": key.scopes, **(payload or {})}
    record_by(action, caller, "success", key_target(key), payload, mode="strict", key=key)


def agent_key_changed(
    action: str, key: AgentKey, caller: Caller, changes: list[dict[str, Any]]
) -> None:
    """Record a change of an agent's key, with the values before and after. Raises CannotStore, as
    for `key_created`."""
    target = Target(type="api_key", id=key.public_id, name=key.name)
    payload = {
        "keyName": key.name,
        "agent": key.agent,
        "scopes": key.scopes,
        "expiresAt": format_rfc3339(key.expires_at) if key.expires_at else None,
        "changes": changes,
    }
    caller = replace(caller, account=key.account_id)
    record_by(action, caller, "success", target, payload, mode="strict")


def _limits(key: ApiKey) -> dict[str, Any]:
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
    """Record an action that may occur in floods, up to SAMPLE for each action and source.

    The source is the key, or without one the network address. The last entry before the sample is
    exhausted has a field `sampled`, as others may be missing after it.
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
    """Record an action of a caller. Raises CannotStore in mode `strict` only."""
    # `asserted_by` beside it would say that the key claims it, where it is not the key's own.
    is_own = key is None or caller.actor.id == key.public_id
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
        authentication=caller.authentication if is_own else None,
        # One query by key then finds both what it wrote and what happened to it.
        asserted_by=key.public_id if key else None,
    )


@functools.cache
def _sampler() -> FixedWindowRateLimiter:
    return new_limiter()


def window_of(reached: LimitExceeded) -> dict[str, Any]:
    """Return the payload fields that describe a rate limit."""
    return {"limit": reached.rate.amount, "window": f"{reached.rate.get_expiry()}s"}


def caller_of_key(request: HttpRequest, key: ApiKey) -> Caller:
    """Return the key as the caller, in its account."""
    actor = Actor(type="system", id=key.public_id, name=key.name)
    return Caller(
        account=key.account_id, actor=actor, source_ip=source_ip(request), authentication="key"
    )


def key_target(key: ApiKey) -> Target:
    """Return an API key as the target of an entry."""
    return Target(type="api_key", id=key.public_id, name=key.name)


def route_target(request: HttpRequest, kind: str) -> Target:
    """Return the page or endpoint of a request as a target. Its id is the URL pattern, never the
    path: a caller could write a secret there."""
    assert request.resolver_match is not None
    return Target(type=kind, id=f"/{request.resolver_match.route}")
