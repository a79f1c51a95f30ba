"""A limit to the requests that a process works on at once.

Beyond what it can do, every request would only take longer, until nobody waits for its answer any
more. So one that finds no place in time is told to come again.
"""

from collections.abc import Callable
from threading import BoundedSemaphore

from django.http import HttpRequest, HttpResponse

from hub.errors import unavailable

AT_ONCE = 8
WAIT_SECONDS = 2.0
# What watches a process has to see it when it is busy, too.
WATCHED = ("/readyz", "/metrics")
BUSY = "The Hub has more requests than it can answer."


class OverloadMiddleware:
    """Answers 503 to a request that waits for longer than `WAIT_SECONDS` for one of `AT_ONCE`
    places. A server with more threads than places has some left that can say so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._places = BoundedSemaphore(AT_ONCE)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(WATCHED):
            return self._get_response(request)
        if not self._places.acquire(timeout=WAIT_SECONDS):
            return unavailable(request, "overloaded", BUSY)
        try:
            return self._get_response(request)
        finally:
            self._places.release()
