"""Signing in and out, each recorded in the log."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse

from auditlogs import happenings
from hub.access import caller_of, claimed_caller


class SignIn(LoginView):
    """The form by which a person begins a session."""

    template_name = "hub/sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Begin the session."""
        response = super().form_valid(form)
        # A session that replaces another person's has no key until it is saved.
        self.request.session.save()
        happenings.signed_in(caller_of(self.request))
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again."""
        # With a field left out nothing was tried.
        if form.non_field_errors():
            named = User.objects.filter(username=form.cleaned_data["username"]).first()
            happenings.sign_in_failed(claimed_caller(self.request, named))
        return super().form_invalid(form)


class SignOut(LogoutView):
    """The button by which a person ends their session."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session; one that is over already leaves nothing to record."""
        caller = caller_of(request)
        response = super().post(request, *args, **kwargs)
        if caller.session_id:
            happenings.signed_out(caller)
        return response
