"""Passwords: changed by the person, or set with a link from an admin."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
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
    """Change one's own password, which ends one's other sessions and all session tokens.

    Raises PermissionDenied for people who sign in by single sign-on.
    """
    if is_linked(request.user):
        raise PermissionDenied("You sign in with single sign-on, so you have no password here.")
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST":
        # The current password could be guessed here, too, in a browser left open.
        if reached := lockout.count_attempt(request):
            return _rate_limited(request, reached)
        if form.is_valid():
            _save(form, caller_of(request), "password")
            update_session_auth_hash(request, form.user)
            return redirect(f"{resolve_url('password')}?changed")
    return render(request, "hub/sign_in/password.html", {"form": form})


def _rate_limited(request: HubRequest, reached: LimitExceeded) -> HttpResponse:
    """Show an empty form that says when to try again."""
    self_audit.sign_in_rate_limited(request, caller_of(request), reached)
    until = now() + timedelta(seconds=reached.seconds)
    context = {"form": PasswordChangeForm(request.user), "until": until}
    response = render(request, "hub/sign_in/password.html", context, status=429)
    response["Retry-After"] = str(reached.seconds)
    return response


class PasswordLinks(PasswordResetTokenGenerator):
    """Makes and checks the tokens of set-password links.

    The admin who creates a link could use it themselves. So it is valid only while the person is a
    member of that account alone: joining another account, becoming staff or being removed
    invalidates it, or one account's admin could reach another account.
    """

    def check_token(self, user: AbstractBaseUser | None, token: str | None) -> bool:
        if not isinstance(user, User) or user.is_staff or user.memberships.count() != 1:
            return False
        return super().check_token(user, token)

    def _make_hash_value(self, user: AbstractBaseUser, timestamp: int) -> str:
        assert isinstance(user, User)
        accounts = user.memberships.values_list("account", flat=True)
        return f"{super()._make_hash_value(user, timestamp)}{list(accounts)}"


password_links = PasswordLinks()


class SetPassword(PasswordResetConfirmView):
    """The page of a set-password link, which is valid once and for a day."""

    template_name = "hub/sign_in/set_password.html"
    token_generator = password_links

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        """Set the password, which invalidates the link; answer 503 where it cannot be recorded."""
        try:
            with transaction.atomic():
                # Of two simultaneous uses of a link, the second waits for the row of the first, and
                # then finds the link used.
                form.user = User.objects.select_for_update().get(pk=form.user.pk)
                token = self.request.session[INTERNAL_RESET_SESSION_TOKEN]
                if not password_links.check_token(form.user, token):
                    self.validlink = False
                    return self.render_to_response(self.get_context_data())
                _save(form, claimed_caller(self.request, form.user), "link")
        except StorageError as error:
            return render(self.request, "503.html", {"reason": str(error)}, status=503)
        # Failures with the former password must not keep the person out with the new one.
        lockout.reset(form.user.get_username())
        return redirect(f"{resolve_url('sign_in')}?because=password-set")

    def render_to_response(self, context: dict[str, Any], **options: Any) -> HttpResponse:
        """Show the form, or with status 404 that the link is not valid."""
        return super().render_to_response(
            context, status=200 if context["validlink"] else 404, **options
        )


def _save(form: "SetPasswordForm[User]", caller: Caller, method: str) -> None:
    """Save the new password, end the person's session tokens and record it, in one transaction.

    Their sessions end because each holds a hash of the former password. Raises CannotStore.
    """
    with transaction.atomic():
        form.save()
        keys.revoke_tokens_of(form.user)
        self_audit.password_changed(caller, method)
