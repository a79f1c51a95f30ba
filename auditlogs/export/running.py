"""The exports that are running: one at a time for each caller, each recorded when it ends.

What runs is a row of the accounts' database, so that it holds in every process. It is refreshed
while the export goes on, and is free again a minute after a crash.
"""

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from django.db import DatabaseError, IntegrityError, transaction

from auditlogs.accounts.self_audit import Caller, record_by
from auditlogs.entry.schema import Actor, Result, Target
from auditlogs.entry.times import now
from auditlogs.models import ApiKey, Export

logger = logging.getLogger(__name__)

CRASHED_AFTER = timedelta(seconds=60)
# Of the threads of a process, so many may be exporting: an export takes as long as its reader does.
MAX_EXPORTS = 2

_places = threading.BoundedSemaphore(MAX_EXPORTS)


class AlreadyExporting(Exception):
    """The caller is running another export."""


class TooManyExports(Exception):
    """As many exports are running in this process as may at a time."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """Who exports: its id among those who may run one each, and how the entry will name it."""

    id: str
    caller: Caller
    key: ApiKey | None = None

    @classmethod
    def of_key(cls, caller: Caller, key: ApiKey) -> "Exporter":
        """Return the exporter that a key represents: a session token its holder."""
        id = f"user_{key.holder_id}" if key.holder_id else key.public_id
        return cls(id, caller, key)


@contextmanager
def place() -> Iterator[None]:
    """Take one of the process's places during the block. Raises TooManyExports."""
    if not _places.acquire(blocking=False):
        raise TooManyExports
    try:
        yield
    finally:
        _places.release()


def begin(exporter: Exporter, facts: dict[str, Any], total: int | None = None) -> Export:
    """Begin an export of a caller; `facts` are what its entry will tell. Raises AlreadyExporting.

    One that was cut off by a crash is recorded first.
    """
    moment = now()
    name = {"keyName": exporter.key.name} if exporter.key else {}
    fresh = {
        "run": uuid.uuid4().hex,
        "account": exporter.caller.account,
        "caller_facts": _facts_of(exporter),
        "facts": {**facts, **name},
        "started_at": moment,
        "seen_at": moment,
        "count": 0,
        "total": total,
        "is_stopped": False,
        "ended_at": None,
        "is_complete": False,
    }
    try:
        with transaction.atomic():
            former = Export.objects.select_for_update().filter(pk=exporter.id).first()
            if former and is_running(former):
                raise AlreadyExporting
            if former and former.ended_at is None:
                _record(former, "partial", {"reason": "The export was cut off by a crash"})
            if former is None:
                return Export.objects.create(caller=exporter.id, **fresh)
            Export.objects.filter(pk=exporter.id).update(**fresh)
    except IntegrityError:
        raise AlreadyExporting from None
    return Export.objects.get(pk=exporter.id)


def is_running(export: Export) -> bool:
    """Tell whether an export goes on: it has not ended, and was seen within a minute."""
    return export.ended_at is None and now() - export.seen_at < CRASHED_AFTER


def last_of(exporter_id: str) -> Export | None:
    """Return the export that a caller is running, or ran last."""
    return Export.objects.filter(pk=exporter_id).first()


def stop(exporter_id: str) -> None:
    """Stop the export that a caller is running, if there is one."""
    Export.objects.filter(pk=exporter_id, ended_at=None).update(is_stopped=True)


def refresh(export: Export, count: int) -> bool:
    """Note how far an export has come; tell whether it may go on. It may not if it was stopped, or
    if another one took its place because it stood still for too long."""
    own = Export.objects.filter(pk=export.pk, run=export.run, is_stopped=False, ended_at=None)
    try:
        return bool(own.update(count=count, seen_at=now()))
    except DatabaseError:
        logger.warning("The progress of an export could not be kept.", exc_info=True)
        return True


def end(export: Export, count: int, facts: dict[str, Any], *, reason: str = "") -> None:
    """Record that an export ended: completely, or for a reason before its end."""
    export.count = count
    _record(
        export, "partial" if reason else "success", facts | ({"reason": reason} if reason else {})
    )
    try:
        Export.objects.filter(pk=export.pk, run=export.run).update(
            count=count, ended_at=now(), is_complete=not reason
        )
    except DatabaseError:
        logger.warning("The end of an export could not be kept.", exc_info=True)


def record_crashed() -> None:
    """Record each export that a crash cut off, once, even if several processes call this."""
    moment = now()
    crashed = Export.objects.filter(ended_at=None, seen_at__lt=moment - CRASHED_AFTER)
    for export in crashed[:100]:
        if Export.objects.filter(pk=export.pk, run=export.run, ended_at=None).update(
            ended_at=moment
        ):
            _record(export, "partial", {"reason": "The export was cut off by a crash"})


def _record(export: Export, result: Result, facts: dict[str, Any]) -> None:
    stored = dict(export.caller_facts)
    key = ApiKey.objects.filter(pk=stored.pop("key")).first()
    actor = msgspec.convert(stored.pop("actor"), Actor)
    caller = Caller(account=export.account, actor=actor, **stored)
    target = Target(type="export", id=export.run)
    payload = {**export.facts, "count": export.count, **facts}
    record_by("logs.exported", caller, result, target, payload, key=key)


def _facts_of(exporter: Exporter) -> dict[str, Any]:
    """Return the caller as JSON."""
    caller = exporter.caller
    return {
        "actor": msgspec.to_builtins(caller.actor),
        "session_id": caller.session_id,
        "source_ip": caller.source_ip,
        "authentication": caller.authentication,
        "key": exporter.key.pk if exporter.key else None,
    }
