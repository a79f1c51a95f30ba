"""How long entries are kept, and the oldest time that may still be shown."""

from datetime import datetime

from django.conf import settings

from auditlogs.entry.times import DAY_MS, to_ms

# MongoDB stores `expireAfterSeconds` as a signed 32-bit integer.
MAX_DAYS = (2**31 - 1) // (DAY_MS // 1000)
DAYS_ARE = f"expected a number from 1 to {MAX_DAYS}"


def is_retention(days: int) -> bool:
    """Tell whether a retention is usable. With 0 days the TTL index would remove everything."""
    return 1 <= days <= MAX_DAYS


def retention_days() -> int:
    """Return the configured retention."""
    return int(settings.AUDITLOGS_RETENTION_DAYS)


def oldest_ms(now: datetime) -> int:
    """Return the time, in ms, before which no entry is shown.

    MongoDB's TTL monitor runs once a minute and may fall behind, so expired entries can still be
    stored; every query starts here so that none of them is shown.
    """
    return to_ms(now) - retention_days() * DAY_MS
