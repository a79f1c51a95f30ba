"""The pages of saved views: all of them, a new one, a change, and which of them comes first."""

from functools import partial

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from auditlogs.entry.numbers import to_whole
from auditlogs.query.ids import NOT_AN_ID
from hub.access.visits import HubRequest, Visit, for_members
from hub.logs import saved_views
from hub.logs.listing import Listing
from hub.logs.saved_views import ViewRefused, list_query, list_url, may_change, url_of, visible_to
from hub.models import VIEW_NAME_LENGTH, SavedView
from hub.ui.confirmation import Confirmation, confirm
from hub.ui.forms import PageForm

LIST = "list"


class ViewForm(PageForm):
    """The form of a view. Only admins are offered to share it."""

    name = forms.CharField(label="Name", max_length=VIEW_NAME_LENGTH)
    is_shared = forms.BooleanField(
        label="Share it with all members of this account", required=False
    )
    follows = forms.BooleanField(label="Take the filters of the list you came from", required=False)

    def __init__(self, *args: object, may_share: bool, may_follow: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if not may_share:
            del self.fields["is_shared"]
        if not may_follow:
            del self.fields["follows"]


@require_safe
@for_members
def view_list(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show the views that the person sees, and what each of them filters."""
    default = saved_views.preference_of(visit).default_view_id
    rows = [
        {
            "view": view,
            "url": url_of(view),
            "filters": _described(visit, view.query),
            "may_change": may_change(visit, view),
            "is_default": view.pk == default,
        }
        for view in visible_to(visit)[: 2 * saved_views.MAX_VIEWS]
    ]
    context = {"rows": rows, "list": _list(request, visit), "has_default": default is not None}
    return render(request, "hub/logs/views.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def view_new(request: HubRequest, visit: Visit) -> HttpResponse:
    """Save the list that the person came from under a name."""
    query = _list(request, visit)
    form = ViewForm(request.POST or None, may_share=visit.may_administer, may_follow=False)
    if form.is_valid():
        view = SavedView(account=visit.account, query=query)
        if _save(request, visit, view, form):
            return redirect(url_of(view))
    return _form_page(request, visit, form, "Save as a new view", query)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def view_edit(request: HubRequest, visit: Visit, view: int) -> HttpResponse:
    """Rename a view, share it, or give it other filters. Raises Http404 for others' views."""
    changed, query = _find(visit, view), _list(request, visit)
    form = ViewForm(
        request.POST or None,
        may_share=visit.may_administer,
        may_follow=query != changed.query and LIST in request.GET,
        initial={"name": changed.name, "is_shared": not changed.owner_id},
    )
    if form.is_valid():
        if form.cleaned_data.get("follows"):
            changed.query = query
        if _save(request, visit, changed, form):
            return redirect(f"{reverse('views')}?{urlencode({LIST: query})}")
    return _form_page(request, visit, form, f"Change {changed.name}", query, changed)


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def view_delete(request: HubRequest, visit: Visit, view: int) -> HttpResponse:
    """Delete a view after confirmation. Raises Http404 for others' views."""
    deleted = _find(visit, view)
    confirmation = Confirmation(
        question=f"Delete the view {deleted.name}?",
        consequences=(
            "No entry is deleted, and links to the list stay.",
            "It is yours alone."
            if deleted.owner_id
            else "All members of the account lose it. That is recorded in the log.",
        ),
        button="Delete view",
        cancel_url=reverse("views"),
    )
    name = deleted.name
    page = confirm(request, confirmation, partial(saved_views.delete, request, deleted))
    if page is None:
        messages.success(request, f"The view {name} was deleted.")
    return page or redirect("views")


@require_POST
@for_members
def view_default(request: HubRequest, visit: Visit) -> HttpResponse:
    """Make a view the one that the person's Logs page begins with; without a view, everything."""
    text = request.POST.get("view", "")
    view = None
    if text:
        number = to_whole(text)
        view = None if number is None else visible_to(visit).filter(pk=number).first()
        if view is None:
            raise Http404
    saved_views.keep_preference(visit, default_view=view)
    return redirect(url_of(view) if view else "logs")


def _find(visit: Visit, number: int) -> SavedView:
    view = visible_to(visit).filter(pk=number).first()
    if view is None or not may_change(visit, view):
        raise Http404
    return view


def _save(request: HubRequest, visit: Visit, view: SavedView, form: ViewForm) -> bool:
    view.name = form.cleaned_data["name"]
    if not form.cleaned_data.get("is_shared"):
        view.owner = visit.person
    else:
        view.owner = None
    try:
        saved_views.save(request, visit, view)
    except ViewRefused as refusal:
        form.add_error(refusal.field, str(refusal))
        return False
    return True


def _form_page(
    request: HubRequest,
    visit: Visit,
    form: ViewForm,
    title: str,
    query: str,
    view: SavedView | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "filters": _described(visit, view.query if view else query),
        "other_filters": _described(visit, query),
        "back": list_url(query, visit),
    }
    return render(request, "hub/logs/view_form.html", context)


def _list(request: HubRequest, visit: Visit) -> str:
    return list_query(request.GET.get(LIST, ""), visit)


def _described(visit: Visit, query: str) -> list[str]:
    filters = Listing(QueryDict(query), visit.account, known_id=NOT_AN_ID).filters
    words = [*filters.described]
    if filters.range_words:
        words.append(filters.range_words[0].upper() + filters.range_words[1:])
    return words or ["A range of its own"]
