"""The time zone that a reader has chosen: UTC, or that of their browser."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.http import HttpRequest

# Set by `static/js/zone.js`: scripts alone know the zone of the browser.
COOKIE = "zone"
MAX_LENGTH = 64
DEFAULT = ZoneInfo("UTC")


def zone_of(request: HttpRequest) -> ZoneInfo:
    """Return the zone in which a reader wants times, UTC if they named none that is known."""
    name = request.COOKIES.get(COOKIE, "")
    if not name or len(name) > MAX_LENGTH:
        return DEFAULT
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        # No zone, or none that this machine has. Some names are those of folders.
        return DEFAULT


def local(ms: int, zone: ZoneInfo) -> datetime:
    """Return milliseconds since the epoch as a time of a zone."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
