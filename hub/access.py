"""Who asks, and who may see a page: a signed-in person, and only what belongs to their account."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from auditlogs.context import session_label
from auditlogs.happenings import Caller
from auditlogs.middleware import actor_of, source_ip
from auditlogs.models import Account

P = ParamSpec("P")


class HubRequest(HttpRequest):
    """A request of a signed-in person, perhaps made by htmx."""

    htmx: HtmxDetails
    user: User


View = Callable[Concatenate[HttpRequest, P], HttpResponse]
MemberView = Callable[Concatenate[HubRequest, Account, P], HttpResponse]


def for_members(view: MemberView[P]) -> View[P]:
    """Make a page of the Hub: for signed-in members, of their account, never kept by a cache."""

    @functools.wraps(view)
    def answer(request: HubRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            response = view(request, account_of(request.user), *args, **kwargs)
        else:
            response = _ask_to_sign_in(request)
        response["Cache-Control"] = "no-store"
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response

    return answer  # type: ignore[return-value]


def account_of(user: User) -> Account:
    """Return the account whose entries a person sees. Raises PermissionDenied without one."""
    account = _first_account(user)
    if account is None:
        raise PermissionDenied("You are signed in, but you belong to no account yet.")
    return account


def caller_of(request: HttpRequest) -> Caller:
    """Return who is behind a request to the Hub, as entries name them."""
    if not isinstance(request.user, User):
        return claimed_caller(request, None)
    key = request.session.session_key
    return replace(claimed_caller(request, request.user), session_id=key and session_label(key))


def claimed_caller(request: HttpRequest, user: User | None) -> Caller:
    """Return who a request says is behind it: a person, or someone whom nobody knows."""
    caller = Caller(source_ip=source_ip(request))
    if user is None:
        return caller
    caller = replace(caller, actor=actor_of(user))
    account = _first_account(user)
    return replace(caller, account=account.id) if account else caller


def is_fragment(request: HubRequest) -> bool:
    """Tell whether only the part of a page that changes was asked for."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def _first_account(user: User) -> Account | None:
    membership = user.memberships.select_related("account").order_by("id").first()
    return membership.account if membership else None


def _ask_to_sign_in(request: HubRequest) -> HttpResponse:
    """Lead to the sign-in page and back; a fragment cannot be redirected, its page can."""
    if is_fragment(request):
        back = request.htmx.current_url_abs_path or resolve_url("logs")
        to = redirect_to_login(back, resolve_url("sign_in"))
        return HttpResponseClientRedirect(to["Location"])
    return redirect_to_login(request.get_full_path(), resolve_url("sign_in"))
