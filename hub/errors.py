"""Error responses: pages for people, problem documents (RFC 9457) for programs."""

import sys
from typing import cast

from django.contrib.auth.models import User
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url

from auditlogs.api import problems
from auditlogs.explain.codes import ProblemSlug
from hub.access import self_audit
from hub.access.codes import HubCode
from hub.access.visits import HubRequest, caller_of, current_visit, safe_redirect_url
from hub.account.switching import accounts_of

# How the addresses begin that programs read.
OF_PROGRAMS = ("/api/", "/readyz", "/metrics")
UNAVAILABLE = "The Hub's database of users and API keys is not available."


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a malformed request with status 400."""
    if request.path.startswith(OF_PROGRAMS):
        return problems.bad_request(exception)
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request without permission with status 403."""
    return _refuse(request, "permission-denied", str(exception or ""))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid CSRF token with status 403.

    Signing in replaces the token, so a sign-in page in another tab is outdated: it leads on to
    where the person wanted to go.
    """
    is_outdated = (
        "csrfmiddlewaretoken" in request.POST
        and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    )
    is_sign_in = request.path == resolve_url("sign_in")
    if is_sign_in and is_outdated and request.user.is_authenticated:
        return redirect(safe_redirect_url(request, request.POST.get("next", "")))
    reason = "This form has expired or was not sent from the Hub. Go back, reload and try again."
    return _refuse(request, "csrf", reason)


def cross_site(request: HttpRequest) -> HttpResponse:
    """Answer a request by another site's page with status 403."""
    reason = "Another website tried to load this page. Open it in the Hub instead."
    return _refuse(request, "cross-site", reason)


def cross_site_export(request: HttpRequest) -> HttpResponse:
    """Answer a link on another site's page that would begin an export with status 403."""
    reason = "Another website tried to start an export. Start it on the Logs page instead."
    return _refuse(request, "cross-site", reason)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request for what does not exist with status 404, and for another account's alike."""
    if request.path.startswith(OF_PROGRAMS):
        return problems.not_found()
    add_navigation(request)
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that failed with 503 if the database is unavailable, else with 500.

    The response says nothing about the cause: the text of an exception may contain secrets. Both
    pages are rendered without the request, since its context could fail for the same reason.
    """
    if isinstance(sys.exception(), OperationalError):
        return unavailable(request, "accounts-unavailable", UNAVAILABLE)
    if request.path.startswith(OF_PROGRAMS):
        return problems.unexpected()
    return render(None, "500.html", status=500)


def unavailable(request: HttpRequest, slug: ProblemSlug, reason: str) -> HttpResponse:
    """Answer a request that cannot be worked on now with status 503, and with nothing that the
    request's context would have to be read for."""
    if request.path.startswith(OF_PROGRAMS):
        return problems.unavailable(slug, reason)
    context = {"reason": reason, "retry_url": request.get_full_path()}
    return render(None, "503.html", context, status=503)


def add_navigation(request: HttpRequest) -> None:
    """Set `request.visit`, for the navigation on the page of an error, unless the view has."""
    if not hasattr(request, "visit") and isinstance(request.user, User):
        request.visit = current_visit(cast(HubRequest, request))  # type: ignore[attr-defined]


def _refuse(request: HttpRequest, code: HubCode, reason: str) -> HttpResponse:
    """Record the refusal and show its reason."""
    self_audit.page_refused(request, caller_of(request), code, reason)
    add_navigation(request)
    has_account = isinstance(request.user, User) and accounts_of(request.user).exists()
    context = {"reason": reason, "has_account": has_account}
    return render(request, "403.html", context, status=403)
