"""The page that shows who writes to the log."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from auditlogs.entry.times import now
from hub.access.visits import HubRequest, Visit, for_admins
from hub.emitters.emitters import Emitters


@require_safe
@for_admins
def emitters(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show who writes to an account's log, how much, and with what clock."""
    context = {"emitters": Emitters.read(visit.account, now())}
    return render(request, "hub/emitters/list.html", context)
