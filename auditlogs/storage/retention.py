"""How long an entry is kept, and what of the log may still be shown."""

from datetime import datetime

from django.conf import settings

from auditlogs.entry.times import DAY_MS, to_ms

# MongoDB counts the seconds until it removes something in 31 bits.
MAX_DAYS = (2**31 - 1) // (DAY_MS // 1000)
DAYS_ARE = f"expected a number from 1 to {MAX_DAYS}"


def is_retention(days: int) -> bool:
    """Tell whether entries can be kept for so many days: with none, the database would remove them
    all."""
    return 1 <= days <= MAX_DAYS


def retention_days() -> int:
    """Return the number of days for which entries are kept."""
    return int(settings.AUDITLOGS_RETENTION_DAYS)


def oldest_ms(now: datetime) -> int:
    """Return the millisecond before which no entry is shown, whether or not it was removed yet."""
    return to_ms(now) - retention_days() * DAY_MS
