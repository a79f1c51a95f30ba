"""The header `Server-Timing`: what a response has waited for. See
https://www.w3.org/TR/server-timing/."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from auditlogs.storage import timing


class ServerTimingMiddleware:
    """Tells the time in the log's database and the number of round trips to it, in every response
    that grants what was asked for: `db;dur=3.2;desc="2 round trips"`. Browsers show it beside the
    request. A refusal must not tell by its time why it was one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timing.measure() as measured:
            response = self._get_response(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            return response
        trips = measured.round_trips
        noun = "round trip" if trips == 1 else "round trips"
        duration = f"{measured.milliseconds:.1f}"
        response["Server-Timing"] = f'db;dur={duration};desc="{trips} {noun}"'
        return response
