"""The surroundings of a run: a database of its own, and settings that lead to it alone."""

import os
import tempfile
import uuid
from contextlib import ExitStack
from pathlib import Path

import django
import pymongo

from tests.server import SECRET_KEY, Server, with_database
from tests.watching import watcher

# So that every day has the demo's stories, and each question an answer.
FEWEST_ENTRIES = 200


def enter(stack: ExitStack) -> Path:
    """Set Django up on a new database, embedded or at MONGODB_URI, and return a folder that goes
    with it. Whatever the shell says, no run may meet anybody's data."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="auditlogs-bench-")))
    given = os.environ.get("MONGODB_URI", "")
    if given:
        uri = with_database(given, f"auditlogs_bench_{uuid.uuid4().hex[:12]}")
        stack.callback(_drop, uri)
    else:
        server = Server()
        stack.callback(server.stop)
        uri = server.uri
    for name in [name for name in os.environ if name.startswith(("AUDITLOGS_", "OIDC_"))]:
        del os.environ[name]
    for name in ("DEBUG", "PROXY_HOPS"):
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "SECRET_KEY": SECRET_KEY,
        "HTTPS": "false",
        "ALLOWED_HOSTS": "testserver,127.0.0.1",
        "MONGODB_URI": uri,
        "DATABASE_URL": f"sqlite:///{folder / 'hub.sqlite3'}",
        "AUDITLOGS_SPOOL_DIR": str(folder / "spool"),
        "AUDITLOGS_API_RATE": "1000000/second",
    }
    pymongo.monitoring.register(watcher)
    django.setup()
    return folder


def _drop(uri: str) -> None:
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        client.drop_database(client.get_default_database().name)
