"""The Hub as a WSGI application."""

import django

from hub.startup.charset import Application
from hub.startup.start import begin

begin()
django.setup(set_prefix=False)

application = Application()
