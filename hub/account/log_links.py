"""Links from the pages of keys to the entries of what they tell."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import reverse

from auditlogs.query.figures import Figure
from auditlogs.query.filters import parameters


def log_url(filters: Mapping[str, str]) -> str:
    """Return the URL of the Logs page with these filters; their values are plain, not escaped."""
    return f"{reverse('logs')}?{urlencode(parameters(filters))}"


def figure_url(figure: Figure) -> str:
    """Return the URL of the entries of a figure; empty where no list has exactly them."""
    return "" if figure.filters is None else f"{reverse('logs')}?{urlencode(figure.filters)}"
