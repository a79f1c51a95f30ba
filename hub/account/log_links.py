"""Links from the pages of keys to the entries of what they tell."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import reverse


def log_url(filters: Mapping[str, str]) -> str:
    """Return the URL of the Logs page with these filters."""
    return f"{reverse('logs')}?{urlencode(filters)}"
