"""`python -m tests.faults.prepare`: makes what a Hub of the tests' own needs, and says its keys."""

import json
import sys

import django
from django.core.management import call_command

django.setup()

from auditlogs import keys  # noqa: E402
from auditlogs.indexes import ensure_indexes  # noqa: E402
from auditlogs.models import Account  # noqa: E402

call_command("migrate", interactive=False, verbosity=0)
account = Account.objects.create(name="faults")
ensure_indexes()
made = {
    "account": account.id,
    "write_key": keys.create(account, "writer", ["logs:write"]),
    "read_key": keys.create(account, "reader", ["logs:read"]),
}
sys.stdout.write(json.dumps(made))
