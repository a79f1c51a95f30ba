"""The API Keys page: its lists, the form for a new log key, and the page that revokes one."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods

from auditlogs.accounts import keys, self_audit
from auditlogs.accounts.accounts import locked_account
from auditlogs.accounts.self_audit import Caller
from auditlogs.entry.schema import LONG_ID_LENGTH
from auditlogs.entry.times import now
from auditlogs.models import KEY_NAME_LENGTH, Account, ApiKey
from auditlogs.recording.policy import check_text
from auditlogs.storage import dictionary
from auditlogs.storage.dictionary import NamedBot
from auditlogs.storage.mongo import StorageError
from hub.access.visits import HubRequest, Visit, caller_of, for_admins
from hub.account.examples import call_with
from hub.account.expiry import ExpiryForm
from hub.account.key_list import AgentKeyList
from hub.account.secret import Secret
from hub.logs.links import entries_url
from hub.ui.confirmation import ChangeRefused, Confirmation, confirm
from hub.ui.times import short_time

MAX_ACTIVE = 200
MAX_BOTS = 200
UNUSED = "It was never used."
# From this long before it expires, a key is marked.
SOON = timedelta(days=7)


class KeyForm(ExpiryForm):
    """The form for a new key. `cleaned_data["expires_at"]` is a time, or None for never."""

    name = forms.CharField(
        label="Name",
        max_length=KEY_NAME_LENGTH,
        help_text="What the key is for, such as the service that uses it.",
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=[
            (name, sentence)
            for name, sentence in keys.SCOPES.items()
            if name not in keys.OPERATOR_SCOPES
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one scope."},
    )
    bot = forms.CharField(
        label="Agent (optional)",
        max_length=LONG_ID_LENGTH,
        required=False,
        widget=forms.TextInput({"list": "bots", "placeholder": "Any agent"}),
        help_text="Enter a bot ID to limit the key to one agent: it then writes entries only as "
        "that agent, and reads only that agent's entries.",
    )
    field_order = ("name", "scopes", "expires", "expires_on", "bot")

    def clean_name(self) -> str:
        return _checked("the name", self.cleaned_data["name"], KEY_NAME_LENGTH, is_name=True)

    def clean_bot(self) -> str | None:
        bot = self.cleaned_data["bot"]
        return _checked("the agent", bot, LONG_ID_LENGTH) if bot else None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key in the list: its state, the label and colour of that, and its agent's name."""

    key: ApiKey
    state: keys.KeyState
    label: str
    tone: str
    agent: str | None

    @property
    def entries_url(self) -> str:
        """The URL of the entries that the key wrote and of those about the key."""
        return entries_url(assertedBy=self.key.public_id, dateRange="all")


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def api_keys(request: HubRequest, visit: Visit) -> HttpResponse:
    """List an account's keys and create one, whose text only this response shows."""
    form = KeyForm(request.POST or None)
    if not form.is_valid():
        return _page(request, visit, form)
    try:
        text = _create(caller_of(request), visit, form.cleaned_data)
    except ChangeRefused as refusal:
        form.add_error(refusal.field, str(refusal))
        return _page(request, visit, form)
    agent = form.cleaned_data["bot"] or "agent_7f3a21"
    secret = Secret(
        title=f"Your new key {form.cleaned_data['name']}",
        label="API key",
        text=text,
        advice="Copy the key now and store it in a safe place. It is not shown again.",
        example=call_with(request, text, form.cleaned_data["scopes"], agent),
    )
    return _page(request, visit, KeyForm(), secret)


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def api_key_revoke(request: HubRequest, visit: Visit, key: str) -> HttpResponse:
    """Revoke a key after confirmation. Raises Http404 for another account's key too."""
    api_key = keys.by_public_id(key)
    if api_key is None or api_key.account != visit.account or api_key.holder:
        raise Http404
    page = confirm(request, _revocation(api_key), partial(_revoke, caller_of(request), api_key))
    if page is None:
        messages.success(request, f"Key {api_key.name} was revoked.")
    return page or redirect("api_keys")


