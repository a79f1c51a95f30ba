"""How gunicorn serves the Hub (`gunicorn -c python:hub.serving hub.wsgi`): its own lines, too, are
JSON without secrets."""

from django.conf import settings
from gunicorn.config import Config
from gunicorn.glogging import Logger

from auditlogs.process_log import JsonLines
from hub.startup.start import begin


class JsonLogger(Logger):
    """Gunicorn's logger, with the formatter of the Hub's."""

    def setup(self, cfg: Config) -> None:
        """Set up what the options ask for; they decide level and place."""
        super().setup(cfg)
        lines = JsonLines(settings.AUDITLOGS_REDACT_NAMES, settings.AUDITLOGS_REDACT_PATTERNS)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(lines)


begin()

logger_class = JsonLogger
# How a request came to a proxy is for PROXY_HOPS alone to say.
secure_scheme_headers: dict[str, str] = {}
