"""Ends sessions that were idle for too long."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from hub.access import self_audit
from hub.access.visits import POLLS, caller_of

# The session's key for the time of its last request, in seconds since the epoch. It is updated at
# most once a minute, so that not every request writes to the database.
LAST_SEEN = "seen"
UPDATE_SECONDS = 60
# Staff can read every account, so an unattended browser of theirs is worth more to a stranger.
MAX_STAFF_MINUTES = 30


class IdleMiddleware:
    """Signs a person out before the view runs, if their session was idle for too long."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> None:
        request.ended_idle = False  # type: ignore[attr-defined]
        # Only pages have sessions, and reading one adds `Vary: Cookie` to the response.
        if not request.path.startswith("/hub") or SESSION_KEY not in request.session:
            return
        # Django has just emptied a session that began with a former password.
        if not isinstance(request.user, User):
            return
        now = time.time()
        idle = now - request.session.get(LAST_SEEN, now)
        if idle > max_idle_seconds(request.user):
            self_audit.session_idled(caller_of(request))
            logout(request)
            request.ended_idle = True  # type: ignore[attr-defined]
        elif request.resolver_match and request.resolver_match.view_name in POLLS:
            # A page polls by itself, whether anybody is there or not.
            return
        elif LAST_SEEN not in request.session or idle > UPDATE_SECONDS:
            request.session[LAST_SEEN] = int(now)


def max_idle_seconds(person: User) -> int:
    """Return how long a person's session may be idle."""
    minutes: int = settings.SESSION_IDLE_MINUTES
    return 60 * (min(minutes, MAX_STAFF_MINUTES) if person.is_staff else minutes)


@receiver(user_logged_in)
def _start_session(request: HttpRequest, user: AbstractBaseUser, **_: Any) -> None:
    """Reset the time of the last request: the session may be an older one of the same browser."""
    request.session[LAST_SEEN] = int(time.time())
