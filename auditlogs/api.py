"""The JSON API: the query layer's answers as JSON, for scripts and SIEMs."""

import functools
import re
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from auditlogs import happenings, keys, problems
from auditlogs.filters import parse
from auditlogs.identity import parse_id
from auditlogs.models import ApiKey
from auditlogs.query import Entries, Page
from auditlogs.schema import to_json
from auditlogs.storage import StorageError, TookTooLong
from auditlogs.times import now

READ_METHODS = ("GET", "HEAD")
BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
KeyView = Callable[Concatenate[HttpRequest, ApiKey, P], HttpResponse]


def api(scope: str) -> Callable[[KeyView[P]], View[P]]:
    """Make a view of the API: for a key with the scope, with every failure a problem document.

    Cookies mean nothing here; the key is the second argument of the view.
    """

    def decorate(view: KeyView[P]) -> View[P]:
        @csrf_exempt
        @functools.wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method not in READ_METHODS:
                return problems.method_not_allowed(READ_METHODS)
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

    return decorate


@api("logs:read")
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


@api("logs:read")
def entry_detail(request: HttpRequest, key: ApiKey, entry_id: str) -> HttpResponse:
    """Answer with one entry. What is unknown and what is another's are the same 404."""
    if request.GET:
        unknown = dict.fromkeys(request.GET, "not a known parameter")
        return problems.bad_parameters(unknown, frozenset(unknown))
    found = parse_id(entry_id)
    entry = Entries.of(key.account_id).get(found) if found else None
    if entry is None:
        return problems.not_found()
    return HttpResponse(to_json(entry), content_type="application/json")


def _next_url(request: HttpRequest, page: Page) -> str:
    """Return the URL of the next page: the same filters, with the cursor instead of an offset."""
    assert page.next is not None
    query = request.GET.copy()
    query.pop("offset", None)
    query["cursor"] = page.next.dump()
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
