"""The link from an entry to its distributed trace, in the deployment's own trace explorer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings

# Clocks of services differ, and a trace begins before the entry and can end after it. An exact
# window misses the trace by milliseconds.
PADDING = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace of an entry. `url` is empty where no trace explorer is configured, and where the
    trace has expired."""

    id: str
    url: str
    has_expired: bool

    @property
    def expired_note(self) -> str:
        return f"traces are kept for {_hours_in_words(settings.AUDITLOGS_TRACE_RETENTION_HOURS)}."


def trace_of(correlation_id: str | None, timestamp: datetime, now: datetime) -> Trace | None:
    """Return the trace of a correlation ID that is a UUID: its 32 hex digits are a W3C trace ID.

    None for any other, and for one with all digits zero, which is no trace ID (W3C Trace Context,
    section 3.2.2.3).
    """
    if (trace_id := _trace_id(correlation_id)) is None:
        return None
    template = settings.AUDITLOGS_TRACE_URL
    age = now - timestamp
    has_expired = bool(template) and age > timedelta(hours=settings.AUDITLOGS_TRACE_RETENTION_HOURS)
    url = "" if has_expired else _filled(template, trace_id, timestamp)
    return Trace(trace_id, url, has_expired)


def _trace_id(correlation_id: str | None) -> str | None:
    try:
        number = UUID(correlation_id or "").int
    except ValueError:
        return None
    return f"{number:032x}" if number else None


def _filled(template: str, trace_id: str, timestamp: datetime) -> str:
    # Not `str.format`: Grafana's addresses may hold other braces.
    return (
        template.replace("{trace_id}", trace_id)
        .replace("{from}", _milliseconds(timestamp - PADDING))
        .replace("{to}", _milliseconds(timestamp + PADDING))
    )


def _milliseconds(instant: datetime) -> str:
    return str(int(instant.astimezone(UTC).timestamp() * 1000))


def _hours_in_words(hours: int) -> str:
    days, rest = divmod(hours, 24)
    number, unit = (days, "day") if not rest else (hours, "hour")
    return f"{number} {unit}{'s' if number > 1 else ''}"
