"""Readiness: whether entries can be taken, for everyone; and what waits to be stored, for staff."""

from typing import Literal

import msgspec
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from auditlogs.recording import losses
from auditlogs.storage import mongo
from auditlogs.storage.mongo import StorageError
from auditlogs.write.breaker import BreakerState
from auditlogs.write.spool import Spool, spool
from auditlogs.write.spool_file import SpoolError

PING_SECONDS = 1.0


class SpoolReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What waits on this host; `error` says why that cannot be told, or nothing be taken."""

    depth: int = 0
    oldest_seconds: float = 0.0
    dead_letters: int = 0
    bytes: int = 0
    max_bytes: int = 0
    error: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`ready`: entries are stored at once. `degraded`: they are taken, but something waits or is
    wrong. `unready`: they are not taken."""

    status: Literal["ready", "degraded", "unready"]
    database: Literal["up", "down"]
    breaker: BreakerState
    spool: SpoolReport
    lost: int


class PublicReport(msgspec.Struct, frozen=True, kw_only=True):
    """What everyone may know: whether entries are taken."""

    status: Literal["ready", "unready"]


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """PublicReport 200 where entries are taken, else 503; for staff with the report, whose figures speak
    of every account."""
    found = report(spool())
    is_unready = found.status == "unready"
    short = PublicReport(status="unready" if is_unready else "ready")
    response = HttpResponse(
        msgspec.json.encode(found if _is_staff(request) else short),
        status=503 if is_unready else 200,
        content_type="application/json",
    )
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Cookie"
    return response


def report(here: Spool) -> Report:
    """Look at the database and the spool."""
    waiting = _spool_report(here)
    is_up = _is_up(here)
    lost = losses.count()
    is_quiet = not (waiting.error or waiting.depth or waiting.dead_letters or lost)
    if is_up:
        status: Literal["ready", "degraded", "unready"] = "ready" if is_quiet else "degraded"
    else:
        status = "unready" if waiting.error else "degraded"
    return Report(
        status=status,
        database="up" if is_up else "down",
        breaker=here.breaker.state,
        spool=waiting,
        lost=lost,
    )


def _is_staff(request: HttpRequest) -> bool:
    """Tell whether one of the platform's own people asks. Where people cannot be looked up, the
    answer is still given, in short."""
    user = getattr(request, "user", None)
    try:
        return user is not None and user.is_authenticated and user.is_staff
    except DatabaseError:
        return False


def _is_up(here: Spool) -> bool:
    # Whoever asks every second need not wait for a database that is known to be away.
    if here.breaker.state == "open":
        return False
    try:
        mongo.ping(PING_SECONDS)
    except StorageError:
        return False
    return True


def _spool_report(here: Spool) -> SpoolReport:
    try:
        here.check()
        depth = here.depth()
    except SpoolError as error:
        return SpoolReport(max_bytes=here.max_bytes, error=str(error))
    return SpoolReport(
        depth=depth.waiting,
        oldest_seconds=round(depth.oldest_seconds, 1),
        dead_letters=depth.dead,
        bytes=here.file.size(),
        max_bytes=here.max_bytes,
    )
