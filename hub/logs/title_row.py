"""The row above the list: its saved view, and a menu of what can be done with the list."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse

from auditlogs.entry.times import format_rfc3339
from auditlogs.export.formats import FORMATS
from auditlogs.export.response import FORMAT
from hub.access.visits import HubRequest, Visit
from hub.logs.columns import COLUMNS, OPTIONAL, shown_keys
from hub.logs.links import curl
from hub.logs.listing import Listing
from hub.logs.saved_views import ViewMenu
from hub.models import ListPreference


@dataclass(frozen=True, slots=True)
class ExportLink:
    """A format of an export, what it is for, and the URL of the list in it."""

    label: str
    about: str
    url: str


@dataclass(frozen=True)
class TitleRow:
    """The row above a list. Its links are absolute, because they are copied."""

    request: HubRequest
    visit: Visit
    listing: Listing
    preference: ListPreference

    @cached_property
    def views(self) -> ViewMenu:
        return ViewMenu(self.visit, self.listing.links, self.preference.default_view_id)

    @property
    def manage_url(self) -> str:
        return self._about_list("views")

    @property
    def save_url(self) -> str:
        return self._about_list("view_new")

    @property
    def columns_url(self) -> str:
        return self._about_list("columns")

    @property
    def columns_shown(self) -> str:
        optional = len(OPTIONAL) - len(shown_keys(self.preference.columns))
        return f"{len(COLUMNS) - optional} of {len(COLUMNS)} shown"

    @property
    def list_query(self) -> str:
        return self.views.query

    @property
    def live_link(self) -> str:
        """The list as it will be whenever the link is opened."""
        return self.request.build_absolute_uri(self.listing.links.first)

    @property
    def range_label(self) -> str:
        """The range in words, such as "The last 7 days"."""
        words = self.listing.filters.range_words or "a range of its own"
        return words[0].upper() + words[1:]

    @property
    def frozen_link(self) -> str:
        """The list with the range that it has now, written out."""
        start, end = self.listing.range
        changes = {
            "dateRange": None,
            "startDate": format_rfc3339(start),
            "endDate": format_rfc3339(end or self.listing.as_of),
        }
        return self.request.build_absolute_uri(self.listing.links.changed(**changes))

    @property
    def frozen_range(self) -> str:
        start, end = self.listing.range
        return f"{_short(start)} to {_short(end or self.listing.as_of)} UTC"

    @property
    def curl(self) -> str:
        """A command that reads the same entries from the API, with a placeholder for the key."""
        path = f"{reverse('api_entries')}?{urlencode(self.listing.api_parameters)}"
        return curl(self.request.build_absolute_uri(path))

    @property
    def exports(self) -> list[ExportLink]:
        """A link for each format in which the list can be saved."""
        listed = self.listing.api_parameters
        return [
            ExportLink(
                each.label,
                each.about,
                f"{reverse('export')}?{urlencode({**listed, FORMAT: name})}",
            )
            for name, each in FORMATS.items()
        ]

    def _about_list(self, name: str) -> str:
        return f"{reverse(name)}?{urlencode({'list': self.list_query})}"


def _short(instant: datetime) -> str:
    return f"{instant:%b} {instant.day}, {instant:%H:%M:%S}"
