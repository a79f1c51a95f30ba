"""The context of what is recorded: bound once, and in a request by the middleware."""

import asyncio
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

import auditlogs
from auditlogs.entry.schema import Entry, normal_correlation_id
from auditlogs.intake import context
from auditlogs.intake.context import bind, session_label, trace_id
from auditlogs.middleware import AuditContextMiddleware
from auditlogs.models import Account, new_account_id
from auditlogs.query.entries import Entries
from tests import apart
from tests.api import Api
from tests.factories import AGENT, unique

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def recorded(account: str) -> Entry:
    (entry,) = Entries.of(account).page(2, payloads=True).entries
    return entry


def test_what_is_bound_is_meant_by_every_entry_and_what_is_given_goes_before() -> None:
    account = new_account_id()
    with bind(account=account, actor=AGENT, request_id="req-1", session_id="sess-1"):
        with bind(request_id="req-2", source_ip="203.0.113.9"):
            auditlogs.record("order.created", result="success", session_id="sess-2")
        assert context.current().request_id == "req-1"
    entry = recorded(account)
    assert entry.actor.id == AGENT["id"]
    assert (entry.request_id, entry.session_id) == ("req-2", "sess-2")
    assert entry.source_ip == "203.0.113.9"
    assert context.current() == context.Context()


def test_a_function_is_bound_until_it_has_ended_also_an_async_one() -> None:
    @bind(request_id="req-1")
    def now() -> str | None:
        return context.current().request_id

    @bind(request_id="req-2")
    async def later() -> str | None:
        await asyncio.sleep(0)
        return context.current().request_id

    assert (now(), apart.run(later())) == ("req-1", "req-2")
    assert context.current() == context.Context()
    with pytest.raises(TypeError, match="bind inside it"):
        bind(request_id="req-3")(recorded_later)


def recorded_later() -> Iterator[str]:
    yield "never"


def test_a_context_is_its_threads_own() -> None:
    seen: list[Any] = []
    with bind(request_id="req-1"):
        thread = threading.Thread(target=lambda: seen.append(context.current().request_id))
        thread.start()
        thread.join()
    assert seen == [None]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"00-{TRACE}-{PARENT}-01", TRACE),
        (f"  00-{TRACE}-{PARENT}-00 ", TRACE),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-brings", TRACE),
        (f"cc-{TRACE}-{PARENT}-01", TRACE),
        (f"00-{TRACE}-{PARENT}-01-more", None),
        (f"ff-{TRACE}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{PARENT}-01", None),
        (f"00-{TRACE[1:]}-{PARENT}-01", None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_a_trace_id_is_read_as_the_standard_says(header: str, found: str | None) -> None:
    assert trace_id(header) == found


def answer(request: HttpRequest, account: str) -> tuple[HttpResponse, Entry]:
    """Record an entry while a request is answered; return the answer and the entry."""

    def view(request: HttpRequest) -> HttpResponse:
        known = {} if request.user.is_authenticated else {"actor": AGENT}
        auditlogs.record("order.created", account=account, result="success", **known)  # type: ignore[arg-type]
        return HttpResponse()

    return AuditContextMiddleware(view)(request), recorded(account)


def test_a_request_lends_its_ids_to_what_is_recorded() -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "req_01JD2MZ7K3V9"}
    request = RequestFactory(REMOTE_ADDR="203.0.113.7").get("/", headers=headers)
    request.user = AnonymousUser()
    response, entry = answer(request, new_account_id())
    assert entry.correlation_id == normal_correlation_id(TRACE)
    assert (entry.request_id, entry.source_ip) == ("req_01JD2MZ7K3V9", "203.0.113.7")
    assert response["X-Request-ID"] == "req_01JD2MZ7K3V9"
    assert entry.session_id is None


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "é", "a;b", "../x"])
def test_a_request_id_that_is_none_is_replaced(sent: str) -> None:
    request = RequestFactory().get("/", headers={"x-request-id": sent})
    request.user = AnonymousUser()
    response, entry = answer(request, new_account_id())
    assert entry.request_id == response["X-Request-ID"] != sent
    assert entry.correlation_id
    assert uuid.UUID(entry.correlation_id)


def test_the_person_who_is_signed_in_is_the_actor(user: User) -> None:
    request = RequestFactory().get("/")
    request.user, request.session = user, SessionStore()
    request.session.create()
    _, entry = answer(request, new_account_id())
    assert (entry.actor.type, entry.actor.name) == ("user", user.username)
    assert request.session.session_key
    assert entry.session_id == session_label(request.session.session_key)


def test_a_browsers_session_means_nothing_to_the_api(
    signed_in_client: Client, account: Account
) -> None:
    from auditlogs.accounts import keys

    key = keys.create(account, unique("weak"), [])
    api = Api(key)
    api.client = signed_in_client
    assert api.get().status_code == 403
    denial = recorded(account.id)
    assert (denial.actor.type, denial.session_id) == ("system", None)
    assert denial.request_id is not None
