"""Switching account: which ones a person may be at, and going to one of them."""

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from auditlogs.models import Account
from hub.access import self_audit
from hub.access.visits import SESSION_ACCOUNT, HubRequest, caller_of, for_people, own_address

MAX_ACCOUNTS = 50
# Of what is asked for, a name or an id.
MAX_LENGTH = 64


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def accounts(request: HubRequest) -> HttpResponse:
    """List the accounts that a person may be at; a form's button leads to one, and there to the
    page from which they were led here."""
    if request.method == "POST":
        return _switch(request)
    search = _asked(request.GET, "search")
    found = open_to(request.user).filter(name__icontains=search).order_by("name")
    context = {
        "accounts": found[:MAX_ACCOUNTS],
        "has_more": found.count() > MAX_ACCOUNTS,
        "search": search,
        "next": own_address(request, request.GET.get("next", "")),
    }
    return render(request, "hub/account/switching.html", context)


def open_to(person: User) -> QuerySet[Account]:
    """Return every account that a person may be at: for staff, all there are."""
    if person.is_staff:
        return Account.objects.all()
    return Account.objects.filter(memberships__user=person)


def _asked(data: QueryDict, name: str) -> str:
    """Return a parameter, bounded, and without what PostgreSQL takes into no text."""
    return data.get(name, "").replace("\0", "")[:MAX_LENGTH]


def _switch(request: HubRequest) -> HttpResponse:
    """Go to an account, unless they are at it. Whoever cannot be recorded there does not get
    there."""
    account = get_object_or_404(open_to(request.user), id=_asked(request.POST, "to"))
    if request.visit is None or request.visit.account != account:
        self_audit.account_switched(caller_of(request), account)
    request.session[SESSION_ACCOUNT] = account.id
    return HttpResponseRedirect(own_address(request, request.POST.get("next", "")))
