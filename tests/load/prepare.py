"""`python -m tests.load.prepare PEOPLE SCRIPTS ENTRIES`: record entries, and print the sessions of
so many people and the keys of so many scripts as JSON."""

import itertools
import json
import sys

import django

django.setup()
from auditlogs.accounts import keys  # noqa: E402
from auditlogs.entry.times import now  # noqa: E402
from auditlogs.models import Account  # noqa: E402
from auditlogs.recording.recorder import MAX_BATCH, record_many  # noqa: E402
from hub.demo.prepare import collect_static  # noqa: E402
from tests.bench.history import History  # noqa: E402
from tests.people import member, signed_in  # noqa: E402

people, scripts, entries = map(int, sys.argv[1:])
collect_static()
account = Account.objects.create(name="load")
history = History(entries, now()).entries()
while batch := list(itertools.islice(history, MAX_BATCH)):
    record_many(batch, account=account.id)
browsers = [signed_in(member(account, "viewer", f"person-{each}")) for each in range(people)]
scopes = ["logs:read", "logs:write"]
made = {
    "sessions": [f"sessionid={browser.cookies['sessionid'].value}" for browser in browsers],
    "keys": [keys.create(account, f"script-{each}", scopes) for each in range(scripts)],
}
sys.stdout.write(json.dumps(made))
