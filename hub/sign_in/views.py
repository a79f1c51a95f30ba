"""Signing in and out, each recorded in the log."""

import math
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse

from auditlogs.entry.times import now
from hub.access import self_audit
from hub.access.visits import caller_of, claimed_caller
from hub.sign_in import lockout


class SignIn(LoginView):
    """The sign-in page."""

    template_name = "hub/sign_in/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check the password, unless the address has exceeded its rate limit."""
        if reached := lockout.count_attempt(request):
            # The user name was not looked up, so the entry names nobody.
            self_audit.sign_in_rate_limited(request, claimed_caller(request, None), reached)
            until = now() + timedelta(seconds=reached.seconds)
            return self._refuse(AuthenticationForm(), "limited", until)
        return super().post(request, *args, **kwargs)

    def get_success_url(self) -> str:
        url: str = super().get_success_url()
        # The sign-in page as its own target would be a redirection loop.
        is_itself = urlsplit(url).path == self.request.path
        return self.get_default_redirect_url() if is_itself else url

    def get_form_kwargs(self) -> dict[str, Any]:
        # The form passes this request to axes, which would store the rest of it.
        return {**super().get_form_kwargs(), "request": lockout.stripped_request(self.request)}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        # A new session has no key until it is saved, and the entry needs it.
        self.request.session.save()
        self_audit.signed_in(caller_of(self.request))
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Record the failure and show the form again, with status 429 during a lock-out."""
        # An empty field is reported at the field; no password was checked.
        if not form.non_field_errors():
            return super().form_invalid(form)
        username, axes_request = form.cleaned_data["username"], form.request
        assert axes_request is not None
        person = User.objects.filter(username=username).first()
        caller = claimed_caller(self.request, person)
        if lockout.was_counted(axes_request):
            self_audit.sign_in_failed(caller)
        if not lockout.is_locked_out(axes_request):
            return super().form_invalid(form)
        until = lockout.locked_until(axes_request, username)
        if lockout.was_counted(axes_request):
            self_audit.locked_out(caller, until)
        else:
            self_audit.sign_in_locked_out(caller, until)
        return self._refuse(form, "locked", until)

    def _refuse(self, form: AuthenticationForm, why: str, until: datetime) -> HttpResponse:
        context = self.get_context_data(form=form, refused=why, until=until)
        seconds = max(1, math.ceil((until - now()).total_seconds()))
        headers = {"Retry-After": str(seconds)}
        return self.render_to_response(context, status=429, headers=headers)


class SignOut(LogoutView):
    """Ends a person's session."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        caller = caller_of(request)
        response = super().post(request, *args, **kwargs)
        # Without a session, such as in a second tab, nobody signed out.
        if caller.session_id:
            self_audit.signed_out(caller)
        return response
