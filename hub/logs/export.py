"""The export of a list as a file, and how far it has come."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from auditlogs.entry.numbers import to_whole
from auditlogs.entry.times import now
from auditlogs.export import running
from auditlogs.export.formats import FORMATS
from auditlogs.export.response import FORMAT, facts_of, format_of, head, respond
from auditlogs.export.running import AlreadyExporting, Exporter, TooManyExports
from auditlogs.export.stream import Stream
from auditlogs.query.entries import Entries
from auditlogs.query.filters import ListRequest, parse
from auditlogs.storage.mongo import StorageError
from hub.access.visits import HubRequest, Visit, caller_of, for_members, is_fragment
from hub.logs.applied import faults, repeated
from hub.logs.filter_bar import page_parameters
from hub.logs.links import DEFAULT_RANGE

# How many times a page asks for the export that it has requested before it gives up.
MAX_TRIES = 20
OTHER_EXPORT = "You are running another export. Wait until it has ended, or stop it."
CHOOSE_FORMAT = f"Choose one format: {', '.join(each.label for each in FORMATS.values())}."
TOO_MANY = "Too many exports are running. Try again in a moment."


@require_safe
@for_members
def export(request: HubRequest, visit: Visit) -> HttpResponseBase:
    """Send every entry of a list as a file. Unlike the list, it ignores no parameter."""
    name, fault = format_of(request.GET)
    query = _asked(request, visit)
    sentences = [*faults(query, repeated(request.GET)), *([CHOOSE_FORMAT] if fault else [])]
    if sentences:
        return _refused(request, " ".join(sentences), 400)
    if request.method == "HEAD":
        return head(FORMATS[name])
    try:
        stream = _begin(request, query, name)
    except AlreadyExporting:
        return _refused(request, OTHER_EXPORT, 409)
    except TooManyExports:
        return _refused(request, TOO_MANY, 429)
    return respond(request, stream, FORMATS[name])


@require_safe
@for_members
def export_status(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show how far the reader's export has come; it asks again by itself until it has ended."""
    return _status(request, to_whole(request.GET.get("tries", "")) or 0)


@require_POST
@for_members
def export_stop(request: HubRequest, visit: Visit) -> HttpResponse:
    """Stop the reader's export."""
    running.stop(_id_of(request))
    return _status(request, MAX_TRIES) if is_fragment(request) else redirect("logs")


def _asked(request: HubRequest, visit: Visit) -> ListRequest:
    moment = now()
    return parse(
        page_parameters(request.GET, moment),
        account=visit.account.id,
        default_range=DEFAULT_RANGE,
        now=moment,
        paging=(),
        ignored=(FORMAT,),
    )


def _begin(request: HubRequest, query: ListRequest, name: str) -> Stream:
    exporter = Exporter(_id_of(request), caller_of(request))
    facts, total = facts_of(name, query), _total(query.entries)
    return Stream.begin(query.entries, FORMATS[name], exporter, facts, total)


def _status(request: HubRequest, tries: int) -> HttpResponse:
    last = running.last_of(_id_of(request))
    goes_on = last is not None and running.is_running(last)
    context: dict[str, Any] = {"export": last, "is_running": goes_on, "tries": tries + 1}
    # An export that was just requested may not have begun: then the last one is an earlier one.
    is_new = last is not None and last.ended_at is not None and tries > 0
    context["is_awaited"] = not goes_on and not is_new and tries < MAX_TRIES
    return render(request, "hub/logs/_export.html", context)


def _id_of(request: HttpRequest) -> str:
    """Return the person as the caller of exports, as their session tokens are."""
    return f"user_{request.user.pk}"


def _total(entries: Entries) -> int | None:
    """Count what is to be exported, if that is done in time."""
    try:
        count = entries.count()
    except StorageError:
        return None
    return None if count.is_more else count.value


def _refused(request: HubRequest, reason: str, status: int) -> HttpResponse:
    return render(request, "hub/logs/export_refused.html", {"reason": reason}, status=status)
