"""Error pages: in the Hub's style for people, problem documents under /api."""

import sys

from django.contrib.auth.models import User
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from auditlogs.api import problems
from hub.access import self_audit
from hub.access.codes import HubCode
from hub.access.visits import caller_of
from hub.account.switching import open_to

API_PREFIX = "/api/"
AWAY = "The database of people and keys cannot be reached."


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that cannot be read."""
    if request.path.startswith(API_PREFIX):
        return problems.bad_request()
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that is refused."""
    return _shut_out(request, "permission-denied", str(exception or ""))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that did not come from a page of the Hub, or came too late."""
    reason = "This form is too old or did not come from the Hub. Go back, reload, and try again."
    return _shut_out(request, "csrf", reason)


def cross_site(request: HttpRequest) -> HttpResponse:
    """Answer what a page of another site asked for behind its reader's back."""
    reason = "Another site asked for this. Open the page in the Hub itself."
    return _shut_out(request, "cross-site", reason)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request for what does not exist, or is another's."""
    if request.path.startswith(API_PREFIX):
        return problems.not_found()
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that failed, without a word of why: whether to try again is all that is
    said."""
    is_away = isinstance(sys.exception(), OperationalError)
    if request.path.startswith(API_PREFIX):
        return (
            problems.unavailable("accounts-unavailable", AWAY) if is_away else problems.unexpected()
        )
    if is_away:
        return render(None, "503.html", {"reason": AWAY, "request": request}, status=503)
    # Rendered without the request: what broke the page may break its context too.
    return render(None, "500.html", status=500)


def _shut_out(request: HttpRequest, code: HubCode, reason: str) -> HttpResponse:
    """Record that a request is refused, and say why; whoever has an account finds back to it."""
    self_audit.page_refused(request, caller_of(request), code, reason)
    has_account = isinstance(request.user, User) and open_to(request.user).exists()
    context = {"reason": reason, "has_account": has_account}
    return render(request, "403.html", context, status=403)
