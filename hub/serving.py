"""gunicorn's configuration: `gunicorn -c python:hub.serving hub.wsgi`.

Its own log lines become JSON without secrets, too.
"""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.body import ChunkedReader, LengthReader

from auditlogs.metrics import SHARED
from auditlogs.process_log import JsonLines
from hub.startup.start import begin


class JsonLogger(Logger):
    """gunicorn's logger with the formatter of the Hub's process log."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        lines = JsonLines(settings.AUDITLOGS_REDACT_NAMES, settings.AUDITLOGS_REDACT_PATTERNS)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(lines)


def pre_request(worker: Any, request: Any) -> None:
    """Close the connection after an answer that was given before the body was read, and say so.

    Else gunicorn reads on to find the next request, for as long as the client sends a body.
    """
    asks_to_close = request.should_close
    request.should_close = lambda: asks_to_close() or _has_unread_body(request)


def _has_unread_body(request: Any) -> bool:
    reader = request.body.reader
    if isinstance(reader, LengthReader):
        return reader.length > 0
    # The reader of chunks drops its parser at the last one, and keeps it after an error.
    return isinstance(reader, ChunkedReader) and reader.parser is not None


def on_starting(server: Any) -> None:
    """Begin to count at zero: files of an earlier start would be added to the figures."""
    for file in Path(os.environ[SHARED]).glob("*.db") if os.environ.get(SHARED) else ():
        file.unlink()


begin()

logger_class = JsonLogger
# gunicorn would trust X-Forwarded-Proto from the loopback interface; PROXY_HOPS alone decides that.
secure_scheme_headers: dict[str, str] = {}
# By default it takes the WSGI variables SCRIPT_NAME and PATH_INFO from headers of those names.
forwarder_headers = ""
# The most there can be: twenty values of a filter beside a cursor take more than the default.
limit_request_line = 8190
