"""Access to pages: who is signed in, which account they are using, and what they may do there."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from auditlogs.accounts.self_audit import Caller
from auditlogs.intake.context import session_label
from auditlogs.middleware import actor_of, source_ip
from auditlogs.models import Account
from auditlogs.storage.mongo import StorageError
from hub.access.roles import ADMINISTER, PERMISSIONS, AccessLevel, access_level

P = ParamSpec("P")

# The session's key for the ID of the current account.
SESSION_ACCOUNT = "account"
# The account that a page was rendered for. htmx sends the header, forms send the field.
ACCOUNT_HEADER = "Hub-Account"
ACCOUNT_FIELD = "account"
# The views that a page polls by itself, so that a request for one does not extend a session.
POLLS = {"logs_arrivals"}
# The views of parts that a page loads by itself, without the reader asking for them.
BACKGROUND_PARTS = {*POLLS, "logs_chart", "logs_count", "actors", "findings", "order_story"}


@dataclass(frozen=True, slots=True)
class Visit:
    """A signed-in person, the account they are using, and their access level in it.

    `has_choice` tells whether they can switch to another account.
    """

    person: User
    account: Account
    level: AccessLevel
    has_choice: bool

    @property
    def may_administer(self) -> bool:
        return ADMINISTER in PERMISSIONS[self.level]


class HubRequest(HttpRequest):
    """A request of a signed-in person, as middleware and the decorators below extend it."""

    htmx: HtmxDetails
    user: User
    # Whether this request's session was just ended because it was idle for too long.
    ended_idle: bool
    # None for a person without an account. The templates read it too.
    visit: Visit | None


View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
PersonView = Callable[Concatenate[HubRequest, P], HttpResponseBase]
VisitView = Callable[Concatenate[HubRequest, Visit, P], HttpResponseBase]


def for_people(view: PersonView[P]) -> View[P]:
    """Decorate a view for signed-in people, with or without an account (`request.visit`).

    Others are redirected to the sign-in page. A database that fails gives a 503 page.
    """

    @functools.wraps(view)
    def answer(request: HubRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            if request.user.is_authenticated:
                request.visit = current_visit(request)
                response = view(request, *args, **kwargs)
            else:
                response = _ask_to_sign_in(request)
        except StorageError as error:
            response = render(request, "503.html", {"reason": str(error)}, status=503)
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response

    return answer  # type: ignore[return-value]


def for_members(view: VisitView[P]) -> View[P]:
    """Decorate a view of the current account, for its members and staff.

    Raises PermissionDenied for a person without an account. A page rendered before the person
    switched accounts in another tab gets a 409: its forms would change the wrong account.
    """

    @for_people
    @functools.wraps(view)
    def answer(request: HubRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        visit = request.visit
        if visit is None and request.user.is_staff:
            return _redirect_via(request, resolve_url("accounts"))
        if visit is None:
            raise PermissionDenied(
                "You are signed in, but not a member of any account yet. "
                "Ask an admin of your account to add you."
            )
        rendered_for = request.headers.get(ACCOUNT_HEADER) or request.POST.get(ACCOUNT_FIELD)
        if rendered_for and rendered_for != visit.account.id:
            return _account_has_changed(request)
        return view(request, visit, *args, **kwargs)

    return answer


def for_admins(view: VisitView[P]) -> View[P]:
    """Decorate a view of the current account for its admins. Raises PermissionDenied for others."""

    @for_members
    @functools.wraps(view)
    def answer(
        request: HubRequest, visit: Visit, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if not visit.may_administer:
            raise PermissionDenied("Only admins of this account can use this page.")
        return view(request, visit, *args, **kwargs)

    return answer


def current_visit(request: HubRequest) -> Visit | None:
    """Return the person's visit to the account they chose last, or else to their first account.

    None for staff who have not chosen an account yet, and for people without any.
    """
    person, chosen = request.user, request.session.get(SESSION_ACCOUNT, "")
    memberships = {m.account_id: m for m in person.memberships.select_related("account")}
    first = min(memberships.values(), key=lambda each: each.pk, default=None)
    membership = memberships.get(chosen, first)
    account = membership.account if membership else None
    if person.is_staff:
        # Memberships from before they became staff do not count: staff enter an account only by
        # switching to it, which is recorded there.
        account = Account.objects.filter(id=chosen).first()
    level = access_level(person, membership)
    if account is None or level is None:
        return None
    return Visit(person, account, level, has_choice=person.is_staff or len(memberships) > 1)


def caller_of(request: HttpRequest) -> Caller:
    """Return the signed-in person of a request as entries name them, or an anonymous caller.

    The account is the current one, or else the person's first.
    """
    if not isinstance(request.user, User):
        return claimed_caller(request, None)
    key = request.session.session_key
    caller = claimed_caller(request, request.user)
    visit: Visit | None = getattr(request, "visit", None)
    account = visit.account.id if visit else caller.account
    session_id = key and session_label(key)
    return replace(caller, account=account, session_id=session_id, authentication="session")


def claimed_caller(request: HttpRequest, user: User | None) -> Caller:
    """Return a person as the caller who has not proved who they are, such as at the sign-in page;
    an anonymous caller where the person is None."""
    caller = Caller(source_ip=source_ip(request))
    if user is None:
        return caller
    caller = replace(caller, actor=actor_of(user), authentication="declared")
    account = _first_account(user)
    return replace(caller, account=account.id) if account else caller


def safe_redirect_url(request: HttpRequest, url: str) -> str:
    """Return a URL of this host unchanged, and the home address in the place of any other."""
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure())
    return url if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)


def is_fragment(request: HubRequest) -> bool:
    """Tell whether htmx asked for a part of a page; restoring history needs a whole one."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def _first_account(user: User) -> Account | None:
    membership = user.memberships.select_related("account").order_by("id").first()
    return membership.account if membership else None


