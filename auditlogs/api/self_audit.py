"""Self-audit of the API: one function for each kind of denied or suspicious request."""

import uuid
from collections.abc import Iterable, Sequence

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
from auditlogs.explain.codes import LogCode
from auditlogs.middleware import source_ip
from auditlogs.models import ApiKey

UNKNOWN_KEY = Actor(type="system", id="unknown-key")

# Why an existing key is invalid, by its state. An active key can only be invalid as a session token
# whose holder has lost access.
WHY_INVALID: dict[keys.KeyState, tuple[LogCode, str]] = {
    "revoked": ("revoked-key", "The API key was revoked"),
    "expired": ("expired-key", "The API key has expired"),
    "active": ("holder-without-access", "Its holder may no longer read the account"),
}
# The most ids that one entry names.
MAX_NAMED = 10


def key_exposed(request: HttpRequest, key: ApiKey) -> None:
    """Record, as a warning, that a request's body contained the text of its own key."""
    payload = {
        "keyName": key.name,
        "error": "The key was found in a request body. Revoke it and create another.",
    }
    caller = caller_of_key(request, key)
    record_sampled("api_key.exposed", caller, key_target(key), payload, key, "partial")


def id_conflict(request: HttpRequest, key: ApiKey, entry_ids: Sequence[str]) -> None:
    """Record that a key sent different content with the ids of existing entries."""
    error = f"Entries were sent with the ids of others: {', '.join(entry_ids[:MAX_NAMED])}"
    _key_denied(request, key, Target(type="entry", id=entry_ids[0]), "id-conflict", error)


def key_refused(request: HttpRequest, key: ApiKey | None) -> None:
    """Record a request with an invalid key: in the account of a revoked or expired one, else in the
    platform's account and without the text that was sent."""
    if key is None:
        _unknown_key_denied(request, "invalid-key", "The API key is not valid")
    else:
        code, error = WHY_INVALID[keys.state(key)]
        _key_denied(request, key, route_target(request, "endpoint"), code, error)


def key_in_address(request: HttpRequest) -> None:
    """Record a request whose URL contained a key, or a parameter named like a secret. The text is
    not kept."""
    _unknown_key_denied(request, "key-in-query", "A key was sent in the URL")


def actor_refused(request: HttpRequest, key: ApiKey) -> None:
    """Record that a bot's key sent an entry with another actor. The entry is not kept."""
    error = "An entry named an actor other than the key's bot"
    target = route_target(request, "endpoint")
    _key_denied(request, key, target, "actor-mismatch", error, bot=key.bot)


def note_other_bot(request: HttpRequest, key: ApiKey, bots: Iterable[str]) -> None:
    """Record it if a bot's key requested the entries of other bots. The key's own bot is added to
    the filters, so that such a query finds none of them."""
    bot = next((each for each in bots if each != key.bot), None)
    if key.bot is None or bot is None:
        return
    error = "The key may read the entries of one bot only, and requested another's"
    target = route_target(request, "endpoint")
    _key_denied(request, key, target, "bot-mismatch", error, bot=key.bot, asked=bot)


def entry_refused(request: HttpRequest, key: ApiKey, entry_id: uuid.UUID) -> None:
    """Record that a bot's key requested an entry that is not its bot's.

    Whether the entry exists is not looked up, so that not even the response time can tell.
    """
    error = "The key may read the entries of one bot only, and requested another entry"
    target = Target(type="entry", id=str(entry_id))
    _key_denied(request, key, target, "bot-mismatch", error, bot=key.bot)


def scope_refused(request: HttpRequest, key: ApiKey, scope: str) -> None:
    """Record that a key lacked the scope that a request requires."""
    _key_denied(
        request,
        key,
        route_target(request, "endpoint"),
        "insufficient-scope",
        f"Insufficient scope: {scope}",
        requiredScope=scope,
        keyScopes=key.scopes,
    )


def rate_limit_hit(request: HttpRequest, reached: LimitExceeded, key: ApiKey | None = None) -> None:
    """Record that a key exceeded its rate or, without a key, an address that of invalid keys."""
    caller = Caller(actor=UNKNOWN_KEY, source_ip=source_ip(request))
    if key:
        caller = caller_of_key(request, key)
    target = route_target(request, "endpoint")
    record_sampled("rate_limit.hit", caller, target, window_of(reached), key)


def _unknown_key_denied(request: HttpRequest, code: LogCode, error: str) -> None:
    caller = Caller(actor=UNKNOWN_KEY, source_ip=source_ip(request))
    payload = {"method": "api_key", "code": code, "error": error}
    record_denial(caller, route_target(request, "endpoint"), payload)


def _key_denied(
    request: HttpRequest, key: ApiKey, target: Target, code: LogCode, error: str, **more: object
) -> None:
    payload = {"method": "api_key", "code": code, "error": error, "keyName": key.name, **more}
    record_denial(caller_of_key(request, key), target, payload, key)
