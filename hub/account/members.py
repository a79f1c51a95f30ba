"""The Members page: the list, the form for a new member, and the confirmations of changes."""

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
from hub.account.membership import MAX_MEMBERS, USERNAME_LENGTH
from hub.account.secret import Secret
from hub.models import Membership, Role
from hub.sign_in.passwords import password_links
from hub.ui.confirmation import ChangeRefused, Confirmation, confirm
from hub.ui.forms import PageForm


class MemberForm(PageForm):
    """The form for a new member."""

    username = UsernameField(
        label="User name",
        max_length=USERNAME_LENGTH,
        validators=[User.username_validator],
        help_text="For a new user name you get a link with which that person sets a password.",
    )
    role = forms.ChoiceField(
        label="Role",
        choices=[(Role.VIEWER.value, "Viewer"), (Role.ADMIN.value, "Admin")],
        initial=Role.VIEWER.value,
        help_text="A viewer reads the log. An admin also manages keys, members and settings.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def members(request: HubRequest, visit: Visit) -> HttpResponse:
    """List an account's members and add one; only this response shows the link for a new person."""
    form = MemberForm(request.POST or None)
    if not form.is_valid():
        return _page(request, visit, form)
    name, role = form.cleaned_data["username"], form.cleaned_data["role"]
    try:
        person, is_new = membership.add(caller_of(request), visit.account, name, role)
    except ChangeRefused as refusal:
        form.add_error(refusal.field, str(refusal))
        return _page(request, visit, form)
    if is_new:
        return _page(request, visit, MemberForm(), _password_link(request, person))
    messages.success(request, f"{person} was added. They sign in as before.")
    return redirect("members")


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def member_role(request: HubRequest, visit: Visit, person: int) -> HttpResponse:
    """Give a member the other role after confirmation. Raises BadRequest for an unknown role."""
    member = _member(visit, person)
    confirmation = _role_confirmation(member)
    role = request.POST.get("role", "")
    if request.method == "POST" and role not in Role.values:
        raise BadRequest
    change = partial(membership.give_role, caller_of(request), member, role)
    page = confirm(request, confirmation, change)
    return page or _done(request, member, f"{member.user} is now {_with_article(role)}.")


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def member_remove(request: HubRequest, visit: Visit, person: int) -> HttpResponse:
    """Remove a member after confirmation; admins leave the account by removing themselves."""
    member = _member(visit, person)
    change = partial(membership.remove, caller_of(request), member)
    page = confirm(request, _removal_confirmation(request, member), change)
    return page or _done(request, member, f"{member.user} was removed from the account.")


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def member_reset(request: HubRequest, visit: Visit, person: int) -> HttpResponse:
    """Invalidate a member's password after confirmation, and show a link to set a new one."""
    member = _member(visit, person)
    state = request.POST.get("state")
    change = partial(membership.reset, caller_of(request), member, state)
    page = confirm(request, _reset_confirmation(request, member), change)
    if page:
        return page
    # Read again: the link's token depends on the password as it is after the reset.
    return _page(request, visit, MemberForm(), _password_link(request, _member(visit, person).user))


def _page(
    request: HubRequest, visit: Visit, form: MemberForm, secret: Secret | None = None
) -> HttpResponse:
    elsewhere = Membership.objects.filter(user=OuterRef("user")).exclude(account=visit.account)
    memberships = visit.account.memberships.annotate(is_shared=Exists(elsewhere))
    ordered = memberships.select_related("user").order_by("role", "user__username")
    shown = list(ordered[: MAX_MEMBERS + 1])
    context = {
        "members": shown[:MAX_MEMBERS],
        "has_more": len(shown) > MAX_MEMBERS,
        "form": form,
        "secret": secret,
    }
    return render(request, "hub/account/members.html", context)


def _member(visit: Visit, person: int) -> Membership:
    """Return a member of the account. Raises Http404 for anybody else."""
    members = visit.account.memberships.select_related("user", "account")
    return get_object_or_404(members, user__id=person)


def _done(request: HubRequest, member: Membership, text: str) -> HttpResponse:
    """Redirect to the members, or to the Logs page a person who changed their own membership: they
    may not be an admin any more."""
    if member.user == request.user:
        return redirect("logs")
    messages.success(request, text)
    return redirect("members")


def _role_confirmation(member: Membership) -> Confirmation:
    is_admin = member.role == Role.ADMIN
    role = Role.VIEWER if is_admin else Role.ADMIN
    consequences = {
        Role.VIEWER: "Viewers read the log. They cannot manage keys, members or settings.",
        Role.ADMIN: "Admins create and revoke keys, add and remove members (including you), "
        "and change the settings.",
    }
    return Confirmation(
        question=f"Make {member.user} {_with_article(role)}?",
        consequences=(consequences[role],),
        button=f"Make {_with_article(role)}",
        cancel_url=reverse("members"),
        refusal=membership.role_refusal(member),
        is_dangerous=False,
        hidden_field=("role", role.value),
    )


def _removal_confirmation(request: HubRequest, member: Membership) -> Confirmation:
    is_leaving = member.user == request.user
    return Confirmation(
        question="Leave this account?" if is_leaving else f"Remove {member.user}?",
        consequences=(
            "You lose access to this account at once. Another admin can add you again."
            if is_leaving
            else f"{member.user} loses access to this account at once.",
            f"{'Your' if is_leaving else 'Their'} session tokens for this account end at once.",
            "API keys belong to the account and stay valid.",
        ),
        button="Leave account" if is_leaving else "Remove member",
        cancel_url=reverse("members"),
        refusal=membership.LAST_ADMIN if membership.is_last_admin(member) else "",
    )


def _reset_confirmation(request: HubRequest, member: Membership) -> Confirmation:
    refusal = "" if membership.is_member_here_only(member) else membership.reset_refusal(member)
    if member.user == request.user:
        refusal = "You cannot reset yourself. Change your password on your profile page."
    return Confirmation(
        question=f"Reset {member.user}?",
        consequences=(
            "Their password stops working. Their sessions and session tokens end at once.",
            "You get a link to pass on, with which they set a new password.",
        ),
        button="Reset member",
        cancel_url=reverse("members"),
        refusal=refusal,
        hidden_field=("state", membership.password_state(member)),
    )


def _password_link(request: HubRequest, person: User) -> Secret:
    """Return a set-password link for a person."""
    encoded = urlsafe_base64_encode(force_bytes(person.pk))
    token = password_links.make_token(person)
    path = reverse("set_password", kwargs={"uidb64": encoded, "token": token})
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    return Secret(
        title=f"Set-password link for {person}",
        label="Link",
        text=request.build_absolute_uri(path),
        advice=f"Send it to {person} only: whoever opens the link can set the password. It works "
        f"once, within {hours} hours, and is not shown again.",
    )


def _with_article(role: str) -> str:
    return "an admin" if role == Role.ADMIN else "a viewer"
