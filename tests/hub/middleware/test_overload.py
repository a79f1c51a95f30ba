"""Tests of the limit to requests at once."""

import threading
from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from hub.middleware import overload
from hub.middleware.overload import AT_ONCE, OverloadMiddleware


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[OverloadMiddleware]:
    """A middleware all of whose places are taken."""
    monkeypatch.setattr(overload, "WAIT_SECONDS", 0.01)
    taken, goes_on = threading.Semaphore(0), threading.Event()

    def work(request: HttpRequest) -> HttpResponse:
        if request.path == "/hub/logs" and request.GET:
            taken.release()
            goes_on.wait(10)
        return HttpResponse()

    limited = OverloadMiddleware(work)
    waiting = RequestFactory().get("/hub/logs?search=all")
    threads = [threading.Thread(target=limited, args=(waiting,)) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
        assert taken.acquire(timeout=10)
    yield limited
    goes_on.set()
    for thread in threads:
        thread.join()
    # Their places are free again.
    assert limited(RequestFactory().get("/hub/logs")).status_code == 200


def test_what_finds_no_place_is_told_to_come_again(full: OverloadMiddleware) -> None:
    page = full(RequestFactory().get("/hub/logs"))
    assert page.status_code == 503
    assert "more requests than it can answer" in page.content.decode()
    answer = full(RequestFactory().get("/api/audit-logs"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"
    assert "overloaded" in answer.content.decode()


def test_what_watches_a_process_is_answered_at_any_time(full: OverloadMiddleware) -> None:
    for path in ("/readyz", "/metrics"):
        assert full(RequestFactory().get(path)).status_code == 200


def test_every_503_says_when_to_come_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(overload, "AT_ONCE", 0)
    answer = client.get("/hub/sign-in")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
