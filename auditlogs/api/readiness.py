"""Readiness: for everyone, whether entries are accepted; for staff, the state of the write path."""

from typing import Literal

import msgspec
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from auditlogs.api.views import public
from auditlogs.entry.times import format_rfc3339, from_ms
from auditlogs.recording import losses
from auditlogs.storage import counts, mongo
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


class CountingReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far the worker has counted. `counted_at` is null before the first count has ended, which
    is at the entries of `first_account` before `first_until`."""

    counted_at: str | None = None
    first_account: str | None = None
    first_until: str | None = None


class Readiness(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`ready`: entries go straight into the database. `degraded`: entries are accepted, but some
    wait or were lost, or the database is down. `unready`: entries are not accepted.

    `counting` is null before it has begun, and while the database is down. `missing_indexes` are
    those that this process has missed within the last minute; lists are slow without them.
    """

    status: Literal["ready", "degraded", "unready"]
    database: Literal["up", "down"]
    breaker: BreakerState
    spool: SpoolReport
    lost: int
    counting: CountingReport | None = None
    missing_indexes: list[str]


class PublicReadiness(msgspec.Struct, frozen=True, kw_only=True):
    """What callers other than staff are told."""

    status: Literal["ready", "unready"]


@public
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 where entries are accepted, else 503. Only staff get the whole report: its figures
    cover all accounts."""
    full = report(spool())
    is_unready = full.status == "unready"
    said: Readiness | PublicReadiness = PublicReadiness(status="unready" if is_unready else "ready")
    if _is_staff(request):
        is_up = full.database == "up"
        said = msgspec.structs.replace(full, counting=_counting_report() if is_up else None)
    response = HttpResponse(
        msgspec.json.encode(said),
        status=503 if is_unready else 200,
        content_type="application/json",
    )
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Cookie"
    return response


def report(queue: Spool) -> Readiness:
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
    return Readiness(
        status=status,
        database="up" if is_up else "down",
        breaker=queue.breaker.state,
        spool=spooled,
        lost=lost,
        missing_indexes=mongo.missing_indexes(),
    )


def _counting_report() -> CountingReport | None:
    try:
        progress = counts.progress()
    except StorageError:
        return None
    if progress is None:
        return None
    at, first_until = progress.counted_at, progress.first_until
    return CountingReport(
        counted_at=format_rfc3339(at) if at else None,
        first_account=progress.first_account or None,
        first_until=format_rfc3339(from_ms(first_until)) if first_until is not None else None,
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
