"""The API keys of an account: the list, the form that makes one, and the step that revokes one."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods

from auditlogs.accounts import keys, self_audit
from auditlogs.accounts.accounts import locked_account
from auditlogs.accounts.self_audit import Caller
from auditlogs.entry.schema import ID_LENGTH
from auditlogs.entry.times import now
from auditlogs.models import KEY_NAME_LENGTH, Account, ApiKey
from auditlogs.recording.policy import check_text
from auditlogs.storage import dictionary
from auditlogs.storage.dictionary import NamedBot
from auditlogs.storage.mongo import StorageError
from hub.access.visits import HubRequest, Visit, caller_of, for_admins
from hub.account.changes import Refused, Secret, Step, ask
from hub.account.examples import call_with
from hub.ui.forms import PageForm
from hub.ui.times import short_time

MAX_ACTIVE = 200
MAX_BOTS = 200
MAX_DAYS = 3 * 365
UNUSED = "It was never used."
SOON = timedelta(days=7)
NEVER, ON_A_DATE = "never", "date"
EXPIRIES = {
    "30": "In 30 days",
    "90": "In 90 days",
    "365": "In 365 days",
    ON_A_DATE: "On a date",
    NEVER: "Never",
}


class KeyForm(PageForm):
    """What a key is to be called, and what it may do, for how long, and as whom."""

    name = forms.CharField(
        label="Name",
        max_length=KEY_NAME_LENGTH,
        help_text="What it is for, such as the service that will use it.",
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=list(keys.SCOPES.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    expires = forms.ChoiceField(
        label="Expires", choices=list(EXPIRIES.items()), initial="90", required=False
    )
    expires_on = forms.DateField(
        label="Last day (UTC)", required=False, widget=forms.DateInput({"type": "date"})
    )
    bot = forms.CharField(
        label="Agent (optional)",
        max_length=ID_LENGTH,
        required=False,
        widget=forms.TextInput({"list": "bots", "placeholder": "Any agent"}),
        help_text="With a bot ID, the key names only that agent as actor and reads only its "
        "entries. An agent that the log does not know yet is named by its bot ID.",
    )

    def clean_name(self) -> str:
        """Refuse what cannot be shown, or should not be. Raises ValidationError."""
        return _checked("the name", self.cleaned_data["name"], KEY_NAME_LENGTH)

    def clean_bot(self) -> str | None:
        """Refuse what cannot be a bot's id. Raises ValidationError."""
        bot = self.cleaned_data["bot"]
        return _checked("the agent", bot, ID_LENGTH) if bot else None

    def clean(self) -> dict[str, Any]:
        """Find out when the key expires: `expires_at` is a time, or None for never."""
        asked, day = self.cleaned_data.get("expires"), self.cleaned_data.get("expires_on")
        today, expires_at = now().date(), None
        if asked == ON_A_DATE and "expires_on" not in self.errors:
            if day is None:
                self.add_error("expires_on", "Choose the last day on which the key works.")
            elif not today <= day <= today + timedelta(days=MAX_DAYS):
                self.add_error("expires_on", "Choose a day from today on, within three years.")
            else:
                expires_at = datetime.combine(day, time(), UTC) + timedelta(days=1)
        elif asked and asked.isdecimal():
            expires_at = now() + timedelta(days=int(asked))
        self.cleaned_data["expires_at"] = expires_at
        return self.cleaned_data


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the list shows it: what became of it, in a word and a tone, and its bot's name."""

    key: ApiKey
    state: keys.KeyState
    word: str
    tone: str
    agent: str | None

    @property
    def deeds_url(self) -> str:
        """What the key did: the entries that it wrote, and those that tell of it."""
        query = urlencode({"assertedBy": self.key.public_id, "dateRange": "all"})
        return f"{reverse('logs')}?{query}"


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def api_keys(request: HubRequest, visit: Visit) -> HttpResponse:
    """List an account's keys; a form makes one, whose text the answer shows, once."""
    form = KeyForm(request.POST or None)
    if not form.is_valid():
        return _page(request, visit, form)
    try:
        text = _make(caller_of(request), visit, form.cleaned_data)
    except Refused as refusal:
        form.add_error(refusal.field, str(refusal))
        return _page(request, visit, form)
    agent = form.cleaned_data["bot"] or "agent_7f3a21"
    secret = Secret(
        title=f"Your new key {form.cleaned_data['name']}",
        label="API key",
        text=text,
        advice="Copy it now and keep it where secrets are kept: it is not shown again.",
        example=call_with(request, text, form.cleaned_data["scopes"], agent),
    )
    return _page(request, visit, KeyForm(), secret)


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def api_key_revoke(request: HubRequest, visit: Visit, key: str) -> HttpResponse:
    """Revoke a key, once that is confirmed."""
    found = keys.by_public_id(key)
    if found is None or found.account != visit.account or found.holder:
        raise Http404
    page = ask(request, _revocation(found), partial(_revoke, caller_of(request), found))
    if page is None:
        messages.success(request, f"The key {found.name} opens nothing any more.")
    return page or redirect("api_keys")


