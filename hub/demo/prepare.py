"""`python -m hub.demo.prepare`: fills the databases and collects static files."""

import os
import signal
import sys
from pathlib import Path

import django
import msgspec
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from auditlogs.entry.times import now
from auditlogs.storage import indexes
from auditlogs.storage.mongo import StorageError, database, time_limit
from hub.demo.state import FOLDER, load_state, save_state
from hub.startup.start import begin
from hub.ui import assets

PING_SECONDS = 5.0
INDEX_SECONDS = 60.0


def main() -> int:
    """Prepare both databases and the static files; print one line where that fails."""
    # SystemExit lets the progress bar restore the terminal's cursor.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Before `begin` loads the demo's environment file, which sets it in any case.
    is_embedded = not os.environ.get("MONGODB_URI")
    begin()
    django.setup()
    from hub.demo import seed  # noqa: PLC0415  (models cannot be imported any earlier)

    state = load_state(FOLDER)
    assert state, "hub.demo has saved it"
    try:
        with time_limit(PING_SECONDS):
            database().command("ping")
        call_command("migrate", interactive=False, verbosity=0)
        collect_static()
        account = seed.account()
        seed.person(account)
        ready = msgspec.structs.replace(
            state,
            account=account.id,
            api_key=seed.api_key(account, seed.READ, state.api_key),
            write_key=seed.api_key(account, seed.WRITE, state.write_key),
        )
        save_state(FOLDER, ready)
        with time_limit(INDEX_SECONDS):
            indexes.ensure_indexes()
        seed.top_up(account.id, now())
        seed.agent_keys(account)
    except StorageError as error:
        advice = "Start the demo again." if is_embedded else "Check MONGODB_URI."
        sys.stderr.write(f"{error} {advice}\n")
        return 1
    return 0


def collect_static() -> None:
    """Collect the static files if one of them, or how they are stored, is newer than the last
    collection."""
    collected = Path(settings.STATIC_ROOT, "staticfiles.json")
    sources = (
        Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([])
    )
    newest = max(source.stat().st_mtime for source in (*sources, Path(assets.__file__)))
    # Compressing them takes seconds.
    if not collected.exists() or collected.stat().st_mtime < newest:
        call_command("collectstatic", interactive=False, verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
