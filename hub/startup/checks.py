"""Checks of `manage.py check --deploy`: settings that are valid, but unsafe for a deployment."""

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning as CheckWarning, register

# Options of a MongoDB URI that switch off the verification of the server's certificate.
INSECURE_OPTIONS = {
    "tlsinsecure",
    "tlsallowinvalidcertificates",
    "tlsallowinvalidhostnames",
    "tlsdisableocspendpointcheck",
    "tlsdisablecertificaterevocationcheck",
}


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Return a warning for each unsafe setting; no message repeats a value, which may be secret."""
    return [*_hosts(), *_mongodb(), *_database(), *_files()]


def _hosts() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        yield CheckWarning(
            "ALLOWED_HOSTS contains *, so that links can point to any host that a client names.",
            hint="Set ALLOWED_HOSTS to the public host names.",
            id="hub.W001",
        )


def _mongodb() -> Iterator[CheckMessage]:
    named = parse_qsl(urlsplit(settings.MONGODB_URI).query, keep_blank_values=True)
    insecure = [
        name for name, value in named if name.lower() in INSECURE_OPTIONS and value != "false"
    ]
    if insecure:
        yield CheckWarning(
            f"MONGODB_URI has {', '.join(insecure)}, so that anyone on the network can pose as the "
            "database.",
            hint="Remove the option, and name the authority of the certificate with tlsCAFile.",
            id="hub.W002",
        )


def _database() -> Iterator[CheckMessage]:
    database = settings.DATABASES["default"]
    name = str(database["NAME"])
    if "sqlite" in database["ENGINE"] and (":memory:" in name or "mode=memory" in name):
        yield CheckWarning(
            "DATABASE_URL is an SQLite database in memory: people and keys are lost at each start.",
            hint="Use PostgreSQL, or an SQLite file.",
            id="hub.W003",
        )


def _files() -> Iterator[CheckMessage]:
    for setting, path in _private_files():
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & (stat.S_IRWXG | stat.S_IRWXO if path.is_dir() else stat.S_IROTH | stat.S_IWOTH):
            yield CheckWarning(
                f"Other users of this host can read {path}.",
                hint=f"It belongs to {setting}. Run: chmod go= {path}",
                id="hub.W004",
            )


def _private_files() -> Iterator[tuple[str, Path]]:
    spool = Path(settings.AUDITLOGS_SPOOL_DIR)
    yield "AUDITLOGS_SPOOL_DIR", spool
    try:
        for path in sorted(spool.iterdir()):
            yield "AUDITLOGS_SPOOL_DIR", path
    except OSError:
        pass
    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"] and ":memory:" not in str(database["NAME"]):
        for suffix in ("", "-wal", "-journal"):
            yield "DATABASE_URL", Path(f"{database['NAME']}{suffix}")
