"""The JSON API: for services that write entries, for scripts and SIEMs that read them."""

import re
from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from auditlogs import context, happenings, keys, problems
from auditlogs.filters import parse
from auditlogs.identity import parse_id
from auditlogs.ingest import ingest
from auditlogs.models import ApiKey
from auditlogs.query import Entries, Page
from auditlogs.rate_limit import seconds_to_wait
from auditlogs.schema import to_json
from auditlogs.storage import StorageError, TookTooLong
from auditlogs.times import now

# A view of GET answers HEAD too; the server leaves the body away.
ALIASES = {"GET": ("GET", "HEAD")}
BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
KeyView = Callable[Concatenate[HttpRequest, ApiKey, P], HttpResponse]


def endpoint(methods: Mapping[str, tuple[str, KeyView[P]]]) -> View[P]:
    """Make a view of the API: each method for a key with its scope, every failure a problem.

    Cookies mean nothing here; the key is the second argument of the method's view.
    """
    allowed = [name for method in methods for name in ALIASES.get(method, (method,))]

    @csrf_exempt
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        # Whoever is signed in in this browser has not asked.
        with context.bind(person=None):
            return _answer(request, *args, **kwargs)

    def _answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method not in allowed:
            return problems.method_not_allowed(allowed)
        scope, view = methods["GET" if request.method == "HEAD" else request.method]
        header = request.headers.get("Authorization", "")
        sent = BEARER.fullmatch(header)
        key = keys.find(sent[1]) if sent else None
        if key is None:
            if header:
                happenings.key_refused(request, sent[1] if sent else "")
            return problems.unauthorized(has_key=bool(header))
        if scope not in key.scopes:
            happenings.scope_refused(request, key, scope)
            return problems.insufficient_scope(scope)
        try:
            response = view(request, key, *args, **kwargs)
        except TookTooLong as error:
            return problems.unavailable("query-timeout", f"{error} Ask for less.")
        except StorageError as error:
            return problems.unavailable("database-unavailable", str(error))
        except SuspiciousOperation:
            return problems.bad_request()
        response["Cache-Control"] = "no-store"
        response["Vary"] = "Authorization"
        return response

    return answer


def entry_list(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Answer with an array of entries, newest first unless asked otherwise."""
    asked = parse(request.GET, account=key.account_id, default_range="all", now=now())
    if asked.errors:
        return problems.bad_parameters(asked.errors, asked.unknown)
    page = asked.entries.page(asked.limit, cursor=asked.cursor, offset=asked.offset, payloads=True)
    response = HttpResponse(to_json(page.entries), content_type="application/json")
    if page.next:
        response["Link"] = f'<{_next_url(request, page)}>; rel="next"'
    return response


def entry_detail(request: HttpRequest, key: ApiKey, entry_id: str) -> HttpResponse:
    """Answer with one entry. What is unknown and what is another's are the same 404."""
    if request.GET:
        return _no_parameters(request)
    found = parse_id(entry_id)
    entry = Entries.of(key.account_id).get(found) if found else None
    if entry is None:
        return problems.not_found()
    return HttpResponse(to_json(entry), content_type="application/json")


def add_entries(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Store entries, unless the key has sent too many requests lately."""
    if request.GET:
        return _no_parameters(request)
    wait = seconds_to_wait(key)
    if wait:
        happenings.rate_limit_hit(request, key)
        return problems.rate_limited(wait)
    return ingest(request, key)


entry_collection = endpoint({"GET": ("logs:read", entry_list), "POST": ("logs:write", add_entries)})
entry = endpoint({"GET": ("logs:read", entry_detail)})


def _no_parameters(request: HttpRequest) -> HttpResponse:
    unknown = dict.fromkeys(request.GET, "not a known parameter")
    return problems.bad_parameters(unknown, frozenset(unknown))


def _next_url(request: HttpRequest, page: Page) -> str:
    """Return the URL of the next page: the same filters, with the cursor instead of an offset."""
    assert page.next is not None
    query = request.GET.copy()
    query.pop("offset", None)
    query["cursor"] = page.next.dump()
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
