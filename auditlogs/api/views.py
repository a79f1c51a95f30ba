"""The JSON API: services write entries with it, scripts and SIEMs read them."""

import functools
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Concatenate, ParamSpec
from urllib.parse import parse_qsl

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags, quote_etag
from django.views.decorators.csrf import csrf_exempt

from auditlogs.accounts import keys, rate_limit
from auditlogs.api import problems, self_audit
from auditlogs.api.body import JSON
from auditlogs.api.ingest import ingest
from auditlogs.api.negotiation import preferred
from auditlogs.api.reading import TooManyReaders, read_page, reader_of
from auditlogs.entry.identity import parse_id
from auditlogs.entry.schema import Entry, to_json
from auditlogs.entry.times import now
from auditlogs.explain.explained import ExplainedEntry
from auditlogs.export.formats import FORMATS, NDJSON_TYPE
from auditlogs.intake import context
from auditlogs.middleware import source_ip
from auditlogs.models import ApiKey
from auditlogs.query.cursor import Cursor
from auditlogs.query.entries import ArrivalPage, Entries
from auditlogs.query.filters import parse
from auditlogs.redaction import is_secret_name
from auditlogs.storage.mongo import StorageError, TookTooLong

# A view for GET answers HEAD too; the server omits the body.
ALIASES = {"GET": ("GET", "HEAD")}
BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)

ALL_OR_NOTHING = "allOrNothing"
# How soon a reader who has read all arrivals may ask for more.
POLL_SECONDS = 5

# The media types of a list, the default first.
BODIES: dict[str, Callable[[list[Entry]], bytes]] = {
    JSON: to_json,
    NDJSON_TYPE: FORMATS["ndjson"].page,
    "text/csv": FORMATS["csv"].page,
}

# The scope that each method of an endpoint requires, by the view.
SCOPES: dict[Callable[..., HttpResponseBase], dict[str, str]] = {}

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
KeyView = Callable[Concatenate[HttpRequest, ApiKey, P], HttpResponseBase]


class RequestDenied(Exception):
    """A request that its key does not allow, with the response."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


def endpoint(methods: Mapping[str, tuple[str, KeyView[P]]]) -> View[P]:
    """Make a view from a mapping of methods to (scope, view); the view gets the request's key.

    Every failure is answered with a problem document. Cookies are ignored, so requests need no CSRF
    token.
    """
    allowed = [name for method in methods for name in ALIASES.get(method, (method,))]

    @csrf_exempt
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            # A browser may send a session's cookie along, but the caller is the key.
            with context.bind(person=None):
                return _answer(request, *args, **kwargs)
        except RequestDenied as denied:
            return denied.response
        except TookTooLong as error:
            return problems.unavailable(
                "query-timeout", f"{error} Restrict the query, for example to fewer days."
            )
        except StorageError as error:
            return problems.unavailable("database-unavailable", str(error))
        except SuspiciousOperation as error:
            return problems.bad_request(error)

    def _answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if refusal := _refusal(request, allowed):
            return refusal
        scope, view = methods["GET" if request.method == "HEAD" else str(request.method)]
        key = _authenticate(request, scope)
        if errors := _undecodable(request):
            return problems.bad_parameters(errors, frozenset())
        response = view(request, key, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        patch_vary_headers(response, ["Authorization"])
        return response

    SCOPES[answer] = {method: scope for method, (scope, _) in methods.items()}
    return answer


def public(view: View[P]) -> View[P]:
    """Make a view that reads without a key. A key in the address is an error here too, and a
    session's cookie needs no CSRF token, because nothing is changed."""

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        with context.bind(person=None):
            try:
                refusal = _refusal(request, ALIASES["GET"])
            except SuspiciousOperation as error:
                return problems.bad_request(error)
        return refusal or view(request, *args, **kwargs)

    return answer


