"""The Logs page, its fragments, and the page of one entry."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from auditlogs.entry.facts import FACT_LENGTH
from auditlogs.entry.identity import parse_id
from auditlogs.entry.schema import ID_LENGTH, Entry, to_json
from auditlogs.entry.text import MAX_SEARCH_LENGTH
from auditlogs.explain.explained import ExplainedEntry
from auditlogs.query.entries import Entries
from auditlogs.query.ids import NOT_AN_ID
from auditlogs.query.values import escape
from auditlogs.storage import actors as kept_actors
from auditlogs.storage.mongo import StorageError
from hub.access.visits import HubRequest, Visit, for_members, for_people, is_fragment
from hub.logs.arrivals import newest
from hub.logs.chart import Chart
from hub.logs.columns import USUAL, Column, columns_of
from hub.logs.drawer import Drawer, EntryView
from hub.logs.findings import Findings, story
from hub.logs.links import KNOWN_ID, OFF, SINCE, entries_url
from hub.logs.listing import Listing
from hub.logs.payload import indented
from hub.logs.saved_views import preference_of, url_of
from hub.logs.title_row import TitleRow
from hub.ui.zones import zone_of

MAX_ACTORS = 200


@require_safe
@for_people
def home(request: HubRequest) -> HttpResponse:
    """Redirect to the list that the person's Logs page begins with.

    Only here a default view is applied: an address of a list shows what it says, to everybody.
    """
    view = preference_of(request.visit).default_view if request.visit else None
    return redirect(url_of(view) if view else "logs")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect browsers that ask for `/favicon.ico` without having read a page."""
    return redirect(static("favicon.svg"))


