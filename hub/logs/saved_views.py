"""Saved views: names for lists. A view is the query string of a list and nothing else, so the URL
of the list still says all that it shows."""

from dataclasses import dataclass
from functools import cached_property

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from auditlogs.accounts.accounts import locked_account
from auditlogs.query.ids import NOT_AN_ID
from hub.access import self_audit
from hub.access.visits import HubRequest, Visit, caller_of
from hub.logs.links import CURSOR, Links
from hub.logs.listing import Listing
from hub.models import VIEW_QUERY_LENGTH, ListPreference, SavedView

# Of an account, and of a person in it.
MAX_VIEWS = 50


class ViewRefused(Exception):
    """A view cannot be saved: why, in a sentence, and the field of the form it belongs to."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


def visible_to(visit: Visit) -> QuerySet[SavedView]:
    """Return the views that are shared in the account, and the person's own, by name."""
    seen = Q(owner=None) | Q(owner=visit.person)
    return visit.account.saved_views.filter(seen).order_by("name")


def may_change(visit: Visit, view: SavedView) -> bool:
    """Tell whether a person may change a view that they see: their own, and admins a shared one."""
    return view.owner_id == visit.person.pk or (view.owner_id is None and visit.may_administer)


def query_of(links: Links) -> str:
    """Return what a view of a list stores: its filters and its sort."""
    return Links(links.parameters).without(CURSOR).partition("?")[2]


def list_query(text: str, visit: Visit) -> str:
    """Return a list's query with its filters and its sort alone."""
    return query_of(Listing(QueryDict(text), visit.account, known_id=NOT_AN_ID).links)


def list_url(text: str, visit: Visit) -> str:
    """Return the list of a query, such as the one that a person came from."""
    query = list_query(text, visit)
    return reverse("logs") + (f"?{query}" if query else "")


def url_of(view: SavedView) -> str:
    """Return the list that a view names."""
    return reverse("logs") + (f"?{view.query}" if view.query else "")


def preference_of(visit: Visit) -> ListPreference:
    """Return a person's preference in the account; a new one, not saved yet, if they have none."""
    found = ListPreference.objects.select_related("default_view")
    mine = found.filter(user=visit.person, account=visit.account).first()
    return mine or ListPreference(user=visit.person, account=visit.account)


def keep_preference(visit: Visit, **changes: object) -> None:
    """Change a person's preference in the account."""
    ListPreference.objects.update_or_create(
        user=visit.person, account=visit.account, defaults=changes
    )


def save(request: HubRequest, visit: Visit, view: SavedView) -> None:
    """Save a new or changed view; what is shared, or was until now, is recorded.

    Raises ViewRefused, and CannotStore where that cannot be recorded.
    """
    if len(view.query) > VIEW_QUERY_LENGTH:
        raise ViewRefused("These filters are too long to be saved.")
    try:
        with locked_account(visit.account):
            before = SavedView.objects.filter(pk=view.pk).first() if view.pk else None
            others = visit.account.saved_views.filter(owner=view.owner).exclude(pk=view.pk)
            if others.count() >= MAX_VIEWS:
                raise ViewRefused(f"There are {MAX_VIEWS} views already. Delete one first.")
            view.save()
            if not view.owner_id or (before and not before.owner_id):
                self_audit.view_changed(caller_of(request), view, before)
    except IntegrityError as error:
        raise ViewRefused("Another view has this name. Choose another one.", "name") from error


def delete(request: HubRequest, view: SavedView) -> None:
    """Delete a view. Raises CannotStore where a shared one's end cannot be recorded."""
    with transaction.atomic():
        if not view.owner_id:
            self_audit.view_deleted(caller_of(request), view)
        view.delete()


@dataclass(frozen=True)
class ViewMenu:
    """The menu of views above a list: which there are, and which of them the list is."""

    visit: Visit
    links: Links
    default: int | None

    @cached_property
    def query(self) -> str:
        return query_of(self.links)

    @cached_property
    def views(self) -> list[tuple[SavedView, str]]:
        return [(view, url_of(view)) for view in visible_to(self.visit)[: 2 * MAX_VIEWS]]

    @property
    def shared(self) -> list[tuple[SavedView, str]]:
        return [each for each in self.views if not each[0].owner_id]

    @property
    def own(self) -> list[tuple[SavedView, str]]:
        return [each for each in self.views if each[0].owner_id]

    @cached_property
    def current(self) -> SavedView | None:
        """The view whose list this is; the person's own, if a shared one has the same query."""
        alike = [view for view, _ in self.views if view.query == self.query]
        return next(iter(sorted(alike, key=lambda view: view.owner_id is None)), None)

    @property
    def is_everything(self) -> bool:
        return not self.query

    @property
    def can_be_default(self) -> bool:
        """Whether the list has a name, and is not the one that comes first already."""
        if self.current:
            return self.current.pk != self.default
        return self.is_everything and self.default is not None
