"""A person's password: changed by themselves, or set by the link that they were given."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from auditlogs.accounts import keys
from auditlogs.accounts.rate_limit import LimitExceeded
from auditlogs.accounts.self_audit import Caller
from auditlogs.entry.times import now
from auditlogs.storage.mongo import StorageError
from hub.access import self_audit
from hub.access.visits import HubRequest, caller_of, claimed_caller, for_people
from hub.sign_in import lockout
from hub.sign_in.sso.backends import is_linked


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@for_people
def password(request: HubRequest) -> HttpResponse:
    """Let a person change their password; their other sessions and their session tokens end."""
    if is_linked(request.user):
        raise PermissionDenied("You sign in by single sign-on, and have no password here.")
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST":
        # Whoever found an open browser may not guess here either.
        if reached := lockout.too_many(request):
            return _wait(request, reached)
        if form.is_valid():
            _save(form, caller_of(request), "password")
            update_session_auth_hash(request, form.user)
            return redirect(f"{resolve_url('password')}?changed")
    return render(request, "hub/sign_in/password.html", {"form": form})


def _wait(request: HubRequest, reached: LimitExceeded) -> HttpResponse:
    """Show the form, and when to try again."""
    self_audit.tries_limited(request, caller_of(request), reached)
    until = now() + timedelta(seconds=reached.seconds)
    context = {"form": PasswordChangeForm(request.user), "until": until}
    response = render(request, "hub/sign_in/password.html", context, status=429)
    response["Retry-After"] = str(reached.seconds)
    return response


class WaysIn(PasswordResetTokenGenerator):
    """Makes the links by which a person sets a password, and knows them again.

    An account's admins hand them out, and could keep them. So each is good only for a person who
    belongs to that account and to nothing else: who joins another one meanwhile, becomes staff, or
    is removed, is nobody's to let in.
    """

    def check_token(self, user: AbstractBaseUser | None, token: str | None) -> bool:
        """Tell whether a link lets a person in."""
        if not isinstance(user, User) or user.is_staff or user.memberships.count() != 1:
            return False
        return super().check_token(user, token)

    def _make_hash_value(self, user: AbstractBaseUser, timestamp: int) -> str:
        assert isinstance(user, User)
        accounts = user.memberships.values_list("account", flat=True)
        return f"{super()._make_hash_value(user, timestamp)}{list(accounts)}"


ways_in = WaysIn()


class SetPassword(PasswordResetConfirmView):
    """The page of a link by which a person sets a password, once and within a day."""

    template_name = "hub/sign_in/set_password.html"
    token_generator = ways_in

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        """Set the password, unless that cannot be recorded; the link opens nothing any more."""
        try:
            _save(form, claimed_caller(self.request, self.user), "link")
        except StorageError as error:
            return render(self.request, "503.html", {"reason": str(error)}, status=503)
        # Who failed with the old one may come in with the new.
        lockout.forget(form.user.get_username())
        return redirect(f"{resolve_url('sign_in')}?because=password-set")

    def render_to_response(self, context: dict[str, Any], **options: Any) -> HttpResponse:
        """Show the form, or say that the link opens nothing."""
        return super().render_to_response(
            context, status=200 if context["validlink"] else 404, **options
        )


def _save(form: "SetPasswordForm[User]", caller: Caller, method: str) -> None:
    """Save the new password, end the person's session tokens, and record it: all or nothing.

    Their sessions end by themselves, as each holds a hash of the password. Raises CannotStore.
    """
    with transaction.atomic():
        form.save()
        keys.revoke_tokens_of(form.user)
        self_audit.password_changed(caller, method)