def _account_has_changed(request: HubRequest) -> HttpResponse:
    if is_fragment(request):
        return HttpResponseClientRefresh()
    reason = (
        "You switched to another account after this page was loaded, so nothing was changed. "
        "Switch back and try again, or continue in the current account."
    )
    return render(request, "409.html", {"reason": reason}, status=409)


def _ask_to_sign_in(request: HubRequest) -> HttpResponse:
    """Redirect to the sign-in page, which says why a person was signed out."""
    reason = _why_signed_out(request)
    return _redirect_via(request, resolve_url("sign_in") + (f"?because={reason}" if reason else ""))


def _why_signed_out(request: HubRequest) -> str:
    """Return "idle" or "ended" for a person whose session is over, else an empty text."""
    if request.ended_idle:
        return "idle"
    # Django empties a session that it does not find, or that began with a former password.
    had_session = bool(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return "ended" if had_session and request.session.is_empty() else ""


def _redirect_via(request: HubRequest, page: str) -> HttpResponse:
    """Redirect to a page that then leads back here.

    For a fragment the whole page is redirected, by a header of htmx: the browser would follow a
    normal redirect and put the sign-in page into the fragment's place.
    """
    redirect = redirect_to_login(_return_url(request), page)
    return HttpResponseClientRedirect(redirect["Location"]) if is_fragment(request) else redirect


def _return_url(request: HubRequest) -> str:
    """Return where to go after signing in: to what the person just asked for.

    That is the page around a part that it loads by itself, and the page of a form: the form's
    target may accept POST only.
    """
    is_read = request.method in {"GET", "HEAD"}
    match = request.resolver_match
    if is_read and not (is_fragment(request) and match and match.view_name in BACKGROUND_PARTS):
        return request.get_full_path()
    own = request.get_full_path()
    page = request.htmx.current_url if is_fragment(request) else request.headers.get("Referer", own)
    url = urlsplit(safe_redirect_url(request, page or ""))
    return urlunsplit(("", "", url.path, url.query, ""))
