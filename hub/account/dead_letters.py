"""The page of an account's dead letters: entries that the log rejected, to send again or drop."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from auditlogs.accounts import dead_letters as letters
from auditlogs.accounts.dead_letters import LetterRefused
from auditlogs.accounts.self_audit import Caller
from auditlogs.entry.schema import Entry
from auditlogs.entry.times import from_ms
from auditlogs.storage.mongo import Unavailable
from auditlogs.write.spool import MAX_SHOWN, DeadLetter, spool
from auditlogs.write.spool_file import SpoolError
from hub.access.visits import HubRequest, Visit, caller_of, for_admins
from hub.ui.confirmation import ChangeRefused, Confirmation, confirm

Change = Callable[[DeadLetter, Caller], None]


@dataclass(frozen=True, slots=True)
class ShownLetter:
    """A dead letter as the page shows it: the entry, None where it cannot be read, and its JSON,
    which was redacted before it was spooled."""

    letter: DeadLetter
    entry: Entry | None
    text: str

    @property
    def spooled_at(self) -> Any:
        return from_ms(int(self.letter.since * 1000))


@require_safe
@for_admins
def dead_letters(request: HubRequest, visit: Visit) -> HttpResponse:
    """Show the newest dead letters of the account in this host's spool."""
    try:
        shown = [_row(letter) for letter in spool().dead_letters(visit.account.id)]
        number = spool().depth(visit.account.id).dead
    except SpoolError as error:
        raise Unavailable(str(error)) from error
    context = {"rows": shown, "number": number, "is_cut": number > MAX_SHOWN}
    return render(request, "hub/account/dead_letters.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def dead_letter_resend(request: HubRequest, visit: Visit, letter: str) -> HttpResponse:
    """Put a dead letter back into the queue after confirmation."""
    found = _find(visit, letter)
    confirmation = Confirmation(
        question="Send this entry again?",
        consequences=(
            f"The log rejected it: {found.reason}",
            "The worker tries to store it. If the cause is still there, it comes back here.",
            "That you sent it again is recorded in the log.",
        ),
        button="Send again",
        cancel_url=reverse("dead_letters"),
        refusal=letters.refusal(found),
        is_dangerous=False,
    )
    change = partial(_change, letters.resend, found, request)
    return _confirmed(request, confirmation, change, "The entry waits to be stored again.")


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def dead_letter_drop(request: HubRequest, visit: Visit, letter: str) -> HttpResponse:
    """Delete a dead letter after confirmation."""
    found = _find(visit, letter)
    confirmation = Confirmation(
        question="Drop this entry?",
        consequences=(
            f"The log rejected it: {found.reason}",
            "It is deleted for good. The log never had it, so no list will show it.",
            "What it was, and that you dropped it, is recorded in the log, with its SHA-256.",
        ),
        button="Drop entry",
        cancel_url=reverse("dead_letters"),
    )
    change = partial(_change, letters.drop, found, request)
    return _confirmed(request, confirmation, change, "The entry was dropped.")


def _confirmed(
    request: HubRequest, confirmation: Confirmation, change: Callable[[], None], done: str
) -> HttpResponse:
    """Ask for confirmation, or make the change and lead back to the list."""
    page = confirm(request, confirmation, change)
    if page is None:
        messages.success(request, done)
    return page or redirect("dead_letters")


def _find(visit: Visit, id: str) -> DeadLetter:
    """Return a dead letter of the account. Raises Http404 for any other."""
    try:
        letter = spool().dead_letter(id, visit.account.id)
    except SpoolError as error:
        raise Unavailable(str(error)) from error
    if letter is None:
        raise Http404
    return letter


def _change(change: Change, letter: DeadLetter, request: HubRequest) -> None:
    try:
        change(letter, caller_of(request))
    except (LetterRefused, SpoolError) as refusal:
        raise ChangeRefused(str(refusal)) from refusal


def _row(letter: DeadLetter) -> ShownLetter:
    try:
        text = msgspec.json.format(letter.body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = letter.body.decode(errors="replace")
    return ShownLetter(letter, letter.entry, text)
