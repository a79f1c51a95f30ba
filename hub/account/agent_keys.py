"""The forms about agents' keys: create one, rotate it, change its scopes, revoke it."""

from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from auditlogs.accounts import agent_keys
from auditlogs.accounts.agent_keys import AgentKeyRefused
from auditlogs.accounts.self_audit import Caller
from auditlogs.entry.schema import LONG_ID_LENGTH
from auditlogs.entry.times import now
from auditlogs.explain.scopes import tool_scopes
from auditlogs.models import KEY_NAME_LENGTH, Account, AgentKey
from auditlogs.storage import actors
from auditlogs.storage.dictionary import NamedActor
from auditlogs.storage.mongo import StorageError
from hub.access.visits import HubRequest, Visit, caller_of, for_admins
from hub.account.expiry import ExpiryForm
from hub.account.secret import Secret
from hub.logs.links import key_url
from hub.ui.confirmation import ChangeRefused, Confirmation, confirm
from hub.ui.forms import PageForm
from hub.ui.times import short_time

MAX_SUGGESTED = 200
CREATED_WITH = ("name", "agent", "scopes", "expires_at")
OVERLAPS = {
    "24": "24 hours",
    "1": "1 hour",
    "168": "7 days",
    "0": "Not at all: it ends now",
}


class ScopesForm(PageForm):
    """The scopes of an agent's key, each with the tools that it allows."""

    scopes = forms.MultipleChoiceField(
        label="Scopes",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one scope."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, _what_opens(name)) for name in tool_scopes()]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]


class AgentKeyForm(ExpiryForm, ScopesForm):
    """The form for a new agent's key. `cleaned_data["expires_at"]` is a time, or None for never."""

    name = forms.CharField(
        label="Name",
        max_length=KEY_NAME_LENGTH,
        help_text="What the log calls it, such as scout-read.",
    )
    agent = forms.CharField(
        label="Agent",
        max_length=LONG_ID_LENGTH,
        widget=forms.TextInput({"list": "agents"}),
        help_text="The agent’s id, which its entries have as their actor.",
    )
    field_order = ("name", "agent", "scopes", "expires", "expires_on")


class RotationForm(PageForm):
    """For how long the former secret stays valid.

    `secret` says which one is to be replaced, so that a form that is sent twice rotates once.
    """

    overlap = forms.ChoiceField(label="The former secret stays valid for", choices=OVERLAPS.items())
    secret = forms.CharField(widget=forms.HiddenInput)


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def agent_key_new(request: HubRequest, visit: Visit) -> HttpResponse:
    """Create an agent's key, whose secret only this response shows."""
    form = AgentKeyForm(request.POST or None, initial={"agent": request.GET.get("agent", "")})
    if form.is_valid():
        given = {name: form.cleaned_data[name] for name in CREATED_WITH}
        try:
            key, text = agent_keys.create(visit.account, caller_of(request), **given)
        except AgentKeyRefused as refusal:
            _refuse(form, refusal)
        else:
            return _shown_once(request, key, text, f"Your new key {key.name}")
    agents = _suggested(visit.account)
    context = {"form": form, "suggested": agents, "declares": bool(tool_scopes())}
    return render(request, "hub/account/agent_key_new.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def agent_key_rotate(request: HubRequest, visit: Visit, key: str) -> HttpResponse:
    """Give a key a new secret, which only this response shows."""
    agent_key = _find(visit, key)
    form = RotationForm(request.POST or None, initial={"secret": agent_key.last_four})
    if form.is_valid():
        try:
            overlap = timedelta(hours=int(form.cleaned_data["overlap"]))
            secret = form.cleaned_data["secret"]
            text = agent_keys.rotate(agent_key, caller_of(request), overlap, secret)
        except AgentKeyRefused as refusal:
            _refuse(form, refusal)
        else:
            return _shown_once(request, agent_key, text, f"The new secret of {agent_key.name}")
    state = agent_keys.state(agent_key)
    context = {"key": agent_key, "form": form, "state": state, "url": key_url(agent_key.public_id)}
    return render(request, "hub/account/agent_key_rotate.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def agent_key_scopes(request: HubRequest, visit: Visit, key: str) -> HttpResponse:
    """Give a key other scopes."""
    agent_key = _find(visit, key)
    wanted = [*agent_key.scopes, *request.GET.getlist("add")]
    form = ScopesForm(request.POST or None, initial={"scopes": wanted})
    if form.is_valid():
        try:
            scopes = form.cleaned_data["scopes"]
            is_new = agent_keys.change_scopes(agent_key, caller_of(request), scopes)
        except AgentKeyRefused as refusal:
            _refuse(form, refusal)
        else:
            has_now = f"Key {agent_key.name} now has {', '.join(agent_key.scopes)}."
            messages.success(request, has_now if is_new else "The scopes have not changed.")
            return redirect(key_url(agent_key.public_id))
    state = agent_keys.state(agent_key)
    context = {"key": agent_key, "form": form, "state": state, "url": key_url(agent_key.public_id)}
    return render(request, "hub/account/agent_key_scopes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def agent_key_revoke(request: HubRequest, visit: Visit, key: str) -> HttpResponse:
    """Revoke a key after confirmation. Raises Http404 for another account's key too."""
    agent_key = _find(visit, key)
    change = partial(_revoke, caller_of(request), agent_key)
    page = confirm(request, _revocation(agent_key), change)
    if page is None:
        messages.success(request, f"Key {agent_key.name} was revoked.")
    return page or redirect(key_url(agent_key.public_id))


def _find(visit: Visit, public_id: str) -> AgentKey:
    key = agent_keys.find(visit.account, public_id)
    if key is None:
        raise Http404
    return key


def _revoke(caller: Caller, key: AgentKey) -> None:
    try:
        agent_keys.revoke(key, caller)
    except AgentKeyRefused as refusal:
        raise ChangeRefused(str(refusal)) from refusal


def _revocation(key: AgentKey) -> Confirmation:
    used = f"Last used {short_time(key.last_used_at, now())}." if key.last_used_at else None
    others = agent_keys.others_of_agent(key)
    has_another = f"{others} other active key{'s' if others > 1 else ''}"
    return Confirmation(
        question=f"Revoke {key.name}?",
        consequences=(
            used or "No MCP server has ever checked it.",
            f"The agent {key.agent} has {has_another if others else 'no other active key'}.",
            "Tools refuse the key within 30 seconds. This cannot be undone.",
            "Entries about what the key did stay in the log.",
        ),
        button="Revoke key",
        cancel_url=key_url(key.public_id),
        refusal="This key is already revoked." if key.revoked_at else "",
    )


def _shown_once(request: HubRequest, key: AgentKey, text: str, title: str) -> HttpResponse:
    secret = Secret(
        title=title,
        label="Agent key",
        text=text,
        advice="Copy it now and give it to the agent. It is not shown again.",
        example="",
    )
    context = {"secret": secret, "key": key, "url": key_url(key.public_id)}
    return render(request, "hub/account/agent_key_secret.html", context)


def _refuse(form: forms.Form, refusal: AgentKeyRefused) -> None:
    field = refusal.field if refusal.field in form.fields else None
    form.add_error(field, str(refusal))


def _suggested(account: Account) -> list[NamedActor]:
    """Return actors to suggest; none while MongoDB is unavailable, so that keys can be created even
    then."""
    try:
        return [a for a in actors.actors(account.id, "", MAX_SUGGESTED)[0] if a.type == "agent"]
    except StorageError:
        return []


def _what_opens(scope: str) -> str:
    declared = tool_scopes()[scope]
    return f"{declared.sentence} Opens {', '.join(declared.tools) or 'no tool'}."
