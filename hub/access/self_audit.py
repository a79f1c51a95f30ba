"""Self-audit of the Hub: entries about sign-ins, accounts, members and refused pages.

Views and commands call these functions. Scripts that use the models directly record nothing.

Functions that say so raise CannotStore. They are called inside the transaction of the change, which
is then rolled back: the change does not happen unrecorded.
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
from hub.models import SavedView


def signed_in(caller: Caller, method: str = "password") -> None:
    """Record a sign-in and the session it created: two entries with one correlation ID."""
    session = _session(caller)
    payload = {"method": method}
    for action in ("auth.signed_in", "session.created"):
        record_by(action, caller, "success", session, payload)


def sign_in_failed(caller: Caller) -> None:
    """Record a failed sign-in, without the user name unless it exists: people type passwords into
    that field."""
    code: HubCode = "invalid-credentials"
    payload = {"method": "password", "code": code}
    record_by("auth.sign_in_failed", caller, "failure", None, payload)


def locked_out(caller: Caller, until: datetime) -> None:
    """Record that a user name was locked out from an address after too many failures."""
    record_by("auth.locked_out", caller, "failure", None, _lock(until))


def sign_in_locked_out(caller: Caller, until: datetime) -> None:
    """Record a sign-in that was refused during a lock-out, without checking the password."""
    record_sampled("auth.sign_in_failed", caller, None, _lock(until))


def sign_in_rate_limited(request: HttpRequest, caller: Caller, reached: LimitExceeded) -> None:
    """Record that an address exceeded the rate limit for passwords."""
    record_sampled("rate_limit.hit", caller, route_target(request, "page"), window_of(reached))


def signed_out(caller: Caller) -> None:
    """Record a sign-out."""
    record_by("auth.signed_out", caller, "success", _session(caller))


def session_idled(caller: Caller) -> None:
    """Record that an idle session was ended."""
    code: HubCode = "idle"
    record_by("auth.signed_out", caller, "success", _session(caller), {"code": code})


def password_changed(caller: Caller, method: str) -> None:
    """Record a new password; `method` is "password" or "link". Raises CannotStore."""
    target = Target(type="user", id=caller.actor.id, name=caller.actor.name)
    payload = {"method": method}
    record_by("auth.password.changed", caller, "success", target, payload, mode="strict")


def account_switched(caller: Caller, account: Account) -> None:
    """Record in an account that a person switched to it. Raises CannotStore.

    The account they came from is left out: this one's members need not know of it.
    """
    changes = [{"field": "account", "from": None, "to": account.name}]
    caller = replace(caller, account=account.id)
    _account_changed("account.switched", caller, _account_target(account), changes)


def account_renamed(caller: Caller, account: Account, before: str) -> None:
    """Record that an account was renamed. Raises CannotStore, as do the functions below for
    members."""
    changes = [{"field": "name", "from": before, "to": account.name}]
    _account_changed("account.renamed", caller, _account_target(account), changes)


def member_added(caller: Caller, person: User, role: str) -> None:
    """Record that a person became a member."""
    changes = [{"field": "role", "from": None, "to": role}]
    _account_changed("member.added", caller, _person_target(person), changes)


def member_removed(caller: Caller, person: User, role: str) -> None:
    """Record that a member left or was removed."""
    changes = [{"field": "role", "from": role, "to": None}]
    _account_changed("member.removed", caller, _person_target(person), changes)


def member_role_changed(caller: Caller, person: User, before: str, role: str) -> None:
    """Record a change of a member's role."""
    changes = [{"field": "role", "from": before, "to": role}]
    _account_changed("member.role.updated", caller, _person_target(person), changes)


def member_reset(caller: Caller, person: User) -> None:
    """Record that a member's password and sessions were ended by a reset."""
    record_by("member.reset", caller, "success", _person_target(person), mode="strict")


def single_sign_on_failed(caller: Caller, code: HubCode) -> None:
    """Record that single sign-on failed, with a code of ours; the provider's text is untrusted."""
    payload = {"method": "oidc", "code": code}
    record_sampled("auth.sign_in_failed", caller, None, payload)


def identity_changed(caller: Caller, person: AbstractBaseUser, change: dict[str, Any]) -> None:
    """Record a change of a person's single sign-on identity. Raises CannotStore.

    `change` has the keys "field", "from" and "to".
    """
    actor = actor_of(person)
    target = Target(type="user", id=actor.id, name=actor.name)
    payload = {"method": "oidc", "changes": [change]}
    record_by("auth.identity.updated", caller, "success", target, payload, mode="strict")


def view_changed(caller: Caller, view: SavedView, before: SavedView | None) -> None:
    """Record that a view which is shared, or was, was saved. Raises CannotStore."""
    action = "saved_view.updated" if before else "saved_view.created"
    old = _view_fields(before) if before else {}
    changes = [
        {"field": field, "from": old.get(field), "to": value}
        for field, value in _view_fields(view).items()
        if old.get(field) != value
    ]
    _account_changed(action, caller, _view_target(view), changes)


def view_deleted(caller: Caller, view: SavedView) -> None:
    """Record that a shared view was deleted. Raises CannotStore."""
    changes = [
        {"field": field, "from": value, "to": None} for field, value in _view_fields(view).items()
    ]
    _account_changed("saved_view.deleted", caller, _view_target(view), changes)


def page_refused(request: HttpRequest, caller: Caller, code: HubCode, error: str) -> None:
    """Record that a page or form of the Hub was refused."""
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
    return Target(type="account", id=account.id, name=account.name)


def _view_target(view: SavedView) -> Target:
    return Target(type="saved_view", id=f"view_{view.pk}", name=view.name)


def _view_fields(view: SavedView) -> dict[str, str]:
    shared = "the account" if view.owner_id is None else "one person"
    return {"name": view.name, "query": view.query, "shown to": shared}


def _person_target(person: User) -> Target:
    return Target(type="user", id=f"user_{person.pk}", name=person.get_username())
