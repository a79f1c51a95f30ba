"""The help pages: scopes, the life of an order, and error codes."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from auditlogs.accounts import keys
from auditlogs.explain import codes, scopes
from auditlogs.explain.orders import STATES, TRANSITIONS, OrderState
from hub.access.visits import HubRequest, for_people
from hub.help import order_picture
from hub.help.codes import HUB_CODES

# URL name and title of each page, in the order of the tabs.
TOPICS = {
    "help_scopes": "Scopes and Access Control",
    "help_orders": "Order Lifecycle",
    "help_codes": "Error Codes",
}
PAGE_OF_TOPIC = {"scopes": "help_scopes", "orders": "help_orders"}


@require_safe
def help_pages(request: HttpRequest) -> HttpResponse:
    """Redirect to the first help page."""
    return redirect(next(iter(TOPICS)))


@require_safe
@for_people
def help_scopes(request: HubRequest) -> HttpResponse:
    """Show what each scope allows."""
    api_scopes = [
        (name, sentence, scopes.API_REQUESTS.get(name, ()))
        for name, sentence in keys.SCOPES.items()
    ]
    context = {"tool_scopes": scopes.tool_scopes(), "api_scopes": api_scopes}
    return _page(request, "help_scopes", context)


@require_safe
@for_people
def help_orders(request: HubRequest) -> HttpResponse:
    """Show the states of an order and their transitions."""
    states = [
        (name, state, _log_url(state), [(each, STATES[each].label) for each in TRANSITIONS[name]])
        for name, state in STATES.items()
    ]
    context = {"states": states, "nodes": order_picture.nodes(), "arrows": order_picture.arrows()}
    return _page(request, "help_orders", context)


@require_safe
@for_people
def help_codes(request: HubRequest) -> HttpResponse:
    """Show the meaning of each error code and what to do about it."""
    context = {
        "groups": [
            ("platform", "Platform and agents", _rows(codes.PLATFORM_CODES)),
            ("hub", "Hub and API", _rows({**codes.LOG_CODES, **HUB_CODES})),
            ("mcp", "MCP servers", _rows(codes.MCP_CODES)),
        ],
        "problems": codes.PROBLEMS,
    }
    return _page(request, "help_codes", context)


def _page(request: HubRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    tabs = [(reverse(each), label, each == name) for each, label in TOPICS.items()]
    context |= {"title": TOPICS[name], "tabs": tabs}
    return render(request, f"hub/help/{name.removeprefix('help_')}.html", context)


def _log_url(state: OrderState) -> str:
    """Return the URL of the entries that brought orders into a state."""
    filters = {"action": state.action}
    # Filled and partially filled orders have the same action.
    if sum(each.action == state.action for each in STATES.values()) > 1:
        filters["result"] = str(state.result)
    return f"{reverse('logs')}?{urlencode(filters)}"


def _rows(table: Mapping[str, codes.Code]) -> list[tuple[str, codes.Code, str, str]]:
    """Return rows of name, code, and the URL and title of a page about it, or empty texts."""
    rows = []
    for name, code in table.items():
        page = PAGE_OF_TOPIC[code.topic] if code.topic else ""
        rows.append((name, code, reverse(page) if page else "", TOPICS.get(page, "")))
    return rows