def _make(caller: Caller, visit: Visit, asked: dict[str, Any]) -> str:
    """Make a key, recorded, and return its text. Raises Refused where the account has enough, or
    an active key of this name: so a form that is sent twice makes one key."""
    # Asked before anything waits for this change.
    agent = dictionary.agent_of(visit.account.id, asked["bot"]) if asked["bot"] else None
    with locked_account(visit.account) as account:
        if keys.active_of(account).count() >= MAX_ACTIVE:
            raise Refused(f"The account has {MAX_ACTIVE} active keys, as many as it may have.")
        try:
            keys.check_name_is_free(account, asked["name"])
        except ValueError as error:
            told = "If this form made it, it stood in the answer, once."
            raise Refused(capfirst(f"{error}. {told}"), field="name") from error
        text = keys.create(
            account,
            asked["name"],
            asked["scopes"],
            bot=asked["bot"],
            agent=agent,
            expires_at=asked["expires_at"],
            created_by=visit.person.get_username(),
        )
        key = keys.look_up(text)
        assert key is not None
        self_audit.key_created(key, caller)
    return text


def _revoke(caller: Caller, key: ApiKey) -> None:
    with locked_account(key.account):
        if not keys.revoke(key):
            raise Refused("It was revoked already.")
        self_audit.key_revoked(key, caller)


def _revocation(key: ApiKey) -> Step:
    refusals = {
        "active": "",
        "expired": "It has expired, and opens nothing any more.",
        "revoked": "It was revoked already.",
    }
    used = f"Last used {short_time(key.last_used_at, now())}." if key.last_used_at else UNUSED
    return Step(
        question=f"Revoke {key.name}?",
        consequences=(
            used,
            "From the next request on it opens nothing, and this cannot be taken back.",
            "Entries that it wrote stay.",
        ),
        button="Revoke key",
        back=reverse("api_keys"),
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
        "bots": bots,
        "form": form,
        "secret": secret,
    }
    return render(request, "hub/account/api_keys.html", context)


def _row(key: ApiKey, names: dict[str, str | None]) -> KeyRow:
    state = keys.state(key)
    agent = names.get(key.bot) or key.bot if key.bot else None
    return KeyRow(key, state, *_told(key, state), agent)


def _told(key: ApiKey, state: keys.KeyState) -> tuple[str, str]:
    """Return what became of a key, in words, and the tone in which it is told."""
    if state != "active":
        return capfirst(state), "quiet"
    if key.exposed_at:
        return "Seen in an entry: replace it", "failure"
    left = key.expires_at - now() if key.expires_at else None
    if left is None or left > SOON:
        return "Active", "success"
    days = f"{left.days} day{'s' if left.days > 1 else ''}" if left.days else "less than a day"
    return f"Expires in {days}", "partial"


def _bots(account: Account) -> list[NamedBot]:
    """Return the bots to suggest: none while the log cannot be asked, for a key can be revoked
    nonetheless."""
    try:
        return dictionary.bots(account.id, MAX_BOTS)
    except StorageError:
        return []


def _checked(what: str, text: str, length: int) -> str:
    try:
        check_text(what, text, length)
    except ValueError as error:
        raise ValidationError(capfirst(f"{error}.")) from error
    return text
