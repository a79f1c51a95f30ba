"""gunicorn's configuration: `gunicorn -c python:hub.serving hub.wsgi`.

Its own log lines become JSON without secrets, too.
"""

from django.conf import settings
from gunicorn.config import Config
from gunicorn.glogging import Logger

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


begin()

logger_class = JsonLogger
# gunicorn would trust X-Forwarded-Proto from the loopback interface; PROXY_HOPS alone decides that.
secure_scheme_headers: dict[str, str] = {}
