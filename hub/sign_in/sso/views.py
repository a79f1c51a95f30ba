"""Signing in with single sign-on: the redirect to the provider, and its callback."""

import logging
import time
from urllib.parse import urlencode

import msgspec
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from auditlogs.storage.mongo import StorageError
from hub.access import self_audit
from hub.access.visits import caller_of, claimed_caller, safe_redirect_url
from hub.sign_in import lockout
from hub.sign_in.sso import identities, provider
from hub.sign_in.sso.backends import BY_IDENTITY
from hub.sign_in.sso.provider import AuthorizationRequest
from hub.sign_in.sso.refusals import SignInRefused

log = logging.getLogger(__name__)

# The session's key for its last unfinished sign-in, which can be finished for so long.
PENDING = "pending_sign_in"
PENDING_SECONDS = 600


class Pending(msgspec.Struct, frozen=True):
    """An unfinished sign-in: when it was started, in seconds since the epoch, and where to go
    after it."""

    request: AuthorizationRequest
    started_at: float
    next_url: str


@require_GET
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """Redirect to the provider; a person who is signed in already goes on to `next`."""
    next_url = safe_redirect_url(request, request.GET.get("next", ""))
    if request.user.is_authenticated:
        return HttpResponseRedirect(next_url)
    try:
        _check_rate(request)
        authorization = provider.authorization_request(_callback(request))
    except SignInRefused as refusal:
        return _refuse(request, refusal, next_url)
    pending = Pending(authorization, time.time(), next_url)
    request.session[PENDING] = msgspec.to_builtins(pending)
    return redirect(authorization.url)


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Sign in the person who returns from the provider, or say on the sign-in page why not."""
    stored = request.session.pop(PENDING, None)
    pending = msgspec.convert(stored, Pending) if stored else None
    next_url = pending.next_url if pending else resolve_url(settings.LOGIN_REDIRECT_URL)
    try:
        _check_rate(request)
        person = _person(request, pending)
    except SignInRefused as refusal:
        return _refuse(request, refusal, next_url)
    except StorageError as error:
        return render(request, "503.html", {"reason": str(error)}, status=503)
    login(request, person, BY_IDENTITY)
    # A new session has no key until it is saved, and the entry needs it.
    request.session.save()
    self_audit.signed_in(caller_of(request), "oidc")
    return HttpResponseRedirect(next_url)


def _check_rate(request: HttpRequest) -> None:
    """Count an attempt: each makes the Hub call the provider. Raises SignInRefused."""
    if lockout.count_attempt(request):
        raise SignInRefused("busy", "rate-limited")


def _person(request: HttpRequest, pending: Pending | None) -> User:
    """Return the person who returns from the provider, linked now if they were not.

    Raises SignInRefused, and CannotStore where a new link cannot be recorded.
    """
    state, code = request.GET.get("state", ""), request.GET.get("code", "")
    # Another state is a callback that somebody else started: login CSRF (RFC 6749, section 10.12).
    is_ours = pending and constant_time_compare(state, pending.request.state)
    if not pending or not is_ours or time.time() > pending.started_at + PENDING_SECONDS:
        raise SignInRefused("stale", "state")
    if not code:
        raise SignInRefused("refused", "provider-refused")
    claims = provider.claims_of(pending.request, _callback(request), code)
    person = identities.linked_person(claims)
    if person is None:
        person = identities.invited_person(claims)
        identities.link(claimed_caller(request, person), person, claims)
    return person


def _refuse(request: HttpRequest, refusal: SignInRefused, next_url: str) -> HttpResponse:
    """Log and record the refusal, and redirect to the sign-in page, which explains it."""
    cause = type(refusal.__cause__).__name__ if refusal.__cause__ else "no error"
    log.warning("Single sign-on refused: %s (%s)", refusal.code, cause)
    caller = claimed_caller(request, refusal.person)
    self_audit.single_sign_on_failed(caller, refusal.code)
    return redirect(f"{reverse('sign_in')}?{urlencode({'next': next_url, 'sso': refusal.reason})}")


def _callback(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("sso_callback"))
