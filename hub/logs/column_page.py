"""How a person wants the list: its columns and its density, kept for them in each account."""

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from hub.access.visits import HubRequest, Visit, for_members
from hub.logs.columns import OPTIONAL, shown_keys
from hub.logs.saved_views import keep_preference, list_url, preference_of
from hub.ui.forms import PageForm

DENSITIES = {"roomy": False, "dense": True}


class ColumnsForm(PageForm):
    """Which of the optional columns are shown."""

    columns = forms.MultipleChoiceField(
        label="Columns",
        choices=[(column.key, column.label) for column in OPTIONAL],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def columns(request: HubRequest, visit: Visit) -> HttpResponse:
    """Choose the columns of the list, or go back to the usual ones."""
    back = list_url(request.GET.get("list", ""), visit)
    shown = shown_keys(preference_of(visit).columns)
    form = ColumnsForm(request.POST or None, initial={"columns": shown})
    if request.method == "POST" and form.is_valid():
        chosen = None if "usual" in request.POST else form.cleaned_data["columns"]
        keep_preference(visit, columns=chosen)
        return redirect(back)
    return render(request, "hub/logs/columns.html", {"form": form, "back": back})


@require_POST
@for_members
def density(request: HubRequest, visit: Visit) -> HttpResponse:
    """Make the rows of the list roomy or dense."""
    chosen = request.POST.get("density", "")
    if chosen not in DENSITIES:
        raise Http404
    keep_preference(visit, is_dense=DENSITIES[chosen])
    return redirect(list_url(request.POST.get("list", ""), visit))
