"""The Accounts page: which accounts a person can use, and switching to one of them."""

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from auditlogs.models import Account
from hub.access import self_audit
from hub.access.visits import SESSION_ACCOUNT, HubRequest, caller_of, for_people, safe_redirect_url

MAX_ACCOUNTS = 50
# Of a search text or an account's ID.
MAX_LENGTH = 64


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def accounts(request: HubRequest) -> HttpResponse:
    """List the accounts that a person can use, and switch to one; then redirect to `next`."""
    if request.method == "POST":
        return _switch(request)
    search = _parameter(request.GET, "search")
    matching = accounts_of(request.user).filter(name__icontains=search).order_by("name")
    context = {
        "accounts": matching[:MAX_ACCOUNTS],
        "has_more": matching.count() > MAX_ACCOUNTS,
        "search": search,
        "next": safe_redirect_url(request, request.GET.get("next", "")),
    }
    return render(request, "hub/account/switching.html", context)


def accounts_of(person: User) -> QuerySet[Account]:
    """Return the accounts that a person can use: all of them for staff."""
    if person.is_staff:
        return Account.objects.all()
    return Account.objects.filter(memberships__user=person)


def _parameter(data: QueryDict, name: str) -> str:
    """Return a parameter, shortened to MAX_LENGTH and without NUL, which PostgreSQL rejects."""
    return data.get(name, "").replace("\0", "")[:MAX_LENGTH]


def _switch(request: HubRequest) -> HttpResponse:
    """Switch to an account and redirect to `next`. Raises CannotStore before anything changed."""
    account = get_object_or_404(accounts_of(request.user), id=_parameter(request.POST, "to"))
    if request.visit is None or request.visit.account != account:
        self_audit.account_switched(caller_of(request), account)
    request.session[SESSION_ACCOUNT] = account.id
    return HttpResponseRedirect(safe_redirect_url(request, request.POST.get("next", "")))
