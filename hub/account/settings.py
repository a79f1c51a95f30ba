"""The Settings page of an account: its name, its ID, and how long its entries are kept."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods

from auditlogs.accounts import accounts
from auditlogs.accounts.accounts import locked_account
from auditlogs.entry.actions import ACTION_TYPES
from auditlogs.models import ACCOUNT_NAME_LENGTH, Account
from auditlogs.storage.retention import retention_days
from hub.access import self_audit
from hub.access.visits import HubRequest, Visit, caller_of, for_admins
from hub.ui.forms import PageForm


class NameForm(PageForm):
    """The form for an account's name, which is unique in the Hub."""

    name = forms.CharField(
        label="Name",
        max_length=ACCOUNT_NAME_LENGTH,
        help_text="Members see this name, and commands accept it.",
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        try:
            accounts.check_name(name)
        except ValueError as error:
            raise ValidationError(capfirst(f"{error}.")) from error
        return name


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def account_settings(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show an account's settings and rename the account."""
    form = NameForm(request.POST or None, initial={"name": visit.account.name})
    if form.is_valid() and _rename(request, visit.account, form):
        messages.success(request, f"The account is now called {form.cleaned_data['name']}.")
        return redirect("settings")
    context = {"form": form, "retention_days": retention_days(), "action_types": ACTION_TYPES}
    return render(request, "hub/account/settings.html", context)


def _rename(request: HubRequest, account: Account, form: NameForm) -> bool:
    """Rename an account and record it. Return False where another account has the name."""
    try:
        with locked_account(account) as current:
            before, current.name = current.name, form.cleaned_data["name"]
            if current.name != before:
                current.save(update_fields=["name"])
                self_audit.account_renamed(caller_of(request), current, before)
    except IntegrityError:
        form.add_error("name", "Another account already has this name. Choose another one.")
        return False
    return True
