"""Errors of the API as problem documents (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:auditlogs:problem:"


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> HttpResponse:
    """Return a problem document: `type` is a stable name, `detail` a sentence for this case."""
    body = {
        "type": f"{TYPE_PREFIX}{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        **members,
    }
    response = HttpResponse(msgspec.json.encode(body), status=status, content_type=CONTENT_TYPE)
    for name, value in {"Cache-Control": "no-store", **(headers or {})}.items():
        response[name] = value
    return response


def bad_parameters(errors: Mapping[str, str], unknown: frozenset[str]) -> HttpResponse:
    """Return a 400 that names every parameter that is bad or unknown, and what was expected."""
    named = [
        {
            "parameter": name[:64],
            "code": "unknown-parameter" if name in unknown else "invalid-parameter",
            "detail": sentence,
        }
        for name, sentence in errors.items()
    ]
    slug = "unknown-parameter" if errors.keys() <= unknown else "invalid-parameter"
    detail = "; ".join(f"{error['parameter']}: {error['detail']}" for error in named)
    return problem(400, slug, "A parameter was not understood", detail, errors=named)


def bad_body(status: int, slug: str, detail: str) -> HttpResponse:
    """Return a 400, 413 or 415 for a body or header that cannot be taken."""
    return problem(status, slug, "The request cannot be taken", detail)


def bad_entries(errors: Sequence[Mapping[str, Any]]) -> HttpResponse:
    """Return a 422 with every fault of the entries: `index`, `path`, `code` and `detail`."""
    codes = {error["code"] for error in errors}
    first = errors[0]
    return problem(
        422,
        codes.pop() if len(codes) == 1 else "invalid-entries",
        "Nothing was stored: entries are not valid",
        f"{first['path']}: {first['detail']}{_and_more(errors)}",
        errors=errors,
    )


def id_conflict(entries: Sequence[Mapping[str, Any]]) -> HttpResponse:
    """Return a 409 that says of each entry what became of it."""
    number = sum(entry["status"] == "conflict" for entry in entries)
    return problem(
        409,
        "id-conflict",
        "Another entry has that id",
        f"The log has other entries of the ids of {number}; those stay. The others were stored.",
        entries=entries,
    )


def key_reused() -> HttpResponse:
    """Return a 422 for an idempotency key that came with other entries before."""
    return problem(
        422,
        "idempotency-key-reused",
        "The Idempotency-Key was used before",
        "Idempotency-Key: it was sent with other entries less than 24 hours ago. Nothing was "
        "stored.",
    )


def actor_mismatch(errors: Sequence[Mapping[str, Any]]) -> HttpResponse:
    """Return a 403 that names every entry of another actor than the key's bot: `index`, `path`,
    `code` and `detail`."""
    return problem(
        403,
        "actor-mismatch",
        "Nothing was stored: the key writes as one bot alone",
        f"{errors[0]['path']}: {errors[0]['detail']}{_and_more(errors)}",
        errors=errors,
    )


def rate_limited(what: str, seconds: int) -> HttpResponse:
    """Return a 429 that says of what there was too much, and when to try again."""
    return problem(
        429,
        "rate-limited",
        "Too many requests",
        f"{what} Try again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def not_found() -> HttpResponse:
    """Return a 404 that is the same for what does not exist and for what is another's."""
    return problem(404, "not-found", "Not found", "There is nothing here that you may see.")


def bad_request() -> HttpResponse:
    """Return a 400 for a request that cannot be read at all."""
    return problem(400, "bad-request", "Bad request", "The request cannot be read.")


def unexpected() -> HttpResponse:
    """Return a 500 that says nothing of its cause, which is in the process's own log."""
    return problem(500, "unexpected", "Unexpected error", "Something went wrong on our side.")


def key_in_query() -> HttpResponse:
    """Return a 400 for a key in an address, where logs and proxies keep it."""
    return problem(
        400,
        "key-in-query",
        "Keys do not belong in an address",
        "Send the key in the header Authorization: Bearer KEY. Whatever stood in the address may "
        "have been kept on the way: if it was a key, revoke it.",
    )


def unauthorized(has_key: bool) -> HttpResponse:
    """Return a 401 with the challenge of RFC 6750: an error is named only if a key was sent."""
    error = ', error="invalid_token"' if has_key else ""
    detail = (
        "The API key is not valid." if has_key else "Send an API key: Authorization: Bearer KEY."
    )
    challenge = {"WWW-Authenticate": f'Bearer realm="audit-logs"{error}'}
    return problem(401, "unauthorized", "An API key is needed", detail, headers=challenge)


def insufficient_scope(scope: str) -> HttpResponse:
    """Return a 403 that names the scope which the key lacks."""
    return problem(
        403,
        "insufficient-scope",
        "The API key lacks a scope",
        f"The API key needs the scope {scope}.",
        headers={
            "WWW-Authenticate": 'Bearer realm="audit-logs", error="insufficient_scope", '
            f'scope="{scope}"'
        },
        scope=scope,
    )


def method_not_allowed(allowed: Sequence[str]) -> HttpResponse:
    """Return a 405 that says which methods there are."""
    names = ", ".join(allowed)
    return problem(
        405, "method-not-allowed", "Method not allowed", f"Use {names}.", headers={"Allow": names}
    )


def unavailable(slug: str, detail: str) -> HttpResponse:
    """Return a 503 that says when to try again."""
    return problem(503, slug, "The log cannot answer now", detail, headers={"Retry-After": "5"})


def _and_more(errors: Sequence[Any]) -> str:
    return f", and {len(errors) - 1} more" if len(errors) > 1 else ""