@require_safe
@for_members
def logs(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show the list, with an entry open beside it if the URL names one."""
    preference = preference_of(visit)
    columns = columns_of(preference.columns)
    listing = Listing(
        request.GET, visit.account, columns=columns, is_dense=preference.is_dense
    ).read()
    row = TitleRow(request, visit, listing, preference)
    context: dict[str, Any] = {"listing": listing, "title": row}
    if is_fragment(request):
        return render(request, "hub/logs/_update.html", context, status=listing.status)
    if listing.open_entry:
        context["drawer"] = Drawer(listing, listing.open_entry).read()
    return render(request, "hub/logs/page.html", context, status=listing.status)


@require_safe
@for_members
def logs_count(request: HubRequest, visit: Visit) -> HttpResponse:
    """Count the entries of a list: in the list, or on a page of its own without scripts."""
    listing = _part_of_list(request, visit)
    context = {"listing": listing, "count": listing.count()}
    name = "_count.html" if is_fragment(request) else "count.html"
    return render(request, f"hub/logs/{name}", context)


@require_safe
@for_members
def logs_chart(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show how many entries of a list there are over time: above it, or on a page of its own."""
    listing = _part_of_list(request, visit)
    chart = Chart(listing.request.entries, listing.links, zone_of(request))
    name = "_chart.html" if is_fragment(request) else "chart.html"
    return render(request, f"hub/logs/{name}", {"listing": listing, "chart": chart})


@require_safe
@for_members
def logs_arrivals(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show the rows that have arrived in a list since a page of it was read."""
    listing = _part_of_list(request, visit, columns_of(preference_of(visit).columns))
    rows = listing.arrived(request.GET.get(SINCE, ""))
    response = render(request, "hub/logs/_rows.html", {"listing": listing, "rows": rows})
    if rows:
        # The next poll asks for what has arrived since.
        response["Hub-Newest"] = str(newest(listing.request.entries, 0))
    return response


@require_safe
@for_members
def actors(request: HubRequest, visit: Visit) -> HttpResponse:
    """List the actors whose name or id contains a text, for the Actor control."""
    search = request.GET.get("search", "")[:MAX_SEARCH_LENGTH]
    try:
        found, has_more = kept_actors.actors(visit.account.id, search, MAX_ACTORS)
    except StorageError as error:
        return HttpResponse(str(error), status=503, content_type="text/plain")
    context = {"actors": found, "has_more": has_more, "search": search}
    return render(request, "hub/logs/_actors.html", context)


@require_safe
@for_members
def choose_actor(request: HubRequest, visit: Visit) -> HttpResponse:
    """List actors as links to the list of their entries: the Actor control without scripts.

    The parameter `list` holds the query of the list that the reader came from.
    """
    search, query = request.GET.get("search", ""), request.GET.get("list", "")
    search = search[:MAX_SEARCH_LENGTH]
    links = Listing(QueryDict(query), visit.account, known_id=NOT_AN_ID).links
    found, has_more = kept_actors.actors(visit.account.id, search, MAX_ACTORS)
    choices = [(actor, links.changed(actor=escape(actor.id))) for actor in found]
    context = {
        "choices": choices,
        "has_more": has_more,
        "search": search,
        "list": query,
        "all_url": links.without("actor"),
    }
    return render(request, "hub/logs/choose_actor.html", context)


@require_safe
@for_members
def entry(request: HubRequest, visit: Visit, entry_id: str) -> HttpResponse:
    """Show an entry: in the drawer beside a list, or on a page of its own.

    Where no entry has the id, it is looked for as a writer's: several matches become a list.
    """
    if is_fragment(request):
        drawer = Drawer(_part_of_list(request, visit), entry_id).read()
        return render(request, "hub/logs/_drawer.html", {"drawer": drawer}, status=drawer.status)
    entries = Entries.of(visit.account.id)
    found = parse_id(entry_id)
    shown = entries.get(found) if found else None
    if shown is None and len(entry_id) <= ID_LENGTH:
        matches = entries.where("writerId", entry_id).page(2, payloads=True).entries
        if len(matches) > 1:
            return redirect(entries_url(writerId=entry_id, dateRange="all"))
        shown = matches[0] if matches else None
    if shown is None:
        raise Http404
    context = {"view": EntryView(shown, entries)}
    return render(request, "hub/logs/entry.html", context)


@require_safe
@for_members
def entry_json(request: HubRequest, visit: Visit, entry_id: str) -> HttpResponse:
    """Answer with an entry as the API does, indented, for a person who copies it."""
    explained = ExplainedEntry.of(*_entry_of(visit, entry_id))
    return HttpResponse(indented(to_json(explained)), content_type="application/json")


@require_safe
@for_members
def findings(request: HubRequest, visit: Visit, entry_id: str) -> HttpResponse:
    """Show what the log knows around an entry: in its places there, or on a page of its own."""
    shown, entries = _entry_of(visit, entry_id)
    found = Findings(shown, entries, request.GET.get(OFF, ""))
    context = {"view": EntryView(shown, entries), "findings": found}
    name = "_findings.html" if is_fragment(request) else "findings.html"
    return render(request, f"hub/logs/{name}", context)


@require_safe
@for_members
def order_story(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show the story of one order: above the list of its entries, or on a page of its own."""
    order = request.GET.get("orderId", "")[:FACT_LENGTH]
    context = {"story": story(order, Entries.of(visit.account.id))}
    name = "_order.html" if is_fragment(request) else "order.html"
    return render(request, f"hub/logs/{name}", context)


def _part_of_list(
    request: HubRequest, visit: Visit, columns: tuple[Column, ...] = USUAL
) -> Listing:
    """Return the list of which a request reads a part. The page of the list has looked its search
    up already, and passes the result; in the address of a page itself it is ignored."""
    known_id = request.GET.get(KNOWN_ID, "")
    return Listing(request.GET, visit.account, columns=columns, known_id=known_id)


def _entry_of(visit: Visit, entry_id: str) -> tuple[Entry, Entries]:
    """Return an entry of the account, and the entries that its reader may see. Raises Http404."""
    entries, found = Entries.of(visit.account.id), parse_id(entry_id)
    shown = entries.get(found) if found else None
    if shown is None:
        raise Http404
    return shown, entries
