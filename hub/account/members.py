"""The members of an account: the list, the form that adds one, and each step that changes one."""

from functools import partial

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.http import require_http_methods

from hub.access.visits import HubRequest, Visit, caller_of, for_admins
from hub.account import membership
from hub.account.changes import Refused, Secret, Step, ask
from hub.account.membership import MAX_MEMBERS
from hub.models import Membership, Role
from hub.sign_in.passwords import ways_in
from hub.ui.forms import PageForm


class MemberForm(PageForm):
    """Who is to be a member, and what they may do."""

    username = UsernameField(
        label="User name",
        max_length=User._meta.get_field("username").max_length,
        validators=[User.username_validator],
        help_text="Someone the Hub does not know yet gets a link by which they choose a password.",
    )
    role = forms.ChoiceField(
        label="Role",
        choices=[(Role.VIEWER.value, "Viewer"), (Role.ADMIN.value, "Admin")],
        initial=Role.VIEWER.value,
        help_text="A viewer reads the log; an admin also has the keys, members and settings.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def members(request: HubRequest, visit: Visit) -> HttpResponse:
    """List an account's members; a form adds one. Whoever is new gets a link, shown once."""
    form = MemberForm(request.POST or None)
    if not form.is_valid():
        return _page(request, visit, form)
    name, role = form.cleaned_data["username"], form.cleaned_data["role"]
    try:
        person, is_new = membership.add(caller_of(request), visit.account, name, role)
    except Refused as refusal:
        form.add_error(refusal.field, str(refusal))
        return _page(request, visit, form)
    if is_new:
        return _page(request, visit, MemberForm(), _way_in(request, person))
    messages.success(request, f"{person} is a member now, and signs in as before.")
    return redirect("members")


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def member_role(request: HubRequest, visit: Visit, person: int) -> HttpResponse:
    """Give a member the other role, once that is confirmed. Raises BadRequest for a form without
    one of the roles there are."""
    member = _member(visit, person)
    step = _role_step(member)
    role = request.POST.get("role", "")
    if request.method == "POST" and role not in Role.values:
        raise BadRequest
    page = ask(request, step, partial(membership.give_role, caller_of(request), member, role))
    return page or _done(request, member, f"{member.user} is {_called(role)} now.")


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def member_remove(request: HubRequest, visit: Visit, person: int) -> HttpResponse:
    """Remove a member, once that is confirmed; whoever removes themself leaves."""
    member = _member(visit, person)
    step = _removal_step(request, member)
    page = ask(request, step, partial(membership.remove, caller_of(request), member))
    return page or _done(request, member, f"{member.user} is no longer a member.")


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def member_reset(request: HubRequest, visit: Visit, person: int) -> HttpResponse:
    """Close a member's way in, once that is confirmed, and show the link to a new one, once."""
    member = _member(visit, person)
    state = request.POST.get("state")
    reset = partial(membership.reset, caller_of(request), member, state)
    page = ask(request, _reset_step(request, member), reset)
    if page:
        return page
    # The link is for the password as it is now.
    return _page(request, visit, MemberForm(), _way_in(request, _member(visit, person).user))


def _page(
    request: HubRequest, visit: Visit, form: MemberForm, secret: Secret | None = None
) -> HttpResponse:
    elsewhere = Membership.objects.filter(user=OuterRef("user")).exclude(account=visit.account)
    found = visit.account.memberships.annotate(is_shared=Exists(elsewhere)).select_related("user")
    shown = list(found.order_by("role", "user__username")[: MAX_MEMBERS + 1])
    context = {
        "members": shown[:MAX_MEMBERS],
        "has_more": len(shown) > MAX_MEMBERS,
        "form": form,
        "secret": secret,
    }
    return render(request, "hub/account/members.html", context)


def _member(visit: Visit, person: int) -> Membership:
    """Return a member of the account; nobody else is there."""
    members = visit.account.memberships.select_related("user", "account")
    return get_object_or_404(members, user__id=person)


def _done(request: HubRequest, member: Membership, text: str) -> HttpResponse:
    """Lead back to the members; but away from them whoever may see them no more."""
    if member.user == request.user:
        return redirect("logs")
    messages.success(request, text)
    return redirect("members")


def _role_step(member: Membership) -> Step:
    is_admin = member.role == Role.ADMIN
    role = Role.VIEWER if is_admin else Role.ADMIN
    follows = {
        Role.VIEWER: "A viewer reads the log. Keys, members and settings are for admins.",
        Role.ADMIN: "An admin also makes and revokes keys, adds and removes members, you too, "
        "and changes the settings.",
    }
    return Step(
        question=f"Make {member.user} {_called(role)}?",
        consequences=(follows[role],),
        button=f"Make {_called(role)}",
        back=reverse("members"),
        refusal=membership.why_role_stays(member),
        is_dangerous=False,
        sent=("role", role.value),
    )


def _removal_step(request: HubRequest, member: Membership) -> Step:
    is_leaving = member.user == request.user
    return Step(
        question="Leave this account?" if is_leaving else f"Remove {member.user}?",
        consequences=(
            "You no longer see the account. Another admin can add you again."
            if is_leaving
            else f"From their next click on, {member.user} no longer sees the account.",
            "The session tokens for it end at once. API keys stay: they belong to the account.",
        ),
        button="Leave account" if is_leaving else "Remove member",
        back=reverse("members"),
        refusal=membership.LAST_ADMIN if membership.is_last_admin(member) else "",
    )


def _reset_step(request: HubRequest, member: Membership) -> Step:
    refusal = "" if membership.is_ours_alone(member) else membership.not_ours_alone(member)
    if member.user == request.user:
        refusal = "You are signed in: change your password on your profile page."
    return Step(
        question=f"Reset {member.user}?",
        consequences=(
            "Their password stops working, and their sessions and session tokens end at once.",
            "You get a link to pass on, by which they choose a new password.",
        ),
        button="Reset member",
        back=reverse("members"),
        refusal=refusal,
        sent=("state", membership.password_state(member)),
    )


def _way_in(request: HubRequest, person: User) -> Secret:
    """Return the link by which a person chooses a password, once."""
    encoded = urlsafe_base64_encode(force_bytes(person.pk))
    token = ways_in.make_token(person)
    path = reverse("set_password", kwargs={"uidb64": encoded, "token": token})
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    return Secret(
        title=f"A way in for {person}",
        label="Link",
        text=request.build_absolute_uri(path),
        advice=f"Give it to {person} alone: whoever opens it chooses the password. It works once, "
        f"within {hours} hours, and is not shown again.",
    )


def _called(role: str) -> str:
    return "an admin" if role == Role.ADMIN else "a viewer"
