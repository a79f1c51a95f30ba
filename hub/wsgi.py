"""The Hub as a WSGI application."""

from django.core.wsgi import get_wsgi_application

from hub.start import begin

begin()

application = get_wsgi_application()
