"""Introspection (RFC 7662): tells whether a token is an active agent's key of the account.

A log key with the scope `keys:verify` asks. The token is in the body alone, and written nowhere.
"""

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from auditlogs.accounts import agent_keys
from auditlogs.accounts.agent_keys import Verified
from auditlogs.api import problems
from auditlogs.api.body import says_more
from auditlogs.api.views import endpoint
from auditlogs.models import ApiKey

FORM = "application/x-www-form-urlencoded"
MAX_BODY_BYTES = 8 * 1024
# The same for what is unknown, revoked, expired, another account's, or no agent's key at all.
INACTIVE: dict[str, Any] = {"active": False}


def introspect_token(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Answer whether the token in a form is active, and what it allows."""
    if request.GET:
        unknown = dict.fromkeys(request.GET, "expected in the body, not in the address")
        return problems.bad_parameters(unknown, frozenset())
    if request.content_type != FORM:
        return problems.bad_body("unsupported-media-type", f"Send the token as {FORM}.")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        detail = "Send the body uncompressed, without Content-Encoding."
        return problems.bad_body("unsupported-media-type", detail)
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal():
        detail = "Send a Content-Length; a body in chunks is not read."
        return problems.bad_body("length-required", detail)
    if says_more(length, MAX_BODY_BYTES):
        detail = f"Send a Content-Length of at most {MAX_BODY_BYTES:,} bytes."
        return problems.bad_body("body-too-large", detail)
    # Other parameters are left alone, as RFC 6749 asks; `token_type_hint` could tell nothing.
    tokens = request.POST.getlist("token")
    if len(tokens) != 1 or not tokens[0]:
        return problems.bad_form("token", "expected once, and not empty")
    verified = agent_keys.verify(tokens[0], key)
    body = _claims(verified) if verified else INACTIVE
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")


introspect = endpoint({"POST": ("keys:verify", introspect_token)})


def _claims(verified: Verified) -> dict[str, Any]:
    """Return the members of RFC 7662, section 2.2, with the key's id and name beside them."""
    key, until = verified.key, verified.until
    claims = {
        "active": True,
        "scope": " ".join(key.scopes),
        "sub": key.agent,
        "token_type": "Bearer",
        "key_id": key.public_id,
        "key_name": key.name,
    }
    return claims if until is None else {**claims, "exp": int(until.timestamp())}
