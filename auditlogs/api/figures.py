"""A figure as JSON: its number, and the address of the list that has exactly these entries."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from auditlogs.query.figures import Figure


def figure_json(figure: Figure) -> dict[str, Any]:
    """Return a figure; its `entries` are null where no list has exactly them."""
    filters = figure.filters
    url = None if filters is None else f"{reverse('api_entries')}?{urlencode(filters)}"
    return {"count": figure.count, "entries": url}
