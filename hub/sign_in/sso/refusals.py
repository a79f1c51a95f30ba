"""Why nobody was signed in: a code for the log, and a sentence for whoever tried."""

from typing import Literal

from django.contrib.auth.models import User

from hub.access.codes import HubCode

Reason = Literal["away", "busy", "refused", "stale", "unknown", "untrusted"]

# What the sign-in page says. It tells nobody which people there are.
SENTENCES: dict[Reason, str] = {
    "away": "Single sign-on does not answer at the moment. Try again in a few minutes.",
    "busy": "Too many sign-ins were tried from your address. Try again in a minute.",
    "refused": "Single sign-on did not let you in.",
    "stale": "This sign-in took too long or was begun elsewhere. Try again.",
    "unknown": "Nobody is known here by this identity. Ask an admin of your account.",
    "untrusted": "Single sign-on gave an answer that cannot be trusted, so nobody was signed in.",
}


class Refused(Exception):
    """Nobody is signed in. `code` is for the log and may say more than the person is told;
    `person` is whom the identity belongs to, where that is known."""

    def __init__(self, reason: Reason, code: HubCode, person: User | None = None) -> None:
        super().__init__(code)
        self.reason = reason
        self.code = code
        self.person = person
