"""The Hub as a WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

from auditlogs import process_log

process_log.take_over()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

application = get_wsgi_application()
