"""How long an entry is kept, and what of the log may still be shown."""

from datetime import datetime

from django.conf import settings

from auditlogs.times import DAY_MS, to_ms


def retention_days() -> int:
    """Return the number of days for which entries are kept."""
    return int(settings.AUDITLOGS_RETENTION_DAYS)


def oldest_ms(now: datetime) -> int:
    """Return the millisecond before which no entry is shown, whether or not it was removed yet."""
    return to_ms(now) - retention_days() * DAY_MS
