"""Refused sign-ins: a code for the log and a sentence for the person."""

from typing import Literal

from django.contrib.auth.models import User

from hub.access.codes import HubCode

Reason = Literal["away", "busy", "refused", "stale", "unknown", "untrusted"]

# What the sign-in page says. The same sentence for every unknown identity: it must not tell who has
# an account here.
SENTENCES: dict[Reason, str] = {
    "away": "The single sign-on service is not responding. Try again in a few minutes.",
    "busy": "Too many sign-in attempts from your network. Try again in a minute.",
    "refused": "The single sign-on service did not sign you in. Try again.",
    "stale": "This sign-in took too long or was started in another browser. Try again.",
    "unknown": "No user of the Hub is linked to this identity. Ask an admin of your account.",
    "untrusted": "The response of the single sign-on service is not valid. Ask the Hub's operator.",
}


class SignInRefused(Exception):
    """A sign-in was refused: `reason` selects the sentence for the person, `code` is for the log
    and may say more; `person` is the owner of the identity, if that is known."""

    def __init__(self, reason: Reason, code: HubCode, person: User | None = None) -> None:
        super().__init__(code)
        self.reason = reason
        self.code = code
        self.person = person
