"""The Profile page: a person's accounts, password and session tokens for the API."""

from django.contrib import messages
from django.db.models import Max
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.views.decorators.http import require_POST, require_safe

from auditlogs.accounts import keys, self_audit
from auditlogs.accounts.accounts import locked_account
from auditlogs.models import Account
from hub.access.visits import HubRequest, Visit, caller_of, for_members, for_people
from hub.account.examples import reading_call
from hub.account.secret import Secret
from hub.account.switching import MAX_ACCOUNTS
from hub.sign_in.sso.backends import is_linked
from hub.ui.confirmation import ChangeRefused


@require_safe
@for_people
def profile(request: HubRequest) -> HttpResponse:
    """Show the profile of the signed-in person, who may have no account."""
    return _page(request)


@require_POST
@for_members
def session_tokens(request: HubRequest, visit: Visit) -> HttpResponse:
    """Create a session token for the current account; only this response shows it."""
    try:
        text = _create(request, visit.account)
    except ChangeRefused as refusal:
        return _page(request, refusal=str(refusal))
    secret = Secret(
        title="Your new session token",
        label="Session token",
        text=text,
        advice=f"It can read {visit.account} for {keys.SESSION_TOKEN_HOURS} hours. "
        "Copy it now. It is not shown again.",
        example=reading_call(request, text),
    )
    return _page(request, secret=secret)


@require_POST
@for_members
def session_token_end(request: HubRequest, visit: Visit, key: str) -> HttpResponse:
    """End a session token. Raises Http404 for another person's token too."""
    token = keys.by_public_id(key)
    if token is None or token.holder != request.user or token.account != visit.account:
        raise Http404
    with locked_account(visit.account):
        if keys.revoke(token):
            self_audit.token_revoked(token, caller_of(request))
    messages.success(request, f"The session token ending in {token.last_four} has ended.")
    return redirect("profile")


def _create(request: HubRequest, account: Account) -> str:
    """Create and record a session token; return its text.

    Raises ChangeRefused when there are too many, and for a form that is submitted again.
    """
    with locked_account(account):
        newest = str(_newest(request, account))
        if request.POST.get("after", newest) != newest:
            raise ChangeRefused(
                "You created a session token after this page was loaded. If you have not copied "
                "it, end it and create a new one."
            )
        try:
            text = keys.create_session_token(request.user, account)
        except ValueError as error:
            raise ChangeRefused(capfirst(f"{error}.")) from error
        token = keys.look_up(text)
        assert token is not None
        self_audit.token_created(token, caller_of(request))
    return text


def _newest(request: HubRequest, account: Account) -> int:
    """Return the primary key of the person's newest session token, or 0."""
    tokens = account.api_keys.filter(holder=request.user)
    return tokens.aggregate(newest=Max("pk"))["newest"] or 0


def _page(request: HubRequest, *, secret: Secret | None = None, refusal: str = "") -> HttpResponse:
    memberships = request.user.memberships.select_related("account").order_by("account__name")
    context = {
        "memberships": memberships[:MAX_ACCOUNTS],
        "has_more": memberships.count() > MAX_ACCOUNTS,
        "secret": secret,
        "refusal": refusal,
        "hours": keys.SESSION_TOKEN_HOURS,
        "has_password": not is_linked(request.user),
    }
    if request.visit:
        account = request.visit.account
        context["tokens"] = keys.session_tokens_of(request.user, account)
        context["newest"] = _newest(request, account)
    return render(request, "hub/account/profile.html", context)
