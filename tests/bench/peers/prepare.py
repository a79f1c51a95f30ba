"""`python -m tests.bench.peers.prepare`: make the tables and an administrator, and print a cookie
that is signed in. With PEER_ROWS, take the entries over from that database."""

import itertools
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.test import Client

django.setup()
from django.contrib.auth.models import User  # noqa: E402

from tests.bench.peers.models import Entry  # noqa: E402

BATCH = 1_000

call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
if "rows" in settings.DATABASES:
    rows = Entry._default_manager.using("rows").order_by("timestamp").iterator(BATCH)
    while batch := list(itertools.islice(rows, BATCH)):
        Entry._default_manager.bulk_create(batch)
browser = Client()
browser.force_login(User.objects.create_superuser("bench"))
sys.stdout.write(f"{settings.SESSION_COOKIE_NAME}={browser.session.session_key}")
