"""The fields of a form that say when a key expires."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms

from auditlogs.accounts.keys import MAX_EXPIRY_DAYS
from auditlogs.entry.times import now
from hub.ui.forms import PageForm

NEVER, ON_A_DATE = "never", "date"
EXPIRIES = {
    "30": "In 30 days",
    "90": "In 90 days",
    "365": "In 365 days",
    ON_A_DATE: "On a date",
    NEVER: "Never",
}


class ExpiryForm(PageForm):
    """When a key expires. `cleaned_data["expires_at"]` is a time, or None for never."""

    expires = forms.ChoiceField(
        label="Expires", choices=list(EXPIRIES.items()), initial="90", required=False
    )
    expires_on = forms.DateField(
        label="Last day (UTC)", required=False, widget=forms.DateInput({"type": "date"})
    )

    def clean(self) -> dict[str, Any]:
        """Compute `expires_at` from the two fields about it."""
        expires, day = self.cleaned_data.get("expires"), self.cleaned_data.get("expires_on")
        today, expires_at = now().date(), None
        if expires == ON_A_DATE and "expires_on" not in self.errors:
            if day is None:
                self.add_error("expires_on", "Choose the last day on which the key is valid.")
            elif not today <= day <= today + timedelta(days=MAX_EXPIRY_DAYS):
                self.add_error("expires_on", "Choose a day between today and three years from now.")
            else:
                expires_at = datetime.combine(day, time(), UTC) + timedelta(days=1)
        elif expires and expires.isdecimal():
            expires_at = now() + timedelta(days=int(expires))
        self.cleaned_data["expires_at"] = expires_at
        return self.cleaned_data
