"""A site whose pages fail with a planted secret in the reason, for a server process to run."""

import logging
import os
from collections.abc import Callable, Iterable
from typing import Any, Never

from django.conf import settings
from django.http import HttpRequest
from django.urls import include, path

import hub.wsgi

SECRET = os.environ["PLANTED"]


def fail(_: HttpRequest) -> Never:
    """Fail because of a failure, having told of it."""
    logging.getLogger("site").warning("Authorization: Bearer %s\r\n{}", SECRET)
    cause = ValueError(f"Bearer {SECRET}")
    raise RuntimeError(f"mongodb://ada:{SECRET}@db/x\nrefused\x1b[2J") from cause


django = hub.wsgi.application
urlpatterns = [path("fails", fail), path("", include("hub.urls"))]
handler500 = "hub.errors.server_error"
settings.ROOT_URLCONF = __name__
# Nobody has collected the static files.
settings.STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer by the site, or fail where only the server can tell of it."""
    if environ["PATH_INFO"] == "/fails-outside":
        raise RuntimeError(f"Authorization: Bearer {SECRET}")
    answer: Iterable[bytes] = django(environ, start_response)
    return answer
