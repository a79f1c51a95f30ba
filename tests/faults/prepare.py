"""`python -m tests.faults.prepare`: create the account, keys and staff of a test Hub, and print
them as JSON."""

import json
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.test import Client

django.setup()
from django.contrib.auth.models import User  # noqa: E402

from auditlogs.accounts import keys  # noqa: E402
from auditlogs.models import Account  # noqa: E402
from auditlogs.storage.indexes import ensure_indexes  # noqa: E402

call_command("migrate", interactive=False, verbosity=0)
account = Account.objects.create(name="faults")
ensure_indexes()
browser = Client()
browser.force_login(User.objects.create_user("staff", is_staff=True))
made = {
    "account": account.id,
    "write_key": keys.create(account, "writer", ["logs:write"]),
    "read_key": keys.create(account, "reader", ["logs:read", "logs:export"]),
    "staff_cookie": f"{settings.SESSION_COOKIE_NAME}={browser.session.session_key}",
}
sys.stdout.write(json.dumps(made))
