"""The API's description and the schema of an entry, for everyone: they are the same for all
accounts and hold nothing of any."""

import functools
import re
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, get_resolver, reverse

from auditlogs.api import problems
from auditlogs.api.openapi import document, entry_schema as schema_at
from auditlogs.api.views import SCOPES, public

# The first URL of each has no parameter.
URLS = ("auditlogs.api.urls", "auditlogs.api.monitoring_urls")
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
SCHEMA_TYPE = "application/schema+json"


@public
def openapi(request: HttpRequest) -> HttpResponse:
    """Answer with the OpenAPI document."""
    return _public(request, described(), "application/json")


@public
def entry_schema(request: HttpRequest) -> HttpResponse:
    """Answer with the JSON Schema of an entry. A change that is none of its additions gets another
    address."""
    return _public(request, schema_at(reverse("api_entry_schema")), SCHEMA_TYPE)


@functools.cache
def described() -> dict[str, Any]:
    """Return the OpenAPI document of the API's routes."""
    return document(routes())


def routes() -> dict[str, tuple[str, dict[str, str]]]:
    """Return the path template of each of the API's routes by name, and the scope of each method,
    empty for what needs no key."""
    found = {}
    for module in URLS:
        prefix = None
        for route in get_resolver(module).url_patterns:
            assert isinstance(route, URLPattern)
            assert route.name is not None
            if prefix is None:
                prefix = reverse(route.name).removesuffix(str(route.pattern))
            path = prefix + PARAMETER.sub(r"{\1}", str(route.pattern))
            found[route.name] = (path, SCOPES.get(route.callback, {"GET": ""}))
    return found


def _public(request: HttpRequest, body: dict[str, Any], kind: str) -> HttpResponse:
    if request.GET:
        return problems.takes_no_parameters(request)
    response = HttpResponse(msgspec.json.encode(body), content_type=kind)
    response["Cache-Control"] = "no-cache"
    return response
