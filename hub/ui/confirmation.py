"""Confirmation pages: a change that cannot simply be undone is confirmed on a page of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.http import HttpResponse
from django.shortcuts import render

from hub.access.visits import HubRequest


class ChangeRefused(Exception):
    """A change is not possible: the reason in a sentence, and the form field to show it at."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a confirmation page says, and the URL of its Cancel link.

    With a `refusal`, the page shows that sentence instead of the button. `hidden_field` is a name
    and value that the form sends along.
    """

    question: str
    consequences: tuple[str, ...]
    button: str
    cancel_url: str
    refusal: str = ""
    is_dangerous: bool = True
    hidden_field: tuple[str, str] | None = None


def confirm(
    request: HubRequest, confirmation: Confirmation, change: Callable[[], None]
) -> HttpResponse | None:
    """Make a change if the request is its confirmation.

    Return the page to show, which asks or says why the change is refused; None after the change.
    """
    if request.method == "POST" and not confirmation.refusal:
        try:
            change()
        except ChangeRefused as refusal:
            confirmation = replace(confirmation, refusal=str(refusal))
        else:
            return None
    return render(request, "hub/ui/confirm.html", {"confirmation": confirmation})