def in_json(view: KeyView[P]) -> KeyView[P]:
    """Make a view that answers 406 to a request that does not accept JSON."""

    @functools.wraps(view)
    def answer(
        request: HttpRequest, key: ApiKey, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if preferred(request.headers.get("Accept", ""), [JSON]) is None:
            return problems.not_acceptable([JSON])
        response = view(request, key, *args, **kwargs)
        patch_vary_headers(response, ["Accept"])
        return response

    return answer


def entry_list(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Answer with an array of entries, by default newest first; or with lines of NDJSON or CSV, as
    the request prefers."""
    accepted = preferred(request.headers.get("Accept", ""), list(BODIES))
    if accepted is None:
        return problems.not_acceptable(list(BODIES))
    query = parse(request.GET, account=key.account_id, bot=key.bot, default_range="all", now=now())
    if query.errors:
        return problems.bad_parameters(query.errors, query.unknown)
    self_audit.note_other_bot(request, key, query.entries.wanted("botId"))
    try:
        with reader_of(key.account_id):
            page = read_page(query)
            body = BODIES[accepted](page.entries)
    except TooManyReaders:
        return problems.rate_limited("Too many requests are reading the account's entries.", 1)
    response = HttpResponse(body, content_type=accepted)
    patch_vary_headers(response, ["Accept"])
    if query.found_id:
        response["X-Search"] = "id"
    if page.next:
        response["Link"] = f'<{_next_url(request, page.next)}>; rel="next"'
    return _followed(request, response, page) if isinstance(page, ArrivalPage) else response


def _followed(request: HttpRequest, response: HttpResponse, page: ArrivalPage) -> HttpResponse:
    """Say when to ask again, and answer 304 to a reader who has this page already.

    The tags are compared weakly (RFC 9110, section 13.1.2): compression makes them weak. Django's
    own comparison would leave out the headers with which a reader goes on.
    """
    if page.is_caught_up:
        response["Retry-After"] = str(POLL_SECONDS)
    digest = hashlib.sha256(request.get_full_path().encode() + response.content).hexdigest()
    response["ETag"] = etag = quote_etag(digest[:32])
    given = parse_etags(request.headers.get("If-None-Match", ""))
    if given == ["*"] or etag in [each.removeprefix("W/") for each in given]:
        response.status_code, response.content = 304, b""
    return response


@in_json
def entry_detail(request: HttpRequest, key: ApiKey, entry_id: str) -> HttpResponse:
    """Answer with one entry and, if it failed, why.

    Another account's id gets the same 404 as one that does not exist.
    """
    if request.GET:
        return problems.takes_no_parameters(request)
    id = parse_id(entry_id)
    entry = Entries.of(key.account_id, key.bot).get(id) if id else None
    if entry is None:
        if id and key.bot is not None:
            self_audit.entry_refused(request, key, id)
        return problems.not_found()
    explained = ExplainedEntry.of(entry, Entries.of(key.account_id, key.bot))
    return HttpResponse(to_json(explained), content_type=JSON)


def add_entries(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Store the entries of a request: all or, with `allOrNothing=false`, those that are valid."""
    choice = [each for each in request.GET.getlist(ALL_OR_NOTHING) if each]
    unknown = dict.fromkeys(request.GET.keys() - {ALL_OR_NOTHING}, "not a known parameter")
    errors = dict(unknown)
    if len(choice) > 1 or (choice and choice[0] not in ("true", "false")):
        errors[ALL_OR_NOTHING] = "expected true or false, once"
    if errors:
        return problems.bad_parameters(errors, frozenset(unknown))
    return ingest(request, key, all_or_nothing=choice != ["false"])


entry_collection = endpoint({"GET": ("logs:read", entry_list), "POST": ("logs:write", add_entries)})
entry = endpoint({"GET": ("logs:read", entry_detail)})


def _refusal(request: HttpRequest, allowed: Sequence[str]) -> HttpResponse | None:
    """Return the answer to a key in the address or to a method that is not allowed."""
    if _has_key_in_url(request):
        self_audit.key_in_address(request)
        return problems.key_in_query()
    return None if request.method in allowed else problems.method_not_allowed(allowed)


def _undecodable(request: HttpRequest) -> dict[str, str]:
    """Return an error for each parameter that is not UTF-8. Django decodes it with replacement
    characters, which no entry has in their place."""
    # Read as Latin-1, a text keeps its bytes.
    sent = parse_qsl(request.META.get("QUERY_STRING", ""), True, encoding="latin-1")
    errors = {}
    for name, value in sent:
        try:
            (name + value).encode("latin-1").decode()
        except UnicodeDecodeError:
            shown = name.encode("latin-1").decode(errors="replace")
            errors[shown] = "expected text in UTF-8, percent-encoded"
    return errors


def _has_key_in_url(request: HttpRequest) -> bool:
    """Tell whether a parameter has the name of a secret, or the URL contains what looks like a
    key."""
    url = request.get_full_path().encode()
    return any(map(is_secret_name, request.GET)) or bool(keys.KEY_PATTERN.search(url))


def _authenticate(request: HttpRequest, scope: str) -> ApiKey:
    """Return the request's key. Raises RequestDenied if it is missing or invalid, exceeds its rate,
    or lacks the scope.

    The answer to an invalid key does not say whether it is unknown, revoked or expired.
    """
    header = request.headers.get("Authorization", "")
    if not header:
        raise RequestDenied(problems.unauthorized(has_key=False))
    bearer = BEARER.fullmatch(header)
    key = keys.look_up(bearer[1]) if bearer else None
    if key is None or not keys.is_valid(key):
        raise RequestDenied(_unauthorized(request, key))
    if reached := rate_limit.count_call(key):
        self_audit.rate_limit_hit(request, reached, key)
        reason = "This key has sent too many requests."
        raise RequestDenied(problems.rate_limited(reason, reached.seconds))
    keys.record_use(key)
    if scope not in key.scopes:
        self_audit.scope_refused(request, key, scope)
        raise RequestDenied(problems.insufficient_scope(scope))
    return key


def _unauthorized(request: HttpRequest, key: ApiKey | None) -> HttpResponse:
    """Return the answer to an invalid key; `key` is None for one that never existed."""
    if reached := rate_limit.count_failure(source_ip(request)):
        self_audit.rate_limit_hit(request, reached)
        reason = "Too many requests with invalid keys came from this address."
        return problems.rate_limited(reason, reached.seconds)
    self_audit.key_refused(request, key)
    return problems.unauthorized(has_key=True)


def _next_url(request: HttpRequest, following: Cursor) -> str:
    """Return the URL of the next page: the same parameters with a cursor instead of an offset."""
    query = request.GET.copy()
    query.pop("offset", None)
    query["cursor"] = following.dump()
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
