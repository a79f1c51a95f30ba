"""Signing in by single sign-on: to the provider, and back with what it says."""

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
from hub.access.visits import caller_of, claimed_caller, own_address
from hub.sign_in import lockout
from hub.sign_in.sso import identities, provider
from hub.sign_in.sso.backends import BY_IDENTITY
from hub.sign_in.sso.provider import Begun
from hub.sign_in.sso.refusals import Refused

log = logging.getLogger(__name__)

# Where a session keeps the sign-in that was begun in it last, and for how long that can end.
PENDING = "single_sign_on"
PENDING_SECONDS = 600


class Pending(msgspec.Struct, frozen=True):
    """A sign-in that was begun in a session: when, and where it leads."""

    begun: Begun
    at: float
    to: str


@require_GET
@never_cache
def start(request: HttpRequest) -> HttpResponse:
    """Lead to the provider, and whoever is signed in already to where they wanted."""
    to = own_address(request, request.GET.get("next", ""))
    if request.user.is_authenticated:
        return HttpResponseRedirect(to)
    try:
        _check_rate(request)
        begun = provider.begin(_callback(request))
    except Refused as refusal:
        return _refuse(request, refusal, to)
    request.session[PENDING] = msgspec.to_builtins(Pending(begun, time.time(), to))
    return redirect(begun.url)


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Sign in whoever comes back from the provider, if they are somebody here."""
    kept = request.session.pop(PENDING, None)
    pending = msgspec.convert(kept, Pending) if kept else None
    to = pending.to if pending else resolve_url(settings.LOGIN_REDIRECT_URL)
    try:
        _check_rate(request)
        person = _person(request, pending)
    except Refused as refusal:
        return _refuse(request, refusal, to)
    except StorageError as error:
        return render(request, "503.html", {"reason": str(error)}, status=503)
    login(request, person, BY_IDENTITY)
    # A session that replaces another has no key until it is saved.
    request.session.save()
    self_audit.signed_in(caller_of(request), "oidc")
    return HttpResponseRedirect(to)


def _check_rate(request: HttpRequest) -> None:
    """Count a step of a sign-in, each of which makes the Hub call the provider. Raises Refused."""
    if lockout.too_many(request):
        raise Refused("busy", "rate-limited")


def _person(request: HttpRequest, pending: Pending | None) -> User:
    """Return who comes back. Raises Refused, and CannotStore where a link cannot be recorded."""
    state, code = request.GET.get("state", ""), request.GET.get("code", "")
    is_ours = pending and constant_time_compare(state, pending.begun.state)
    if not pending or not is_ours or time.time() > pending.at + PENDING_SECONDS:
        raise Refused("stale", "state")
    if not code:
        raise Refused("refused", "provider-refused")
    claims = provider.claims_of(pending.begun, _callback(request), code)
    person = identities.known_person(claims)
    if person is None:
        person = identities.invited_person(claims)
        identities.link(claimed_caller(request, person), person, claims)
    return person


def _refuse(request: HttpRequest, refusal: Refused, to: str) -> HttpResponse:
    """Lead back to the sign-in page, which says why nobody was signed in."""
    cause = type(refusal.__cause__).__name__ if refusal.__cause__ else "no error"
    log.warning("Single sign-on refused: %s (%s)", refusal.code, cause)
    caller = claimed_caller(request, refusal.person)
    self_audit.single_sign_on_failed(caller, refusal.code)
    return redirect(f"{reverse('sign_in')}?{urlencode({'next': to, 'sso': refusal.reason})}")


def _callback(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("sso_callback"))
