"""The daily review: what failed, what is new and who is silent, on one page that can be filed."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from auditlogs.entry.times import now
from auditlogs.review import report
from auditlogs.review.days import parse_days
from hub.access.visits import HubRequest, Visit, for_members
from hub.review.page import ReviewView

# What each parameter has to be, and what is shown where it is not.
EXPECTED = {
    "day": "a date of the last year, such as 2026-11-23. Showing the last 24 hours.",
    "zone": "a time zone, such as Europe/Berlin. Showing times in UTC.",
}


@require_safe
@for_members
def review(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show the review of a day, or of the last 24 hours."""
    moment = now()
    days, errors = parse_days(request.GET.get("day", ""), request.GET.get("zone", ""), moment)
    view = ReviewView(report.review(visit.account.id, days), visit, moment)
    ignored = [(request.GET[name], EXPECTED[name]) for name in errors]
    return render(request, "hub/review/review.html", {"view": view, "ignored": ignored})
