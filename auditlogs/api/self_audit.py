"""Refusals of the API, recorded: one function for each kind of refusal."""

import uuid
from collections.abc import Sequence

from django.http import HttpRequest

from auditlogs.accounts import keys
from auditlogs.accounts.rate_limit import LimitExceeded
from auditlogs.accounts.self_audit import (
    Caller,
    caller_of_key,
    key_target,
    record_denial,
    record_sampled,
    route_target,
    window_of,
)
from auditlogs.entry.schema import Actor, Target
from auditlogs.middleware import source_ip
from auditlogs.models import ApiKey

UNKNOWN_KEY = Actor(type="system", id="unknown-key")

# Why a known key is invalid, by its state; an active one is the session token of a person.
WHY_INVALID: dict[keys.KeyState, tuple[str, str]] = {
    "revoked": ("revoked-key", "The API key was revoked"),
    "expired": ("expired-key", "The API key has expired"),
    "active": ("holder-without-access", "Its holder may not see the account"),
}
# How many ids one entry names.
MAX_NAMED = 10


def key_exposed(request: HttpRequest, key: ApiKey) -> None:
    """Record, as a warning, that a key sent its own text in the body of a request."""
    payload = {
        "keyName": key.name,
        "error": "The key was found in a body that it sent. Revoke it and make another.",
    }
    caller = caller_of_key(request, key)
    record_sampled("api_key.exposed", caller, key_target(key), payload, key, "partial")


def id_conflict(request: HttpRequest, key: ApiKey, entry_ids: Sequence[str]) -> None:
    """Record that a key sent other content under the ids of entries that are in the log."""
    payload = {
        "method": "api_key",
        "code": "id-conflict",
        "error": f"Entries were sent with the ids of others: {', '.join(entry_ids[:MAX_NAMED])}",
        "keyName": key.name,
    }
    record_denial(caller_of_key(request, key), Target(type="entry", id=entry_ids[0]), payload, key)


def key_refused(request: HttpRequest, key: ApiKey | None) -> None:
    """Record that a key opened nothing: in its own account if it once did, else in the platform's.

    The text of what is no key is not kept.
    """
    if key is None:
        caller = Caller(actor=UNKNOWN_KEY, source_ip=source_ip(request))
        payload = {"code": "invalid-key", "error": "The API key is not valid"}
    else:
        caller = caller_of_key(request, key)
        code, error = WHY_INVALID[keys.state(key)]
        payload = {"code": code, "error": error, "keyName": key.name}
    record_denial(caller, route_target(request, "endpoint"), {"method": "api_key", **payload}, key)


def key_in_address(request: HttpRequest) -> None:
    """Record that a key, or what is called like one, came in an address; it is not kept."""
    caller = Caller(actor=UNKNOWN_KEY, source_ip=source_ip(request))
    error = "A key was sent in the address"
    payload = {"method": "api_key", "code": "key-in-query", "error": error}
    record_denial(caller, route_target(request, "endpoint"), payload)


def actor_refused(request: HttpRequest, key: ApiKey) -> None:
    """Record that a key sent an entry of another actor than its bot. Nothing of it is kept."""
    error = "An entry named another actor than the bot of the key"
    _refused_for_bot(request, key, route_target(request, "endpoint"), "actor-mismatch", error)


def bot_refused(request: HttpRequest, key: ApiKey, asked: str) -> None:
    """Record that a key asked for the entries of another bot than its own."""
    error = "The key may see the entries of one bot alone, and asked for another's"
    place = route_target(request, "endpoint")
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
    record_denial(caller_of_key(request, key), route_target(request, "endpoint"), payload, key)


def rate_limit_hit(request: HttpRequest, reached: LimitExceeded, key: ApiKey | None = None) -> None:
    """Record that a key called more often than it may, or an address with what is no key."""
    caller = Caller(actor=UNKNOWN_KEY, source_ip=source_ip(request))
    if key:
        caller = caller_of_key(request, key)
    place = route_target(request, "endpoint")
    record_sampled("rate_limit.hit", caller, place, window_of(reached), key)


def _refused_for_bot(
    request: HttpRequest, key: ApiKey, target: Target, code: str, error: str, **more: str
) -> None:
    payload = {"method": "api_key", "code": code, "error": error, "keyName": key.name}
    record_denial(caller_of_key(request, key), target, {**payload, "bot": key.bot, **more}, key)
