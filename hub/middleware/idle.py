"""Sessions that nobody uses: over after a while, and said to be."""

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
from hub.access.visits import caller_of

# When a session was last used, in seconds since the epoch; told to the minute.
SESSION_SEEN = "seen"
SEEN_SECONDS = 60
# Staff look into every account.
MAX_STAFF_MINUTES = 30


class IdleMiddleware:
    """Ends a session that was not used for so long, before a view knows of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> None:
        """Look at the session of a page; nothing else has one."""
        request.ended_idle = False  # type: ignore[attr-defined]
        if not request.path.startswith("/hub") or SESSION_KEY not in request.session:
            return
        now = time.time()
        idle = now - request.session.get(SESSION_SEEN, now)
        if isinstance(request.user, User) and idle > idle_seconds(request.user):
            self_audit.session_idled(caller_of(request))
            logout(request)
            request.ended_idle = True  # type: ignore[attr-defined]
        elif SESSION_SEEN not in request.session or idle > SEEN_SECONDS:
            request.session[SESSION_SEEN] = int(now)


def idle_seconds(person: User) -> int:
    """Return for how long a person's session may go unused."""
    minutes: int = settings.SESSION_IDLE_MINUTES
    return 60 * (min(minutes, MAX_STAFF_MINUTES) if person.is_staff else minutes)


@receiver(user_logged_in)
def _begin(request: HttpRequest, user: AbstractBaseUser, **_: Any) -> None:
    """Let a session begin as one that was used just now."""
    request.session[SESSION_SEEN] = int(time.time())
