"""`python -m tests.faults.recorder HOW`: a service that records what it reads, a line of JSON each.

HOW is a mode of `auditlogs.record`, or `client` for the client module. What is refused ends up on
standard error, as services have it; the last line of standard output says how many were taken.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, cast

import msgspec

from auditlogs.entry.schema import NewEntry
from auditlogs.recording.recorder import Mode

NAMES = {field.encode_name: field.name for field in msgspec.structs.fields(NewEntry)}


def main(how: str) -> None:
    record, end = _client() if how == "client" else _recorder(cast(Mode, how))
    taken = 0
    for line in sys.stdin:
        fields = {NAMES.get(name, name): value for name, value in json.loads(line).items()}
        try:
            record(**fields)
            taken += 1
        except Exception:  # noqa: BLE001  (whatever it is has to be without secrets)
            traceback.print_exc()
    end()
    sys.stdout.write(f"{taken}\n")


def _recorder(mode: Mode) -> tuple[Callable[..., Any], Callable[[], Any]]:
    import django

    django.setup()
    import auditlogs

    account = os.environ["ACCOUNT"]
    return lambda **fields: auditlogs.record(mode=mode, account=account, **fields), lambda: None


def _client() -> tuple[Callable[..., Any], Callable[[], Any]]:
    from auditlogs.client import Client

    client = Client(os.environ["HUB"], os.environ["HUB_KEY"])
    return client.record, client.close


if __name__ == "__main__":
    main(sys.argv[1])
