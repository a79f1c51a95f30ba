"""Readiness: for everyone, whether entries are accepted; for staff, the state of the write path."""

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
    """This host's spool; `error` says why it cannot be read, or cannot take an entry. `lost` is the
    number of entries that it accepted and lost, until a person deletes the file `lost`."""

    depth: int = 0
    oldest_seconds: float = 0.0
    dead_letters: int = 0
    bytes: int = 0
    max_bytes: int = 0
    lost: int = 0
    error: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`ready`: entries go straight into the database. `degraded`: entries are accepted, but some
    wait or were lost, or the database is down. `unready`: entries are not accepted."""

    status: Literal["ready", "degraded", "unready"]
    database: Literal["up", "down"]
    breaker: BreakerState
    spool: SpoolReport
    lost: int


class PublicReport(msgspec.Struct, frozen=True, kw_only=True):
    """What callers other than staff are told."""

    status: Literal["ready", "unready"]


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 where entries are accepted, else 503. Only staff get the whole report: its figures
    cover all accounts."""
    full = report(spool())
    is_unready = full.status == "unready"
    public = PublicReport(status="unready" if is_unready else "ready")
    response = HttpResponse(
        msgspec.json.encode(full if _is_staff(request) else public),
        status=503 if is_unready else 200,
        content_type="application/json",
    )
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Cookie"
    return response


def report(queue: Spool) -> Report:
    """Examine the database and the spool; takes about PING_SECONDS when the database is down."""
    spooled = _spool_report(queue)
    is_up = _is_up(queue)
    lost = losses.count()
    is_lossless = not (lost or spooled.lost)
    is_clean = is_lossless and not (spooled.error or spooled.depth or spooled.dead_letters)
    if is_up:
        status: Literal["ready", "degraded", "unready"] = "ready" if is_clean else "degraded"
    else:
        status = "unready" if spooled.error else "degraded"
    return Report(
        status=status,
        database="up" if is_up else "down",
        breaker=queue.breaker.state,
        spool=spooled,
        lost=lost,
    )


def _is_staff(request: HttpRequest) -> bool:
    """Tell whether the caller is signed in as staff; False where the database of people is down,
    so that the status is still reported."""
    user = getattr(request, "user", None)
    try:
        return user is not None and user.is_authenticated and user.is_staff
    except DatabaseError:
        return False


def _is_up(queue: Spool) -> bool:
    # A monitor that polls every second must not wait for a database that is known to be down.
    if queue.breaker.state == "open":
        return False
    try:
        mongo.ping(PING_SECONDS)
    except StorageError:
        return False
    return True


def _spool_report(queue: Spool) -> SpoolReport:
    try:
        queue.check()
        depth = queue.depth()
    except SpoolError as error:
        lost = queue.file.losses.total()
        return SpoolReport(max_bytes=queue.max_bytes, lost=lost, error=str(error))
    return SpoolReport(
        depth=depth.waiting,
        oldest_seconds=round(depth.oldest_seconds, 1),
        dead_letters=depth.dead,
        bytes=queue.file.size(),
        max_bytes=queue.max_bytes,
        lost=queue.file.losses.total(),
    )
