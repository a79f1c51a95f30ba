"""Errors of the API as problem documents (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse

from auditlogs import metrics
from auditlogs.explain.codes import PROBLEMS, ProblemSlug

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:auditlogs:problem:"
# When to come again, where nothing says how long it will last.
SOON = {"Retry-After": "5"}


def problem(
    slug: ProblemSlug,
    title: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> HttpResponse:
    """Return a problem document (RFC 9457, section 3): `type` is a stable URN, `detail` a sentence
    about this occurrence. The slug's declaration says which status it has."""
    status = PROBLEMS[slug].status
    metrics.ERRORS.labels(slug).inc()
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
    """Return a 400 that names each bad or unknown parameter, and what was expected."""
    named = [
        {
            "parameter": name[:64],
            "code": "unknown-parameter" if name in unknown else "invalid-parameter",
            "detail": sentence,
        }
        for name, sentence in errors.items()
    ]
    slug: ProblemSlug = "unknown-parameter" if errors.keys() <= unknown else "invalid-parameter"
    detail = "; ".join(f"{error['parameter']}: {error['detail']}" for error in named)
    return problem(slug, "Invalid query parameter", detail, errors=named)


def takes_no_parameters(request: HttpRequest) -> HttpResponse:
    """Return a 400 for a request with parameters to an address that has none."""
    unknown = dict.fromkeys(request.GET, "not a known parameter")
    return bad_parameters(unknown, frozenset(unknown))


def bad_body(slug: ProblemSlug, detail: str) -> HttpResponse:
    """Return a 400, 411, 413 or 415 for a body or header that cannot be accepted."""
    return problem(slug, "The request cannot be accepted", detail)


def bad_form(name: str, detail: str) -> HttpResponse:
    """Return a 400 for a parameter of a form; `invalid_request` is the code of OAuth's endpoints
    (RFC 6749, section 5.2)."""
    return problem(
        "invalid-parameter",
        "Invalid parameter",
        f"{name}: {detail}",
        error="invalid_request",
        errors=[{"parameter": name, "code": "invalid-parameter", "detail": detail}],
    )


def bad_entries(errors: Sequence[Mapping[str, Any]]) -> HttpResponse:
    """Return a 422 with every fault of the entries: `index`, `path`, `code` and `detail`."""
    codes = {error["code"] for error in errors}
    first = errors[0]
    return problem(
        codes.pop() if len(codes) == 1 else "invalid-entries",
        "Nothing was stored: some entries are invalid",
        f"{first['path']}: {first['detail']}{_and_more(errors)}",
        errors=errors,
    )


def nothing_stored(errors: Sequence[Mapping[str, Any]]) -> HttpResponse:
    """Return a 422 for a request in which every entry was refused."""
    return problem(
        "invalid-entries",
        "Nothing was stored: every entry was refused",
        f"{errors[0]['path']}: {errors[0]['detail']}{_and_more(errors)}",
        errors=errors,
    )


def id_conflict(entries: Sequence[Mapping[str, Any]]) -> HttpResponse:
    """Return a 409 with the outcome for each entry."""
    number = sum(entry["status"] == "conflict" for entry in entries)
    return problem(
        "id-conflict",
        "Another entry has this id",
        f"The ids of {number} of these entries belong to different entries in the log, which stay. "
        "The others were stored.",
        entries=entries,
    )


def export_running() -> HttpResponse:
    """Return a 409 for an export while the same caller is running another one."""
    return problem(
        "export-running",
        "An export is running",
        "The key, or the person that it belongs to, is running another export. Wait until it has "
        "ended, or stop it. One that was cut off by a crash counts as ended after a minute.",
        headers=SOON,
    )


def key_reused() -> HttpResponse:
    """Return a 422 for an idempotency key that was used with different entries."""
    return problem(
        "idempotency-key-reused",
        "The Idempotency-Key was used before",
        "Idempotency-Key: it was used with different entries within the last 24 hours. Nothing was "
        "stored.",
    )


def actor_mismatch(errors: Sequence[Mapping[str, Any]]) -> HttpResponse:
    """Return a 403 for entries whose actor is not the key's bot, with every fault: `index`, `path`,
    `code` and `detail`."""
    return problem(
        "actor-mismatch",
        "Nothing was stored: the key may write as one bot only",
        f"{errors[0]['path']}: {errors[0]['detail']}{_and_more(errors)}",
        errors=errors,
    )


def rate_limited(reason: str, seconds: int) -> HttpResponse:
    """Return a 429 with a reason, and in how many seconds to try again."""
    return problem(
        "rate-limited",
        "Too many requests",
        f"{reason} Try again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def not_found() -> HttpResponse:
    """Return a 404, the same for what does not exist and for another account's entry."""
    return problem(
        "not-found", "Not found", "There is no such entry or endpoint, or the key may not read it."
    )


def bad_request(error: Exception | None = None) -> HttpResponse:
    """Return a 400 for a request that Django cannot parse, with its error."""
    detail = "The request cannot be read."
    if isinstance(error, TooManyFieldsSent):
        detail = f"Send at most {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} parameters."
    return problem("bad-request", "Bad request", detail)


def unexpected() -> HttpResponse:
    """Return a 500 without its cause, which is in the process log only."""
    return problem("unexpected", "Unexpected error", "The server failed to handle the request.")


def key_in_query() -> HttpResponse:
    """Return a 400 for a key in a URL, which proxies and servers write into their logs."""
    return problem(
        "key-in-query",
        "API key in the URL",
        "Send the key in the header Authorization: Bearer KEY. URLs are written into logs: if this "
        "one contained a valid key, revoke it.",
    )


def unauthorized(has_key: bool) -> HttpResponse:
    """Return a 401 with the challenge of RFC 6750, section 3: without a key it names no error."""
    error = ', error="invalid_token"' if has_key else ""
    detail = (
        "The API key is invalid, revoked or expired."
        if has_key
        else "Send an API key: Authorization: Bearer KEY."
    )
    challenge = {"WWW-Authenticate": f'Bearer realm="audit-logs"{error}'}
    return problem("unauthorized", "A valid API key is required", detail, headers=challenge)


def insufficient_scope(scope: str) -> HttpResponse:
    """Return a 403 that names the missing scope (RFC 6750, section 3.1)."""
    return problem(
        "insufficient-scope",
        "The API key lacks a scope",
        f"The request requires the scope {scope}.",
        headers={
            "WWW-Authenticate": 'Bearer realm="audit-logs", error="insufficient_scope", '
            f'scope="{scope}"'
        },
        scope=scope,
    )


def method_not_allowed(allowed: Sequence[str]) -> HttpResponse:
    """Return a 405 that lists the allowed methods (RFC 9110, section 15.5.6)."""
    names = ", ".join(allowed)
    return problem(
        "method-not-allowed", "Method not allowed", f"Use {names}.", headers={"Allow": names}
    )


def not_acceptable(offered: Sequence[str]) -> HttpResponse:
    """Return a 406 that lists the media types there are (RFC 9110, section 15.5.7)."""
    names = ", ".join(offered)
    return problem(
        "not-acceptable",
        "Not acceptable",
        f"Accept: expected one of {names}.",
        headers={"Vary": "Accept"},
    )


def unavailable(slug: ProblemSlug, detail: str) -> HttpResponse:
    """Return a 503 that says when to try again."""
    return problem(slug, "The log is temporarily unavailable", detail, headers=SOON)


def _and_more(errors: Sequence[Any]) -> str:
    return f", and {len(errors) - 1} more" if len(errors) > 1 else ""
