"""The Hub as a WSGI application."""

import django

from hub.charset import Application
from hub.start import begin

begin()
django.setup(set_prefix=False)

application = Application()