def _create(caller: Caller, visit: Visit, fields: dict[str, Any]) -> str:
    """Create and record a key; return its text.

    Raises ChangeRefused where the account has MAX_ACTIVE keys, or an active one of this name: a
    form that is submitted twice creates one key.
    """
    # Read before the account is locked, since MongoDB may take its time.
    agent = dictionary.agent_of(visit.account.id, fields["bot"]) if fields["bot"] else None
    with locked_account(visit.account) as account:
        if keys.active_of(account).count() >= MAX_ACTIVE:
            raise ChangeRefused(
                f"The account already has the maximum of {MAX_ACTIVE} active keys. "
                "Revoke a key that is no longer used, then try again."
            )
        try:
            keys.check_name_is_free(account, fields["name"])
        except ValueError as error:
            raise ChangeRefused(
                "An active key already has this name. Choose another one, or revoke that key.",
                field="name",
            ) from error
        text = keys.create(
            account,
            fields["name"],
            fields["scopes"],
            bot=fields["bot"],
            agent=agent,
            expires_at=fields["expires_at"],
            created_by=visit.person.get_username(),
        )
        key = keys.look_up(text)
        assert key is not None
        self_audit.key_created(key, caller)
    return text


def _revoke(caller: Caller, key: ApiKey) -> None:
    with locked_account(key.account):
        if not keys.revoke(key):
            raise ChangeRefused("This key is already revoked.")
        self_audit.key_revoked(key, caller)


def _revocation(key: ApiKey) -> Confirmation:
    refusals = {
        "active": "",
        "expired": "This key has expired, so there is nothing to revoke.",
        "revoked": "This key is already revoked.",
    }
    used = f"Last used {short_time(key.last_used_at, now())}." if key.last_used_at else UNUSED
    return Confirmation(
        question=f"Revoke {key.name}?",
        consequences=(
            used,
            "Requests with this key are rejected at once. This cannot be undone.",
            "Entries written with this key stay in the log.",
        ),
        button="Revoke key",
        cancel_url=reverse("api_keys"),
        refusal=refusals[keys.state(key)],
    )


def _page(
    request: HubRequest, visit: Visit, form: KeyForm, secret: Secret | None = None
) -> HttpResponse:
    bots = _bots(visit.account)
    names = {bot.id: bot.name for bot in bots}
    listed, has_more = keys.of_account(visit.account)
    rows = [_row(key, names) for key in listed]
    context = {
        "active": [row for row in rows if row.state == "active"],
        "ended": [row for row in rows if row.state != "active"],
        "has_more": has_more,
        "agent_keys": AgentKeyList(visit.account),
        "bots": bots,
        "form": form,
        "secret": secret,
    }
    return render(request, "hub/account/api_keys.html", context)


def _row(key: ApiKey, names: dict[str, str | None]) -> KeyRow:
    state = keys.state(key)
    agent = names.get(key.bot) or key.bot if key.bot else None
    return KeyRow(key, state, *_state_label(key, state), agent)


def _state_label(key: ApiKey, state: keys.KeyState) -> tuple[str, str]:
    """Return the label of a key's state and its colour, the suffix of a `tag-` class."""
    if state != "active":
        return capfirst(state), "quiet"
    if key.exposed_at:
        return "Exposed in an entry: replace it", "failure"
    left = key.expires_at - now() if key.expires_at else None
    if left is None or left > SOON:
        return "Active", "success"
    days = f"{left.days} day{'s' if left.days > 1 else ''}" if left.days else "less than a day"
    return f"Expires in {days}", "partial"


def _bots(account: Account) -> list[NamedBot]:
    """Return the bots to suggest; none while MongoDB is unavailable, so that keys can be revoked
    even then."""
    try:
        return dictionary.bots(account.id, MAX_BOTS)
    except StorageError:
        return []


def _checked(what: str, text: str, length: int, *, is_name: bool = False) -> str:
    try:
        check_text(what, text, length, is_name=is_name)
    except ValueError as error:
        raise ValidationError(capfirst(f"{error}.")) from error
    return text
