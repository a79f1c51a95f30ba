"""Signing in and out, each recorded in the log."""

import math
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse

from auditlogs.entry.times import now
from hub.access import self_audit
from hub.access.visits import caller_of, claimed_caller
from hub.sign_in import lockout


class SignIn(LoginView):
    """The form by which a person begins a session."""

    template_name = "hub/sign_in/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Try a password, unless too many were tried from there: then not even this one is."""
        if reached := lockout.too_many(request):
            # Nobody was looked up, so nobody is named.
            self_audit.tries_limited(request, claimed_caller(request, None), reached)
            until = now() + timedelta(seconds=reached.seconds)
            return self._refuse(AuthenticationForm(), "limited", until)
        return super().post(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form a request that tells whoever counts failures no more than they need."""
        return {**super().get_form_kwargs(), "request": lockout.bare(self.request)}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Begin the session."""
        response = super().form_valid(form)
        # A session that replaces another person's has no key until it is saved.
        self.request.session.save()
        self_audit.signed_in(caller_of(self.request))
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again."""
        # With a field left out nothing was tried.
        if not form.non_field_errors():
            return super().form_invalid(form)
        name, told = form.cleaned_data["username"], form.request
        assert told is not None
        caller = claimed_caller(self.request, User.objects.filter(username=name).first())
        if lockout.was_counted(told):
            self_audit.sign_in_failed(caller)
        if not lockout.is_locked_out(told):
            return super().form_invalid(form)
        until = lockout.locked_until(told, name)
        if lockout.was_counted(told):
            self_audit.locked_out(caller, until)
        else:
            self_audit.sign_in_locked_out(caller, until)
        return self._refuse(form, "locked", until)

    def _refuse(self, form: AuthenticationForm, why: str, until: datetime) -> HttpResponse:
        """Show the form, and when to try again."""
        context = self.get_context_data(form=form, refused=why, until=until)
        seconds = max(1, math.ceil((until - now()).total_seconds()))
        headers = {"Retry-After": str(seconds)}
        return self.render_to_response(context, status=429, headers=headers)


class SignOut(LogoutView):
    """The button by which a person ends their session."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session; one that is over already leaves nothing to record."""
        caller = caller_of(request)
        response = super().post(request, *args, **kwargs)
        if caller.session_id:
            self_audit.signed_out(caller)
        return response
