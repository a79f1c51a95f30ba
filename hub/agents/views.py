"""The list of agents, and the page of one."""

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from auditlogs.entry.text import MAX_SEARCH_LENGTH
from auditlogs.entry.times import now
from hub.access.visits import HubRequest, Visit, for_members
from hub.agents.detail import AgentView
from hub.agents.fleet import Fleet

PAGE_SIZE = 50


@require_safe
@for_members
def agents(request: HubRequest, visit: Visit) -> HttpResponse:
    """List the account's agents, or those whose name or ids contain a text."""
    search = request.GET.get("search", "")[:MAX_SEARCH_LENGTH]
    fleet = Fleet.read(visit.account.id, now())
    page = Paginator(fleet.matching(search), PAGE_SIZE).get_page(request.GET.get("page"))
    fleet.read_week(page.object_list)
    context = {"fleet": fleet, "page": page, "search": search}
    return render(request, "hub/agents/list.html", context)


@require_safe
@for_members
def agent(request: HubRequest, visit: Visit, bot_id: str) -> HttpResponse:
    """Show an agent: its figures and its newest failures."""
    fleet = Fleet.read(visit.account.id, now())
    view = AgentView.find(fleet, visit.account, bot_id)
    if view is None:
        raise Http404
    context = {"fleet": fleet, "view": view, "agent": view.agent}
    return render(request, "hub/agents/agent.html", context)
