"""What people do in the Hub, recorded: sign-in, accounts, members, refused pages.

Views and commands call these functions. Scripts that use the models directly record nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.http import HttpRequest

from auditlogs.accounts.rate_limit import LimitExceeded
from auditlogs.accounts.self_audit import (
    Caller,
    record_by,
    record_denial,
    record_sampled,
    route_target,
    window_of,
)
from auditlogs.entry.schema import Target
from auditlogs.entry.times import format_rfc3339
from auditlogs.middleware import actor_of
from auditlogs.models import Account
from hub.access.codes import HubCode


def signed_in(caller: Caller, method: str = "password") -> None:
    """Record that a person signed in and that their session began: two entries, one correlation."""
    session = _session(caller)
    payload = {"method": method}
    for action in ("auth.signed_in", "session.created"):
        record_by(action, caller, "success", session, payload)


def sign_in_failed(caller: Caller) -> None:
    """Record that a sign-in was refused. An unknown user name is not kept: people type passwords
    there."""
    code: HubCode = "invalid-credentials"
    payload = {"method": "password", "code": code}
    record_by("auth.sign_in_failed", caller, "failure", None, payload)


def locked_out(caller: Caller, until: datetime) -> None:
    """Record that a user name is locked out from an address, for too many sign-ins failed."""
    record_by("auth.locked_out", caller, "failure", None, _lock(until))


def sign_in_locked_out(caller: Caller, until: datetime) -> None:
    """Record that a sign-in was refused unseen, as a lock holds."""
    record_sampled("auth.sign_in_failed", caller, None, _lock(until))


def tries_limited(request: HttpRequest, caller: Caller, reached: LimitExceeded) -> None:
    """Record that an address tried passwords too often."""
    record_sampled("rate_limit.hit", caller, route_target(request, "page"), window_of(reached))


def signed_out(caller: Caller) -> None:
    """Record that a person signed out."""
    record_by("auth.signed_out", caller, "success", _session(caller))


def session_idled(caller: Caller) -> None:
    """Record that a session was ended because its person did nothing for too long."""
    code: HubCode = "idle"
    record_by("auth.signed_out", caller, "success", _session(caller), {"code": code})


def password_changed(caller: Caller, method: str) -> None:
    """Record that a person has a new password, by the old one or by a link they were given.

    Raises CannotStore: no password changes unrecorded.
    """
    target = Target(type="user", id=caller.actor.id, name=caller.actor.name)
    payload = {"method": method}
    record_by("auth.password.changed", caller, "success", target, payload, mode="strict")


def account_switched(caller: Caller, account: Account) -> None:
    """Record, in the account, that a person came to it from another; which one is not its concern.

    Raises CannotStore: nobody looks into an account unrecorded.
    """
    changes = [{"field": "account", "from": None, "to": account.name}]
    caller = replace(caller, account=account.id)
    _account_changed("account.switched", caller, _account_target(account), changes)


def account_renamed(caller: Caller, account: Account, before: str) -> None:
    """Record that a person gave their account another name. Raises CannotStore: so everywhere below
    where an account's own people or settings change."""
    changes = [{"field": "name", "from": before, "to": account.name}]
    _account_changed("account.renamed", caller, _account_target(account), changes)


def member_added(caller: Caller, person: User, role: str) -> None:
    """Record that a person joined the account."""
    changes = [{"field": "role", "from": None, "to": role}]
    _account_changed("member.added", caller, _person_target(person), changes)


def member_removed(caller: Caller, person: User, role: str) -> None:
    """Record that a person left the account, or had to."""
    changes = [{"field": "role", "from": role, "to": None}]
    _account_changed("member.removed", caller, _person_target(person), changes)


def member_role_changed(caller: Caller, person: User, before: str, role: str) -> None:
    """Record that a member has another role."""
    changes = [{"field": "role", "from": before, "to": role}]
    _account_changed("member.role.updated", caller, _person_target(person), changes)


def member_reset(caller: Caller, person: User) -> None:
    """Record that a member's way in was closed until they choose a new password."""
    record_by("member.reset", caller, "success", _person_target(person), mode="strict")


def single_sign_on_failed(caller: Caller, code: HubCode) -> None:
    """Record that single sign-on signed nobody in, and why; nothing of what the provider said."""
    payload = {"method": "oidc", "code": code}
    record_sampled("auth.sign_in_failed", caller, None, payload)


def identity_changed(caller: Caller, person: AbstractBaseUser, change: dict[str, Any]) -> None:
    """Record a change of how a person signs in by single sign-on: a field, from and to.

    Raises CannotStore: nobody becomes somebody unrecorded.
    """
    actor = actor_of(person)
    target = Target(type="user", id=actor.id, name=actor.name)
    payload = {"method": "oidc", "changes": [change]}
    record_by("auth.identity.updated", caller, "success", target, payload, mode="strict")


def page_refused(request: HttpRequest, caller: Caller, code: HubCode, error: str) -> None:
    """Record that a page of the Hub was refused, or a form of it."""
    record_denial(caller, route_target(request, "page"), {"code": code, "error": error})


def _account_changed(
    action: str, caller: Caller, target: Target, changes: Sequence[Mapping[str, str | None]]
) -> None:
    record_by(action, caller, "success", target, {"changes": list(changes)}, mode="strict")


def _lock(until: datetime) -> dict[str, Any]:
    code: HubCode = "locked-out"
    return {"method": "password", "code": code, "until": format_rfc3339(until)}


def _session(caller: Caller) -> Target | None:
    return Target(type="session", id=caller.session_id) if caller.session_id else None


def _account_target(account: Account) -> Target:
    """Return an account as the target of an entry."""
    return Target(type="account", id=account.id, name=account.name)


def _person_target(person: User) -> Target:
    return Target(type="user", id=f"user_{person.pk}", name=person.get_username())
