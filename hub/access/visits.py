"""Who asks, and who may see a page: a signed-in person, at one account, by their place in it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
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
from hub.access.roles import ADMINISTER, PERMISSIONS, Place, place_of

P = ParamSpec("P")

# Where a session keeps the account that its person is at.
SESSION_ACCOUNT = "account"
# The account that a page was made for: sent back by its fragments and its forms.
ACCOUNT_HEADER = "Hub-Account"
ACCOUNT_FIELD = "account"


@dataclass(frozen=True, slots=True)
class Visit:
    """A signed-in person at an account, and their place in it."""

    person: User
    account: Account
    place: Place
    has_choice: bool

    @property
    def may_administer(self) -> bool:
        """Tell whether they may change keys, members and settings."""
        return ADMINISTER in PERMISSIONS[self.place]


class HubRequest(HttpRequest):
    """A request of a signed-in person, perhaps made by htmx."""

    htmx: HtmxDetails
    user: User
    # Whether their session was over, as nothing had been done in it for too long.
    ended_idle: bool
    # For the templates.
    visit: Visit | None


View = Callable[Concatenate[HttpRequest, P], HttpResponse]
PersonView = Callable[Concatenate[HubRequest, P], HttpResponse]
VisitView = Callable[Concatenate[HubRequest, Visit, P], HttpResponse]


def for_people(view: PersonView[P]) -> View[P]:
    """Make a page for whoever is signed in, at an account or at none: `request.visit` says."""

    @functools.wraps(view)
    def answer(request: HubRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            if request.user.is_authenticated:
                request.visit = at_account(request)
                response = view(request, *args, **kwargs)
            else:
                response = _ask_to_sign_in(request)
        except StorageError as error:
            response = render(request, "503.html", {"reason": str(error)}, status=503)
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response

    return answer  # type: ignore[return-value]


def for_members(view: VisitView[P]) -> View[P]:
    """Make a page of an account, for its members and for staff.

    A page that was made for another account, before its reader switched, gets no fragment and
    sends no form any more. Raises PermissionDenied for whoever may see no account.
    """

    @for_people
    @functools.wraps(view)
    def answer(request: HubRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        visit = request.visit
        if visit is None and request.user.is_staff:
            return _lead_by(request, resolve_url("accounts"))
        if visit is None:
            raise PermissionDenied("You are signed in, but you belong to no account yet.")
        made_for = request.headers.get(ACCOUNT_HEADER) or request.POST.get(ACCOUNT_FIELD)
        if made_for and made_for != visit.account.id:
            return _made_for_another(request)
        return view(request, visit, *args, **kwargs)

    return answer


def for_admins(view: VisitView[P]) -> View[P]:
    """Make a page of an account for its admins alone."""

    @for_members
    @functools.wraps(view)
    def answer(
        request: HubRequest, visit: Visit, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if not visit.may_administer:
            raise PermissionDenied("Only an admin of this account may do that.")
        return view(request, visit, *args, **kwargs)

    return answer


def at_account(request: HubRequest) -> Visit | None:
    """Return where a person is: at the account they chose last if they still may be there, else at
    the first they belong to; None for staff who have yet to choose, and for whoever belongs to
    none."""
    person, chosen = request.user, request.session.get(SESSION_ACCOUNT, "")
    memberships = {m.account_id: m for m in person.memberships.select_related("account")}
    first = min(memberships.values(), key=lambda each: each.pk, default=None)
    membership = memberships.get(chosen, first)
    account = membership.account if membership else None
    if person.is_staff:
        # Nowhere before they went there, which is on record, also if they belonged there once.
        account = Account.objects.filter(id=chosen).first()
    place = place_of(person, membership)
    if account is None or place is None:
        return None
    return Visit(person, account, place, has_choice=person.is_staff or len(memberships) > 1)


def caller_of(request: HttpRequest) -> Caller:
    """Return who is behind a request to the Hub, as entries name them: at the account they are
    at, or else at the first they belong to."""
    if not isinstance(request.user, User):
        return claimed_caller(request, None)
    key = request.session.session_key
    caller = claimed_caller(request, request.user)
    visit: Visit | None = getattr(request, "visit", None)
    account = visit.account.id if visit else caller.account
    return replace(caller, account=account, session_id=key and session_label(key))


def claimed_caller(request: HttpRequest, user: User | None) -> Caller:
    """Return who a request says is behind it: a person, or someone whom nobody knows."""
    caller = Caller(source_ip=source_ip(request))
    if user is None:
        return caller
    caller = replace(caller, actor=actor_of(user))
    account = _first_account(user)
    return replace(caller, account=account.id) if account else caller


def own_address(request: HttpRequest, to: str) -> str:
    """Return an address of the Hub's as it is, the first page instead of any other."""
    is_ours = url_has_allowed_host_and_scheme(to, {request.get_host()}, request.is_secure())
    return to if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)


def is_fragment(request: HubRequest) -> bool:
    """Tell whether only the part of a page that changes was asked for."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def _first_account(user: User) -> Account | None:
    membership = user.memberships.select_related("account").order_by("id").first()
    return membership.account if membership else None


def _made_for_another(request: HubRequest) -> HttpResponse:
    if is_fragment(request):
        return HttpResponseClientRefresh()
    reason = "You have switched to another account since this page was shown. Nothing was changed."
    return render(request, "409.html", {"reason": reason}, status=409)


def _ask_to_sign_in(request: HubRequest) -> HttpResponse:
    """Lead by the sign-in page, with a word of why if a session was ended."""
    sign_in = resolve_url("sign_in") + ("?because=idle" if request.ended_idle else "")
    return _lead_by(request, sign_in)


def _lead_by(request: HubRequest, page: str) -> HttpResponse:
    """Lead to a page that comes first, and from there back; a fragment cannot be redirected, its
    page can."""
    if is_fragment(request):
        back = request.htmx.current_url_abs_path or resolve_url("logs")
        return HttpResponseClientRedirect(redirect_to_login(back, page)["Location"])
    return redirect_to_login(request.get_full_path(), page)
