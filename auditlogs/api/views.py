"""The JSON API: for services that write entries, for scripts and SIEMs that read them."""

import re
from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from auditlogs.accounts import keys, rate_limit
from auditlogs.api import problems, self_audit
from auditlogs.api.ingest import ingest
from auditlogs.entry.identity import parse_id
from auditlogs.entry.schema import to_json
from auditlogs.entry.times import now
from auditlogs.intake import context
from auditlogs.middleware import source_ip
from auditlogs.models import ApiKey
from auditlogs.query.entries import Entries, Page
from auditlogs.query.filters import parse
from auditlogs.redaction import is_secret_name
from auditlogs.storage.mongo import StorageError, TookTooLong

# A view of GET answers HEAD too; the server leaves the body away.
ALIASES = {"GET": ("GET", "HEAD")}
BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
KeyView = Callable[Concatenate[HttpRequest, ApiKey, P], HttpResponse]


class RequestDenied(Exception):
    """A request whose key does not let it in, with the answer that says so."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


def endpoint(methods: Mapping[str, tuple[str, KeyView[P]]]) -> View[P]:
    """Make a view of the API: each method for a key with its scope, every failure a problem.

    Cookies mean nothing here; the key is the second argument of the method's view.
    """
    allowed = [name for method in methods for name in ALIASES.get(method, (method,))]

    @csrf_exempt
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            # Whoever is signed in in this browser has not asked.
            with context.bind(person=None):
                return _answer(request, *args, **kwargs)
        except RequestDenied as refusal:
            return refusal.response
        except TookTooLong as error:
            return problems.unavailable("query-timeout", f"{error} Ask for less.")
        except StorageError as error:
            return problems.unavailable("database-unavailable", str(error))
        except SuspiciousOperation:
            return problems.bad_request()

    def _answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if _has_key_in_address(request):
            self_audit.key_in_address(request)
            return problems.key_in_query()
        if request.method not in allowed:
            return problems.method_not_allowed(allowed)
        scope, view = methods["GET" if request.method == "HEAD" else request.method]
        response = view(request, _admitted(request, scope), *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["Vary"] = "Authorization"
        return response

    return answer


def entry_list(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """PublicReport with an array of entries, newest first unless asked otherwise."""
    asked = parse(request.GET, account=key.account_id, bot=key.bot, default_range="all", now=now())
    if asked.errors:
        return problems.bad_parameters(asked.errors, asked.unknown)
    if key.bot is not None and (bot := asked.given.get("botId", key.bot)) != key.bot:
        self_audit.bot_refused(request, key, bot)
    page = asked.entries.page(asked.limit, cursor=asked.cursor, offset=asked.offset, payloads=True)
    response = HttpResponse(to_json(page.entries), content_type="application/json")
    if page.next:
        response["Link"] = f'<{_next_url(request, page)}>; rel="next"'
    return response


def entry_detail(request: HttpRequest, key: ApiKey, entry_id: str) -> HttpResponse:
    """PublicReport with one entry. What is unknown and what is another's are the same 404."""
    if request.GET:
        return _no_parameters(request)
    found = parse_id(entry_id)
    entry = Entries.of(key.account_id, key.bot).get(found) if found else None
    if entry is None:
        if found and key.bot is not None:
            self_audit.entry_refused(request, key, found)
        return problems.not_found()
    return HttpResponse(to_json(entry), content_type="application/json")


def add_entries(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Store entries."""
    return _no_parameters(request) if request.GET else ingest(request, key)


entry_collection = endpoint({"GET": ("logs:read", entry_list), "POST": ("logs:write", add_entries)})
entry = endpoint({"GET": ("logs:read", entry_detail)})


def _has_key_in_address(request: HttpRequest) -> bool:
    """Tell whether a parameter is called as secrets are, or the address holds what looks like a
    key."""
    address = request.get_full_path().encode()
    return any(map(is_secret_name, request.GET)) or bool(keys.KEY_PATTERN.search(address))


def _admitted(request: HttpRequest, scope: str) -> ApiKey:
    """Return the key of a request, which has the scope and keeps to its rate. Raises RequestDenied.

    Whatever was wrong with a key that opens nothing, the answer is the same.
    """
    header = request.headers.get("Authorization", "")
    if not header:
        raise RequestDenied(problems.unauthorized(has_key=False))
    sent = BEARER.fullmatch(header)
    key = keys.look_up(sent[1]) if sent else None
    if key is None or not keys.is_valid(key):
        raise RequestDenied(_unauthorized(request, key))
    if reached := rate_limit.count_call(key):
        self_audit.rate_limit_hit(request, reached, key)
        what = "This key has sent too many requests."
        raise RequestDenied(problems.rate_limited(what, reached.seconds))
    keys.record_use(key)
    if scope not in key.scopes:
        self_audit.scope_refused(request, key, scope)
        raise RequestDenied(problems.insufficient_scope(scope))
    return key


def _unauthorized(request: HttpRequest, key: ApiKey | None) -> HttpResponse:
    """Return the answer to what opens nothing, a key that once did or something else."""
    if reached := rate_limit.count_failure(source_ip(request)):
        self_audit.rate_limit_hit(request, reached)
        what = "Too many keys that are not valid came from this address."
        return problems.rate_limited(what, reached.seconds)
    self_audit.key_refused(request, key)
    return problems.unauthorized(has_key=True)


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
